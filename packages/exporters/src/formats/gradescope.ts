// results.json of a Gradescope autograder.
// Source: Gradescope Autograder Documentation, Autograder Specifications, "Output format".

import { type Result, totalWords } from '@pagewalk/grader'
import { type Context, type Format, singleFormat } from '../format.ts'
import { accountOf, type Item, labelOf, reasonLines, reasonsOf } from '../items.ts'
import { notGraded, type Outcome, toldOf } from '../outcome.ts'
import { json } from '../text.ts'

export const gradescope: Format = singleFormat(
  'gradescope',
  'results.json of a Gradescope autograder, a test for each check',
  write,
)

function write(outcome: Outcome, context: Context): string {
  const told = toldOf(outcome)
  const texts = { output_format: 'text', test_output_format: 'text', test_name_format: 'text' }
  const time = context.seconds ?? 0
  // neither a score nor a test with one: Gradescope has nothing that it could take for a zero
  if ('trouble' in told)
    return json({
      execution_time: time,
      output: notGraded(told.trouble),
      ...texts,
      visibility: 'visible',
      tests: [],
    })
  const { result } = told
  const { items, score } = accountOf(result)
  return json({
    score,
    execution_time: time,
    output: totalWords(result),
    ...texts,
    visibility: context.visibility ?? 'visible',
    extra_data: extraData(result, context),
    tests: items.map(testOf),
  })
}
/** A check that is neither passed nor failed has no status: Gradescope knows no third one. */
function testOf(item: Item): Record<string, unknown> {
  const { number, step, check, standing, score, maxScore } = item
  const status = standing === 'passed' || (standing === 'failed' && !step.extra) ? standing : undefined
  return {
    score,
    max_score: maxScore,
    ...(status && { status }),
    number,
    name: labelOf(item),
    output: reasonLines(reasonsOf(check)),
    tags: [step.title],
    extra_data: { verdict: check.verdict },
  }
}
const extraData = (
  { lab, submission, rubric, seed, machine, isolation }: Result,
  { version }: Context,
): object => ({
  lab,
  sha256: submission.sha256,
  rubric_version: rubric.version,
  seed,
  state_hash: machine.stateHash,
  instructions: machine.instructions,
  isolation: isolation.level,
  pagewalk_version: version,
})
