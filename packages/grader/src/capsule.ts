// The grader's side of a capsule: starts it, ends it, and passes on what it says once that has been checked.

import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants } from 'node:os'
import { deserialize, serialize } from 'node:v8'
import type { z } from 'zod'
import { Clock, cpuTime, FAR, innermost } from './clock.ts'
import { FrameReader, FrameWriter, KEY_BYTES } from './frames.ts'
import type { Frame, Thrown } from './harness.ts'
import { layersOf, type Sandbox } from './isolation.ts'
import type { Run } from './lab.ts'
import { type Launch, launch } from './launch.ts'
import { type Job, type Order, type Report, reportSchema } from './protocol.ts'

export interface Limits {
  /**
   * CPU time between two signs of life, in milliseconds: for loading, and for each 200,000 of a machine's instructions. These
   * take hundredths of a second; up to two seconds where each is met for the first time. See Clock for hosts that do not tell it.
   */
  readonly milliseconds: number
  /** JavaScript heap of a capsule, in MiB. */
  readonly heapMiB: number
  /** All that a capsule may take, heap, machine and typed arrays, in MiB. Holds only at the level `limits` and above. */
  readonly memoryMiB: number
}
/** More than the labs' kernels need: 0.1 s, 60 MiB and 200 MiB. */
export const DEFAULT_LIMITS: Limits = { milliseconds: 3000, heapMiB: 192, memoryMiB: 320 }

/** How a capsule ended before it had said all it should. */
export type Ending =
  /** `all`: of all scenarios together. */
  | { readonly reason: 'time'; readonly milliseconds: number; readonly all?: true }
  | { readonly reason: 'memory'; readonly heapMiB: number }
  | { readonly reason: 'died'; readonly told: string }
  | { readonly reason: 'nonsense'; readonly told: string }
  /** Before any of the student's code ran: our error, not the student's. */
  | { readonly reason: 'unready'; readonly told: string }

/** What came of a submission. `load` is undefined if the script loaded. */
export interface Played {
  readonly load:
    | { readonly threw: Thrown }
    | { readonly missing: readonly string[] }
    | { readonly ended: Ending }
    | undefined
  readonly runs: ReadonlyMap<string, Run>
  /** Scenarios that have no run. */
  readonly broken: ReadonlyMap<
    string,
    { readonly threw: Thrown } | { readonly ended: Ending } | { readonly skipped: true }
  >
}

/** So many times as much is for all that a capsule plays: six times what the labs' kernels take. */
const ALL = 4
/** After so many capsules that had to be ended, the scenarios that are left are not tried. */
const CAPSULES = 2

type MapOf<T> = T extends ReadonlyMap<infer Key, infer Value> ? Map<Key, Value> : never
interface Outcomes {
  readonly runs: MapOf<Played['runs']>
  readonly broken: MapOf<Played['broken']>
}
/** Play all scenarios of `job`. A capsule that has to be ended costs its scenario; the next ones get a fresh one. */
export async function playAll(job: Job, limits: Limits, sandbox: Sandbox): Promise<Played> {
  const { runs, broken }: Outcomes = { runs: new Map(), broken: new Map() }
  let left = job.scenarios
  for (let capsules = 0; capsules < CAPSULES && left.length > 0; capsules++) {
    const outcome = await playSome({ ...job, scenarios: left }, limits, sandbox, { runs, broken })
    if (outcome) return { load: outcome, runs, broken }
    left = left.filter(({ id }) => !runs.has(id) && !broken.has(id))
    if ([...broken.values()].some(isOver)) break
  }
  for (const { id } of left) broken.set(id, { skipped: true })
  return { load: undefined, runs, broken }
}

/** Has it had the time of all scenarios? */
const isOver = (one: MapOf<Played['broken']> extends Map<string, infer T> ? T : never): boolean =>
  'ended' in one && one.ended.reason === 'time' && one.ended.all === true

/** One capsule. @returns what was wrong with loading, if anything */
function playSome(
  job: Job,
  limits: Limits,
  sandbox: Sandbox,
  { runs, broken }: Outcomes,
): Promise<Played['load']> {
  return new Promise((resolve, reject) => {
    let current: string | undefined
    let load: Played['load']
    const capsule = new Capsule(job, limits, sandbox, {
      report(report) {
        if (report.kind === 'threw') load = { threw: report.thrown }
        else if (report.kind === 'missing') load = { missing: report.names }
        else if (report.kind === 'begin') current = report.scenario
        else if (report.kind === 'broke') broken.set(report.scenario, { threw: report.thrown })
        else if (report.kind === 'run') runs.set(report.run.scenario, report.run)
        if (report.kind === 'done') capsule.end()
      },
      ended(ending) {
        if (ending?.reason === 'unready')
          return reject(new Error(`the capsule did not start: ${ending.told}`))
        if (ending && current === undefined) load ??= { ended: ending }
        else if (ending && !runs.has(current!)) broken.set(current!, { ended: ending })
        resolve(load)
      },
    })
  })
}

interface Listener {
  report(report: Report): void
  /** The process is gone. @param ending  why, if nobody had said `end` */
  ended(ending: Ending | undefined): void
}

/** What a process may take to stand, on a busy host. No student's time. */
const START_MS = 60_000

/** After so long nobody waits for the end of a process that was killed. */
const END_MS = 10_000

/** One process. From the moment it is ready, the clock runs from each report to the next. */
export class Capsule {
  readonly #child: ChildProcess
  readonly #limits: Limits
  readonly #sandbox: Sandbox
  readonly #listener: Listener
  readonly #schema: z.ZodType<Report>
  readonly #orders = new FrameWriter()
  readonly #reports: FrameReader
  /** The student's. */
  readonly #clock: Clock
  /** CPU time for everything, in milliseconds. */
  readonly #all: number
  /** For the process to stand, and to go. */
  #patience: NodeJS.Timeout | undefined
  /** Of the process that runs the student's code, behind its wrappers. */
  #pid: number | undefined
  #ending: Ending | undefined
  #wanted = false
  #ready = false
  #gone = false
  #stderr = ''

  constructor(job: Job, limits: Limits, sandbox: Sandbox, listener: Listener) {
    this.#schema = reportSchema(job)
    this.#limits = limits
    this.#sandbox = sandbox
    this.#listener = listener
    this.#all = job.watch ? Number.POSITIVE_INFINITY : limits.milliseconds * ALL
    this.#clock = new Clock(
      () => this.#cpuTime(),
      () => this.kill(this.#late()),
    )
    const { main, ...told } = job
    const key = randomBytes(KEY_BYTES)
    this.#reports = new FrameReader(longestReport(limits), key)
    this.#child = launch({ main, ...launchOf(job, limits, sandbox) })
    this.#child.stdout?.on('data', (chunk) => this.#hear(chunk))
    this.#child.on('error', (error) => this.kill({ reason: 'died', told: error.message }))
    this.#child.on('close', (code, signal) => this.#closed(code, signal))
    this.#child.stderr?.on('data', (text) => {
      if (this.#stderr.length < 0x4000) this.#stderr += text
    })
    this.#child.stdin?.on('error', () => {}) // that it has gone is told by its end
    this.#write(key)
    this.#write(serialize(told))
    this.#patience = setTimeout(
      () => this.kill({ reason: 'unready', told: `nothing heard in ${START_MS} ms` }),
      START_MS,
    )
  }
  order(order: Order): void {
    this.#write(serialize(order))
    if (order.do === 'run' || order.do === 'image') this.wind()
  }
  /** Start the clock: the next report must come in time. */
  wind(): void {
    this.#clock.wind(Math.max(1, Math.min(this.#limits.milliseconds, this.#left())))
  }
  /** Of the time that all of it may take; all of it where that cannot be told. */
  #left(): number {
    return this.#all - (this.#cpuTime() ?? 0)
  }
  #late(): Ending {
    const { milliseconds } = this.#limits
    return this.#left() > 0
      ? { reason: 'time', milliseconds }
      : { reason: 'time', milliseconds: this.#all, all: true }
  }
  /** Stop the clock: nothing is asked of the capsule. */
  rest(): void {
    this.#clock.rest()
  }
  /** It is not needed any more. */
  end(): void {
    this.#wanted = true
    this.#killed()
  }
  kill(ending: Ending): void {
    if (this.#wanted) return
    this.#ending ??= ending
    this.#killed()
  }
  /**
   * A timer runs until the process is gone: a child whose channel is closed does not always keep Node from ending before
   * it has heard of the child's end.
   */
  #killed(): void {
    this.rest()
    clearTimeout(this.#patience)
    killInside(this.#child.pid)
    this.#child.kill('SIGKILL')
    this.#patience = setTimeout(() => this.#closed(null, 'SIGKILL'), END_MS)
  }
  #cpuTime(): number | undefined {
    const { pid = 0 } = this.#child
    this.#pid ??= this.#sandbox.level === 'bwrap' ? innermost(pid) : pid
    return this.#pid === undefined ? undefined : cpuTime(this.#pid)
  }

  #write(body: Uint8Array): void {
    this.#child.stdin?.write(this.#orders.head(body))
    this.#child.stdin?.write(body)
  }
  #hear(chunk: Uint8Array): void {
    for (const message of this.#messages(chunk)) {
      if (this.#ending || this.#wanted) return
      this.#told(message)
    }
  }
  /** Nothing is looked at before it is known to come from the capsule's own code. */
  *#messages(chunk: Uint8Array): Generator<unknown> {
    try {
      for (const body of this.#reports.push(chunk)) yield deserialize(body)
    } catch (error) {
      this.kill({ reason: 'nonsense', told: (error as Error).message.slice(0, 200) })
    }
  }
  #told(message: unknown): void {
    const parsed = this.#schema.safeParse(message)
    if (!parsed.success) return this.kill({ reason: 'nonsense', told: wrongWords(parsed.error) })
    clearTimeout(this.#patience)
    this.wind()
    this.#ready = true
    if (parsed.data.kind !== 'ready') this.#listener.report(parsed.data)
  }
  #closed(code: number | null, signal: string | null): void {
    this.rest()
    clearTimeout(this.#patience)
    if (this.#gone) return
    this.#gone = true
    if (this.#wanted) return this.#listener.ended(undefined)
    const told = signal ?? codeWords(code)
    if (this.#ending?.reason !== 'time' && !this.#ready) {
      const stderr = this.#stderr.trim().slice(0, 2000)
      return this.#listener.ended({ reason: 'unready', told: stderr ? `${told}: ${stderr}` : told })
    }
    this.#listener.ended(this.#ending ?? this.#death(told))
  }
  /** Why it died by itself, the same on every host: no address, number of a process or amount of the heap is in it. */
  #death(told: string): Ending {
    if (NO_MEMORY.test(this.#stderr)) return { reason: 'memory', heapMiB: this.#limits.heapMiB }
    const [thrown] = OUR_ERROR.exec(this.#stderr) ?? []
    return { reason: 'died', told: thrown ? `${told}: ${thrown.slice(0, 200)}` : told }
  }
}

/** bwrap that has only just started its child has not told Linux yet that the two die together. */
function killInside(pid: number | undefined): void {
  const inner = pid === undefined ? undefined : innermost(pid)
  if (inner === undefined) return
  try {
    process.kill(inner, 'SIGKILL')
  } catch {
    // it has ended meanwhile
  }
}

/** The first thing that is wrong with a message, in few words: 'run.output.console: Too big'. */
function wrongWords({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.')}: ${issue?.message}`.slice(0, 200)
}
/** What V8 and the C++ library say when they get no memory. */
const NO_MEMORY = /out of memory|bad_alloc/i
/** An error that capsule-main has not caught, as Node prints it. */
const OUR_ERROR = /^\w*Error\b.*$/m
/** What wraps the process ends with 128 and the number of the signal that the process died of. */
function codeWords(code: number | null): string {
  const [signal] = Object.entries(constants.signals).find(([, number]) => number + 128 === code) ?? []
  return signal ?? `exit code ${code}`
}

/** A report is made in the capsule's memory, beside what it tells of, which takes as much. In bytes. */
const longestReport = ({ memoryMiB }: Limits): number => (memoryMiB * 2 ** 20) / 2

/** What a second thread takes, used or only reserved, with the heap of the realm in it; measured: 80 to 95. */
const THREAD_MIB = 112

/** The CPU time is for the process whose clock does not end it: twice what it may have, and 10 s to start. */
function launchOf(
  { watch, strict }: Job,
  { milliseconds, heapMiB, memoryMiB }: Limits,
  { level, idle }: Sandbox,
): Omit<Launch, 'main'> {
  const cpu = 10 + (2 * ALL * milliseconds) / 1000
  return {
    layers: layersOf(level),
    brief: !watch,
    clock: FAR * milliseconds + 2000,
    memory: { heap: heapMiB, data: idle + memoryMiB + (strict ? THREAD_MIB : 0) },
    ...(!watch && { cpu }),
    pipes: true,
    threads: strict,
  }
}

export type { Frame }
