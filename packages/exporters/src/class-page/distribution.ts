// Scores and times sorted into bars.

import { rounded } from '@pagewalk/grader'
import type { Account } from '../items.ts'

export interface Bar {
  readonly label: string
  readonly count: number
}

const PARTS = 10
/**
 * Tenths of the maximum, the maximum itself, and what is above it. A bar has its lower end, not its upper one.
 *
 * @param accounts  of one rubric; with several maxima, the bars are in percent
 */
export function scoreBars(accounts: readonly Account[]): Bar[] {
  const maxima = [...new Set(accounts.map(({ maxScore }) => maxScore))]
  const [top, unit] = maxima.length === 1 ? [maxima[0]!, ''] : [100, ' %']
  const parts = accounts.map(partOf)
  const bound = (part: number): number => rounded((top * part) / PARTS)
  const labels = [
    ...Array.from({ length: PARTS }, (_, part) => `${bound(part)} to ${bound(part + 1)}${unit}`),
    `all ${top}${unit}`,
    ...(parts.includes(PARTS + 1) ? [`above ${top}${unit}`] : []),
  ]
  return labels.map((label, part) => ({ label, count: parts.filter((each) => each === part).length }))
}
function partOf({ score, maxScore }: Account): number {
  if (score > maxScore) return PARTS + 1
  return maxScore === 0 ? PARTS : Math.floor((score * PARTS) / maxScore)
}

/** Upper ends of the bars, in milliseconds. */
const TIMES = [100, 200, 500, 1000, 2000, 5000, 10_000, 20_000]
/** From the first bar that is not empty to the last. */
export function timeBars(milliseconds: readonly number[]): Bar[] {
  const bars = [...TIMES, Number.POSITIVE_INFINITY].map((end, i) => {
    const start = i === 0 ? 0 : TIMES[i - 1]!
    const label =
      end === Number.POSITIVE_INFINITY ? `${secondsWord(start)} or more` : `to ${secondsWord(end)}`
    return { label, count: milliseconds.filter((time) => start <= time && time < end).length }
  })
  const used = bars.flatMap(({ count }, i) => (count > 0 ? [i] : []))
  return bars.slice(used[0] ?? 0, (used.at(-1) ?? -1) + 1)
}
/** `0.25 s` */
export const secondsWord = (milliseconds: number): string => `${rounded(milliseconds / 1000)} s`

/** Of numbers, at least one. */
export interface Figures {
  readonly lowest: number
  readonly median: number
  readonly mean: number
  readonly highest: number
}
export function figuresOf(values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  return {
    lowest: sorted[0]!,
    median: (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2,
    mean: values.reduce((sum, value) => sum + value, 0) / values.length,
    highest: sorted.at(-1)!,
  }
}
