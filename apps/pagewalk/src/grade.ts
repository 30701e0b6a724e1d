// `pagewalk grade`, and what happens without a command: the samples are graded.

import { availableParallelism } from 'node:os'
import {
  DEFAULT_LIMITS,
  findSubmissions,
  type Grade,
  gradeAll,
  reportGrade,
  reportReasons,
  reportTable,
  type Submission,
  sampleSubmissions,
} from '@pagewalk/grader'
import { labsMeant } from './labs.ts'
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
}

/** @returns the exit code */
export async function gradePaths(paths: readonly string[], options: GradeOptions): Promise<number> {
  const labs = labsMeant(options.lab)
  const submissions = paths.flatMap((path) => findSubmissions(path, labs))
  const grades = await gradeThem(submissions, options)
  if (options.json) await write(json(grades))
  else await write(forPeople(grades, options))
  return exitCode(grades, options)
}

/** @returns the exit code */
export async function gradeSamples(): Promise<number> {
  const labs = labsMeant(undefined)
  const submissions = labs.flatMap(sampleSubmissions)
  const grades = await gradeThem(submissions, {})
  await write(
    `${forPeople(grades, {})}\nTry \`grade PATH\` for a submission of yours, \`--help\` for more.\n`,
  )
  return exitCode(grades, {})
}

async function gradeThem(
  submissions: readonly Submission[],
  { jobs, timeout }: GradeOptions,
): Promise<Grade[]> {
  const told = progress(submissions.length)
  const milliseconds = timeout === undefined ? DEFAULT_LIMITS.milliseconds : timeout * 1000
  const limits = { ...DEFAULT_LIMITS, milliseconds }
  try {
    return await gradeAll(submissions, { jobs: jobs ?? availableParallelism(), limits, done: told.done })
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
  if (
    grades.some(({ result }) =>
      result.steps.some(({ checks }) => checks.some(({ verdict }) => verdict === 'error')),
    )
  )
    return EXIT_OURS
  return failUnder !== undefined && grades.some(({ result }) => result.score < failUnder) ? EXIT_BELOW : 0
}
