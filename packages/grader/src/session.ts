// A submission's machine outside grading: played once for a look, or watched live. The same capsule, the same checks of
// what comes out of it.

import type { EventKind, MachineImage } from '@pagewalk/machine'
import { type Bundle, bundle } from './bundle.ts'
import { Capsule, DEFAULT_LIMITS, type Limits, type Played, playAll } from './capsule.ts'
import { namedDetails, stackDetails } from './details.ts'
import type { Frame, Thrown } from './harness.ts'
import { strongest } from './isolation.ts'
import type { Action, Run, Scenario } from './lab.ts'
import type { Submission } from './load.ts'
import { type CommonJob, jobFor, type Report } from './protocol.ts'
import { capsuleScripts } from './scripts.ts'
import { endingWords, findingsOf, located, placeOf } from './verdict.ts'

/** The student's file is what is wrong; the message is a sentence for the student. */
export class SubmissionError extends Error {
  /** The places with their source, and the student's part of the stack: a line each. */
  readonly details: readonly string[]
  constructor(message: string, details: readonly string[] = []) {
    super(message)
    this.details = details
  }
}

/** What to boot. */
export interface Boot {
  readonly submission: Submission
  /** For the lab's `boot`. */
  readonly config: unknown
}

interface Ready {
  readonly job: CommonJob
  readonly made: Bundle
  readonly files: Submission['files']
}
async function ready({ submission: { lab, files, trouble } }: Boot): Promise<Ready> {
  if (trouble) throw refused(trouble, files)
  const [scripts, bundled] = await Promise.all([capsuleScripts(), bundle(files, lab.bundle)])
  if (!bundled.ok) throw refused(bundled.trouble, files)
  return { job: jobFor(lab, scripts, bundled.bundle), made: bundled.bundle, files }
}
const refused = (
  { expected, observed }: { expected: string; observed: string },
  files: Submission['files'],
): SubmissionError =>
  new SubmissionError(`expected that ${expected}; got ${observed}`, namedDetails(observed, files))

/** What is known of the student's calls that the machine stopped in: a line each, the source of the topmost one first. */
interface Detailed {
  readonly details: readonly string[]
}
/** What stopped the machine, told with its place in the student's file, and in detail. */
function placed<T extends { readonly stop: Run['stop']; readonly stack: string }>(
  told: T,
  { made, files }: Ready,
): T & Detailed {
  const { stop, stack } = told
  if (stop.reason !== 'error')
    return { ...located(told, made), details: stack === '' ? [] : stackDetails(stack, made, files) }
  const details = stackDetails(stop.stack, made, files)
  return { ...told, stop: { ...stop, message: sentence(stop, made) }, details }
}
const sentence = (thrown: Thrown, made: Bundle): string => {
  const place = placeOf(thrown.stack, made)
  return `${place && `${place}: `}${thrown.message}`
}

export type PlayedRun = Run & Detailed
/**
 * Boot, follow `plan`, and hand back what came out: also if the kernel threw or hung, for its state remains.
 * @param log  kinds of events to keep
 * @throws SubmissionError if nothing can be shown
 */
export async function playOnce(
  boot: Boot,
  plan: readonly Action[],
  log: readonly EventKind[] = [],
): Promise<PlayedRun> {
  const made = await ready(boot)
  const scenarios = [{ id: 'run', boot: boot.config, plan, machine: { log } }]
  const played = await playAll({ ...made.job, scenarios }, DEFAULT_LIMITS, await strongest())
  const run = played.runs.get('run')
  if (run) return placed(run, made)
  throw brokenOff(played, scenarios, made)
}
function brokenOff(played: Played, scenarios: readonly Scenario[], { made, files }: Ready): Error {
  const { loads, stops } = findingsOf(scenarios, played, made)
  const finding = loads.verdict === 'fail' ? loads : stops
  if (finding.verdict !== 'fail') return new Error('a scenario without a run must have a finding')
  const broken = played.load ?? played.broken.get('run')
  if (!broken || !('threw' in broken)) return refused(finding, files)
  const details = stackDetails(broken.threw.stack, made, files)
  return new SubmissionError(sentence(broken.threw, made), details)
}

/** What a session hands on of a frame. */
export type WatchedFrame = Frame & Detailed
/** A machine that somebody watches. One order that has an answer at a time. */
export interface Session {
  /** @throws SubmissionError if the capsule had to be ended */
  run(instructions: number, until?: 'trap'): Promise<WatchedFrame>
  /** All of the machine's state. @throws SubmissionError as `run` */
  image(): Promise<MachineImage>
  key(key: string): void
  /** Write a 32-bit word at a physical address. */
  poke(address: number, value: number): void
  close(): void
}

/**
 * @param signal  closes it, also while it boots
 * @throws SubmissionError if it does not load or boot, or is closed meanwhile
 */
export async function openSession(
  boot: Boot,
  limits: Limits = DEFAULT_LIMITS,
  signal?: AbortSignal,
): Promise<Session> {
  const made = await ready(boot)
  let waiting: PromiseWithResolvers<Report> | undefined
  let over: Error | undefined
  const fails = (error: Error): void => {
    over ??= error
    waiting?.reject(over)
  }
  const watch = { boot: boot.config }
  const capsule: Capsule = new Capsule({ ...made.job, scenarios: [], watch }, limits, await strongest(), {
    report(report) {
      capsule.rest()
      const trouble = troubleIn(report, made)
      if (trouble) fails(trouble)
      else if (report.kind === 'loaded') capsule.wind()
      else waiting?.resolve(report)
    },
    ended(ending) {
      if (ending?.reason === 'unready') over = new Error(`the capsule did not start: ${ending.told}`)
      fails(new SubmissionError(ending ? endingWords(ending) : 'the machine was closed'))
    },
  })
  signal?.addEventListener('abort', () => capsule.end())
  const answer = async <K extends Report['kind']>(kind: K): Promise<Extract<Report, { kind: K }>> => {
    waiting = Promise.withResolvers()
    if (over) waiting.reject(over)
    const report = await waiting.promise
    if (report.kind === kind) return report as Extract<Report, { kind: K }>
    const told = `${report.kind} instead of ${kind}`
    throw new SubmissionError(endingWords({ reason: 'nonsense', told }))
  }
  if (signal?.aborted) capsule.end()
  await answer('booted')
  return {
    async run(instructions, until) {
      const frame = answer('frame')
      capsule.order({ do: 'run', instructions, ...(until && { until }) })
      return placed((await frame).frame, made)
    },
    async image() {
      const image = answer('image')
      capsule.order({ do: 'image' })
      return (await image).image
    },
    key: (key) => capsule.order({ do: 'key', key }),
    poke: (address, value) => capsule.order({ do: 'poke', address, value }),
    close: () => capsule.end(),
  }
}
/** Why the machine will never boot, if this says so. */
function troubleIn(report: Report, { made, files }: Ready): SubmissionError | undefined {
  if (report.kind === 'missing')
    return new SubmissionError(`expected an exported ${report.names.join(', ')}; got none`)
  if (report.kind !== 'threw' && report.kind !== 'broke') return undefined
  const { thrown } = report
  return new SubmissionError(sentence(thrown, made), stackDetails(thrown.stack, made, files))
}
