// results.json of an external grader of PrairieLearn.
// Source: PrairieLearn documentation, External Grading, "Grading results".

import { type Result, totalWords } from '@pagewalk/grader'
import { type Format, singleFormat } from '../format.ts'
import { accountOf, type Item, labelOf, reasonLines, reasonsOf } from '../items.ts'
import { notGraded, type Outcome, toldOf } from '../outcome.ts'
import { type Cut, fitted, json } from '../text.ts'

/** "This file should be limited to 1 MB." */
const BYTES_LIMIT = 1_000_000

export const prairielearn: Format = singleFormat(
  'prairielearn',
  'results.json of an external grader of PrairieLearn, at most 1 MB',
  (outcome) => {
    const told = toldOf(outcome)
    return fitted(BYTES_LIMIT, (cut) => json(fileOf(told, cut)))
  },
)

function fileOf(told: Outcome, cut: Cut): object {
  if ('trouble' in told) return notGradable(told.trouble, cut)
  const { items, score, maxScore } = accountOf(told.result, { ceiling: 'maximum' })
  if (maxScore === 0) return notGradable('the rubric gives no points', cut)
  return {
    gradable: true,
    score: score / maxScore,
    message: message(told.result, cut),
    tests: items.map((item) => testOf(item, cut)),
  }
}
/** The student is charged no attempt. */
const notGradable = (trouble: string, { cut }: Cut): object => ({
  gradable: false,
  format_errors: [cut(notGraded(trouble))],
  message: cut(notGraded(trouble)),
})
const message = (result: Result, { note }: Cut): string =>
  [totalWords(result), note].filter(Boolean).join('\n')
/** Points are shown only if every test has them. */
const testOf = (item: Item, { cut }: Cut): object => ({
  name: `${item.number} ${labelOf(item)}`,
  description: cut(item.check.claim),
  points: item.score,
  max_points: item.maxScore,
  output: reasonLines(
    reasonsOf(item.check)
      .filter(({ name }) => name === 'expected' || name === 'observed')
      .map(({ name, text }) => ({ name, text: cut(text) })),
  ),
  message: cut(reasonsOf(item.check).find(({ name }) => name === 'hint')?.text ?? ''),
})
