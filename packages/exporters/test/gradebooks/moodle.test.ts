import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type GradebookRow, gradebooks } from '../../src/index.ts'
import { anyText, expectGolden, HOSTILE } from '../kit.ts'

const { fill } = gradebooks.moodle
const csv = [
  '\ufeffIdentifier,"Full name","ID number","Email address",Status,Grade,"Maximum Grade","Grade can be changed","Last modified (submission)","Last modified (grade)","Feedback comments"',
  '"Participant 9","Ada Lovelace",A1,ada@example.edu,"Submitted for grading - ",,100.00,Yes,"Monday, 1 June 2026, 2:32 PM",-,',
  '"Participant 19","Alan Turing",A2,alan@example.edu,"No submission - ",12.50,100.00,Yes,-,-,"an old\r\ncomment"',
  '"Participant 29","Grace Hopper",A3,grace@example.edu,"No submission - ",,100.00,No,-,-,',
  '',
].join('\r\n')
const row = (moodle: string, score: number, feedback?: string): GradebookRow => ({
  student: { ids: { moodle } },
  score,
  maxScore: 100,
  ...(feedback !== undefined && { feedback }),
})

describe('a grading worksheet of Moodle', () => {
  test('is filled in place: grade and feedback, and nothing else', () => {
    const rows = [row('9', 72.5, 'well done,\n"really"'), row('Participant 19', 99)]
    const { csv: filled, ...rest } = fill(csv, rows)
    expect(rest).toEqual({ filled: 2, unmatched: [], missing: ['Grace Hopper'] })
    expect(filled).toBe(
      csv
        .replace('grading - ",,100.00', 'grading - ",72.5,100.00')
        .replace('2:32 PM",-,', '2:32 PM",-,"well done,\n""really"""')
        .replace(',12.50,', ',99,'),
    )
    expectGolden('moodle.csv', filled)
  })
  test('a grade that cannot be changed stays, and is told', () => {
    const { csv: filled, unmatched } = fill(csv, [row('29', 5)])
    expect(filled).toBe(csv)
    expect(unmatched.map(({ why }) => why)).toEqual([
      'Grace Hopper: has a grade that Moodle says cannot be changed',
    ])
  })
  test('an anonymous sheet in German, with decimal commas: the columns are named', () => {
    const german = [
      'ID,Status,Bewertung,Bestwertung,"Feedback als Kommentar"',
      '"Teilnehmer/in 9",-,-,"20,00",',
      '"Teilnehmer/in 19",-,-,"20,00",',
      '',
    ].join('\r\n')
    const columns = { grade: 'Bewertung', maximum: 'Bestwertung', feedback: 'Feedback als Kommentar' }
    const { csv: filled, missing } = fill(german, [row('9', 72.5, 'gut')], { columns })
    expect(filled).toBe(german.replace('9",-,-,"20,00",', '9",-,"14,5","20,00",gut'))
    expect(missing).toEqual(['Teilnehmer/in 19'])
    expect(() => fill(german, [])).toThrow(
      'moodle: expected a column Grade, or to be told which one it is (columns.grade); got ID | Status | Bewertung',
    )
    expect(() => fill(german, [], { columns: { grade: 'Punkte' } })).toThrow(
      'moodle: expected a column "Punkte", got ID | Status',
    )
  })
  test('no feedback becomes a formula, and none changes another cell', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.constantFrom(...HOSTILE)), (feedback) => {
        const { csv: filled } = fill(csv, [row('9', 50, feedback)])
        const before = parse(csv, { bom: true }) as string[][]
        const after = parse(filled, { bom: true }) as string[][]
        expect(after[1]![10]).not.toMatch(/^\s*[=+\-@]/)
        after[1]![10] = before[1]![10]!
        after[1]![5] = before[1]![5]!
        expect(after).toEqual(before)
      }),
    )
  })
})
