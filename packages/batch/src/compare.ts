// What differs between two gradings: for whom, and in which checks.

import type { Result, Verdict } from '@pagewalk/grader'

/** One submission of a grading, its decisions already in its result. */
export type Graded =
  | { readonly name: string; readonly result: Result }
  | { readonly name: string; readonly trouble: string }

export interface CheckChange {
  readonly check: string
  readonly before: { readonly verdict: Verdict; readonly points: number } | undefined
  readonly after: { readonly verdict: Verdict; readonly points: number } | undefined
}
export interface Change {
  readonly name: string
  /** `undefined`: not in that grading; null: not graded by our fault. Extra credit is in it. */
  readonly before: number | null | undefined
  readonly after: number | null | undefined
  /** Did the student's files change? */
  readonly files: boolean
  readonly checks: readonly CheckChange[]
}

/** Who has other points or verdicts, in order of name. */
export function compare(before: readonly Graded[], after: readonly Graded[]): Change[] {
  const [old, now] = [byName(before), byName(after)]
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((name) => {
    const change = changeOf(name, old.get(name), now.get(name))
    return change.before === change.after && change.checks.length === 0 ? [] : [change]
  })
}
const byName = (graded: readonly Graded[]): Map<string, Graded> =>
  new Map(graded.map((one) => [one.name, one]))

function changeOf(name: string, before: Graded | undefined, after: Graded | undefined): Change {
  const [old, now] = [resultOf(before), resultOf(after)]
  return {
    name,
    before: pointsOf(before),
    after: pointsOf(after),
    files: old !== undefined && now !== undefined && old.submission.sha256 !== now.submission.sha256,
    checks: old && now ? checkChanges(old, now) : [],
  }
}
const resultOf = (one: Graded | undefined): Result | undefined =>
  one && 'result' in one ? one.result : undefined
function pointsOf(one: Graded | undefined): number | null | undefined {
  if (!one) return undefined
  return 'result' in one ? one.result.score + one.result.extraCredit : null
}
function checkChanges(before: Result, after: Result): CheckChange[] {
  const [old, now] = [checksOf(before), checksOf(after)]
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((check) => {
    const [a, b] = [old.get(check), now.get(check)]
    return a?.verdict === b?.verdict && a?.points === b?.points ? [] : [{ check, before: a, after: b }]
  })
}
const checksOf = ({ steps }: Result): Map<string, { verdict: Verdict; points: number }> =>
  new Map(
    steps
      .flatMap(({ checks }) => checks)
      .map(({ id, verdict, points }) => [id, { verdict, points }] as const),
  )
