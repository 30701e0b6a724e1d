// Outcomes as rows: for gradebooks of others, and as a CSV file of our own.

import { type Result, rounded, totalWords } from '@pagewalk/grader'
import { stringify } from 'csv-stringify/sync'
import { accountOf, causesOf, failuresIn, type Item, type Standing } from '../items.ts'
import { notGraded, type Outcome, toldOf } from '../outcome.ts'
import { cleanLines, oneLine } from '../text.ts'
import type { GradebookRow } from './gradebook.ts'
import { harmless } from './harmless.ts'
import { KEYS, keysOf, type Student } from './match.ts'

const FEEDBACK_LIMIT = 4000

/** Extra credit is in the score. */
export function gradebookRow(outcome: Outcome, student: Student): GradebookRow {
  const told = toldOf(outcome)
  if ('trouble' in told) return { student, maxScore: 0, feedback: notGraded(told.trouble) }
  const { items, score, maxScore } = accountOf(told.result)
  const text = [totalWords(told.result), ...failuresIn(items).map(feedbackLine)].join('\n')
  const feedback = text.length > FEEDBACK_LIMIT ? `${text.slice(0, FEEDBACK_LIMIT)}…`.toWellFormed() : text
  return { student, score, maxScore, feedback }
}
function feedbackLine({ number, check }: Item): string {
  const texts = causesOf(check).flatMap(({ name, text }) => (name === 'expected' ? [] : [oneLine(text)]))
  return `${number} ${check.id}: ${texts.join(' ')}`
}

/** A line of our own gradebook. */
export interface ClassRow {
  readonly outcome: Outcome
  /** Absent: nobody knows whose it is. */
  readonly student?: Student
  /** How late it is, in whatever words; '' or absent: it is not. */
  readonly late?: string
}
const VERDICTS: readonly Standing[] = ['passed', 'partial', 'failed', 'blocked', 'waits', 'error']

/** A plain gradebook of our own: a line for each row, in their order. RFC 4180. */
export function writeCsv(rows: readonly ClassRow[]): string {
  const columns = [
    'submission',
    ...KEYS,
    ...['score', 'max', 'extra', 'max_extra', 'pending', ...VERDICTS],
    ...['sandbox', 'late', 'lab', 'rubric', 'seed', 'sha256', 'trouble'],
  ]
  const lines = rows.map((row) => {
    const cells = cellsOf(row)
    return columns.map((column) => harmless(cleanLines(String(cells[column] ?? ''))))
  })
  return stringify([columns, ...lines], { record_delimiter: '\r\n' })
}
function cellsOf({ outcome, student, late }: ClassRow): {
  readonly [column: string]: string | number
} {
  const told = toldOf(outcome)
  return {
    submission: outcome.name,
    ...(student && keysOf(student)),
    ...('trouble' in told ? { trouble: told.trouble } : scoreCells(told.result)),
    ...('result' in outcome && resultCells(outcome.result)),
    late: late ?? '',
  }
}
const scoreCells = ({ score, maxScore, extraCredit, maxExtraCredit, pending }: Result): object => ({
  score: rounded(score),
  max: rounded(maxScore),
  extra: rounded(extraCredit),
  max_extra: rounded(maxExtraCredit),
  pending: rounded(pending),
})
function resultCells(result: Result): object {
  const { items } = accountOf(result)
  const counts = VERDICTS.map((one) => [one, items.filter(({ standing }) => standing === one).length])
  const { lab, rubric, seed, submission, isolation } = result
  return {
    ...Object.fromEntries(counts),
    lab,
    rubric: rubric.version,
    seed,
    sha256: submission.sha256,
    sandbox: isolation.level,
  }
}
