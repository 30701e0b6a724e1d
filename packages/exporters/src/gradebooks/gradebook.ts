// What a gradebook is, and how it is filled in, whosever it is.

import { rounded } from '@pagewalk/grader'
import { cleanLines } from '../text.ts'
import { type CsvFile, type Edits, readCsv, valueAt, withEdits } from './csv-file.ts'
import { harmless } from './harmless.ts'
import { type Key, labelOf, matched, type Person, type Student, type Unmatched } from './match.ts'

export interface GradebookRow {
  readonly student: Student
  /** Absent: not graded. The cell keeps what it has. */
  readonly score?: number
  readonly maxScore: number
  /** For gradebooks that have a place for it. */
  readonly feedback?: string
}
/** What a column is for, by names that are the same for all gradebooks. */
export type ColumnRole = Key | 'grade' | 'maximum' | 'feedback'
export interface GradebookOptions {
  /** Which assignment, if the file has several: its column's title, or its name or id in that. */
  readonly assignment?: string
  /** Write the score as so much of the gradebook's own maximum, if that is in the file? Default: true. */
  readonly scale?: boolean
  /** Of the numbers that are written. Default: as in the file, else `.` */
  readonly decimal?: '.' | ','
  /** Titles of columns, for files whose header is in another language. */
  readonly columns?: { readonly [role in ColumnRole]?: string }
}
export interface Filled {
  readonly csv: string
  /** So many grades were written. */
  readonly filled: number
  /** Rows that were not written, and why. */
  readonly unmatched: readonly Unmatched<GradebookRow>[]
  /** People in the file without a row, for people. */
  readonly missing: readonly string[]
}
export interface Gradebook {
  /** One line, for --help. */
  readonly describe: string
  /** @throws UsageError if the file has not the columns, or it is not clear which is meant */
  readonly fill: (csv: string, rows: readonly GradebookRow[], options?: GradebookOptions) => Filled
}

/** Where in a file things are. */
export interface Layout {
  readonly people: readonly Person[]
  readonly grade: number
  readonly feedback?: number
  /** Of the assignment, for the person in this line; as it stands there, '' if it does not. */
  readonly maximum: (line: number) => string
  /** Why the grade in this line has to stay as it is, if so. */
  readonly locked: (line: number) => string | undefined
}

export const gradebook = (
  what: string,
  describe: string,
  layoutOf: (file: CsvFile, options: GradebookOptions) => Layout,
): Gradebook => ({
  describe,
  fill: (csv, rows, options = {}) => {
    const file = readCsv(csv, what)
    return fill(file, layoutOf(file, options), rows, options)
  },
})
function fill(
  file: CsvFile,
  layout: Layout,
  rows: readonly GradebookRow[],
  options: GradebookOptions,
): Filled {
  const { pairs, unmatched, missing } = matched(layout.people, rows)
  const decimal = options.decimal ?? decimalOf(file, layout)
  const edits = new Map<number, ReadonlyMap<number, string>>()
  const locked: Unmatched<GradebookRow>[] = []
  for (const { person, row } of pairs) {
    const why = layout.locked(person.line)
    if (why !== undefined) locked.push({ row, why: `${labelOf(person.keys)}: ${why}` })
    else edits.set(person.line, editOf(row, layout, person.line, { scale: options.scale ?? true, decimal }))
  }
  return {
    csv: withEdits(file, edits satisfies Edits),
    filled: [...edits.values()].filter((edit) => edit.has(layout.grade)).length,
    unmatched: [...unmatched, ...locked],
    missing: missing.map(({ keys }) => labelOf(keys)),
  }
}
function editOf(
  { score, maxScore, feedback }: GradebookRow,
  layout: Layout,
  line: number,
  { scale, decimal }: { readonly scale: boolean; readonly decimal: string },
): ReadonlyMap<number, string> {
  const edit = new Map<number, string>()
  const maximum = numberIn(layout.maximum(line))
  if (score !== undefined) {
    const scaled = scale && maximum !== undefined && maxScore > 0 ? (score * maximum) / maxScore : score
    edit.set(layout.grade, harmless(String(rounded(scaled)).replace('.', decimal)))
  }
  if (layout.feedback !== undefined && feedback) edit.set(layout.feedback, harmless(cleanLines(feedback)))
  return edit
}

/** `100,00` and `100.00` are 100; undefined for what is no number. */
function numberIn(text: string): number | undefined {
  const found = /^\s*(\d+)(?:[.,](\d+))?\s*$/.exec(text)
  return found ? Number(`${found[1]}.${found[2] ?? 0}`) : undefined
}
/** A comma if a grade, or a maximum, in the file has one. */
function decimalOf(file: CsvFile, { people, grade, maximum }: Layout): '.' | ',' {
  const numbers = people.flatMap(({ line }) => [valueAt(file, line, grade), maximum(line)])
  return numbers.some((text) => /^\s*-?\d+,\d+\s*$/.test(text)) ? ',' : '.'
}
