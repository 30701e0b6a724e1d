// A grade, from a found submission to a result. One submission never stops another.

import { bundle } from './bundle.ts'
import { DEFAULT_LIMITS, type Limits, type Played, playAll } from './capsule.ts'
import { evidenceOf } from './evidence.ts'
import { collectGarbage } from './garbage.ts'
import { type Sandbox, strongest } from './isolation.ts'
import type { Evidence, Lab, Run, Scenario } from './lab.ts'
import type { Submission } from './load.ts'
import { type Picture, type Pictures, picturesOf } from './pictures.ts'
import { jobFor } from './protocol.ts'
import { type Readings, withReading } from './readers.ts'
import { stopWords } from './report.ts'
import type { Result, Verdict } from './result.ts'
import { machineOf, rubricHolds, score } from './score.ts'
import { capsuleScripts } from './scripts.ts'
import { BUILT_IN, type Findings, findingsOf, type Judgement, judge, unusable } from './verdict.ts'

export interface Grade {
  readonly result: Result
  /** For people: what stopped a scenario other than the end of its time. */
  readonly endings: readonly { readonly scenario: string; readonly words: string }[]
  /** Id of a check that is blocked -> the root cause. Checks that only await a reader are not among them. */
  readonly blocked: ReadonlyMap<string, string>
  /** Id of a check that failed -> where the machine shows it, if the check says so and pictures were asked for. */
  readonly pictures: ReadonlyMap<string, Picture>
  /** The last state of the first scenario that was played, if pictures were asked for. */
  readonly last?: Picture
  /** Files of the library that the student has changed, in vain. */
  readonly changedLibrary: readonly string[]
  /** Stacks of our own errors. */
  readonly errors: readonly string[]
  /** What came of the scenarios, if it was asked for and the submission could be played. */
  readonly played?: Played
  /** For whoever gives the points that are left to a person, in Markdown, if the lab makes one and it was asked for. */
  readonly sheet?: string
}
export interface GradeOptions {
  readonly limits?: Limits
  /** Default: the strongest that this host has. */
  readonly sandbox?: Sandbox
  /** Points that people have given; see `unknownNames`. */
  readonly readings?: Readings
  /** Make sheets? */
  readonly sheets?: boolean
  /** Make pictures? They take time, and much more room than the rest of a grade. */
  readonly pictures?: boolean
  /** For what the scenarios leave to it; default: PUBLIC_SEED. */
  readonly seed?: number
  /** What came of the same files' scenarios before: they are not played again. */
  readonly known?: Played
  /** Hand over what was played? */
  readonly keepPlayed?: boolean
}

/** Whoever grades without a seed of their own grades with this one. */
export const PUBLIC_SEED = 1

/** Ids of the checks with this verdict, in the rubric's order. */
export function withVerdict({ result }: Grade, verdict: Verdict): string[] {
  return result.steps.flatMap((step) =>
    step.checks.filter((check) => check.verdict === verdict).map(({ id }) => id),
  )
}

export async function grade(
  submission: Submission,
  {
    limits = DEFAULT_LIMITS,
    sandbox,
    readings,
    sheets = false,
    pictures = false,
    seed = PUBLIC_SEED,
    known,
    keepPlayed = false,
  }: GradeOptions = {},
): Promise<Grade> {
  const began = performance.now()
  collectGarbage() // of the grades before
  const { lab } = submission
  const box = sandbox ?? (await strongest())
  let findings: Investigated = unusable({ expected: '', observed: '', hint: '' })
  let judged: Map<string, Judgement>
  let told: Sheet = {}
  let drawn: Pictures = { pictures: new Map(), errors: [] }
  try {
    rubricHolds(lab)
    const scenarios = lab.scenarios(seed)
    findings = await investigate(submission, scenarios, { limits, sandbox: box, known })
    const evidence = evidenceOf(lab, scenarios, findings.runs, submission.files)
    judged = withReading(lab, judge(lab, findings, evidence), readings?.get(submission.name))
    if (sheets) told = sheetOf(lab, evidence, submission.name)
    if (pictures) drawn = picturesOf(evidence, judged, [...findings.runs.keys()])
  } catch (thrown) {
    judged = allOurs(submission, thrown)
  }
  const { runs } = findings
  const stacks = [...judged.values()].flatMap((one) => (one.verdict === 'error' ? [one.stack] : []))
  return {
    result: {
      ...score(submission, judged, seed, machineOf(runs)),
      isolation: { level: box.level, strict: box.strict ?? false },
      durationMs: Math.round(performance.now() - began),
    },
    endings: [...runs.values()].filter((run) => !lab.ended?.(run)).flatMap(ending),
    blocked: new Map(
      [...judged].flatMap(([id, one]) =>
        one.verdict === 'blocked' && one.why !== undefined ? [[id, one.why] as const] : [],
      ),
    ),
    pictures: drawn.pictures,
    ...(drawn.last && { last: drawn.last }),
    changedLibrary: submission.changedLibrary,
    errors: [...new Set([...stacks, ...(told.error ?? []), ...drawn.errors])],
    ...(keepPlayed && findings.played && { played: findings.played }),
    ...(told.sheet !== undefined && { sheet: told.sheet }),
  }
}
interface Sheet {
  readonly sheet?: string
  readonly error?: readonly string[]
}
/** A lab that cannot make its sheet costs nobody the grade. */
function sheetOf({ sheet }: Lab, evidence: Evidence, name: string): Sheet {
  try {
    return sheet ? { sheet: sheet(evidence, name) } : {}
  } catch (thrown) {
    return { error: [thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)] }
  }
}
interface Playing {
  readonly limits: Limits
  readonly sandbox: Sandbox
  readonly known: Played | undefined
}
interface Investigated extends Findings {
  readonly played?: Played
}
async function investigate(
  { lab, files, trouble }: Submission,
  scenarios: readonly Scenario[],
  { limits, sandbox, known }: Playing,
): Promise<Investigated> {
  if (trouble) return unusable(trouble)
  const [scripts, bundled] = await Promise.all([capsuleScripts(), bundle(files, lab.bundle)])
  if (!bundled.ok) return unusable(bundled.trouble)
  const left = known?.load ? [] : scenarios.filter(({ id }) => !known?.runs.has(id) && !known?.broken.has(id))
  const job = { ...jobFor(lab, scripts, bundled.bundle, sandbox.strict), scenarios: left }
  const played = known && left.length === 0 ? known : joined(known, await playAll(job, limits, sandbox))
  return { ...findingsOf(scenarios, played, bundled.bundle), played }
}
const joined = (known: Played | undefined, { load, runs, broken }: Played): Played => ({
  load,
  runs: new Map([...(known?.runs ?? []), ...runs]),
  broken: new Map([...(known?.broken ?? []), ...broken]),
})
function allOurs({ lab }: Submission, thrown: unknown): Map<string, Judgement> {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const judgement: Judgement = {
    verdict: 'error',
    observed: `the grader's own error: ${error.message}`,
    stack: error.stack ?? '',
  }
  return new Map([...BUILT_IN.keys(), ...lab.checks.map(({ id }) => id)].map((id) => [id, judgement]))
}
/** Ends that are no fault as such; of the others `stops` tells. */
function ending({ scenario, stop }: Run): { scenario: string; words: string }[] {
  const words = stopWords(stop)
  return words && ['reset', 'panic', 'halt', 'stall'].includes(stop.reason) ? [{ scenario, words }] : []
}

/**
 * Grade many, at most `jobs` at a time.
 * @param done  called as each comes out, in any order
 * @returns in the order of `submissions`
 */
export async function gradeAll(
  submissions: readonly Submission[],
  {
    jobs,
    done,
    ...options
  }: GradeOptions & { jobs: number; done?: (grade: Grade, finished: number) => void },
): Promise<Grade[]> {
  const grades: Grade[] = []
  let next = 0
  let finished = 0
  const worker = async (): Promise<void> => {
    while (next < submissions.length) {
      const at = next++
      const one = await grade(submissions[at]!, options)
      grades[at] = one
      done?.(one, ++finished)
    }
  }
  await Promise.all(Array.from({ length: Math.max(1, Math.min(jobs, submissions.length)) }, worker))
  return grades
}
