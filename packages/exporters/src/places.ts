// Places in the student's files that a sentence names, such as `kernel.ts:12:5`.

/** Line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}
const PLACE = /(?<![\w./-])((?:[\w-][\w.-]*\/)*[\w-][\w.-]*\.ts):(\d{1,7}):(\d{1,7})/

/** The first place that it names. A path that could lead out of the folder is none. */
export function placeIn(sentence: string | undefined): Place | undefined {
  const found = PLACE.exec(sentence ?? '')
  if (!found) return undefined
  const [, file = '', line, column] = found
  return { file, line: Number(line), column: Number(column) }
}
