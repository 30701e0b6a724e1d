import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { formats } from '../../src/index.ts'
import { anyOutcome, context, graded, small, trouble } from '../kit.ts'

// docs/specs.md of gradescope/autograder_samples
const visibility = z.enum(['hidden', 'after_due_date', 'after_published', 'visible'])
const format = z.enum(['text', 'html', 'simple_format', 'md', 'ansi'])
const schema = z.strictObject({
  score: z.number().optional(),
  execution_time: z.number(),
  output: z.string(),
  output_format: format,
  test_output_format: format,
  test_name_format: format,
  visibility,
  extra_data: z.record(z.string(), z.unknown()).optional(),
  tests: z.array(
    z.strictObject({
      score: z.number(),
      max_score: z.number(),
      status: z.enum(['passed', 'failed']).optional(),
      name: z.string(),
      number: z.string(),
      output: z.string(),
      tags: z.array(z.string()),
      extra_data: z.record(z.string(), z.unknown()),
    }),
  ),
})
const write = (
  outcome: Parameters<typeof formats.gradescope.write>[0][number],
  more = {},
): z.infer<typeof schema> =>
  schema.parse(JSON.parse(formats.gradescope.write([outcome], { ...context, ...more })))

describe('results.json of Gradescope', () => {
  test('has the fields that are documented', () =>
    fc.assert(fc.property(anyOutcome, (outcome) => void write(outcome))))
  test('a test has its number, and says what was expected, seen and hinted at', () => {
    const failed = write(small).tests.find(({ name }) => name === 'b-two')
    expect(failed).toMatchObject({ number: '1.3', status: 'failed', score: 0, max_score: 3 })
    expect(failed?.output).toBe(
      'claim: The kernel does b-two.\nexpected: something\nobserved: kernel.ts:12:5: nothing\nhint: Which?',
    )
  })
  test('maximums are those of the rubric without extra credit, which has none', () => {
    const { tests, score } = write(graded('solved'))
    expect(tests.reduce((sum, { max_score }) => sum + max_score, 0)).toBe(100)
    expect(score).toBe(120)
  })
  test('what is neither passed nor failed has no status', () => {
    const statuses = Object.fromEntries(write(small).tests.map(({ number, status }) => [number, status]))
    expect(statuses).toMatchObject({ '1.2': 'passed', '1.3': 'failed', 'extra.1': 'passed' })
    for (const number of ['1.4', '2.1', '2.2', 'extra.2']) expect(statuses[number]).toBeUndefined()
  })
  test('visibility is as asked; our own failure can be seen by everybody', () => {
    expect(write(small, { visibility: 'after_due_date' }).visibility).toBe('after_due_date')
    expect(write(trouble, { visibility: 'hidden' }).visibility).toBe('visible')
  })
  test('the time is 0 unless it is told', () => {
    expect(write(small).execution_time).toBe(0)
    expect(write(small, { seconds: 1.5 }).execution_time).toBe(1.5)
  })
})
