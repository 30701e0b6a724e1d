import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { formats, type Outcome } from '../../src/index.ts'
import { anyOutcome, context, failed, graded, passed, resultOf, step, trouble } from '../kit.ts'

// docs/externalGrading.md of PrairieLearn
const schema = z.union([
  z.strictObject({
    gradable: z.literal(true),
    score: z.number().min(0).max(1),
    message: z.string(),
    tests: z.array(
      z.strictObject({
        name: z.string(),
        description: z.string(),
        points: z.number(),
        max_points: z.number(),
        message: z.string(),
        output: z.string(),
      }),
    ),
  }),
  z.strictObject({ gradable: z.literal(false), format_errors: z.array(z.string()), message: z.string() }),
])
const write = (outcome: Outcome): z.infer<typeof schema> =>
  schema.parse(JSON.parse(formats.prairielearn.write([outcome], context)))

describe('results.json of PrairieLearn', () => {
  test('has the fields that are documented', () =>
    fc.assert(fc.property(anyOutcome, (outcome) => void write(outcome))))
  test('the score is a part of 1', () => expect(write(graded('throws'))).toMatchObject({ score: 0.72 }))
  test('our own failure costs no attempt', () => expect(write(trouble)).toMatchObject({ gradable: false }))
  test('a rubric without points is no zero', () => {
    const result = resultOf([step('1', false, [passed('loads', 0)])])
    expect(write({ name: 'ada', result })).toMatchObject({ gradable: false })
  })
  test('stays below 1 MB with texts of any length, and says that they are cut', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.constantFrom('x', '\u0000', '🙂', '"'),
        (length, c) => {
          const checks = Array.from({ length: 20 }, (_, at) => failed(`check-${at}`, 5, c.repeat(length)))
          const outcome = { name: 'ada', result: resultOf([step('1', false, checks)]) }
          const file = formats.prairielearn.write([outcome], context)
          expect(Buffer.byteLength(file)).toBeLessThanOrEqual(1_000_000)
          expect(file.includes('more characters)')).toBe(file.includes('Texts are cut'))
          if (length === 60_000) expect(file).toContain('Texts are cut')
        },
      ),
      { numRuns: 12, examples: [[60_000, '\u0000']] },
    )
  })
})
