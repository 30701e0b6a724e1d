// `pagewalk grade`, and what happens without a command: the samples are graded.

import { closeSync, existsSync, openSync, statSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { Shard } from '@pagewalk/batch'
import type { Outcome } from '@pagewalk/exporters'
import {
  DEFAULT_LIMITS,
  findSubmissions,
  type Grade,
  gradeAll,
  type Lab,
  LEVELS,
  mustReach,
  probed,
  type Readings,
  readReadings,
  reportGrade,
  reportHtml,
  reportReasons,
  reportTable,
  type Sandbox,
  type Submission,
  sampleSubmissions,
  sandboxOf,
  submissionOf,
  UsageError,
  unknownNames,
  upToStep,
} from '@pagewalk/grader'
import { labsMeant } from './labs.ts'
import { openSheets, writeSheets } from './sheets.ts'
import { styleOf, tell, write } from './terminal.ts'
import { reportTypes, type TypeWarnings, typeWarnings } from './types.ts'

const EXIT_BELOW = 1
const EXIT_OURS = 3

export interface GradeOptions {
  readonly lab?: string
  readonly json?: true
  readonly full?: true
  readonly failUnder?: number
  readonly jobs?: number
  readonly timeout?: number
  /** A level, or 'auto'. */
  readonly sandbox?: string
  /** The weakest level that will do. */
  readonly requireSandbox?: string
  /** The student's kernel in a thread of its own. */
  readonly strict?: boolean
  /** A folder for sheets. */
  readonly sheet?: string
  /** A file with points that a person has given. */
  readonly points?: string
  readonly seed?: number
  /** The last step that counts. */
  readonly step?: string
  /** A file for a page; '-': standard output, instead of the report. */
  readonly html?: string
  /** Tell type errors of a single submission? */
  readonly types?: boolean
  /** A format instead of the report, and where it is written. */
  readonly format?: string
  readonly output?: string
  /** The class's book. */
  readonly book?: string
  readonly roster?: string
  /** Address of a queue whose workers grade. */
  readonly queue?: string
  /** Only this share of a class. */
  readonly shard?: Shard
}

/** @returns the exit code */
export async function gradeCommand(paths: readonly string[], options: GradeOptions): Promise<number> {
  const { book, format } = options
  if (book !== undefined) {
    mustBeWithout(options, ['step', 'sheet', 'points', 'html', 'full', 'failUnder'], '--book')
    const { gradeClass } = await import('./class.ts')
    return gradeClass(paths, { ...options, book, sandbox: await sandboxFor(options) })
  }
  const alone = (['roster', 'queue'] as const).find((name) => options[name] !== undefined)
  if (alone) throw new UsageError(`--${alone}: expected --book too, got none`)
  return format === undefined ? gradePaths(paths, options) : gradeAs(format, paths, options)
}

/** @throws UsageError if one of these options is given beside `option` */
function mustBeWithout(options: GradeOptions, names: readonly (keyof GradeOptions)[], option: string): void {
  const used = names.find((name) => options[name] !== undefined)
  if (used !== undefined)
    throw new UsageError(`${option}: expected it without --${used.replace(/[A-Z]/g, '-$&').toLowerCase()}`)
}

/** Whatever happens, there is a file that a gradebook can read; our own error is told in it, and is no zero. */
async function gradeAs(name: string, paths: readonly string[], options: GradeOptions): Promise<number> {
  const { formatNamed, writeFormat } = await import('./results.ts')
  const format = formatNamed(name)
  try {
    const sandbox = await sandboxFor(options)
    const labs = await labsMeant(options.lab, paths)
    const submissions = await handedInAt(paths, labs)
    const grades = await gradeThem(submissions, { ...options, sandbox, json: true })
    await writeFormat(format, grades.map(outcomeOf), options.output)
    return exitCode(grades, options)
  } catch (error) {
    const trouble = error instanceof Error ? error.message : String(error)
    await writeFormat(format, [{ name: basename(paths[0] ?? ''), trouble }], options.output)
    throw error
  }
}
const outcomeOf = ({ result }: Grade): Outcome => ({ name: result.submission.name, result })

/** Who was told which lab it is, and finds nothing of it, has a submission without its file: that is its student's affair. */
async function handedInAt(paths: readonly string[], labs: readonly Lab[]): Promise<Submission[]> {
  try {
    return await submissionsAt(paths, labs)
  } catch (error) {
    const [lab, ...others] = labs
    if (
      !(error instanceof UsageError) ||
      !lab ||
      others.length > 0 ||
      !paths.every((path) => existsSync(path))
    )
      throw error
    return paths.map((path) => submissionOf(basename(resolve(path)), lab, { files: new Map(), library: [] }))
  }
}
/** Archives and exports are for the intake, which takes long to load. */
async function submissionsAt(paths: readonly string[], labs: readonly Lab[]): Promise<Submission[]> {
  if (paths.every((path) => isPlain(path, labs))) return paths.flatMap((path) => findSubmissions(path, labs))
  const { intake } = await import('@pagewalk/intake')
  const { entries, notes } = await intake(paths, { labs })
  tell(notes.map(({ where, what }) => `${where}: ${what}`))
  tell(entries.flatMap(({ name, warnings }) => warnings.map((words) => `${name}: ${words}`)))
  return entries.map(({ submission }) => submission)
}
/** Not there, a file of TypeScript, or the folder of one submission. */
function isPlain(path: string, labs: readonly Lab[]): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return !stat || path.endsWith('.ts')
  return labs.some(({ files }) => existsSync(join(path, files[0]!)))
}

/** @returns the exit code */
export async function gradePaths(paths: readonly string[], options: GradeOptions): Promise<number> {
  const sandbox = await sandboxFor(options)
  const labs = await labsMeant(options.lab, paths)
  const submissions = await submissionsAt(paths, labs)
  const readings = options.points === undefined ? undefined : pointsFor(submissions, options.points)
  const chosen = options.step === undefined ? submissions : upTo(submissions, options.step)
  if (options.html !== undefined) openPage(options.html, options)
  if (options.sheet !== undefined) openSheets(options.sheet, submissions)
  const warnings = warningsFor(chosen, options) // meanwhile
  const grades = await gradeThem(chosen, { ...options, sandbox }, readings)
  if (options.sheet !== undefined) tell(writeSheets(options.sheet, submissions, grades))
  // files first: whoever reads standard output may go away
  if (options.html !== undefined) await writePage(options.html, reportHtml(grades))
  if (options.json) await write(json(grades))
  else if (options.html !== '-') await write(forPeople(grades, options))
  if (warnings) await write(reportTypes(await warnings, styleOf(process.stdout)))
  return exitCode(grades, options)
}
/** @throws UsageError if the host has not what is asked for */
export async function sandboxFor({
  sandbox: wanted = 'auto',
  requireSandbox,
  strict = false,
}: Pick<GradeOptions, 'sandbox' | 'requireSandbox' | 'strict'>): Promise<Sandbox> {
  if (requireSandbox !== undefined) await probed() // what is required is not believed of an earlier day
  const sandbox = await sandboxOf(levelNamed('--sandbox', wanted, ['auto', ...LEVELS] as const))
  if (requireSandbox !== undefined)
    mustReach(sandbox.level, levelNamed('--require-sandbox', requireSandbox, LEVELS), '--require-sandbox')
  return { ...sandbox, strict }
}
function levelNamed<T extends string>(option: string, name: string, levels: readonly T[]): T {
  const level = levels.find((each) => each === name)
  if (level) return level
  throw new UsageError(`${option}: expected one of ${levels.join(', ')}, got ${JSON.stringify(name)}`)
}
/** A single report for a person ends with what the compiler says of its types. */
function warningsFor(
  [submission, ...others]: readonly Submission[],
  { json, html, types }: GradeOptions,
): Promise<TypeWarnings> | undefined {
  if (!submission || others.length > 0 || json || html === '-' || types === false) return undefined
  return submission.trouble ? undefined : typeWarnings(submission)
}
/** The same submissions, of labs that end with this step. @throws UsageError if one of the labs has no such step */
function upTo(submissions: readonly Submission[], step: string): Submission[] {
  const labs = new Map(
    [...new Set(submissions.map(({ lab }) => lab))].map((lab) => [lab, upToStep(lab, step)]),
  )
  return submissions.map((submission) => ({ ...submission, lab: labs.get(submission.lab)! }))
}

/** Find out whether the page can be written, before anything is graded. A file that is there stays as it is until then. */
function openPage(file: string, { json }: GradeOptions): void {
  if (file === '-' && json)
    throw new UsageError('--html -: expected one document on standard output, got --json too')
  if (file !== '-') attempt(() => closeSync(openSync(file, 'a')))
}
async function writePage(file: string, page: string): Promise<void> {
  if (file === '-') await write(page)
  else attempt(() => writeFileSync(file, page))
}
function attempt(work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new UsageError(`--html: expected a file that can be written, got ${(error as Error).message}`)
  }
}
/** What the file says of others than `submissions` is told, and not used: one file may be for a whole class. */
function pointsFor(submissions: readonly Submission[], file: string): Readings {
  const readings = readReadings(file)
  const unknown = unknownNames(readings, submissions)
  const some = `${unknown.slice(0, 5).join(', ')}${unknown.length > 5 ? ', ...' : ''}`
  if (unknown.length > 0) tell([`${file}: ${unknown.length} of ${readings.size} are not graded now: ${some}`])
  return readings
}

/** @returns the exit code */
export async function gradeSamples(): Promise<number> {
  const labs = await labsMeant(undefined)
  const submissions = labs.flatMap(sampleSubmissions)
  const grades = await gradeThem(submissions, {})
  await write(
    `${forPeople(grades, {})}\nTry \`grade PATH\` for a submission of yours, \`--help\` for more.\n`,
  )
  return exitCode(grades, {})
}

async function gradeThem(
  submissions: readonly Submission[],
  options: Omit<GradeOptions, 'sandbox'> & { readonly sandbox?: Sandbox },
  readings?: Readings,
): Promise<Grade[]> {
  const { jobs, timeout, sandbox, seed, sheet, html, full, json } = options
  const told = progress(submissions.length)
  const milliseconds = timeout === undefined ? DEFAULT_LIMITS.milliseconds : timeout * 1000
  const limits = { ...DEFAULT_LIMITS, milliseconds }
  try {
    return await gradeAll(submissions, {
      jobs: jobs ?? availableParallelism(),
      limits,
      sheets: sheet !== undefined,
      pictures: html !== undefined || (!json && (full === true || submissions.length === 1)),
      ...(sandbox && { sandbox }),
      ...(seed !== undefined && { seed }),
      ...(readings && { readings }),
      done: told.done,
    })
  } finally {
    told.end()
  }
}
/** One line on a terminal's standard error that counts; nothing elsewhere. */
function progress(all: number): { done(grade: Grade, finished: number): void; end(): void } {
  const { stderr } = process
  if (!stderr.isTTY || all < 2) return { done() {}, end() {} }
  stderr.write(`grading ${all} submissions ...`)
  return {
    done: ({ result }, finished) =>
      stderr.write(`\r\x1b[Kgraded ${finished} of ${all}: ${result.submission.name.slice(0, 40)}`),
    end: () => stderr.write('\r\x1b[K'),
  }
}

function json(grades: readonly Grade[]): string {
  const results = grades.map(({ result }) => result)
  return `${JSON.stringify(results.length === 1 ? results[0] : results, null, 2)}\n`
}
function forPeople(grades: readonly Grade[], { full }: GradeOptions): string {
  const style = styleOf(process.stdout)
  if (grades.length === 1) return reportGrade(grades[0] as Grade, style)
  const reports = full ? grades.map((grade) => reportGrade(grade, style)) : [reportReasons(grades, style)]
  return [...reports, reportTable(grades, style)].join('\n')
}
function exitCode(grades: readonly Grade[], { failUnder }: GradeOptions): number {
  if (grades.some(({ errors }) => errors.length > 0)) return EXIT_OURS
  return failUnder !== undefined && grades.some(({ result }) => result.score < failUnder) ? EXIT_BELOW : 0
}
