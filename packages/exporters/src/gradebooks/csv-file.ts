// A CSV file as somebody else has written it, edited in place: what is not edited comes back byte for byte.

import { UsageError } from '@pagewalk/grader'
import { type CastingFunction, CsvError, parse } from 'csv-parse/sync'
import { stringify } from 'csv-stringify/sync'

interface Cell {
  readonly value: string
  readonly quoted: boolean
}
interface Line {
  readonly cells: readonly Cell[]
  /** As it stands in the file, with its line end. */
  readonly source: string
  /** '' at the end of a file that has none. */
  readonly end: string
}
export interface CsvFile {
  /** What it is, for errors: "canvas". */
  readonly what: string
  readonly bom: string
  readonly delimiter: string
  readonly lines: readonly Line[]
}
/** Line -> column -> what to write there. */
export type Edits = ReadonlyMap<number, ReadonlyMap<number, string>>

const BOM = '\ufeff'
const DELIMITERS = [',', ';', '\t']
const LINE_ENDS = ['\r\n', '\n', '\r']

/**
 * Read a file with commas, semicolons or tabs, whichever its first line has most of.
 *
 * @throws UsageError if it is no CSV
 */
export function readCsv(text: string, what: string): CsvFile {
  const bom = text.startsWith(BOM) ? BOM : ''
  const bytes = Buffer.from(text.slice(bom.length))
  const [delimiter = ','] = DELIMITERS.map((one) => ({ one, cells: cellsInFirst(bytes, one) }))
    .sort((a, b) => b.cells - a.cells) // stable: a comma if none is there
    .map(({ one }) => one)
  const lines = parsed(bytes, delimiter, what)
  if (lines.length === 0)
    throw new UsageError(`${what}: expected a gradebook with a header line, got an empty file`)
  return { what, bom, delimiter, lines }
}
function cellsInFirst(bytes: Buffer, delimiter: string): number {
  try {
    const [first = []] = parse(bytes, { delimiter, record_delimiter: LINE_ENDS, to: 1 })
    return first.length
  } catch {
    return 0 // quotes in a place that only another delimiter explains
  }
}
function parsed(bytes: Buffer, delimiter: string, what: string): Line[] {
  const records = recordsOf(bytes, delimiter, what)
  let from = 0
  return records.map(({ record, info }) => {
    const source = bytes.toString('utf8', from, info.bytes)
    from = info.bytes
    const end = LINE_ENDS.find((one) => source.endsWith(one)) ?? ''
    // what we would write for it must be what is there, or an edit could change a neighbour
    for (const known of ['', end])
      if (record.map(asWritten).join(delimiter) + known === source)
        return { cells: record, source, end: known }
    throw new UsageError(
      `${what}: expected cells quoted as CSV does, got ${JSON.stringify(source.slice(0, 80))}`,
    )
  })
}
interface Parsed {
  readonly record: readonly Cell[]
  /** Where in the file the record ends. */
  readonly info: { readonly bytes: number }
}
function recordsOf(bytes: Buffer, delimiter: string, what: string): readonly Parsed[] {
  const options = { delimiter, record_delimiter: LINE_ENDS, relax_column_count: true, info: true }
  const cast: CastingFunction = (value, { quoting }): Cell => ({ value, quoted: quoting })
  try {
    // the declared type knows neither `cast` nor `info`
    return parse(bytes, { ...options, cast }) as unknown as readonly Parsed[]
  } catch (error) {
    if (error instanceof CsvError) throw new UsageError(`${what}: expected CSV, got: ${error.message}`)
    throw error
  }
}
const asWritten = ({ value, quoted }: Cell): string => (quoted ? `"${value.replaceAll('"', '""')}"` : value)

export const headerOf = ({ lines }: CsvFile): readonly string[] => lines[0]!.cells.map(({ value }) => value)
/** '' if the line is too short. */
export const valueAt = ({ lines }: CsvFile, line: number, column: number): string =>
  lines[line]?.cells[column]?.value ?? ''

/** The file with these cells, and all others as they were. */
export function withEdits(file: CsvFile, edits: Edits): string {
  const lines = file.lines.map((line, at) => {
    const edit = edits.get(at)
    return edit ? edited(line, edit, file.delimiter) : line.source
  })
  return file.bom + lines.join('')
}
function edited({ cells, end }: Line, edit: ReadonlyMap<number, string>, delimiter: string): string {
  const width = Math.max(cells.length, ...[...edit.keys()].map((column) => column + 1))
  const written = Array.from({ length: width }, (_, column) => {
    const old = cells[column] ?? { value: '', quoted: false }
    const value = edit.get(column)
    return value === undefined ? asWritten(old) : cell(value, old.quoted, delimiter)
  })
  return written.join(delimiter) + end
}
/** Quoted if it must be, or was. */
const cell = (value: string, quoted: boolean, delimiter: string): string =>
  value === '' && !quoted ? '' : stringify([[value]], { delimiter, eof: false, quoted, quoted_empty: quoted })
