import { describe, expect, test } from 'vitest'
import { type Keys, matched, type Student } from '../../src/gradebooks/match.ts'

const person = (line: number, keys: Keys): { line: number; keys: Keys } => ({ line, keys })
const row = (student: Partial<Student>): { student: Student } => ({ student: { ids: {}, ...student } })
const ada = person(1, { canvas: '1', sid: 'A1', email: 'ada@example.edu', name: 'Lovelace, Ada' })
const alan = person(2, { canvas: '2', sid: 'A2', email: 'alan@example.edu', name: 'Turing, Alan' })
const lines = (rows: readonly { student: Student }[], people = [ada, alan]): (number | undefined)[] => {
  const { pairs } = matched(people, rows)
  return rows.map((each) => pairs.find((pair) => pair.row === each)?.person.line)
}

describe('rows and people', () => {
  test('meet by any id, whatever its case and a # before it', () => {
    expect(lines([row({ ids: { canvas: '2' } })])).toEqual([2])
    expect(lines([row({ ids: { sid: '#a1' } })])).toEqual([1])
    expect(lines([row({ email: 'ALAN@example.edu' })])).toEqual([2])
  })
  test('meet by name where there is nothing better, in either order', () => {
    expect(lines([row({ name: 'Ada Lovelace' }), row({ name: 'Turing, Alan' })])).toEqual([1, 2])
  })
  test('do not meet by name if an id says somebody else', () => {
    const { unmatched, missing } = matched([ada], [row({ name: 'Ada Lovelace', ids: { canvas: '9' } })])
    expect(unmatched.map(({ why }) => why)).toEqual(['nobody in the file is Ada Lovelace'])
    expect(missing).toEqual([ada])
  })
  test('an id that the file does not have leaves the name to decide', () => {
    expect(lines([row({ name: 'Ada Lovelace', ids: { github: 'ada' } })])).toEqual([1])
  })
  test('namesakes are not guessed', () => {
    const twins = [ada, person(3, { canvas: '3', name: 'Ada Lovelace' })]
    const { unmatched } = matched(twins, [row({ name: 'Ada Lovelace' })])
    expect(unmatched[0]?.why).toBe('2 people in the file have the same name, Ada Lovelace')
  })
  test('several rows for one person are none', () => {
    const rows = [row({ ids: { canvas: '1' } }), row({ ids: { sid: 'A1' } })]
    const { pairs, unmatched, missing } = matched([ada], rows)
    expect(pairs).toEqual([])
    expect(unmatched.map(({ why }) => why)).toEqual(
      Array(2).fill('several rows are for Lovelace, Ada: none was filled in'),
    )
    expect(missing).toEqual([])
  })
  test("Moodle's participants meet by number, in any language", () => {
    const people = [person(1, { moodle: 'Teilnehmer/in 9' }), person(2, { moodle: 'Teilnehmer/in 19' })]
    expect(
      lines([row({ ids: { moodle: '9' } }), row({ ids: { moodle: 'Participant 19' } })], people),
    ).toEqual([1, 2])
  })
})
