// What a book has kept of a submission, for work that runs nobody's code again.

import {
  type Grade,
  grade,
  type Lab,
  type Played,
  type Scenario,
  type Submission,
  UsageError,
} from '@pagewalk/grader'
import type { Book, Row } from './book.ts'
import { resultKey, stateKey, type Terms, termsIn, versionsOf } from './keys.ts'
import { submissionFrom } from './outcome.ts'
import { playedFrom } from './recording.ts'

/** @throws UsageError if the book does not have the files, or their lab is not among `labs` */
export function submissionIn(
  book: Book,
  labs: readonly Lab[],
  { name, content }: Pick<Row, 'name' | 'content'>,
): Submission {
  const job = book.content(content)
  const lab = labs.find(({ id }) => id === job?.lab)
  if (job && lab) return submissionFrom({ ...job, name }, lab)
  throw new UsageError(
    `${book.path}: expected labs ${labs.map(({ id }) => id).join(', ')} in it, got ${job?.lab ?? 'none'} for ${name}`,
  )
}

/** What the last grading of the lab went by. */
export const lastTerms = (book: Book, { id }: Lab): Terms | undefined =>
  book
    .gradings()
    .flatMap(termsIn)
    .findLast(({ lab }) => lab === id)

export interface Recorded {
  readonly submission: Submission
  readonly seed: number
  readonly scenarios: readonly Scenario[]
  /** What this version's machine did; undefined: nothing that the book has. It may lack scenarios. */
  readonly played: Played | undefined
  /** Would the same be graded in the same way today? */
  readonly current: boolean
}

export interface GradedRow extends Row {
  readonly graded: Extract<Row['graded'], { readonly key: string }>
}
export const isGraded = (row: Row): row is GradedRow => 'key' in row.graded

export class Recordings {
  readonly #book: Book
  readonly #labs: readonly Lab[]
  /** Of all gradings. */
  readonly #terms: readonly Terms[]

  constructor(book: Book, labs: readonly Lab[]) {
    this.#book = book
    this.#labs = labs
    this.#terms = book.gradings().flatMap(termsIn)
  }
  /** Of a submission that could be graded. It takes as much memory as its machines do. @throws UsageError as `submissionIn` */
  async of({ name, content, graded: { key, result } }: GradedRow): Promise<Recorded> {
    const submission = submissionIn(this.#book, this.#labs, { name, content })
    const { lab } = submission
    const scenarios = lab.scenarios(result.seed)
    const terms = this.#terms.find((each) => resultKey(submission, each) === key)
    const { machine, rubric } = await versionsOf(lab)
    const bytes = terms?.machine === machine ? this.#book.played(stateKey(submission, terms)) : undefined
    return {
      submission,
      seed: result.seed,
      scenarios,
      played: bytes && (await playedFrom(bytes, scenarios)),
      current: terms?.machine === machine && terms.rubric === rubric,
    }
  }
}

/**
 * The grade of what is recorded, with its pictures. Nothing is played.
 *
 * @returns undefined if a scenario is missing, or it would be graded in another way today
 */
export async function redrawn({
  submission,
  seed,
  scenarios,
  played,
  current,
}: Recorded): Promise<Grade | undefined> {
  if (!current || !played) return undefined
  const { load, runs, broken } = played
  if (!load && !scenarios.every(({ id }) => runs.has(id) || broken.has(id))) return undefined
  return grade(submission, { seed, known: played, pictures: true, sandbox: NOBODY_PLAYS })
}
const NOBODY_PLAYS = { level: 'realm', idle: 0 } as const
