import { describe, expect, test } from 'vitest'
import { type GradebookRow, gradebooks } from '../../src/index.ts'
import { expectGolden } from '../kit.ts'

const { fill } = gradebooks.canvas
// as lib/gradebook_exporter.rb of Canvas writes it
const csv = [
  '\ufeffStudent,ID,SIS User ID,SIS Login ID,Section,Notes,Lab 1 (4711),Lab 2 (4712),Labs Current Score,Final Score',
  ',,,,,,Manual Posting,,,',
  '    Points Possible,,,,,,20.00,100.00,(read only),(read only)',
  '"Lovelace, Ada",340934,A1,ada,"OS, ""Tuesday""","two\nlines",,,88.5,90',
  '"Turing, Alan",340935,A2,alan@example.edu,OS,,12,3,70,60',
  '"=Hopper, Grace",340936,A3,grace,OS,@note,EX,,70,60',
  '"Dijkstra, Edsger",340937,A4,edsger,OS,,N/A,,70,60',
  '"Student, Test",349999,,d41d8cd98f00b204e9800998ecf8427e,OS,,,,,',
].join('\r\n')
const row = (canvas: string, score: number | undefined, maxScore = 100): GradebookRow => ({
  student: { ids: { canvas } },
  ...(score !== undefined && { score }),
  maxScore,
})

describe('a gradebook of Canvas', () => {
  test('is filled in place, and is otherwise the same bytes', () => {
    const { csv: filled, ...rest } = fill(csv, [row('340934', 72), row('340935', 99)], {
      assignment: 'Lab 1',
    })
    expect(rest).toMatchObject({ filled: 2, unmatched: [], missing: ['=Hopper, Grace', 'Dijkstra, Edsger'] })
    const expected = csv
      .replace('"two\nlines",,,88.5', '"two\nlines",14.4,,88.5')
      .replace('OS,,12,3', 'OS,,19.8,3')
    expect(filled).toBe(expected)
    expectGolden('canvas.csv', filled)
  })
  test('the assignment is found by title, name or id, and must be named if there are several', () => {
    for (const assignment of ['Lab 2 (4712)', 'lab 2', '4712'])
      expect(fill(csv, [row('340934', 72)], { assignment }).csv).toContain('"two\nlines",,72,88.5')
    expect(() => fill(csv, [])).toThrow(
      'canvas: expected the name of one of the assignments in the file (Lab 1 (4711) | Lab 2 (4712)), got no name',
    )
    expect(() => fill(csv, [], { assignment: 'Lab 3' })).toThrow('got "Lab 3"')
  })
  test('a score is as much of the points possible, or stays as it is', () => {
    const options = { assignment: 'Lab 1', scale: false }
    expect(fill(csv, [row('340934', 72)], options).csv).toContain('"two\nlines",72,,88.5')
    expect(fill(csv, [row('340934', 100 / 3)], { assignment: 'Lab 1' }).csv).toContain('"two\nlines",6.67,,')
    expect(fill(csv, [row('340934', 110)], { assignment: 'Lab 1' }).csv).toContain('"two\nlines",22,,')
  })
  test('who is excused, or has not the assignment, stays so and is told', () => {
    const result = fill(csv, [row('340936', 72), row('340937', 72)], { assignment: 'Lab 1' })
    expect(result.csv).toBe(csv)
    expect(result.unmatched.map(({ why }) => why)).toEqual([
      '=Hopper, Grace: is excused from it in Canvas',
      'Dijkstra, Edsger: does not have the assignment in Canvas',
    ])
  })
  test('what is not graded keeps its cell', () => {
    const result = fill(csv, [row('340935', undefined, 0)], { assignment: 'Lab 1' })
    expect(result).toMatchObject({ csv, filled: 0, unmatched: [] })
    expect(result.missing).not.toContain('Turing, Alan')
  })
  test('a login that is an address is found by that; the test student is nobody', () => {
    const rows = [
      { student: { email: 'alan@example.edu', ids: {} }, score: 50, maxScore: 100 },
      { student: { name: 'Test Student', ids: {} }, score: 50, maxScore: 100 },
    ]
    const { filled, unmatched } = fill(csv, rows, { assignment: 'Lab 2' })
    expect(filled).toBe(1)
    expect(unmatched.map(({ why }) => why)).toEqual(['nobody in the file is Test Student'])
  })
  test('a file with names in two columns, semicolons and decimal commas', () => {
    const file = [
      'LastName;FirstName;ID;SIS Login ID;Section;Lab 1 (1)',
      '    Points Possible;;;;;12,50',
      'Lovelace;Ada;1;ada;OS;',
      '',
    ].join('\n')
    const rows = [{ student: { name: 'Ada Lovelace', ids: {} }, score: 72, maxScore: 100 }]
    expect(fill(file, rows).csv).toBe(file.replace('ada;OS;', 'ada;OS;9'))
    expect(fill(file, [{ ...rows[0]!, score: 70 }]).csv).toBe(file.replace('ada;OS;', 'ada;OS;8,75'))
  })
})
