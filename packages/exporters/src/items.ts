// A result as a list of priced checks, which is what every format is made of. Here is the one rule for extra credit.

import {
  awaitWords,
  inParts,
  type Result,
  type ResultCheck,
  type ResultStep,
  reasonParts,
} from '@pagewalk/grader'

/** What became of a check. `partial`: it earned some of its points. `waits`: a person has still to give them. */
export type Standing = 'passed' | 'partial' | 'failed' | 'blocked' | 'waits' | 'error'

export interface Item {
  /** `1.2`: the second check of step 1. */
  readonly number: string
  readonly step: ResultStep
  readonly check: ResultCheck
  readonly standing: Standing
  readonly score: number
  /** 0 for extra credit, which is beyond the maximum. */
  readonly maxScore: number
}
export interface Account {
  readonly items: readonly Item[]
  /** The sum of the items' scores: points and extra credit. */
  readonly score: number
  /** Of what is not extra credit. */
  readonly maxScore: number
}

/**
 * The checks of a clean result, with the points that count.
 *
 * Extra credit is added to the score, and its checks are worth 0 of 0 points until they earn some. Where a format takes
 * no score above the maximum, it counts, in the rubric's order, until the maximum is reached: it makes up for points that were lost.
 * @param ceiling   `none`, or that the score may not be above `maxScore`
 * @param perPoint  scores are whole numbers of so many parts of a point
 */
export function accountOf(
  { steps }: Result,
  { ceiling = 'none', perPoint = 100 }: { ceiling?: 'none' | 'maximum'; perPoint?: number } = {},
): Account {
  const sum = (key: 'points' | 'maxPoints'): number =>
    steps
      .flatMap(({ extra, checks }) => (extra ? [] : checks))
      .reduce((total, check) => total + inParts(check[key], perPoint), 0)
  const maximum = sum('maxPoints')
  let room = ceiling === 'none' ? Number.POSITIVE_INFINITY : Math.max(0, maximum - sum('points'))
  let score = 0
  const items = steps.flatMap((step) =>
    step.checks.map((check, at): Item => {
      const earned = inParts(check.points, perPoint)
      const counted = step.extra ? Math.min(earned, room) : earned
      if (step.extra) room -= counted
      score += counted
      return {
        number: `${step.id}.${at + 1}`,
        step,
        check,
        standing: standingOf(check),
        score: counted / perPoint,
        maxScore: step.extra ? 0 : inParts(check.maxPoints, perPoint) / perPoint,
      }
    }),
  )
  return { items, score: score / perPoint, maxScore: maximum / perPoint }
}
/** What a person decided stands as its points say. */
function standingOf({ verdict, points, maxPoints, pending, override }: ResultCheck): Standing {
  if (verdict === 'error') return 'error'
  if (override) return points >= maxPoints ? 'passed' : points > 0 ? 'partial' : 'failed'
  if (pending) return 'waits'
  if (verdict === 'blocked') return 'blocked'
  if (verdict === 'pass') return points < maxPoints ? 'partial' : 'passed'
  return points > 0 ? 'partial' : 'failed'
}

/** Does it tell against the student? What awaits a reader does not, and extra credit that was not earned does not. */
export const blames = ({ standing, step }: Item): boolean =>
  !step.extra && (standing === 'failed' || standing === 'partial' || standing === 'blocked')

/** What earned less than it could, and why can be told; but for extra credit that nobody has tried. */
export const failuresIn = (items: readonly Item[]): readonly Item[] =>
  items.filter(
    ({ standing, step }) =>
      (standing === 'failed' || standing === 'partial') && !(step.extra && step.score === 0),
  )

/** The check's id, and what a mere passed or failed would hide. */
export function labelOf({ check, step, standing }: Item): string {
  const notes = [
    ...(step.extra ? [EXTRA_WORDS[standing]] : []),
    ...(check.pending ? [awaitWords(check.pending)] : []),
  ]
  return notes.length > 0 ? `${check.id} (${notes.join('; ')})` : check.id
}
const EXTRA_WORDS: { readonly [standing in Standing]: string } = {
  passed: 'extra credit',
  partial: 'extra credit, in part',
  failed: 'extra credit, not earned',
  blocked: 'extra credit, not earned',
  waits: 'extra credit',
  error: 'extra credit',
}
/** What the check claims, what was seen, and who decided otherwise: a line each or more. */
export const reasonsOf = (check: ResultCheck): readonly Reason[] =>
  reasonParts(check).map(([name, text]) => ({ name, text }))
export interface Reason {
  readonly name: string
  readonly text: string
}
/** All but the claim. */
export const causesOf = (check: ResultCheck): readonly Reason[] =>
  reasonsOf(check).filter(({ name }) => name !== 'claim')
/** `expected: ...` and so on, as lines. */
export const reasonLines = (reasons: readonly Reason[]): string =>
  reasons.map(({ name, text }) => `${name}: ${text}`).join('\n')
