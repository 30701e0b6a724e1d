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
export { type Terms, termsIn } from './keys.ts'
export { type Merged, merge } from './merge.ts'
export { execute, isOurs, type Job, jobSchema, type Outcome, outcomeSchema, type Remarks } from './outcome.ts'
export { type OpenQueue, openQueue, type QueueOptions } from './queue/open.ts'
export { type News, startWorker, type WorkerOptions } from './queue/worker.ts'
export {
  type GradedRow,
  isGraded,
  lastTerms,
  type Recorded,
  Recordings,
  redrawn,
  submissionIn,
} from './recorded.ts'
export { inShard, mustBeShard, type Shard } from './shard.ts'
export { ASPECTS, type Aspect, behaviourOf, type Part } from './similar/behaviour.ts'
export { type Behaviour, type Likeness, rankPairs, type Shared } from './similar/rank.ts'
export { starterOf } from './similar/starter.ts'
