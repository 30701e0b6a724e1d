import { describe, expect, test } from 'vitest'
import { gradebooks } from '../../src/index.ts'
import { expectGolden } from '../kit.ts'

const { fill } = gradebooks.brightspace
const csv = [
  'OrgDefinedId,Username,Last Name,First Name,Email,Lab 1 Points Grade <Numeric MaxPoints:40 Weight:10 Category:Labs>,Lab 2 Points Grade,Labs Subtotal Numerator,End-of-Line Indicator',
  '#20067930,#ada,Lovelace,Ada,ada@example.edu,,,10,#',
  '"#20067931",#alan,Turing,Alan,alan@example.edu,12,,10,#',
  '#20067932,#grace,Hopper,Grace,grace@example.edu,,,10,#',
  '',
].join('\r\n')

describe('a gradebook of Brightspace', () => {
  test('is filled in place: ids keep their #, and so does the end of the line', () => {
    const rows = [
      { student: { ids: { sid: '20067930' } }, score: 72, maxScore: 100 },
      { student: { ids: { sisLogin: 'alan' } }, score: 99, maxScore: 100 },
    ]
    const { csv: filled, ...rest } = fill(csv, rows, { assignment: 'Lab 1' })
    expect(rest).toEqual({ filled: 2, unmatched: [], missing: ['Hopper, Grace'] })
    expect(filled).toBe(
      csv.replace('ada@example.edu,,,', 'ada@example.edu,28.8,,').replace('.edu,12,', '.edu,39.6,'),
    )
    expectGolden('brightspace.csv', filled)
  })
  test('without a maximum in the title the score stays as it is', () => {
    const rows = [{ student: { name: 'Grace Hopper', ids: {} }, score: 72, maxScore: 90 }]
    expect(fill(csv, rows, { assignment: 'Lab 2' }).csv).toBe(
      csv.replace('grace@example.edu,,,', 'grace@example.edu,,72,'),
    )
  })
  test('subtotals are no assignments', () => {
    expect(() => fill(csv, [], { assignment: 'Labs Subtotal Numerator' })).toThrow(
      'brightspace: expected the name of one of the assignments in the file (Lab 1 Points Grade <',
    )
  })
})
