// One grade as data: what is to be graded, and what came of it. Both can be sent to another process or host and kept.

import {
  type Grade,
  type GradeOptions,
  grade,
  type Lab,
  type Played,
  type Result,
  resultSchema,
  type Submission,
} from '@pagewalk/grader'
import { z } from 'zod'

/** A submission to grade, as plain data. */
export interface Job {
  /** See `jobKey`. */
  readonly key: string
  readonly lab: string
  readonly name: string
  readonly sha256: string
  /** Name -> source. */
  readonly files: { readonly [name: string]: string }
  readonly trouble?: { readonly expected: string; readonly observed: string; readonly hint: string }
  readonly seed: number
}
const text = z.string()
export const jobSchema: z.ZodType<Job> = z.strictObject({
  key: text,
  lab: text,
  name: text,
  sha256: text,
  files: z.record(text, text),
  trouble: z.strictObject({ expected: text, observed: text, hint: text }).exactOptional(),
  seed: z.number().int(),
})

/** What a grade tells besides its result; all of it for people. */
export interface Remarks {
  readonly endings: Grade['endings']
  /** Id of a check that is blocked -> the root cause. */
  readonly blocked: readonly (readonly [check: string, why: string])[]
  readonly errors: readonly string[]
}
export const remarksSchema: z.ZodType<Remarks> = z.strictObject({
  endings: z.array(z.strictObject({ scenario: text, words: text })),
  blocked: z.array(z.tuple([text, text])),
  errors: z.array(text),
})

export interface Outcome {
  /** Its `durationMs` is 0: equal submissions have equal results. */
  readonly result: Result
  readonly remarks: Remarks
  /** How long it took, in milliseconds. */
  readonly duration: number
  readonly played?: Played
  /** The same as bytes, if it comes from another host. */
  readonly recording?: Uint8Array
}
export const outcomeSchema: z.ZodType<Omit<Outcome, 'played' | 'recording'>> = z.strictObject({
  result: resultSchema,
  remarks: remarksSchema,
  duration: z.number().nonnegative(),
})

export const jobOf = ({ name, lab, sha256, files, trouble }: Submission, key: string, seed: number): Job => ({
  key,
  lab: lab.id,
  name,
  sha256,
  files: Object.fromEntries(files),
  ...(trouble && { trouble }),
  seed,
})
export const submissionFrom = (
  { name, sha256, files, trouble }: Omit<Job, 'key' | 'lab' | 'seed'>,
  lab: Lab,
): Submission => ({
  name,
  lab,
  sha256,
  files: new Map(Object.entries(files)),
  changedLibrary: [],
  ...(trouble && { trouble }),
})

/** Grades `job` in this process and its capsule. */
export async function execute(job: Job, lab: Lab, options: GradeOptions): Promise<Outcome> {
  const submission = submissionFrom(job, lab)
  return outcomeOf(await grade(submission, { ...options, seed: job.seed, keepPlayed: true }))
}
const outcomeOf = ({ result, endings, blocked, errors, played }: Grade): Outcome => ({
  result: { ...result, durationMs: 0 },
  remarks: { endings, blocked: [...blocked], errors },
  duration: result.durationMs,
  ...(played && { played }),
})

/** Could the grader not judge all of it? Then it is no result that anybody may be given. */
export const isOurs = ({ remarks }: Pick<Outcome, 'remarks'>): boolean => remarks.errors.length > 0
