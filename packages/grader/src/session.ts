// A submission's machine outside grading: played once for a look, or watched live. The same capsule, the same checks of
// what comes out of it.

import { type Bundle, bundle } from './bundle.ts'
import { Capsule, DEFAULT_LIMITS, harnessScript, type Limits, playAll } from './capsule.ts'
import type { Frame } from './harness.ts'
import type { Action, Run } from './lab.ts'
import type { Submission } from './load.ts'
import type { Job } from './protocol.ts'
import { endingWords, findingsOf, located, placeOf } from './verdict.ts'

/** The student's file is what is wrong; the message is a sentence for the student. */
export class SubmissionError extends Error {}

/** What to boot. */
export interface Boot {
  readonly submission: Submission
  /** For the lab's `boot`. */
  readonly config: unknown
}

type Common = Omit<Job, 'scenarios' | 'watch'>
async function ready({ submission }: Boot): Promise<{ job: Common; bundle: Bundle }> {
  const { lab, files, trouble } = submission
  if (trouble) throw refused(trouble)
  const [harness, bundled] = await Promise.all([harnessScript(), bundle(files, lab.bundle)])
  if (!bundled.ok) throw refused(bundled.trouble)
  const { code } = bundled.bundle
  return { job: { harness, code, exports: lab.bundle.exports, machine: lab.machine }, bundle: bundled.bundle }
}
const refused = ({ expected, observed }: { expected: string; observed: string }): SubmissionError =>
  new SubmissionError(`expected that ${expected}; got ${observed}`)

/** A JavaScript exception told with its place in the student's file. */
function placed<T extends { readonly stop: Run['stop']; readonly stack: string }>(told: T, made: Bundle): T {
  const { stop } = told
  if (stop.reason !== 'error') return located(told, made)
  return { ...told, stop: { ...stop, message: sentence(stop, made) } }
}
const sentence = (thrown: { message: string; stack: string }, made: Bundle): string => {
  const place = placeOf(thrown.stack, made)
  return `${place && `${place}: `}${thrown.message}`
}

/**
 * Boot, follow `plan`, and hand back what came out: also if the kernel threw or hung, for its state remains.
 * @throws SubmissionError if nothing can be shown
 */
export async function playOnce(
  boot: Boot,
  plan: readonly Action[],
  limits: Limits = DEFAULT_LIMITS,
): Promise<Run> {
  const { job, bundle: made } = await ready(boot)
  const scenarios = [{ id: 'run', boot: boot.config, plan, machine: { log: [] } }]
  const played = await playAll({ ...job, scenarios }, limits)
  const run = played.runs.get('run')
  if (run) return placed(run, made)
  const { loads, stops } = findingsOf(scenarios, played, made)
  for (const finding of [loads, stops]) if (finding.verdict === 'fail') throw refused(finding)
  throw new Error('a scenario without a run must have a finding')
}

/** A machine that somebody watches. One order at a time. */
export interface Session {
  /** @throws SubmissionError if the capsule had to be ended */
  run(instructions: number, until?: 'trap'): Promise<Frame>
  key(key: string): void
  /** Write a 32-bit word at a physical address. */
  poke(address: number, value: number): void
  close(): void
}

/** @throws SubmissionError if it does not load or boot */
export async function openSession(boot: Boot, limits: Limits = DEFAULT_LIMITS): Promise<Session> {
  const { job, bundle: made } = await ready(boot)
  let waiting: PromiseWithResolvers<Frame | undefined> | undefined
  let over: Error | undefined
  const fails = (message: string): void => {
    over ??= new SubmissionError(message)
    waiting?.reject(over)
  }
  const capsule: Capsule = new Capsule({ ...job, scenarios: [], watch: { boot: boot.config } }, limits, {
    report(report) {
      capsule.rest()
      if (report.kind === 'booted') waiting?.resolve(undefined)
      else if (report.kind === 'frame') waiting?.resolve(placed(report.frame, made))
      else if (report.kind === 'missing') fails(`expected an exported ${report.names.join(', ')}; got none`)
      else if (report.kind === 'threw' || report.kind === 'broke') fails(sentence(report.thrown, made))
      else capsule.wind()
    },
    ended(ending) {
      if (ending?.reason === 'unready') over = new Error(`the capsule did not start: ${ending.told}`)
      fails(ending ? endingWords(ending) : 'the machine was closed')
    },
  })
  const wait = (): Promise<Frame | undefined> => {
    waiting = Promise.withResolvers()
    if (over) waiting.reject(over)
    return waiting.promise
  }
  await wait()
  return {
    async run(instructions, until) {
      const frame = wait()
      capsule.order({ do: 'run', instructions, ...(until && { until }) })
      return (await frame)!
    },
    key: (key) => capsule.order({ do: 'key', key }),
    poke: (address, value) => capsule.order({ do: 'poke', address, value }),
    close: () => capsule.end(),
  }
}
