// `pagewalk grade`, and what happens without a command: the samples are graded.

import { closeSync, openSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import {
  DEFAULT_LIMITS,
  findSubmissions,
  type Grade,
  gradeAll,
  plain,
  type Readings,
  readReadings,
  reportGrade,
  reportHtml,
  reportReasons,
  reportTable,
  type Submission,
  sampleSubmissions,
  UsageError,
  unknownNames,
  upToStep,
} from '@pagewalk/grader'
import { labsMeant } from './labs.ts'
import { openSheets, writeSheets } from './sheets.ts'
import { styleOf, write } from './terminal.ts'
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
}

/** @returns the exit code */
export async function gradePaths(paths: readonly string[], options: GradeOptions): Promise<number> {
  const labs = await labsMeant(options.lab, paths)
  const submissions = paths.flatMap((path) => findSubmissions(path, labs))
  const readings = options.points === undefined ? undefined : pointsFor(submissions, options.points)
  const chosen = options.step === undefined ? submissions : upTo(submissions, options.step)
  if (options.html !== undefined) openPage(options.html, options)
  if (options.sheet !== undefined) openSheets(options.sheet, submissions)
  const warnings = warningsFor(chosen, options) // meanwhile
  const grades = await gradeThem(chosen, options, readings)
  if (options.sheet !== undefined) tell(writeSheets(options.sheet, submissions, grades))
  // files first: whoever reads standard output may go away
  if (options.html !== undefined) await writePage(options.html, reportHtml(grades))
  if (options.json) await write(json(grades))
  else if (options.html !== '-') await write(forPeople(grades, options))
  if (warnings) await write(reportTypes(await warnings, styleOf(process.stdout)))
  return exitCode(grades, options)
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
const tell = (sentences: readonly string[]): void => {
  for (const sentence of sentences) process.stderr.write(`${plain(sentence)}\n`)
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
  options: GradeOptions,
  readings?: Readings,
): Promise<Grade[]> {
  const { jobs, timeout, seed, sheet, html, full, json } = options
  const told = progress(submissions.length)
  const milliseconds = timeout === undefined ? DEFAULT_LIMITS.milliseconds : timeout * 1000
  const limits = { ...DEFAULT_LIMITS, milliseconds }
  try {
    return await gradeAll(submissions, {
      jobs: jobs ?? availableParallelism(),
      limits,
      sheets: sheet !== undefined,
      pictures: html !== undefined || (!json && (full === true || submissions.length === 1)),
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
