// What a grade is as JSON: one object for one submission, an array for several.

import { z } from 'zod'
import { LEVELS, type Level } from './levels.ts'

export const RESULT_SCHEMA = 'pagewalk/result/v1'

/**
 * `blocked`: something it needs failed, so nobody can tell: no points, no blame.
 * `error`: the grader's own fault, never counted against the student.
 */
export type Verdict = 'pass' | 'fail' | 'blocked' | 'error'

export interface Result {
  schema: typeof RESULT_SCHEMA
  /** The lab's id. */
  lab: string
  submission: {
    name: string
    /** Of the student's files, names and contents. */
    sha256: string
  }
  rubric: { version: string }
  /** What the scenarios were made with. */
  seed: number
  score: number
  maxScore: number
  /** Points, of extra credit too, that a person has still to give or refuse. */
  pending: number
  extraCredit: number
  maxExtraCredit: number
  steps: ResultStep[]
  machine: {
    /** Over the last states of all scenarios, in order; empty if none ran. */
    stateHash: string
    /** Retired in all scenarios together. */
    instructions: number
  }
  /** What stood between the student's code and the host; `strict`: its kernel had a thread of its own. */
  isolation: { level: Level; strict: boolean }
  /** The one field that differs from run to run. */
  durationMs: number
}
export interface ResultStep {
  id: string
  title: string
  score: number
  maxScore: number
  /** Points that a person has still to give or refuse. */
  pending: number
  /** Counts as extra credit, not in `score`. */
  extra: boolean
  checks: ResultCheck[]
}
export interface ResultCheck {
  id: string
  claim: string
  verdict: Verdict
  points: number
  maxPoints: number
  /** Points that a person has still to give or refuse; absent: none. */
  pending?: number
  expected?: string
  observed?: string
  hint?: string
  /** A person has decided otherwise than the checks: who, why, and what it was before. */
  override?: { by: string; reason: string; points: number; pending: number }
}

const points = z.number().nonnegative()
/** Results of before there were readers have none. */
const pending = points.default(0)
const text = z.string()
export const resultSchema: z.ZodType<Result> = z.strictObject({
  schema: z.literal(RESULT_SCHEMA),
  lab: text,
  submission: z.strictObject({ name: text, sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  rubric: z.strictObject({ version: text }),
  seed: z.number().int().default(1), // results of before there were seeds have none
  score: points,
  maxScore: points,
  pending,
  extraCredit: points,
  maxExtraCredit: points,
  steps: z.array(
    z.strictObject({
      id: text,
      title: text,
      score: points,
      maxScore: points,
      pending,
      extra: z.boolean(),
      checks: z.array(
        z.strictObject({
          id: text,
          claim: text,
          verdict: z.enum(['pass', 'fail', 'blocked', 'error']),
          points,
          maxPoints: points,
          pending: points.exactOptional(),
          expected: text.exactOptional(),
          observed: text.exactOptional(),
          hint: text.exactOptional(),
          override: z.strictObject({ by: text, reason: text, points, pending: points }).exactOptional(),
        }),
      ),
    }),
  ),
  machine: z.strictObject({ stateHash: z.string(), instructions: z.number().int().nonnegative() }),
  // results of before there were levels, or strict mode
  isolation: z
    .strictObject({ level: z.enum(LEVELS), strict: z.boolean().default(false) })
    .default({ level: 'realm', strict: false }),
  durationMs: z.number().nonnegative(),
})
