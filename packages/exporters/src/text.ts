// Texts of students, made fit for any file: JSON, XML, Markdown, CSV.

import { plain } from '@pagewalk/grader'

/** On one line, without control characters, and with nothing that XML cannot hold. */
export const oneLine = (text: string): string =>
  plain(text.toWellFormed())
    .replace(/[\ufffe\uffff]/g, '\ufffd')
    .trim()

/** The same, with its lines kept. */
export const cleanLines = (text: string): string =>
  text
    .split(/\r\n|[\r\n]/)
    .map(oneLine)
    .join('\n')

/** As JSON for a file, with a line feed at its end. */
export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Texts of a file that may not be larger than so much. */
export interface Cut {
  /** The text, or its beginning. */
  readonly cut: (text: string) => string
  /** For whoever reads the file; '' if nothing is cut. */
  readonly note: string
  /** Is nothing left of any text? */
  readonly bare: boolean
}
/** Characters that are left of each text: as many as fit. */
const LENGTHS = [Number.POSITIVE_INFINITY, 4000, 1000, 250, 60, 0]

/**
 * What `render` makes of texts that are cut as little as need be.
 *
 * @param bytes  the most that the file may have, in UTF-8
 * @throws Error if it has more with no text at all
 */
export function fitted(bytes: number, render: (cut: Cut) => string): string {
  for (const length of LENGTHS) {
    const file = render(cutTo(length, bytes))
    if (Buffer.byteLength(file) <= bytes) return file
  }
  throw new Error(`expected a file of at most ${bytes} bytes, got more with every text cut`)
}
function cutTo(length: number, bytes: number): Cut {
  if (length === Number.POSITIVE_INFINITY) return { cut: (text) => text, note: '', bare: false }
  const cut = (text: string): string =>
    text.length <= length
      ? text
      : `${text.slice(0, length).toWellFormed()}… (${text.length - length} more characters)`
  return {
    cut,
    note: `Texts are cut after ${length} characters: this file may have ${bytes} bytes.`,
    bare: length === 0,
  }
}
