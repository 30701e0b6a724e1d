// `pagewalk grade`, and what happens without a command: the samples are graded.

import { closeSync, openSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Shard } from '@pagewalk/batch'
import type { Outcome } from '@pagewalk/exporters'
import {
  type Grade,
  gradeAll,
  type Readings,
  readReadings,
  reportGrade,
  reportHtml,
  reportReasons,
  reportTable,
  type Sandbox,
  type Submission,
  sampleSubmissions,
  UsageError,
  unknownNames,
  upToStep,
} from '@pagewalk/grader'
import { type CapsuleOptions, jobsFor, limitsFor, sandboxFor } from './capsules.ts'
import { handedInAt, submissionsAt } from './found.ts'
import { labsMeant } from './labs.ts'
import { openSheets, writeSheets } from './sheets.ts'
import { styleOf, tell, write } from './terminal.ts'
import { reportTypes, type TypeWarnings, typeWarnings } from './types.ts'
import { mustBeWithout } from './without.ts'

const EXIT_BELOW = 1
const EXIT_OURS = 3

export interface GradeOptions extends CapsuleOptions {
  readonly lab?: string
  readonly json?: true
  readonly full?: true
  readonly failUnder?: number
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
    return gradeClass(paths, { ...options, book })
  }
  const alone = (['roster', 'queue'] as const).find((name) => options[name] !== undefined)
  if (alone) throw new UsageError(`--${alone}: expected --book too, got none`)
  return format === undefined ? gradePaths(paths, options) : gradeAs(format, paths, options)
}

/** Whatever happens, there is a file that a gradebook can read; our own error is told in it, and is no zero. */
async function gradeAs(name: string, paths: readonly string[], options: GradeOptions): Promise<number> {
  mustBeWithout(options, ['sheet', 'html', 'full', 'json'], '--format')
  const { formatNamed, writeFormat } = await import('./results.ts')
  const format = formatNamed(name)
  try {
    const submissions = await handedInAt(paths, await labsMeant(options.lab, paths))
    const grades = await gradeThem(await planned(submissions, options), { ...options, json: true })
    await writeFormat(format, grades.map(outcomeOf), options.output)
    return exitCode(grades, options)
  } catch (error) {
    const trouble = error instanceof Error ? error.message : String(error)
    await writeFormat(format, [{ name: basename(paths[0] ?? ''), trouble }], options.output)
    throw error
  }
}
const outcomeOf = ({ result }: Grade): Outcome => ({ name: result.submission.name, result })

/** @returns the exit code */
async function gradePaths(paths: readonly string[], options: GradeOptions): Promise<number> {
  const plan = await planned(await submissionsAt(paths, await labsMeant(options.lab, paths)), options)
  const { submissions } = plan
  if (options.html !== undefined) openPage(options.html, options)
  if (options.sheet !== undefined) openSheets(options.sheet, submissions)
  const warnings = warningsFor(submissions, options) // meanwhile
  const grades = await gradeThem(plan, options)
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
  const grades = await gradeThem(await planned(labs.flatMap(sampleSubmissions), {}), {})
  await write(
    `${forPeople(grades, {})}\nTry \`grade PATH\` for a submission of yours, \`--help\` for more.\n`,
  )
  return exitCode(grades, {})
}

/** What is graded, and by what; all that can be wrong about it has been found. */
interface Plan {
  readonly submissions: readonly Submission[]
  readonly readings: Readings | undefined
  readonly sandbox: Sandbox
}
async function planned(
  submissions: readonly Submission[],
  { points, step, ...options }: GradeOptions,
): Promise<Plan> {
  return {
    submissions: step === undefined ? submissions : upTo(submissions, step),
    readings: points === undefined ? undefined : pointsFor(submissions, points),
    sandbox: await sandboxFor(options),
  }
}
async function gradeThem(
  { submissions, readings, sandbox }: Plan,
  { seed, sheet, html, full, json, ...options }: GradeOptions,
): Promise<Grade[]> {
  const told = progress(submissions.length)
  try {
    return await gradeAll(submissions, {
      jobs: jobsFor(options),
      limits: limitsFor(options),
      sandbox,
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
