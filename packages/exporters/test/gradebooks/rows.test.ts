import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gradebookRow, writeCsv } from '../../src/index.ts'
import {
  anyOutcome,
  anyText,
  broken,
  expectGolden,
  failed,
  graded,
  resultOf,
  small,
  step,
  trouble,
} from '../kit.ts'

const student = { name: 'Ada Lovelace', email: 'ada@example.edu', ids: { canvas: '340934' } }

describe('a row for a gradebook', () => {
  test('has extra credit in its score', () => {
    expect(gradebookRow(graded('solved'), student)).toMatchObject({ student, score: 120, maxScore: 100 })
  })
  test('says what failed, and why', () => {
    expect(gradebookRow(small, student).feedback).toMatch(
      /^9.5\/20, extra credit 3\/5, 4 points await a reader\n1.3 b-two: kernel.ts:12:5: nothing Which\?\n/,
    )
  })
  test('of our own failure has no score', () => {
    for (const outcome of [trouble, broken]) {
      expect(gradebookRow(outcome, student)).not.toHaveProperty('score')
      expect(gradebookRow(outcome, student).feedback).toMatch(
        /^Not graded, through no fault of the student's: /,
      )
    }
  })
  test('has a feedback that a cell can hold', () => {
    const long = resultOf([step('1', false, [failed('a', 1, 'x'.repeat(99_999))])])
    expect(gradebookRow({ name: 'ada', result: long }, student).feedback!.length).toBeLessThanOrEqual(4001)
  })
})

describe('our own gradebook', () => {
  test('is the golden file', () => {
    const rows = [
      { outcome: small, student, late: '2 h' },
      { outcome: graded('solved') },
      { outcome: trouble },
      { outcome: broken },
    ]
    expectGolden('class.csv', writeCsv(rows))
  })
  test('has a line for each row, whatever they are called, and no formula', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyOutcome, anyText), { maxLength: 4 }), (pairs) => {
        const rows = pairs.map(([outcome, name]) => ({ outcome, student: { name, ids: {} } }))
        const lines = parse(writeCsv(rows), { columns: true }) as { [column: string]: string }[]
        expect(lines).toHaveLength(rows.length)
        for (const cell of lines.flatMap((line) => Object.values(line)))
          expect(cell).not.toMatch(/^\s*[=+\-@]/)
        for (const [at, { outcome }] of rows.entries())
          expect(lines[at]!.score === '').toBe('trouble' in outcome)
      }),
    )
  })
})
