// What `check50 -o json` writes. It knows no points: a check passes, fails, or is skipped.
// Source: cs50/check50, docs/source/json_specification.rst.

import { type Context, type Format, singleFormat } from '../format.ts'
import { accountOf, causesOf, type Item, labelOf } from '../items.ts'
import { notGraded, type Outcome, toldOf } from '../outcome.ts'
import { json } from '../text.ts'

export const check50: Format = singleFormat(
  'check50',
  "check50's JSON: passed, failed or skipped, without points",
  write,
)

function write(outcome: Outcome, { version }: Context): string {
  const told = toldOf(outcome)
  if ('trouble' in told) {
    const error = { type: 'Infrastructure', value: notGraded(told.trouble), traceback: [], data: {} }
    return json({ slug: 'pagewalk', error, version })
  }
  const { items } = accountOf(told.result)
  return json({ slug: `pagewalk/${told.result.lab}`, results: items.map(resultOf), version })
}
function resultOf(item: Item): object {
  const { number, check, step, standing, score, maxScore } = item
  return {
    name: check.id,
    description: `${number} ${labelOf(item)}: ${check.claim}`,
    passed: passedOf(item),
    log: [],
    cause: standing === 'passed' ? null : causeOf(item),
    data: { step: step.id, score, max_score: maxScore },
    dependency: null,
  }
}
const passedOf = ({ standing }: Item): boolean | null =>
  standing === 'blocked' || standing === 'waits' ? null : standing === 'passed'
/** check50 shows `expected` and `actual` as a pair or not at all. */
function causeOf({ check, standing }: Item): object {
  const texts = new Map(causesOf(check).map(({ name, text }) => [name, text]))
  const { expected, observed } = check
  const pair = expected !== undefined && observed !== undefined && standing !== 'blocked'
  return {
    rationale: texts.get('observed') ?? check.claim,
    help: texts.get('hint') ?? null,
    ...(pair && { expected: texts.get('expected') ?? '', actual: texts.get('observed') ?? '' }),
  }
}
