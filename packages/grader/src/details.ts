// Where something went wrong in the student's own files, as lines for people: the source with a caret, and the stack.

import type { Bundle } from './bundle.ts'
import { framesOf, type Place, placeWords } from './verdict.ts'

/** So much of a long line is shown around the column. */
const WIDTH = 64
/** So many places that a sentence names are shown. */
const MOST_PLACES = 3

type Files = ReadonlyMap<string, string>

/** What was thrown, or was running: its topmost place with the source, and each call of the student's that led there. */
export function stackDetails(stack: string, made: Bundle, files: Files): string[] {
  const frames = framesOf(stack, made)
  const [top] = frames
  if (!top) return []
  const calls = frames.map(({ call, place }) => (call ? `${call} (${placeWords(place)})` : placeWords(place)))
  return [...excerpt(top.place, files), ...calls.map((call) => `  at ${printable(call)}`)]
}
/** The places that a sentence names as `kernel.ts:12:5`, with the source. */
export function namedDetails(sentence: string, files: Files): string[] {
  const named = [...sentence.matchAll(/([\w.-]+):(\d+):(\d+)/g)].map(
    ([, file = '', line, column]): Place => ({ file, line: Number(line), column: Number(column) }),
  )
  return named.slice(0, MOST_PLACES).flatMap((place) => excerpt(place, files))
}

/** The line of `place` and below it a caret; nothing if there is no such line. */
function excerpt({ file, line, column }: Place, files: Files): string[] {
  const source = files.get(file)?.split(/\r\n|[\r\n\u2028\u2029]/)[line - 1]
  if (source === undefined) return []
  const from = Math.max(0, Math.min(column - 1 - WIDTH / 2, source.length - WIDTH))
  const shown = printable(source.slice(from, from + WIDTH))
  const margin = `${String(line).padStart(5)} | `
  return [
    `${margin}${shown.trimEnd()}`,
    `${' '.repeat(margin.length - 2)}| ${' '.repeat(column - 1 - from)}^`,
  ]
}
/** For a terminal, and each character in its column. */
const printable = (text: string): string => text.replace(/\t/g, ' ').replace(/[\p{Cc}\p{Cf}]/gu, '?')
