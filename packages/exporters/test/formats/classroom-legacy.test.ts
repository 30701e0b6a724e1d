import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { formats, type Outcome } from '../../src/index.ts'
import { anyOutcome, anyResult, broken, context, graded, small, trouble } from '../kit.ts'

const status = z.enum(['pass', 'fail', 'error'])
const schema = z.strictObject({
  version: z.literal(1),
  status,
  max_score: z.number().nonnegative(),
  tests: z.array(
    z.strictObject({
      name: z.string().min(1),
      status,
      score: z.number().nonnegative(),
      message: z.string().nullable(),
      test_code: z.string(),
      filename: z.string(),
      line_no: z.number().int().nonnegative(),
      execution_time: z.string().regex(/^[\d.]+s$/),
    }),
  ),
})
type Report = z.infer<typeof schema>
const write = (outcome: Outcome): Report =>
  schema.parse(
    JSON.parse(Buffer.from(formats['classroom-legacy'].write([outcome], context), 'base64').toString()),
  )
/** What the reporter sends: src/notify-classroom.js. */
const sent = ({ max_score, tests }: Report): string | undefined =>
  max_score ? `${tests.reduce((sum, { score }) => sum + score, 0)}/${max_score}` : undefined

describe('result of a GitHub Classroom grader', () => {
  test('is one line of base64', () => {
    fc.assert(
      fc.property(anyOutcome, (outcome) => {
        expect(formats['classroom-legacy'].write([outcome], context)).toMatch(/^[A-Za-z0-9+/]+=*\n$/)
      }),
    )
  })
  test('has the fields that the reporter reads', () => {
    fc.assert(fc.property(anyOutcome, (outcome) => void write(outcome)))
  })
  test('the reporter sends the score', () => {
    expect(sent(write(graded('throws')))).toBe('72/100')
    expect(sent(write(graded('solved')))).toBe('100/100')
  })
  test('it never sends more than the maximum', () => {
    fc.assert(
      fc.property(anyResult, (result) => {
        const { tests, max_score } = write({ name: 'ada', result })
        expect(tests.reduce((sum, { score }) => sum + score, 0)).toBeLessThanOrEqual(max_score)
      }),
    )
  })
  test('it sends nothing of our own failures, and fails the job', () => {
    for (const outcome of [trouble, broken]) {
      expect(sent(write(outcome))).toBeUndefined()
      expect(write(outcome).status).toBe('error')
    }
  })
  test('a test names the line', () => {
    const failed = write(small).tests.find(({ name }) => name === 'b-two')
    expect(failed).toMatchObject({ status: 'fail', filename: 'kernel.ts', line_no: 12 })
  })
  test('what only awaits a reader fails no job', () => {
    const test = write(small).tests.find(({ name }) => name.startsWith('e-five'))
    expect(test).toMatchObject({ name: 'e-five (4 points await a reader)', status: 'pass', score: 0 })
  })
})
