// The book of a class: results, who they belong to, what the machine did, and what people decided. One file of SQLite.
// What has been written is there after a crash or a kill: each result is one transaction.

import { existsSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type Result, resultSchema, UsageError } from '@pagewalk/grader'
import { z } from 'zod'
import { type Job, jobSchema, type Remarks, remarksSchema } from './outcome.ts'
import { APPLICATION_ID, TABLES, VERSION } from './schema.ts'

/** Whose submission it is and how it came in, as the intake tells; the book only keeps it. */
export type Details = Readonly<Record<string, unknown>>
const detailsSchema: z.ZodType<Details> = z.record(z.string(), z.unknown())

export interface Grading {
  /** 1, 2, 3 ... */
  readonly id: number
  readonly what: 'grade' | 'regrade'
  /** Seed and versions, for people and for resuming. */
  readonly settings: Details
  readonly finished: boolean
}
/** One submission in one grading. */
export interface Row {
  readonly name: string
  /** Key of its files. */
  readonly content: string
  readonly details: Details
  readonly milliseconds: number
  readonly graded:
    | { readonly key: string; readonly result: Result; readonly remarks: Remarks }
    | { readonly trouble: string }
}
export interface Decision {
  readonly name: string
  readonly check: string
  /** null: as the checks say, again. */
  readonly points: number | null
  readonly reason: string
  readonly author: string
}

export class Book {
  readonly path: string
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /**
   * Nobody else may have it open for writing.
   * @param create  may it be new?
   * @throws UsageError if there is no book at `path`, it is another program's, or it is in use
   */
  constructor(path: string, { create = false }: { readonly create?: boolean } = {}) {
    this.path = path
    if (!create && !existsSync(path))
      throw new UsageError(`${path}: expected a book that \`grade --book\` made, got nothing there`)
    this.#db = opened(path)
  }
  close(): void {
    this.#db.close()
  }
  /** All of `work` is written, or nothing of it. */
  transaction<T>(work: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      const value = work()
      this.#db.exec('COMMIT')
      return value
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }

  result(key: string): { result: Result; remarks: Remarks } | undefined {
    const row = this.#get('SELECT result, remarks FROM results WHERE key = ?', key)
    return row && { result: parsed(resultSchema, row.result), remarks: parsed(remarksSchema, row.remarks) }
  }
  hasResult(key: string): boolean {
    return this.#get('SELECT 1 FROM results WHERE key = ?', key) !== undefined
  }
  putResult(key: string, result: Result, remarks: Remarks): void {
    this.#run(
      'INSERT OR IGNORE INTO results VALUES (?, ?, ?)',
      key,
      JSON.stringify(result),
      JSON.stringify(remarks),
    )
  }
  played(key: string): Uint8Array | undefined {
    return this.#get('SELECT played FROM states WHERE key = ?', key)?.played as Uint8Array | undefined
  }
  putPlayed(key: string, played: Uint8Array): void {
    this.#run('INSERT OR REPLACE INTO states VALUES (?, ?)', key, played)
  }
  /** Of all that is in a table, in order. */
  keys(table: 'results' | 'states' | 'contents'): string[] {
    return this.#all(`SELECT key FROM ${table} ORDER BY key`).map(({ key }) => String(key))
  }
  content(key: string): Job | undefined {
    const row = this.#get('SELECT job FROM contents WHERE key = ?', key)
    return row && parsed(jobSchema, row.job)
  }
  putContent(key: string, job: Job): void {
    this.#run('INSERT OR IGNORE INTO contents VALUES (?, ?)', key, JSON.stringify(job))
  }

  begin(what: Grading['what'], settings: Details): number {
    const { lastInsertRowid } = this.#run(
      'INSERT INTO gradings (what, settings, finished) VALUES (?, ?, 0)',
      what,
      JSON.stringify(settings),
    )
    return Number(lastInsertRowid)
  }
  finish(grading: number): void {
    this.#run('UPDATE gradings SET finished = 1 WHERE id = ?', grading)
  }
  gradings(): Grading[] {
    return this.#all('SELECT * FROM gradings ORDER BY id').map((row) => ({
      id: Number(row.id),
      what: row.what === 'regrade' ? 'regrade' : 'grade',
      settings: parsed(detailsSchema, row.settings),
      finished: row.finished === 1,
    }))
  }
  record(
    grading: number,
    { name, content, details, milliseconds }: Omit<Row, 'graded'>,
    graded: { readonly key: string } | { readonly trouble: string },
  ): void {
    const [key, trouble] = 'key' in graded ? [graded.key, null] : [null, graded.trouble]
    this.#run(
      'INSERT OR REPLACE INTO graded VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[grading, name, content, JSON.stringify(details), key, trouble, Math.round(milliseconds)],
    )
  }
  /**
   * In order of name. What people decided is not in the results; see `decided`.
   * @param grading  absent: each submission as it was graded last
   */
  rows(grading?: number): Row[] {
    const which = grading === undefined ? LATEST : 'g.grading = ?'
    return this.#all(
      `SELECT g.*, r.result, r.remarks FROM graded g LEFT JOIN results r ON r.key = g.key WHERE ${which} ORDER BY g.name`,
      ...(grading === undefined ? [] : [grading]),
    ).map(rowOf)
  }

  /** Whose submissions there are, as they were handed in last; in order of name. */
  latest(): Pick<Row, 'name' | 'content' | 'details'>[] {
    return this.#all(`SELECT name, content, details FROM graded g WHERE ${LATEST} ORDER BY name`).map(
      (row) => ({
        name: String(row.name),
        content: String(row.content),
        details: parsed(detailsSchema, row.details),
      }),
    )
  }

  decide({ name, check, points, reason, author }: Decision): void {
    this.#run(
      'INSERT INTO decisions (name, check_id, points, reason, author) VALUES (?, ?, ?, ?, ?)',
      ...[name, check, points, reason, author],
    )
  }
  /** All that were ever made, oldest first. */
  decisions(): Decision[] {
    return this.#all('SELECT * FROM decisions ORDER BY id').map((row) => ({
      name: String(row.name),
      check: String(row.check_id),
      points: row.points === null ? null : Number(row.points),
      reason: String(row.reason),
      author: String(row.author),
    }))
  }

  #prepared(sql: string): StatementSync {
    const statement = this.#statements.get(sql) ?? this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
  #run(sql: string, ...values: Value[]): { lastInsertRowid: number | bigint } {
    return this.#prepared(sql).run(...values)
  }
  #get(sql: string, ...values: Value[]): Record<string, unknown> | undefined {
    return this.#prepared(sql).get(...values)
  }
  #all(sql: string, ...values: Value[]): Record<string, unknown>[] {
    return this.#prepared(sql).all(...values)
  }
}
const LATEST = '(g.name, g.grading) IN (SELECT name, max(grading) FROM graded GROUP BY name)'
type Value = string | number | null | Uint8Array

/** @throws UsageError */
function opened(path: string): DatabaseSync {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path)
    // the lock is held from the first write on, and goes with the process
    db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    const { application_id: owner } = db.prepare('PRAGMA application_id').get() ?? {}
    const { user_version: version } = db.prepare('PRAGMA user_version').get() ?? {}
    if (owner === 0 && db.prepare('SELECT count(*) AS n FROM sqlite_schema').get()?.n === 0) make(db)
    else if (owner !== APPLICATION_ID)
      throw new UsageError(`${path}: expected a book of pagewalk, got another program's file`)
    else if (version !== VERSION)
      throw new UsageError(`${path}: expected a book of version ${VERSION}, got version ${version}`)
    db.exec('BEGIN IMMEDIATE; COMMIT')
    return db
  } catch (error) {
    db?.close()
    if (error instanceof UsageError) throw error
    const { message, errcode } = error as { message: string; errcode?: number }
    if (errcode === SQLITE_BUSY)
      throw new UsageError(
        `${path}: expected a book that nobody uses, got one that another pagewalk has open`,
      )
    throw new UsageError(`${path}: expected a book, got what SQLite cannot open: ${message}`)
  }
}
const SQLITE_BUSY = 5
function make(db: DatabaseSync): void {
  db.exec(
    `BEGIN; ${TABLES} PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION}; COMMIT`,
  )
}

function rowOf(row: Record<string, unknown>): Row {
  const name = String(row.name)
  const graded =
    typeof row.key === 'string' && typeof row.result === 'string'
      ? {
          key: row.key,
          result: named(parsed(resultSchema, row.result), name),
          remarks: parsed(remarksSchema, row.remarks),
        }
      : { trouble: String(row.trouble) }
  return {
    name,
    content: String(row.content),
    details: parsed(detailsSchema, row.details),
    milliseconds: Number(row.milliseconds),
    graded,
  }
}
/** Equal files share a result; each has its own name in it. */
const named = (result: Result, name: string): Result => ({
  ...result,
  submission: { ...result.submission, name },
})
const parsed = <T>(schema: z.ZodType<T>, json: unknown): T => schema.parse(JSON.parse(String(json)))
