// Reads a CSV file as courses' systems and spreadsheets write it.

import { UsageError } from '@pagewalk/grader'
import { parse } from 'csv-parse/sync'
import { z } from 'zod'

const BYTES_LIMIT = 8 << 20
const RECORD_LIMIT = 64 << 10
const DELIMITERS = [',', ';', '\t']

export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly Row[]
}
export interface Row {
  /** The first line of the file is 1. */
  readonly line: number
  readonly cells: readonly string[]
}
const recordsSchema = z.array(
  z.object({ info: z.object({ lines: z.number() }), record: z.array(z.string()) }),
)

/** @throws UsageError that begins with `name`, if it cannot be read */
export function readTable(name: string, bytes: Uint8Array): Table {
  if (bytes.length > BYTES_LIMIT)
    throw new UsageError(`${name}: expected a CSV file of at most ${BYTES_LIMIT} bytes, got ${bytes.length}`)
  const [header, ...rows] = recordsOf(name, textOf(bytes))
  if (!header) throw new UsageError(`${name}: expected a CSV file with a header, got nothing in it`)
  return { header: header.cells, rows }
}
function recordsOf(name: string, text: string): Row[] {
  try {
    const records: unknown = parse(text, {
      delimiter: delimiterOf(text),
      info: true,
      max_record_size: RECORD_LIMIT,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    })
    return recordsSchema.parse(records).map(({ info, record }) => ({ line: info.lines, cells: record }))
  } catch (error) {
    throw new UsageError(`${name}: expected a CSV file, got ${(error as Error).message}`)
  }
}
/** UTF-8 or UTF-16, told by its mark; what is neither comes from a spreadsheet on Windows. */
function textOf(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}
/** What parts the header's cells: spreadsheets of some countries write semicolons. */
function delimiterOf(text: string): string {
  const header = text.slice(0, RECORD_LIMIT).split(/[\r\n]/, 1)[0]!
  const counts = DELIMITERS.map((delimiter) => header.split(delimiter).length)
  return DELIMITERS[counts.indexOf(Math.max(...counts))]!
}
