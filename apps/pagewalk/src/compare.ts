// `pagewalk compare`: what changed between two gradings, and for whom.

import { existsSync, readFileSync } from 'node:fs'
import { Book, type Change, type CheckChange, compare, type Graded } from '@pagewalk/batch'
import { plain, resultSchema, UsageError } from '@pagewalk/grader'
import { z } from 'zod'
import { outcomesIn } from './graded.ts'
import { readText } from './results.ts'
import { write } from './terminal.ts'

export interface CompareOptions {
  readonly from?: number
  readonly to?: number
  readonly json?: true
}

/** One book: two of its gradings. Two books or files of `grade --json`: one with the other. */
export async function comparePaths(
  before: string,
  after: string | undefined,
  options: CompareOptions,
): Promise<void> {
  const [old, now] =
    after === undefined
      ? inOneBook(before, options)
      : [gradedAt(before, options.from), gradedAt(after, options.to)]
  const changes = compare(old, now)
  await write(options.json ? `${JSON.stringify(changes, null, 2)}\n` : changesText(changes))
}
function inOneBook(path: string, { from, to }: CompareOptions): [Graded[], Graded[]] {
  const book = new Book(path)
  try {
    const done = book.gradings().filter(({ finished }) => finished)
    const [last, other] = [to ?? done.at(-1)?.id, from ?? done.at(-2)?.id]
    if (last === undefined || other === undefined)
      throw new UsageError(`${path}: expected two finished gradings to compare, got ${done.length}`)
    return [
      outcomesIn(book, { grading: mustBe(other, book) }),
      outcomesIn(book, { grading: mustBe(last, book) }),
    ]
  } finally {
    book.close()
  }
}
function mustBe(grading: number, book: Book): number {
  const ids = book.gradings().map(({ id }) => id)
  if (ids.includes(grading)) return grading
  throw new UsageError(`${book.path}: expected a grading from ${ids[0]} to ${ids.at(-1)}, got ${grading}`)
}

function gradedAt(path: string, grading: number | undefined): Graded[] {
  if (!isBook(path)) return resultsAt(path)
  const book = new Book(path)
  try {
    return outcomesIn(book, grading === undefined ? {} : { grading: mustBe(grading, book) })
  } finally {
    book.close()
  }
}
const SQLITE = 'SQLite format 3\0'
/** Is this file a book? One that is not there counts as one: `Book` says what is wrong. */
export const isBook = (path: string): boolean =>
  !existsSync(path) || readFileSync(path).subarray(0, SQLITE.length).toString('latin1') === SQLITE
function resultsAt(path: string): Graded[] {
  const parsed = z.union([resultSchema, z.array(resultSchema)]).safeParse(jsonAt(path))
  if (!parsed.success)
    throw new UsageError(
      `${path}: expected a book, or results of \`grade --json\`, got ${parsed.error.issues[0]?.message}`,
    )
  return [parsed.data].flat().map((result) => ({ name: result.submission.name, result }))
}
function jsonAt(path: string): unknown {
  try {
    return JSON.parse(readText(path))
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(
      `${path}: expected a book, or results of \`grade --json\`, got ${(error as Error).message}`,
    )
  }
}

export function changesText(changes: readonly Change[]): string {
  if (changes.length === 0) return 'nothing changed: the same points and verdicts for everybody\n'
  const width = Math.max(...changes.map(({ name }) => name.length))
  const lines = changes.flatMap(({ name, before, after, files, checks }) => [
    `${plain(name).padEnd(width)}  ${pointsWords(before)} -> ${pointsWords(after)}${files ? '  other files' : ''}`,
    ...checks.map((change) => `${' '.repeat(width)}    ${change.check}: ${checkWords(change)}`),
  ])
  return [...lines, '', `${changes.length} of them changed`, ''].join('\n')
}
function pointsWords(points: number | null | undefined): string {
  if (points === undefined) return 'not there'
  return points === null ? 'not graded' : String(points)
}
const checkWords = ({ before, after }: CheckChange): string =>
  [before, after].map((one) => (one ? `${one.verdict} ${one.points}` : 'not there')).join(' -> ')
