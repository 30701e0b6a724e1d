// Points that a person gives, because no machine can: the answers to questions. They come in a file, and are asked for
// only where all that the machine can say of the check is in order.

import { readFileSync } from 'node:fs'
import { z } from 'zod'
import type { Lab, Priced } from './lab.ts'
import { type Submission, UsageError } from './load.ts'
import type { Judgement } from './verdict.ts'

/** What a reader has said about one submission. */
export interface Reading {
  /** Check id -> points. */
  readonly points: { readonly [check: string]: number }
  readonly comment?: string
  /** Who has read it. */
  readonly by?: string
}
/** By the submission's name. */
export type Readings = ReadonlyMap<string, Reading>

const readingsSchema: z.ZodType<Record<string, Reading>> = z.record(
  z.string(),
  z.strictObject({
    points: z.record(z.string(), z.number().nonnegative()),
    comment: z.string().max(10_000).exactOptional(),
    by: z.string().max(200).exactOptional(),
  }),
)

/**
 * The points of a file: `{ "ann": { "points": { "status-read": 8.5 }, "comment": "...", "by": "..." } }`
 *
 * @throws UsageError with the place, if it is not of this form
 */
export function readReadings(path: string): Readings {
  const parsed = readingsSchema.safeParse(jsonOf(path))
  if (parsed.success) return new Map(Object.entries(parsed.data))
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') || 'the top'
  throw new UsageError(
    `${path}: expected { "SUBMISSION": { "points": { "CHECK": NUMBER }, "comment": TEXT, "by": TEXT } }, got a document that differs at ${where}: ${issue?.message ?? ''}`,
  )
}
function jsonOf(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`${path}: expected a JSON file with points, got ${(error as Error).message}`)
  }
}

/** What the lab leaves to a person. */
export const readChecks = ({ rubric }: Lab): readonly Priced[] =>
  rubric.steps.flatMap((step) => step.checks.filter(({ reader }) => reader))

/**
 * @returns the names of `readings` that no submission has
 * @throws UsageError if a reading is for a check that no person prices, is worth more than that, or may be of two submissions
 */
export function unknownNames(readings: Readings, submissions: readonly Submission[]): string[] {
  const unknown = new Set(readings.keys())
  for (const { name, lab } of submissions) {
    const reading = readings.get(name)
    if (!reading) continue
    if (!unknown.delete(name))
      throw new UsageError(`points of ${name}: expected one submission of this name, got several`)
    mustFit(name, reading, lab)
  }
  return [...unknown]
}
function mustFit(name: string, { points }: Reading, lab: Lab): void {
  const most = new Map(readChecks(lab).map((priced) => [priced.check, priced.points]))
  for (const [check, given] of Object.entries(points)) {
    const limit = most.get(check)
    const all = [...most.keys()].join(', ') || 'none'
    if (limit === undefined)
      throw new UsageError(
        `points of ${name}: expected a check of ${lab.id} that a person prices (${all}), got ${JSON.stringify(check)}`,
      )
    if (given > limit)
      throw new UsageError(`points of ${name}: expected 0 to ${limit} for ${check}, got ${given}`)
  }
}

/** Of the checks that a person prices, those that pass become what the person says: until somebody has, they wait. */
export function withReading(
  lab: Lab,
  judged: ReadonlyMap<string, Judgement>,
  reading: Reading | undefined,
): Map<string, Judgement> {
  const read = readChecks(lab).filter(({ check }) => judged.get(check)?.verdict === 'pass')
  return new Map([...judged, ...read.map(({ check }) => [check, wordOf(check, reading)] as const)])
}
function wordOf(check: string, reading: Reading | undefined): Judgement {
  const points = reading?.points[check]
  if (points === undefined)
    return { verdict: 'blocked', observed: 'awaits a reader: see --sheet', awaitsReader: true }
  const { comment, by } = reading ?? {}
  const observed = [comment, by && `(read by ${by})`].filter(Boolean).join(' ')
  return { verdict: points > 0 ? 'pass' : 'fail', points, ...(observed && { observed }) }
}
