// What a grader step of GitHub Classroom hands to the grading reporter: the value of its output `result`.
// Source: github-education-resources/autograding-grading-reporter, src/main.js and src/notify-classroom.js.

import type { Result } from '@pagewalk/grader'
import { type Context, type Format, singleFormat } from '../format.ts'
import { accountOf, blames, causesOf, type Item, labelOf, reasonLines } from '../items.ts'
import { notGraded, type Outcome, toldOf } from '../outcome.ts'
import { placeIn } from '../places.ts'

export const classroomLegacy: Format = singleFormat(
  'classroom-legacy',
  'result of a GitHub Classroom grader step for its grading reporter: JSON in base64, on one line',
  write,
)

function write(outcome: Outcome, context: Context): string {
  const told = toldOf(outcome)
  const report = 'trouble' in told ? troubleReport(told.trouble) : reportOf(told.result, context)
  return `${Buffer.from(JSON.stringify({ version: 1, ...report })).toString('base64')}\n`
}
function reportOf(result: Result, { seconds = 0 }: Context): object {
  const { items, maxScore } = accountOf(result, { ceiling: 'maximum' })
  return {
    status: items.some(blames) ? 'fail' : 'pass',
    max_score: maxScore,
    tests: items.map((item, at) => testOf(item, at === 0 ? seconds : 0)), // the time of all stands at the first
  }
}
function testOf(item: Item, seconds: number): object {
  const place = placeIn(item.check.observed)
  return {
    name: labelOf(item),
    status: blames(item) ? 'fail' : 'pass',
    score: item.score,
    message: item.standing === 'passed' ? null : reasonLines(causesOf(item.check)),
    test_code: '',
    filename: place?.file ?? '',
    line_no: place?.line ?? 0,
    execution_time: `${seconds}s`,
  }
}
/** The reporter sends no points for a runner without max_score, so that this is no zero. */
const troubleReport = (trouble: string): object => ({
  status: 'error',
  max_score: 0,
  tests: [
    {
      name: 'pagewalk',
      status: 'error',
      score: 0,
      message: notGraded(trouble),
      test_code: '',
      filename: '',
      line_no: 0,
      execution_time: '0s',
    },
  ],
})
