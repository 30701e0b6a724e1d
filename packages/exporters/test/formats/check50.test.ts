import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { formats, type Outcome } from '../../src/index.ts'
import { anyOutcome, broken, context, small, trouble } from '../kit.ts'

// docs/source/json_specification.rst of cs50/check50
const cause = z
  .strictObject({
    rationale: z.string(),
    help: z.string().nullable(),
    expected: z.string().optional(),
    actual: z.string().optional(),
  })
  .refine(({ expected, actual }) => (expected === undefined) === (actual === undefined))
const result = z
  .strictObject({
    name: z.string(),
    description: z.string(),
    passed: z.boolean().nullable(),
    log: z.array(z.string()),
    cause: cause.nullable(),
    data: z.record(z.string(), z.unknown()),
    dependency: z.string().nullable(),
  })
  .refine((each) => (each.cause === null) === (each.passed === true))
const error = z.strictObject({
  type: z.string(),
  value: z.string(),
  traceback: z.array(z.string()),
  data: z.record(z.string(), z.unknown()),
})
const schema = z
  .strictObject({
    slug: z.string(),
    results: z.array(result).optional(),
    error: error.optional(),
    version: z.string(),
  })
  .refine(({ results, error }) => (results === undefined) !== (error === undefined))
const write = (outcome: Outcome): z.infer<typeof schema> =>
  schema.parse(JSON.parse(formats.check50.write([outcome], context)))

describe("check50's JSON", () => {
  test('has the fields that are documented', () =>
    fc.assert(fc.property(anyOutcome, (outcome) => void write(outcome))))
  test('passed, failed, skipped', () => {
    const { results = [] } = write(small)
    expect(results.map(({ passed }) => passed)).toEqual([
      true,
      true,
      false,
      null,
      false,
      null,
      false,
      true,
      false,
    ])
    expect(results[2]!.cause).toEqual({
      rationale: 'kernel.ts:12:5: nothing',
      help: 'Which?',
      expected: 'something',
      actual: 'kernel.ts:12:5: nothing',
    })
  })
  test('our own failure is the error at the top, beside no results', () => {
    expect(write(trouble).error?.value).toContain('ran out of memory')
    expect(write(broken).error?.value).toContain('b-two')
  })
})
