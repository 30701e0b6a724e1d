import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { formats, type Outcome } from '../../src/index.ts'
import { anyResult, broken, context, graded, passed, resultOf, small, step, trouble } from '../kit.ts'

// schemas/result-v1.schema.json of foundation50/classroom50, and what its runner.py checks beside it
const text = z.string().min(1)
const int = z.number().int().nonnegative()
const schema = z
  .strictObject({
    schema: z.literal('classroom50/result/v1'),
    classroom: text,
    assignment: text,
    assignment_type: z.enum(['individual', 'group']),
    owner: text,
    submission: z.string().regex(/^submit\//),
    commit: text,
    release: text,
    review: text,
    datetime: z.string().regex(/^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/),
    score: int,
    'max-score': int,
    tests: z.array(
      z
        .object({ 'test-name': text, passed: z.boolean(), score: int, 'max-score': int })
        .refine((each) => each.score <= each['max-score']),
    ),
  })
  .refine((each) => each.score <= each['max-score'])
const write = (outcome: Outcome, env = context.env): z.infer<typeof schema> =>
  schema.parse(JSON.parse(formats.classroom50.write([outcome], { ...context, env: { ...env } })))

describe('result.json of Classroom 50', () => {
  test('is accepted by its runner, whatever the result', () => {
    fc.assert(fc.property(anyResult, (result) => void write({ name: 'ada', result })))
  })
  test('tells whose it is, from the environment', () => {
    expect(write(small)).toMatchObject({
      classroom: 'os-2026',
      submission: 'submit/2026-06-01T14-32-05Z-a1b2c3d',
      datetime: '2026-06-01T14:32:05Z',
      review: 'https://github.example/os/ada/commit/a1b2c3d',
    })
  })
  test('a rubric of whole points is in points', () => {
    expect(write(graded('throws'))).toMatchObject({ score: 72, 'max-score': 100 })
  })
  test('a rubric with fractions is in hundredths for every student of it', () => {
    expect(write(graded('awaits-reader'))).toMatchObject({ score: 9000, 'max-score': 10_000 })
  })
  test('a fraction that a reader gave does not change the scale of one student', () => {
    const result = resultOf([step('1', false, [{ ...passed('a', 5), points: 3.5 }])])
    expect(write({ name: 'ada', result })).toMatchObject({ score: 4, 'max-score': 5 })
  })
  test('what awaits a reader is not held against the student', () => {
    const test = write(small).tests.find((each) => each['test-name'].includes('e-five'))
    expect(test).toMatchObject({
      'test-name': '2.2 e-five (4 points await a reader)',
      passed: true,
      score: 0,
    })
  })
  test('our own failure is no result: the runner refuses it and writes an error', () => {
    for (const outcome of [trouble, broken]) {
      const file = JSON.parse(formats.classroom50.write([outcome], context)) as object
      expect(schema.safeParse(file).success).toBe(false)
      expect(file).toMatchObject({ schema: 'pagewalk/trouble/v1' })
    }
  })
  test.each(['CLASSROOM', 'ASSIGNMENT', 'SUBMISSION_TAG', 'COMMIT_URL', 'RELEASE_URL'])(
    'misses %s',
    (name) => {
      expect(() => write(small, { ...context.env, [name]: '' })).toThrow(
        `expected the environment variable ${name}, which its runner sets; got nothing`,
      )
    },
  )
  test('a tag of another form is told', () => {
    expect(() => write(small, { ...context.env, SUBMISSION_TAG: 'v1' })).toThrow(
      'expected SUBMISSION_TAG to be like submit/2026-06-01T14-32-05Z-a1b2c3d, got "v1"',
    )
    expect(() => write(small, { ...context.env, SUBMISSION_TAG: 'submit/now' })).toThrow('got "submit/now"')
  })
})
