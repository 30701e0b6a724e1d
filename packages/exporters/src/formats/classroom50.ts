// result.json of Classroom 50, schema `classroom50/result/v1`.
// Source: Classroom 50 wiki, Advanced Autograding, "The result.json contract"; schemas/result-v1.schema.json.

import { inParts, type Result, UsageError } from '@pagewalk/grader'
import { z } from 'zod'
import { type Context, type Format, singleFormat } from '../format.ts'
import { accountOf, blames, causesOf, type Item, labelOf, reasonLines } from '../items.ts'
import { type Outcome, toldOf } from '../outcome.ts'
import { json } from '../text.ts'

export const classroom50: Format = singleFormat(
  'classroom50',
  'result.json of Classroom 50, whole numbers; reads CLASSROOM, ASSIGNMENT, SUBMISSION_TAG, ... from the environment',
  write,
)

function write(outcome: Outcome, { env = {} }: Context): string {
  const told = toldOf(outcome)
  // not of their schema: if the shim did not exit non-zero, the runner would still refuse it, and write no score
  if ('trouble' in told) return json({ schema: 'pagewalk/trouble/v1', trouble: told.trouble })
  return json(fileSchema.parse({ ...identityOf(env), ...scores(told.result) }))
}

/** Checks are worth whole numbers; a rubric with fractions is told in hundredths, and so for every student of it. */
function scores(result: Result): object {
  const perPoint = isWhole(result) ? 1 : 100
  const account = accountOf(result, { ceiling: 'maximum', perPoint })
  const whole = (points: number): number => inParts(points, perPoint)
  return {
    score: whole(account.score),
    'max-score': whole(account.maxScore),
    tests: account.items.map((item) => testOf(item, whole)),
  }
}
const isWhole = ({ steps }: Result): boolean =>
  steps.every(({ checks }) => checks.every(({ maxPoints }) => Number.isInteger(maxPoints)))
function testOf(item: Item, whole: (points: number) => number): object {
  const { number, check } = item
  const score = whole(item.score)
  return {
    'test-name': `${number} ${labelOf(item)}`,
    passed: !blames(item),
    score,
    // a test may not have more than its maximum, and extra credit has none
    'max-score': Math.max(score, whole(item.maxScore)),
    verdict: check.verdict,
    message: check.verdict === 'pass' ? '' : reasonLines(causesOf(check)),
  }
}

const there = z.string().min(1)
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/
const count = z.number().int().nonnegative()
const notAbove = ({ score, 'max-score': max }: { score: number; 'max-score': number }): boolean =>
  score <= max
const identity = {
  schema: z.literal('classroom50/result/v1'),
  classroom: there,
  assignment: there,
  assignment_type: there.optional(), // this and the owner are stamped by the runner
  owner: there.optional(),
  submission: z.string().startsWith('submit/'),
  commit: there,
  release: there,
  review: there,
  datetime: z.string().regex(INSTANT),
}
const testSchema = z
  .object({
    'test-name': there,
    passed: z.boolean(),
    score: count,
    'max-score': count,
    verdict: there,
    message: z.string(),
  })
  .refine(notAbove)
/** What the runner accepts. */
const fileSchema = z
  .strictObject({ ...identity, score: count, 'max-score': count, tests: z.array(testSchema) })
  .refine(notAbove)

/** @throws UsageError if the runner's variables are not there */
function identityOf(env: NonNullable<Context['env']>): object {
  const need = (name: string): string => {
    const value = env[name]
    if (value) return value
    throw new UsageError(
      `classroom50: expected the environment variable ${name}, which its runner sets; got nothing`,
    )
  }
  const submission = need('SUBMISSION_TAG')
  const owner = env.OWNER || env.USERNAME
  return {
    schema: 'classroom50/result/v1',
    classroom: need('CLASSROOM'),
    assignment: need('ASSIGNMENT'),
    ...(env.ASSIGNMENT_TYPE && { assignment_type: env.ASSIGNMENT_TYPE }),
    ...(owner && { owner }),
    submission,
    commit: need('COMMIT_URL'),
    release: need('RELEASE_URL'),
    review: env.REVIEW_URL || need('COMMIT_URL'),
    datetime: instantOf(submission),
  }
}
/** When it was handed in, from its tag: `submit/2026-06-01T14-32-05Z-a1b2c3d`. The runner stamps the commit's own date over it. */
function instantOf(tag: string): string {
  const found = /^submit\/(\d{4}-\d{2}-\d{2})T(\d{2})-(\d{2})-(\d{2})Z/.exec(tag)
  if (found) return `${found[1]}T${found[2]}:${found[3]}:${found[4]}Z`
  throw new UsageError(
    `classroom50: expected SUBMISSION_TAG to be like submit/2026-06-01T14-32-05Z-a1b2c3d, got ${JSON.stringify(tag)}`,
  )
}
