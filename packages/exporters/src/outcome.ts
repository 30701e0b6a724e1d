// What there is to tell of one submission: its grade, or that there is none through no fault of the student's.

import type { Result, ResultCheck } from '@pagewalk/grader'
import { cleanLines, oneLine } from './text.ts'

/** A graded submission, or our own failure to grade it, in a sentence. */
export type Outcome =
  | { readonly name: string; readonly result: Result }
  | { readonly name: string; readonly trouble: string }

/** How a trouble is said to people. */
export const notGraded = (trouble: string): string =>
  `Not graded, through no fault of the student's: ${trouble}`

/**
 * The outcome as a format has to tell it: with clean texts, and as a trouble if the grader's own errors make its score too low.
 *
 * The one rule about our own failures: they are told, and never counted as a zero.
 */
export function toldOf(outcome: Outcome): Outcome {
  const clean = cleaned(outcome)
  if ('trouble' in clean) return clean
  const checks = clean.result.steps.flatMap((step) => step.checks)
  const errors = checks.filter(({ verdict }) => verdict === 'error')
  if (errors.length === 0) return clean
  const ids = errors.map(({ id }) => id).join(', ')
  return { name: clean.name, trouble: `error in ${ids}: ${errors[0]?.observed ?? 'not told'}` }
}

/** The outcome with nothing in its texts that a file could not hold: names and ids on one line, what was seen on several. */
export function cleaned(outcome: Outcome): Outcome {
  const name = oneLine(outcome.name)
  if ('trouble' in outcome) return { name, trouble: oneLine(outcome.trouble) }
  const { result } = outcome
  const steps = result.steps.map((step) => ({
    ...step,
    id: oneLine(step.id),
    title: oneLine(step.title),
    checks: step.checks.map(cleanedCheck),
  }))
  const rubric = { version: oneLine(result.rubric.version) }
  const submission = { ...result.submission, name: oneLine(result.submission.name) }
  return { name, result: { ...result, lab: oneLine(result.lab), rubric, submission, steps } }
}
const cleanedCheck = ({ override, ...check }: ResultCheck): ResultCheck => ({
  ...check,
  ...(override && {
    override: { ...override, by: oneLine(override.by), reason: oneLine(override.reason) },
  }),
  id: oneLine(check.id),
  claim: oneLine(check.claim),
  ...(check.expected !== undefined && { expected: cleanLines(check.expected) }),
  ...(check.observed !== undefined && { observed: cleanLines(check.observed) }),
  ...(check.hint !== undefined && { hint: cleanLines(check.hint) }),
})
