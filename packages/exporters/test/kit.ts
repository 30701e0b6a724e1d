// Outcomes to export: real grades, a small one that has everything, and any at all; and files to compare with.

import { readFileSync, writeFileSync } from 'node:fs'
import {
  type Result,
  type ResultCheck,
  type ResultStep,
  resultSchema,
  resultSums,
  stepSums,
} from '@pagewalk/grader'
import fc from 'fast-check'
import { expect } from 'vitest'
import type { Context, Outcome } from '../src/index.ts'

/** Grades of real submissions; `durationMs` is fixed. */
export type Graded = 'handed-out' | 'throws' | 'solved' | 'awaits-reader'
export const GRADED: readonly Graded[] = ['handed-out', 'throws', 'solved', 'awaits-reader']
export function graded(name: Graded): { name: string; result: Result } {
  const text = readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8')
  return { name, result: resultSchema.parse(JSON.parse(text)) }
}

export const context: Context = {
  version: '0.1.0',
  env: {
    CLASSROOM: 'os-2026',
    ASSIGNMENT: 'weensyos',
    ASSIGNMENT_TYPE: 'individual',
    OWNER: 'ada',
    SUBMISSION_TAG: 'submit/2026-06-01T14-32-05Z-a1b2c3d',
    COMMIT_URL: 'https://github.example/os/ada/commit/a1b2c3d',
    RELEASE_URL: 'https://github.example/os/ada/releases/tag/submit',
    REVIEW_URL: '',
  },
}

/** What students and their files are called, and what their exceptions say. */
export const HOSTILE: readonly string[] = [
  "=cmd|' /C calc'!A0",
  ' \t=HYPERLINK("http://example.org")',
  '@SUM(1)',
  '+1+1',
  '-1+1',
  ']]>',
  '</details><script>alert(1)</script>',
  '| a | b |\n|---|---|\n# heading [link](javascript:alert(1)) `code`',
  'first\r\n::error file=a.ts::forged\n::set-output name=x::y',
  '%0A::error::forged',
  '\u0000\u0001\u0008\u001b[31mred\u007f\u0085',
  '\ud800 lone \udfff',
  '\ufffe\uffff',
  '\u202egnp.exe',
  '"quoted", and; more\ttabs',
  'kernel.ts:12:5: TypeError: x',
  '../../etc/passwd.ts:1:1',
]

/** A step with the sums of its checks. */
export const step = (
  id: string,
  extra: boolean,
  checks: ResultCheck[],
  title = `Step ${id}`,
): ResultStep => ({ id, title, ...stepSums(checks), extra, checks })
/** A result with the sums of its steps. */
export const resultOf = (steps: ResultStep[], name = 'ada'): Result => ({
  schema: 'pagewalk/result/v1',
  lab: 'weensyos',
  submission: { name, sha256: 'ab'.repeat(32) },
  rubric: { version: 'weensyos-2' },
  seed: 1,
  ...resultSums(steps),
  steps,
  machine: { stateHash: 'cd'.repeat(32), instructions: 1234 },
  isolation: { level: 'realm', strict: false },
  durationMs: 1234,
})

export const passed = (id: string, points: number): ResultCheck => ({
  id,
  claim: `The kernel does ${id}.`,
  verdict: 'pass',
  points,
  maxPoints: points,
})
export const failed = (id: string, maxPoints: number, observed = 'kernel.ts:12:5: nothing'): ResultCheck => ({
  id,
  claim: `The kernel does ${id}.`,
  verdict: 'fail',
  points: 0,
  maxPoints,
  expected: 'something',
  observed,
  hint: 'Which?',
})
const blocked = (id: string, maxPoints: number): ResultCheck => ({
  id,
  claim: `The kernel does ${id}.`,
  verdict: 'blocked',
  points: 0,
  maxPoints,
  observed: 'not judged: it needs b-two',
})
export const waiting = (id: string, points: number): ResultCheck => ({
  ...blocked(id, points),
  observed: 'awaits a reader: see --sheet',
  pending: points,
})
export const errored = (id: string, maxPoints: number): ResultCheck => ({
  id,
  claim: `The kernel does ${id}.`,
  verdict: 'error',
  points: 0,
  maxPoints,
  observed: "the grader's own error: x is not a function",
})
const partly = (id: string, points: number, maxPoints: number): ResultCheck => ({
  ...passed(id, maxPoints),
  points,
  observed: 'well argued (read by Grace)',
})

/** Everything that a result can have but an error, in few checks: 9.5 of 20 points, 3 of 5 extra, 4 pending. */
export const small: { name: string; result: Result } = {
  name: 'ada',
  result: resultOf([
    step('1', false, [passed('loads', 0), passed('a-one', 5), failed('b-two', 3), blocked('c-three', 2)]),
    step('2', false, [partly('d-four', 4.5, 6), waiting('e-five', 4), failed('f-six', 0, HOSTILE.join(' '))]),
    step('extra', true, [passed('g-seven', 3), failed('h-eight', 2, 'no place')], 'Extra credit'),
  ]),
}
export const trouble: Outcome = { name: 'bob', trouble: 'the host ran out of memory' }
/** A grade that lacks points through an error of ours. */
export const broken: { name: string; result: Result } = {
  name: 'eve',
  result: resultOf([step('1', false, [passed('a-one', 5), errored('b-two', 5)])], 'eve'),
}

/**
 * Compare with the file in `golden/`, byte for byte. UPDATE_GOLDEN=1 writes it instead.
 */
export function expectGolden(file: string, text: string): void {
  const url = new URL(`golden/${file}`, import.meta.url)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(url, text)
  expect(text).toBe(readFileSync(url, 'utf8'))
}

/** Any text, hostile more often than not. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...HOSTILE), { maxLength: 3 }).map((list) => list.join('')),
)
/** In quarters, and so exact. */
const anyPoints = fc.integer({ min: 0, max: 40 }).map((quarters) => quarters / 4)
const texts = fc.record({ expected: anyText, observed: anyText, hint: anyText }, { requiredKeys: [] })
const anyCheck: fc.Arbitrary<ResultCheck> = fc
  .record({
    id: anyText.filter((id) => id.trim() !== ''),
    claim: anyText,
    verdict: fc.constantFrom('pass', 'fail', 'blocked', 'waits', 'partly'),
    points: anyPoints,
    texts,
  })
  .map(({ id, claim, verdict, points, texts }) => {
    const check = { id, claim, points: 0, maxPoints: points, ...texts }
    if (verdict === 'pass') return { ...check, verdict, points }
    if (verdict === 'partly') return { ...check, verdict: 'pass', points, maxPoints: points + 0.25 }
    return verdict === 'waits' ? { ...check, verdict: 'blocked', pending: points } : { ...check, verdict }
  })
const anyStep = fc
  .tuple(anyText, fc.boolean(), fc.array(anyCheck, { maxLength: 5 }), anyText)
  .map(([id, extra, checks, title]) => step(id, extra, checks, title))
export const anyResult: fc.Arbitrary<Result> = fc
  .tuple(fc.array(anyStep, { maxLength: 4 }), anyText)
  .map(([steps, name]) => resultOf(steps, name))
export const anyOutcome: fc.Arbitrary<Outcome> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ name: anyText, result: anyResult }) },
  { weight: 1, arbitrary: fc.record({ name: anyText, trouble: anyText }) },
)

/** Every string in a value of JSON. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : []
}
/** Every number in a value of JSON. */
export function numbersIn(value: unknown): number[] {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}
