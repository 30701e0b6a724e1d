// What people decided, put over what the checks said.

import { type Result, type ResultCheck, resultSums, stepSums, UsageError } from '@pagewalk/grader'
import type { Decision } from './book.ts'

/** The decisions that hold now: the last one for each check of each submission. Name -> check -> decision. */
export function standing(decisions: readonly Decision[]): Map<string, Map<string, Decision>> {
  const held = new Map<string, Map<string, Decision>>()
  for (const decision of decisions) {
    const own = held.get(decision.name) ?? new Map<string, Decision>()
    held.set(decision.name, own)
    if (decision.points === null) own.delete(decision.check)
    else own.set(decision.check, decision)
  }
  return held
}

/** `result` with the points that people decided; the verdicts stay the machine's. Decisions about checks that it lacks are left out. */
export function decided(result: Result, own: ReadonlyMap<string, Decision> | undefined): Result {
  if (!own || own.size === 0) return result
  const steps = result.steps.map((step) => {
    const checks = step.checks.map((check) => settled(check, own))
    return { ...step, ...stepSums(checks), checks }
  })
  return { ...result, ...resultSums(steps), steps }
}
function settled({ pending, ...check }: ResultCheck, own: ReadonlyMap<string, Decision>): ResultCheck {
  const decision = own.get(check.id)
  if (!decision || decision.points === null) return pending === undefined ? check : { ...check, pending }
  const override = {
    by: decision.author,
    reason: decision.reason,
    points: check.points,
    pending: pending ?? 0,
  }
  return { ...check, points: decision.points, override }
}

/** @throws UsageError if `result` has no such check, or it is not worth so much */
export function mustFit(result: Result, { name, check: id, points }: Decision): void {
  const check = result.steps.flatMap(({ checks }) => checks).find((each) => each.id === id)
  if (!check)
    throw new UsageError(
      `override: expected a check of ${result.lab}, got ${JSON.stringify(id)}; \`grade --full\` names them`,
    )
  if (points !== null && !(points >= 0 && points <= check.maxPoints))
    throw new UsageError(`override: ${id} of ${name}: expected 0 to ${check.maxPoints} points, got ${points}`)
}
