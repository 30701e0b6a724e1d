// What holds for every format, whatever students and their files are called and say.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { create } from 'xmlbuilder2'
import { type Format, type FormatName, formats, type Outcome } from '../src/index.ts'
import {
  anyOutcome,
  anyResult,
  broken,
  context,
  expectGolden,
  GRADED,
  graded,
  numbersIn,
  small,
  step,
  stringsIn,
  trouble,
} from './kit.ts'

const names = Object.keys(formats) as FormatName[]
const ENDINGS: { readonly [name in FormatName]: string } = {
  gradescope: 'json',
  classroom50: 'json',
  'classroom-legacy': 'txt',
  junit: 'xml',
  check50: 'json',
  prairielearn: 'json',
  markdown: 'md',
}
const JSONS: readonly FormatName[] = ['gradescope', 'classroom50', 'check50', 'prairielearn']

/** The file as data: what a reader of it gets to see. */
function read(name: FormatName, file: string): unknown {
  if (name === 'classroom-legacy') return JSON.parse(Buffer.from(file, 'base64').toString('utf8'))
  if (name === 'junit') return create(file).toObject()
  return JSON.parse(file)
}
const one = ({ write }: Format, outcome: Outcome): string => write([outcome], context)

describe.each(names)('%s', (name) => {
  const format = formats[name]

  test('has its name and a line for --help', () => {
    expect(format.name).toBe(name)
    expect(format.describe).toMatch(/^[^\n]{20,120}$/)
  })
  test('a small result is the golden file', () =>
    expectGolden(`${name}.small.${ENDINGS[name]}`, one(format, small)))
  test('our own failure is the golden file', () =>
    expectGolden(`${name}.trouble.${ENDINGS[name]}`, one(format, trouble)))
  test('the same outcome is the same bytes, however long grading took', () => {
    for (const fixture of GRADED) {
      const outcome = graded(fixture)
      const slower = { ...outcome, result: { ...outcome.result, durationMs: 99_999 } }
      expect(one(format, slower)).toBe(one(format, outcome))
    }
  })
  test('the file ends with one line feed and has no control characters', () => {
    fc.assert(
      fc.property(anyOutcome, (outcome) => {
        const file = one(format, outcome)
        expect(file).toMatch(/[^\n]\n$/)
        expect(file.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}\ufffe\uffff]/u)
      }),
    )
  })
  test('several outcomes are one file, or refused in a sentence', () => {
    const both = [small, trouble]
    if (format.many) expect(format.write(both, context)).toContain('bob')
    else
      expect(() => format.write(both, context)).toThrow(`${name}: expected one submission for a file, got 2`)
  })
})

describe.each(names.filter((name) => name !== 'markdown'))('%s as data', (name) => {
  test('what can be parsed has no control character in any string, and no number that is none', () => {
    fc.assert(
      fc.property(anyOutcome, (outcome) => {
        const data = read(name, one(formats[name], outcome))
        expect(stringsIn(data).join('').replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cs}]/u)
        // JSON has no NaN: it would be null
        if (JSONS.includes(name)) expect(numbersIn(data).every((number) => number >= 0)).toBe(true)
      }),
    )
  })
})

/** Points of the tests, and the total beside them, in the formats that have both. */
const totals: { readonly [name: string]: (data: never) => { tests: number[]; total: number } } = {
  gradescope: ({ tests, score }: { tests: { score: number }[]; score: number }) => ({
    tests: tests.map((each) => each.score),
    total: score,
  }),
  classroom50: ({ tests, score }: { tests: { score: number }[]; score: number }) => ({
    tests: tests.map((each) => each.score),
    total: score,
  }),
  prairielearn: (data: { tests: { points: number; max_points: number }[]; score: number }) => ({
    tests: data.tests.map(({ points }) => points),
    total: data.score * data.tests.reduce((sum, { max_points }) => sum + max_points, 0),
  }),
}
describe.each(Object.keys(totals) as FormatName[])('%s', (name) => {
  test("the sum of the tests' scores is the score", () => {
    fc.assert(
      fc.property(anyResult, (result) => {
        fc.pre(result.maxScore > 0)
        const { tests, total } = totals[name]!(
          read(name, one(formats[name], { name: 'ada', result })) as never,
        )
        expect(tests.reduce((sum, score) => sum + score, 0)).toBeCloseTo(total, 9)
      }),
    )
  })
})

describe('our own failure', () => {
  const zero = /"(score|max-score|points)": ?0\b/
  test.each(JSONS)('%s says no zero, and why', (name) => {
    for (const outcome of [trouble, broken]) {
      const file = one(formats[name], outcome)
      expect(file).not.toMatch(zero)
      expect(file).toMatch(/ran out of memory|x is not a function/)
    }
  })
  test('with one error of ours, the points of the other checks are no score either', () => {
    expect(JSON.parse(one(formats.gradescope, broken))).not.toHaveProperty('score')
    expect(JSON.parse(one(formats.prairielearn, broken))).toMatchObject({ gradable: false })
    expect(one(formats.junit, broken)).not.toMatch(
      /<testsuite [^>]*>\s*<properties>\s*<property name="score"/,
    )
    expect(one(formats.markdown, broken)).toContain('not graded')
  })
})

describe('extra credit', () => {
  const extra = { name: 'ada', result: graded('solved').result }
  test('the fixture has all of it', () => expect(extra.result).toMatchObject({ score: 100, extraCredit: 20 }))
  test('is above the maximum where a format takes that', () => {
    expect(JSON.parse(one(formats.gradescope, extra))).toMatchObject({ score: 120 })
    expect(one(formats.markdown, extra)).toContain('100/100, extra credit 20/20')
  })
  test('makes up for lost points where a score may not be above the maximum', () => {
    expect(JSON.parse(one(formats.classroom50, extra))).toMatchObject({ score: 100, 'max-score': 100 })
    expect(JSON.parse(one(formats.prairielearn, extra))).toMatchObject({ score: 1 })
  })
  test('that nobody has tried costs nothing', () => {
    const { result } = graded('solved')
    const untried = result.steps.map((each) =>
      each.extra
        ? step(
            each.id,
            true,
            each.checks.map((check) => ({ ...check, verdict: 'fail', points: 0 })),
            each.title,
          )
        : each,
    )
    const outcome = { name: 'ada', result: { ...result, extraCredit: 0, steps: untried } }
    const { tests } = JSON.parse(one(formats.classroom50, outcome)) as { tests: { passed: boolean }[] }
    expect(tests.every(({ passed }) => passed)).toBe(true)
    expect(one(formats.junit, outcome)).toContain('failures="0"')
  })
})
