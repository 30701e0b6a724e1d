// Points: the one place that sums them, rounds them and puts them into words.

import type { Result, ResultCheck, ResultStep } from './result.ts'

/**
 * A whole number of parts of a point, half a part up.
 *
 * @param perPoint  so many parts are a point
 */
export const inParts = (points: number, perPoint: number): number =>
  // 1.005 is a little less than that in binary; it counts as what it was meant to be
  Math.round(points * perPoint * (1 + Number.EPSILON))

/** To hundredths of a point. */
export const rounded = (points: number): number => inParts(points, 100) / 100

/** `3.5 points` */
export const pointsWord = (points: number): string =>
  `${rounded(points)} ${rounded(points) === 1 ? 'point' : 'points'}`
/** `3.5 points await a reader` */
export const awaitWords = (pending: number): string =>
  `${pointsWord(pending)} ${rounded(pending) === 1 ? 'awaits' : 'await'} a reader`
/** `82/100, extra credit 3/20, 10 points await a reader` */
export function totalWords({ score, maxScore, extraCredit, maxExtraCredit, pending }: Result): string {
  return [
    `${rounded(score)}/${rounded(maxScore)}`,
    ...(maxExtraCredit > 0 ? [`extra credit ${rounded(extraCredit)}/${rounded(maxExtraCredit)}`] : []),
    ...(pending > 0 ? [awaitWords(pending)] : []),
  ].join(', ')
}

const sum = (values: readonly number[]): number => rounded(values.reduce((total, value) => total + value, 0))

/** A step's sums over its checks. */
export const stepSums = (
  checks: readonly ResultCheck[],
): Pick<ResultStep, 'score' | 'maxScore' | 'pending'> => ({
  score: sum(checks.map(({ points }) => points)),
  maxScore: sum(checks.map(({ maxPoints }) => maxPoints)),
  pending: sum(checks.map(({ pending = 0 }) => pending)),
})
/** A result's sums over its steps. */
export function resultSums(
  steps: readonly ResultStep[],
): Pick<Result, 'score' | 'maxScore' | 'pending' | 'extraCredit' | 'maxExtraCredit'> {
  const [plain, extra] = [steps.filter((step) => !step.extra), steps.filter((step) => step.extra)]
  return {
    score: sum(plain.map(({ score }) => score)),
    maxScore: sum(plain.map(({ maxScore }) => maxScore)),
    pending: sum(steps.map(({ pending }) => pending)),
    extraCredit: sum(extra.map(({ score }) => score)),
    maxExtraCredit: sum(extra.map(({ maxScore }) => maxScore)),
  }
}
