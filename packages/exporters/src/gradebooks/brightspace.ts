// Brightspace: the CSV that Enter Grades exports and imports.
// Source: D2L Brightspace Community, Importing grades. Exports put # before ids.

import { assignmentColumn, columnFor, isSomebody, namedBy, peopleIn } from './columns.ts'
import { type CsvFile, headerOf } from './csv-file.ts'
import { type Gradebook, type GradebookOptions, gradebook, type Layout } from './gradebook.ts'

export const brightspace: Gradebook = gradebook(
  'brightspace',
  'Brightspace: the CSV of exported grades; people by OrgDefinedId, Username, email or name',
  layoutOf,
)

/** `Lab 1 Points Grade <Numeric MaxPoints:100 Weight:10>` */
const ASSIGNMENT = /^(.*?) ?Points Grade(?: <.*>)?$/s
const MAXIMUM = /MaxPoints:([\d.,]+)/

function layoutOf(file: CsvFile, options: GradebookOptions): Layout {
  const grade = assignmentColumn(file, options, ASSIGNMENT)
  const maximum = MAXIMUM.exec(headerOf(file)[grade] ?? '')?.[1] ?? ''
  const people = peopleIn(file, {
    brightspace: columnFor(file, options, 'brightspace', 'OrgDefinedId', 'Org Defined ID'),
    sid: columnFor(file, options, 'sid', 'OrgDefinedId', 'Org Defined ID'),
    sisLogin: columnFor(file, options, 'sisLogin', 'Username'),
    email: columnFor(file, options, 'email', 'Email'),
    name: columnFor(file, options, 'name', 'Name'),
  })
  return {
    people: namedBy(file, people, 'Last Name', 'First Name').filter(isSomebody),
    grade,
    maximum: () => maximum,
    locked: () => undefined,
  }
}
