// `pagewalk export`: a book's grades for a gradebook, as CSV or JSON, or as files of a format.

import { Book } from '@pagewalk/batch'
import {
  type Filled,
  type GradebookName,
  type GradebookOptions,
  type GradebookRow,
  gradebookRow,
  gradebooks,
  type Outcome,
  type Student,
  writeCsv,
} from '@pagewalk/exporters'
import { UsageError } from '@pagewalk/grader'
import { cameFrom } from './details.ts'
import { gradesIn, outcomesIn } from './graded.ts'
import { formatNamed, readText, writeFormat, writeText } from './results.ts'
import { tell } from './terminal.ts'

export interface ExportOptions {
  /** The gradebook's own file, as it was exported. */
  readonly gradebook?: string
  readonly output?: string
  readonly assignment?: string
  readonly scale?: boolean
  readonly decimal?: '.' | ','
  /** `role=title` each. */
  readonly column?: readonly string[]
}

export async function exportBook(path: string, kind: string, options: ExportOptions): Promise<void> {
  const book = new Book(path)
  try {
    if (Object.hasOwn(gradebooks, kind)) return await fillGradebook(book, kind as GradebookName, options)
    if (kind === 'csv') return await writeText(csvOf(book), options.output)
    if (kind === 'json') return await writeText(jsonOf(book), options.output)
    await writeFormat(formatNamed(kind), outcomesIn(book, {}), options.output)
  } finally {
    book.close()
  }
}
const jsonOf = (book: Book): string =>
  `${JSON.stringify(
    gradesIn(book, {}).map(({ result }) => ({ ...result, durationMs: 0 })),
    null,
    2,
  )}\n`

interface Whose {
  readonly outcome: Outcome
  readonly students: readonly Student[]
  readonly late: boolean
}
function whoseIn(book: Book): Whose[] {
  const came = new Map(book.latest().map(({ name, details }) => [name, cameFrom(details)]))
  return outcomesIn(book, {}).map((outcome) => {
    const { students = [], late = false } = came.get(outcome.name) ?? {}
    return { outcome, students, late }
  })
}
/** A line for each student of a group, and one for a submission of nobody known. */
const csvOf = (book: Book): string =>
  writeCsv(
    whoseIn(book).flatMap(({ outcome, students, late }) =>
      (students.length > 0 ? students : [undefined]).map((student) => ({
        outcome,
        ...(student && { student }),
        late: late ? 'late' : '',
      })),
    ),
  )

async function fillGradebook(book: Book, kind: GradebookName, options: ExportOptions): Promise<void> {
  const { gradebook: file, output } = options
  if (file === undefined)
    throw new UsageError(`export ${kind}: expected --gradebook with the file that ${kind} exported, got none`)
  const rows = whoseIn(book).flatMap(({ outcome, students }) =>
    students.length > 0
      ? students.map((student) => gradebookRow(outcome, student))
      : [gradebookRow(outcome, { name: outcome.name, ids: {} })],
  )
  const filled = gradebooks[kind].fill(readText(file), rows, fillOptions(options))
  await writeText(filled.csv, output)
  tell(filledWords(filled, rows))
}
function fillOptions({ assignment, scale, decimal, column = [] }: ExportOptions): GradebookOptions {
  const columns = column.map((pair): [string, string] => {
    const at = pair.indexOf('=')
    if (at < 1)
      throw new UsageError(`--column: expected role=title such as grade=Note, got ${JSON.stringify(pair)}`)
    return [pair.slice(0, at), pair.slice(at + 1)]
  })
  return {
    ...(assignment !== undefined && { assignment }),
    ...(scale !== undefined && { scale }),
    ...(decimal !== undefined && { decimal }),
    ...(columns.length > 0 && { columns: Object.fromEntries(columns) }),
  }
}
function filledWords({ filled, unmatched, missing }: Filled, rows: readonly GradebookRow[]): string[] {
  return [
    `${filled} of ${rows.length} grades are in the file`,
    ...unmatched.map(
      ({ row, why }) => `not in the file: ${row.student.name ?? row.student.email ?? '?'}: ${why}`,
    ),
    ...(missing.length > 0 ? [`in the file without a grade: ${missing.join(', ')}`] : []),
  ]
}
