// Moodle: the grading worksheet of an assignment, downloaded and uploaded again.
// Source: Moodle, mod/assign/feedback/offline/importgradeslib.php. Its header is in the language of the user.

import { UsageError } from '@pagewalk/grader'
import { columnFor, columnTitled, isSomebody, peopleIn, titlesOf } from './columns.ts'
import { type CsvFile, valueAt } from './csv-file.ts'
import { type Gradebook, type GradebookOptions, gradebook, type Layout } from './gradebook.ts'

export const moodle: Gradebook = gradebook(
  'moodle',
  "Moodle: an assignment's grading worksheet; people by Identifier, ID number, email or name",
  layoutOf,
)

function layoutOf(file: CsvFile, options: GradebookOptions): Layout {
  const grade = columnFor(file, options, 'grade', 'Grade')
  if (grade === undefined)
    throw new UsageError(
      `moodle: expected a column Grade, or to be told which one it is (columns.grade); got ${titlesOf(file)}`,
    )
  const feedback = columnFor(file, options, 'feedback', 'Feedback comments')
  const maximum = columnFor(file, options, 'maximum', 'Maximum Grade')
  const changeable = columnTitled(file, 'Grade can be changed')
  const people = peopleIn(file, {
    moodle: columnFor(file, options, 'moodle', 'Identifier') ?? numberedColumn(file),
    sid: columnFor(file, options, 'sid', 'ID number'),
    sisLogin: columnFor(file, options, 'sisLogin', 'Username'),
    email: columnFor(file, options, 'email', 'Email address'),
    name: columnFor(file, options, 'name', 'Full name'),
  })
  return {
    people: people.filter(isSomebody),
    grade,
    ...(feedback !== undefined && { feedback }),
    maximum: (line) => (maximum === undefined ? '' : valueAt(file, line, maximum)),
    locked: (line) =>
      changeable !== undefined && valueAt(file, line, changeable).trim().toLowerCase() === 'no'
        ? 'has a grade that Moodle says cannot be changed'
        : undefined,
  }
}
/** In whatever language: the first column, if there stands a word with a number, such as "Participant 9", for everybody. */
function numberedColumn(file: CsvFile): number | undefined {
  const cells = file.lines.slice(1).filter(({ cells }) => cells.length > 1)
  const all = cells.every(({ cells }) => /^\D+\d+$/.test(cells[0]!.value.trim()))
  return all && cells.length > 0 ? 0 : undefined
}
