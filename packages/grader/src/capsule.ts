// The grader's side of a capsule: starts it, ends it, and passes on what it says once that has been checked.

import { type ChildProcess, spawn } from 'node:child_process'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Frame, Thrown } from './harness.ts'
import type { Run } from './lab.ts'
import { type Job, type Order, type Report, reportSchema } from './protocol.ts'

export interface Limits {
  /** Wall clock for loading and for each scenario, in milliseconds. */
  readonly milliseconds: number
  /** JavaScript heap of a capsule, in MiB. */
  readonly heapMiB: number
}
export const DEFAULT_LIMITS: Limits = { milliseconds: 10_000, heapMiB: 512 }

/** How a capsule ended before it had said all it should. */
export type Ending =
  | { readonly reason: 'time'; readonly milliseconds: number }
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

/** After so many capsules that had to be ended, the scenarios that are left are not tried. */
const CAPSULES = 2

/** Play all scenarios of `job`. A capsule that has to be ended costs its scenario; the next ones get a fresh one. */
export async function playAll(job: Job, limits: Limits): Promise<Played> {
  const runs = new Map<string, Run>()
  const broken = new Map<string, { threw: Thrown } | { ended: Ending } | { skipped: true }>()
  let left = job.scenarios
  for (let capsules = 0; left.length > 0; capsules++) {
    if (capsules === CAPSULES) {
      for (const { id } of left) broken.set(id, { skipped: true })
      break
    }
    const outcome = await playSome({ ...job, scenarios: left }, limits, runs, broken)
    if (outcome) return { load: outcome, runs, broken }
    left = left.filter(({ id }) => !runs.has(id) && !broken.has(id))
  }
  return { load: undefined, runs, broken }
}

/** One capsule. @returns what was wrong with loading, if anything */
function playSome(
  job: Job,
  limits: Limits,
  runs: Map<string, Run>,
  broken: Map<string, { threw: Thrown } | { ended: Ending } | { skipped: true }>,
): Promise<Played['load']> {
  return new Promise((resolve, reject) => {
    let current: string | undefined
    let load: Played['load']
    const capsule = new Capsule(job, limits, {
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
  readonly #listener: Listener
  readonly #parse: (message: unknown) => { success: true; data: Report } | { success: false; error: Error }
  #clock: NodeJS.Timeout | undefined
  #ending: Ending | undefined
  #wanted = false
  #ready = false
  #gone = false
  #stderr = ''

  constructor(job: Job, limits: Limits, listener: Listener) {
    const schema = reportSchema(job)
    this.#parse = (message) => schema.safeParse(message)
    this.#limits = limits
    this.#listener = listener
    const { main, ...told } = job
    this.#child = start(main, limits)
    this.#child.on('message', (message) => this.#hear(message))
    this.#child.on('error', (error) => this.kill({ reason: 'died', told: error.message }))
    this.#child.on('close', (code, signal) => this.#closed(code, signal))
    this.#child.stderr?.on('data', (text) => {
      if (this.#stderr.length < 0x4000) this.#stderr += text
    })
    this.#child.send(told)
    this.#clock = setTimeout(
      () => this.kill({ reason: 'unready', told: `nothing heard in ${START_MS} ms` }),
      START_MS,
    )
  }
  order(order: Order): void {
    if (this.#child.connected) this.#child.send(order)
    if (order.do === 'run' || order.do === 'image') this.wind()
  }
  /** Start the clock: the next report must come in time. */
  wind(): void {
    clearTimeout(this.#clock)
    const { milliseconds } = this.#limits
    this.#clock = setTimeout(() => this.kill({ reason: 'time', milliseconds }), milliseconds)
  }
  /** Stop the clock: nothing is asked of the capsule. */
  rest(): void {
    clearTimeout(this.#clock)
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
   * The clock runs until the process is gone: a child whose channel is closed does not always keep Node from ending
   * before it has heard of the child's end.
   */
  #killed(): void {
    this.rest()
    this.#child.kill('SIGKILL')
    this.#clock = setTimeout(() => this.#closed(null, 'SIGKILL'), END_MS)
  }

  #hear(message: unknown): void {
    if (this.#ending || this.#wanted) return
    const parsed = this.#parse(message)
    if (!parsed.success) return this.kill({ reason: 'nonsense', told: parsed.error.message.slice(0, 500) })
    this.wind()
    this.#ready = true
    if (parsed.data.kind !== 'ready') this.#listener.report(parsed.data)
  }
  #closed(code: number | null, signal: string | null): void {
    this.rest()
    if (this.#gone) return
    this.#gone = true
    if (this.#wanted) return this.#listener.ended(undefined)
    const { heapMiB } = this.#limits
    const memory = this.#stderr.includes('heap out of memory')
    const told = `${signal ?? `exit code ${code}`}${this.#stderr && `: ${this.#stderr.trim().slice(0, 2000)}`}`
    if (this.#ending?.reason !== 'time' && !this.#ready)
      return this.#listener.ended({ reason: 'unready', told })
    this.#listener.ended(this.#ending ?? (memory ? { reason: 'memory', heapMiB } : { reason: 'died', told }))
  }
}

/** The process gets its code in the command line: to find and strip a file of TypeScript takes as long as to start. */
function start(main: string, { heapMiB, milliseconds }: Limits): ChildProcess {
  const { SystemRoot } = process.env // Windows needs it
  const flags = [
    `--max-old-space-size=${heapMiB}`,
    '--stack-size=900',
    '--no-warnings',
    '--permission',
    '--allow-fs-read=*',
  ]
  return spawn(process.execPath, [...flags, '--eval', main, String(Math.ceil(milliseconds) + 2000)], {
    cwd: dirname(fileURLToPath(import.meta.url)),
    env: SystemRoot === undefined ? {} : { SystemRoot },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
}

export type { Frame }
