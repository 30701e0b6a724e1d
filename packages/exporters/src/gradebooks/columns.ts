// Which column of a gradebook is which, and who its lines are about.

import { UsageError } from '@pagewalk/grader'
import { type CsvFile, headerOf, valueAt } from './csv-file.ts'
import type { ColumnRole, GradebookOptions } from './gradebook.ts'
import { KEYS, type Key, type Keys, type Person } from './match.ts'

/** The first column with one of these titles, whatever their case; undefined if there is none. */
export function columnTitled(file: CsvFile, ...titles: readonly string[]): number | undefined {
  const header = headerOf(file).map(comparable)
  return titles.map((title) => header.indexOf(comparable(title))).find((column) => column >= 0)
}
/**
 * The column that `options` names for the role, or else one with its usual title.
 *
 * @throws UsageError if it is named and not there
 */
export function columnFor(
  file: CsvFile,
  { columns }: GradebookOptions,
  role: ColumnRole,
  ...titles: readonly string[]
): number | undefined {
  const named = columns?.[role]
  if (named === undefined) return columnTitled(file, ...titles)
  const found = columnTitled(file, named)
  if (found !== undefined) return found
  throw new UsageError(`${file.what}: expected a column ${JSON.stringify(named)}, got ${titlesOf(file)}`)
}
const comparable = (title: string): string => title.trim().toLowerCase()
/** All that the header has, for errors. */
export const titlesOf = (file: CsvFile): string => headerOf(file).join(' | ')

/** The people in the lines behind the header, by what the file says of them. A login that is an email address counts as that too. */
export function peopleIn(file: CsvFile, columns: { readonly [key in Key]?: number | undefined }): Person[] {
  const known = KEYS.flatMap((key) => (columns[key] === undefined ? [] : [[key, columns[key]] as const]))
  return file.lines.slice(1).map((_, at) => {
    const line = at + 1
    const cells = known.map(([key, column]) => [key, valueAt(file, line, column).trim()] as const)
    const keys: Keys = Object.fromEntries(cells.filter(([, text]) => text !== ''))
    return { line, keys: keys.sisLogin?.includes('@') ? { email: keys.sisLogin, ...keys } : keys }
  })
}
/** The people with the names that stand in two columns, if the file has these. */
export function namedBy(
  file: CsvFile,
  people: readonly Person[],
  lastTitle: string,
  firstTitle: string,
): readonly Person[] {
  const last = columnTitled(file, lastTitle)
  const first = columnTitled(file, firstTitle)
  if (last === undefined || first === undefined) return people
  return people.map(({ line, keys }) => {
    const name = `${valueAt(file, line, last)}, ${valueAt(file, line, first)}`
    return { line, keys: { ...keys, name } }
  })
}
/** Does the file say who it is? Lines such as the points possible are nobody's. */
export const isSomebody = ({ keys }: Person): boolean => Object.keys(keys).some((key) => key !== 'name')

/**
 * The column of the assignment that `options` means.
 *
 * @param titled  what titles of assignments look like; its groups are names by which one may be asked for
 * @throws UsageError if it is not exactly one
 */
export function assignmentColumn(file: CsvFile, options: GradebookOptions, titled: RegExp): number {
  const named = columnFor(file, options, 'grade')
  if (named !== undefined) return named
  const candidates = headerOf(file).flatMap((title, column) => {
    const names = titled.exec(title.trim())
    return names ? [{ column, names: [...names] }] : []
  })
  const { assignment } = options
  const wanted = candidates.filter(
    ({ names }) =>
      assignment === undefined || names.some((name) => comparable(name) === comparable(assignment)),
  )
  if (wanted.length === 1) return wanted[0]!.column
  const offered = candidates.map(({ names }) => names[0]).join(' | ') || 'none'
  const got = assignment === undefined ? 'no name' : JSON.stringify(assignment)
  throw new UsageError(
    `${file.what}: expected the name of one of the assignments in the file (${offered}), got ${got}`,
  )
}
