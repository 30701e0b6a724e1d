// Grading a class: a book of results, and the work that fills it.

export { Book, type Decision, type Details, type Grading, type Row } from './book.ts'
export { type Change, type CheckChange, compare, type Graded } from './compare.ts'
export { decided, mustFit, standing } from './decisions.ts'
export {
  type Entered,
  type Executor,
  enteredIn,
  type Finished,
  type GradingOptions,
  gradeInto,
  type Progress,
} from './grading.ts'
export { execute, isOurs, type Job, jobSchema, type Outcome, outcomeSchema, type Remarks } from './outcome.ts'
