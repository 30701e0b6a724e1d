// `pagewalk grade`, and what happens without a command: the samples are graded.

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
  reportReasons,
  reportTable,
  type Submission,
  sampleSubmissions,
  unknownNames,
} from '@pagewalk/grader'
import { labsMeant } from './labs.ts'
import { openSheets, writeSheets } from './sheets.ts'
import { styleOf, write } from './terminal.ts'

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
}

/** @returns the exit code */
export async function gradePaths(paths: readonly string[], options: GradeOptions): Promise<number> {
  const labs = await labsMeant(options.lab)
  const submissions = paths.flatMap((path) => findSubmissions(path, labs))
  const readings = options.points === undefined ? undefined : pointsFor(submissions, options.points)
  if (options.sheet !== undefined) openSheets(options.sheet, submissions)
  const grades = await gradeThem(submissions, options, readings)
  if (options.sheet !== undefined) tell(writeSheets(options.sheet, submissions, grades))
  if (options.json) await write(json(grades))
  else await write(forPeople(grades, options))
  return exitCode(grades, options)
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
  { jobs, timeout, sheet }: GradeOptions,
  readings?: Readings,
): Promise<Grade[]> {
  const told = progress(submissions.length)
  const milliseconds = timeout === undefined ? DEFAULT_LIMITS.milliseconds : timeout * 1000
  const limits = { ...DEFAULT_LIMITS, milliseconds }
  try {
    return await gradeAll(submissions, {
      jobs: jobs ?? availableParallelism(),
      limits,
      sheets: sheet !== undefined,
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
