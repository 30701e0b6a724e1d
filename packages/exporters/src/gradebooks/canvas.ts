// Canvas: the CSV that the gradebook exports and imports.
// Source: Canvas LMS, lib/gradebook_exporter.rb. There may be a line about manual posting before that of the points possible.

import { assignmentColumn, columnFor, isSomebody, namedBy, peopleIn } from './columns.ts'
import { type CsvFile, valueAt } from './csv-file.ts'
import { type Gradebook, type GradebookOptions, gradebook, type Layout } from './gradebook.ts'
import type { Person } from './match.ts'

export const canvas: Gradebook = gradebook(
  'canvas',
  "Canvas: the gradebook's exported CSV; people by ID, SIS User ID, SIS Login ID or name",
  layoutOf,
)

/** `Lab 1 (4711)` */
const ASSIGNMENT = /^(.*) \((\d+)\)$/s

function layoutOf(file: CsvFile, options: GradebookOptions): Layout {
  const grade = assignmentColumn(file, options, ASSIGNMENT)
  const possible = file.lines.findIndex((_, line) => valueAt(file, line, 0).trim() === 'Points Possible')
  const maximum = (): string => valueAt(file, possible, grade)
  return {
    people: peopleOf(file, options),
    grade,
    maximum,
    locked: (line) => locked(valueAt(file, line, grade)),
  }
}
function peopleOf(file: CsvFile, options: GradebookOptions): Person[] {
  const people = peopleIn(file, {
    name: columnFor(file, options, 'name', 'Student'),
    canvas: columnFor(file, options, 'canvas', 'ID'),
    sid: columnFor(file, options, 'sid', 'SIS User ID'),
    sisLogin: columnFor(file, options, 'sisLogin', 'SIS Login ID'),
  })
  return namedBy(file, people, 'LastName', 'FirstName').filter(
    (person) => isSomebody(person) && !isTestStudent(person),
  )
}
/** Canvas's own, at the end of the file; the school does not know it. */
const isTestStudent = ({ keys }: Person): boolean =>
  !keys.sid && /^(student, test|test student)$/i.test(keys.name ?? '')
function locked(grade: string): string | undefined {
  if (grade.toUpperCase() === 'EX') return 'is excused from it in Canvas'
  return grade === 'N/A' ? 'does not have the assignment in Canvas' : undefined
}
