// Books of shards into one. All of it, or nothing: what does not fit is refused with the name of the submission.

import { UsageError } from '@pagewalk/grader'
import { z } from 'zod'
import type { Book, Decision, Grading, Row } from './book.ts'
import { type Terms, termsSchema } from './keys.ts'
import type { Shard } from './shard.ts'

const whole = z.number().int()
/** What `gradeInto` writes of a grading. */
const settingsSchema = z.looseObject({
  terms: z.array(termsSchema),
  shard: z.strictObject({ index: whole, of: whole }).exactOptional(),
})

export interface Merged {
  /** In the book that they were merged into. */
  readonly grading: number
  readonly total: number
  readonly troubled: number
}

/**
 * The last grading of each of `shards` becomes one grading of `book`.
 *
 * Decisions come along. What `book` had before stays.
 * @throws UsageError if a grading was cut off, a shard is missing, their terms differ, or they contradict each other
 */
export function merge(shards: readonly Book[], book: Book): Merged {
  const parts = shards.map((shard) => partOf(shard))
  mustBeWhole(parts)
  const terms = commonTerms(parts)
  return book.transaction(() => {
    const grading = book.begin('grade', { terms })
    for (const { shard } of parts) copyAll(shard, book)
    const rows = rowsOf(parts)
    for (const row of rows) book.record(grading, row, row.graded)
    book.finish(grading)
    return { grading, total: rows.length, troubled: rows.filter(({ graded }) => 'trouble' in graded).length }
  })
}

interface Part {
  readonly shard: Book
  readonly grading: Grading
  readonly settings: z.infer<typeof settingsSchema>
}
function partOf(shard: Book): Part {
  const grading = shard.gradings().at(-1)
  if (!grading?.finished)
    throw new UsageError(
      `${shard.path}: expected a grading that came to its end, got ${grading ? 'one that was cut off; the same command goes on with it' : 'none'}`,
    )
  return { shard, grading, settings: settingsSchema.parse(grading.settings) }
}

/** A class of which a shard is missing looks like a smaller class; nobody may take it for one. */
function mustBeWhole(parts: readonly Part[]): void {
  const named = parts.flatMap(({ settings }) => settings.shard ?? [])
  const [first] = named
  if (!first) return
  const other = named.find(({ of }) => of !== first.of)
  if (other) throw new UsageError(`merge: expected shards of ${first.of}, got one of ${other.of}`)
  const there = new Set(named.map(({ index }: Shard) => index))
  const missing = Array.from({ length: first.of }, (_, index) => index).filter((index) => !there.has(index))
  if (missing.length > 0)
    throw new UsageError(`merge: expected all ${first.of} shards, got none of index ${missing.join(', ')}`)
}
/** In order of the labs' ids. A shard knows only the labs that it has submissions of. */
function commonTerms(parts: readonly Part[]): Terms[] {
  const common = new Map<string, Terms>()
  for (const { shard, settings } of parts)
    for (const terms of settings.terms) {
      const before = common.get(terms.lab)
      if (before) mustBeSame(before, terms, shard)
      common.set(terms.lab, terms)
    }
  return [...common.values()].sort((a, b) => (a.lab < b.lab ? -1 : 1))
}
function mustBeSame(before: Terms, terms: Terms, { path }: Book): void {
  for (const field of ['seed', 'level', 'milliseconds', 'machine', 'rubric'] as const)
    if (before[field] !== terms[field])
      throw new UsageError(
        `${path}: expected ${terms.lab} graded with ${field} ${before[field]} as in the others, got ${terms[field]}`,
      )
}

function copyAll(shard: Book, book: Book): void {
  for (const key of shard.keys('contents')) book.putContent(key, shard.content(key)!)
  for (const key of shard.keys('states')) if (!book.played(key)) book.putPlayed(key, shard.played(key)!)
  for (const key of shard.keys('results')) copyResult(key, shard, book)
  for (const [name, list] of byName(shard.decisions())) copyDecisions(name, list, shard, book)
}
function copyResult(key: string, shard: Book, book: Book): void {
  const got = shard.result(key)!
  const own = book.result(key)
  if (!own) book.putResult(key, got.result, got.remarks)
  else if (bytesOf(own) !== bytesOf(got))
    throw new UsageError(
      `${shard.path}: expected the result of ${got.result.submission.name} as in the others, got another for the same files and terms`,
    )
}
/** Without the name: it is that of whoever was the first with these files. */
const bytesOf = ({ result, remarks }: NonNullable<ReturnType<Book['result']>>): string =>
  JSON.stringify([{ ...result, submission: { ...result.submission, name: '' } }, remarks])

const byName = (decisions: readonly Decision[]): Map<string, Decision[]> =>
  Map.groupBy(decisions, ({ name }) => name)
/** `book` may have them from an earlier merge: only what was decided since is new. */
function copyDecisions(name: string, list: readonly Decision[], shard: Book, book: Book): void {
  const own = byName(book.decisions()).get(name) ?? []
  const common = Math.min(own.length, list.length)
  if (JSON.stringify(own.slice(0, common)) !== JSON.stringify(list.slice(0, common)))
    throw new UsageError(`${shard.path}: expected the decisions about ${name} as in the others, got others`)
  for (const decision of list.slice(common)) book.decide(decision)
}

/** Who is in two shards must be the same in both; but a result is better than trouble. */
function rowsOf(parts: readonly Part[]): Row[] {
  const rows = new Map<string, Row>()
  for (const { shard, grading } of parts)
    for (const row of shard.rows(grading.id)) {
      const before = rows.get(row.name)
      if (before) mustAgree(before, row, shard)
      if (!before || 'trouble' in before.graded) rows.set(row.name, row)
    }
  return [...rows.values()]
}
function mustAgree(before: Row, row: Row, { path }: Book): void {
  if (before.content !== row.content)
    throw new UsageError(`${path}: expected the files of ${row.name} as in the others, got others`)
}
