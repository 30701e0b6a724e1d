// A book's rows as grades and outcomes, with what people decided.

import {
  type Book,
  decided,
  type Graded,
  type GradedRow,
  isGraded,
  type Row,
  standing,
} from '@pagewalk/batch'
import type { Grade } from '@pagewalk/grader'
import { cameFrom } from './details.ts'

export interface Which {
  /** Only these submissions. */
  readonly names?: ReadonlySet<string>
  /** As they were in this grading. Default: each as it was graded last. */
  readonly grading?: number
}
export function rowsIn(book: Book, { names, grading }: Which): Row[] {
  return book.rows(grading).filter(({ name }) => names?.has(name) ?? true)
}
/** What could be graded, for reports. */
export function gradesIn(book: Book, which: Which): Grade[] {
  const decisions = standing(book.decisions())
  return rowsIn(book, which)
    .filter(isGraded)
    .map((row) => gradeOf(row, decisions))
}
/** @param decisions  those that hold */
export function gradeOf({ name, details, graded, milliseconds }: GradedRow, decisions: Standing): Grade {
  const { endings, blocked, errors } = graded.remarks
  const result = { ...decided(graded.result, decisions.get(name)), durationMs: milliseconds }
  const { changedLibrary } = cameFrom(details)
  return { result, endings, blocked: new Map(blocked), pictures: new Map(), changedLibrary, errors }
}
/** All of them, for exports. Times are left out. */
export function outcomesIn(book: Book, which: Which): Graded[] {
  const decisions = standing(book.decisions())
  return rowsIn(book, which).map((row) => outcomeOf(row, decisions))
}
export const outcomeOf = ({ name, graded }: Row, decisions: Standing): Graded =>
  'trouble' in graded
    ? { name, trouble: graded.trouble.split('\n')[0]! }
    : { name, result: decided(graded.result, decisions.get(name)) }
type Standing = ReturnType<typeof standing>
