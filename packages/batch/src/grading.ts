// A grading: many submissions, each graded once and written down as soon as it is. What the book knows is not graded again,
// so a grading that was cut off goes on where it was, and one of what has not changed is over at once.

import {
  DEFAULT_LIMITS,
  isolationWords,
  type Lab,
  type Limits,
  type Sandbox,
  type Submission,
  UsageError,
} from '@pagewalk/grader'
import type { Book, Details, Grading } from './book.ts'
import { contentKey, resultKey, stateKey, type Terms, versionsOf } from './keys.ts'
import { execute, isOurs, type Job, jobOf, type Outcome } from './outcome.ts'
import { submissionIn } from './recorded.ts'
import { playedFrom, recordingOf } from './recording.ts'
import { inShard, type Shard } from './shard.ts'

/** A submission for the book. `details`: whose it is and how it came in. */
export interface Entered {
  readonly submission: Submission
  readonly details: Details
}
export interface GradingOptions {
  readonly seed: number
  readonly sandbox: Sandbox
  /** At most so many at a time. */
  readonly jobs: number
  readonly limits?: Limits
  /** Who grades; default: this process. */
  readonly executor?: Executor
  /** Only this share of it; the grading says so. */
  readonly shard?: Shard
  /** Begin no more submissions; what is being graded is finished. */
  readonly signal?: AbortSignal
  readonly progress?: (progress: Progress) => void
}
/** @param recorded  what the machine did for the same files before, if the book has it */
export type Executor = (job: Job, lab: Lab, recorded: Uint8Array | undefined) => Promise<Outcome>

export interface Progress {
  readonly total: number
  readonly done: number
  /** Of `done`, those that the book knew. */
  readonly known: number
  /** Of `done`, those that we could not grade. */
  readonly troubled: number
  /** Names. */
  readonly running: readonly string[]
  /** What has just come out, and how long it took in milliseconds. */
  readonly latest?: { readonly name: string; readonly outcome: Outcome | { readonly trouble: string } }
}
export interface Finished extends Omit<Progress, 'running' | 'latest'> {
  readonly grading: number
  /** False if it was told to stop: the same grading goes on when it is asked for again. */
  readonly complete: boolean
}

/** After so many tries we have failed. */
const TRIES = 3

export async function gradeInto(
  book: Book,
  what: Grading['what'],
  entered: readonly Entered[],
  options: GradingOptions,
): Promise<Finished> {
  mustHaveNames(entered)
  const { shard } = options
  const share = shard ? entered.filter(({ submission }) => inShard(submission, shard)) : entered
  const work = await Work.plan(book, what, share, options)
  work.takeKnown()
  await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, () => work.go()))
  return work.finish()
}
function mustHaveNames(entered: readonly Entered[]): void {
  const names = entered.map(({ submission }) => submission.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw new UsageError(
      `expected submissions of different names, got two that are called ${JSON.stringify(twice)}`,
    )
}

const termsOf = async (
  lab: Lab,
  { seed, sandbox, limits: { milliseconds } = DEFAULT_LIMITS }: GradingOptions,
): Promise<Terms> => ({
  lab: lab.id,
  seed,
  level: isolationWords(sandbox),
  milliseconds,
  ...(await versionsOf(lab)),
})

/** Submissions with the same files, under the same terms: one job. */
interface Group {
  readonly key: string
  readonly terms: Terms
  readonly members: readonly Entered[]
}

class Work {
  readonly #book: Book
  readonly #options: GradingOptions
  readonly #grading: number
  readonly #left: Group[]
  readonly #running = new Set<string>()
  readonly #total: number
  #done = 0
  #known = 0
  #troubled = 0

  private constructor(book: Book, options: GradingOptions, grading: number, groups: Group[]) {
    this.#book = book
    this.#options = options
    this.#grading = grading
    this.#left = groups
    this.#total = groups.reduce((sum, { members }) => sum + members.length, 0)
  }
  static async plan(
    book: Book,
    what: Grading['what'],
    entered: readonly Entered[],
    options: GradingOptions,
  ): Promise<Work> {
    const labs = [...new Set(entered.map(({ submission }) => submission.lab))]
    const terms = new Map(
      await Promise.all(labs.map(async (lab) => [lab, await termsOf(lab, options)] as const)),
    )
    const groups = Map.groupBy(entered, ({ submission }) => resultKey(submission, terms.get(submission.lab)!))
    const list = [...groups].map(([key, members]) => ({
      key,
      terms: terms.get(members[0]!.submission.lab)!,
      members,
    }))
    const settings = { terms: [...terms.values()], ...(options.shard && { shard: options.shard }) }
    return new Work(book, options, resumed(book, what, settings), list)
  }

  /** What the book has a result for is written down at once. */
  takeKnown(): void {
    this.#book.transaction(() => {
      for (let i = this.#left.length - 1; i >= 0; i--) {
        const group = this.#left[i]!
        if (!this.#book.hasResult(group.key)) continue
        this.#left.splice(i, 1)
        this.#record(group, { key: group.key }, 0)
        this.#done += group.members.length
        this.#known += group.members.length
      }
    })
    this.#tell()
  }
  /** One worker's way: group after group until there is none. */
  async go(): Promise<void> {
    while (this.#options.signal?.aborted !== true) {
      const group = this.#left.shift()
      if (!group) return
      const { name } = group.members[0]!.submission
      this.#running.add(name)
      this.#tell()
      const outcome = await this.#grade(group)
      this.#running.delete(name)
      this.#done += group.members.length
      if ('trouble' in outcome) this.#troubled += group.members.length
      this.#tell({ name, outcome })
    }
  }
  finish(): Finished {
    const complete = this.#done === this.#total
    if (complete) this.#book.finish(this.#grading)
    const { done, known, troubled, total } = this.#counts
    return { grading: this.#grading, complete, done, known, troubled, total }
  }

  async #grade(group: Group): Promise<Outcome | { trouble: string }> {
    const { submission } = group.members[0]!
    const states = stateKey(submission, group.terms)
    const scenarios = submission.lab.scenarios(this.#options.seed)
    try {
      const outcome = await this.#tried(
        jobOf(submission, group.key, this.#options.seed),
        submission.lab,
        states,
      )
      if (isOurs(outcome)) return this.#failed(group, outcome.remarks.errors[0]!)
      const played = outcome.recording ?? (outcome.played && (await recordingOf(outcome.played, scenarios)))
      this.#book.transaction(() => {
        this.#book.putResult(group.key, outcome.result, outcome.remarks)
        if (played) this.#book.putPlayed(states, played)
        this.#record(group, { key: group.key }, outcome.duration)
      })
      return outcome
    } catch (error) {
      return this.#failed(group, error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }
  async #tried(job: Job, lab: Lab, states: string): Promise<Outcome> {
    const executor = this.#options.executor ?? this.#here
    for (let tries = 1; ; tries++) {
      try {
        const outcome = await executor(job, lab, this.#book.played(states))
        if (!isOurs(outcome) || tries === TRIES) return outcome
      } catch (error) {
        if (tries === TRIES) throw error
      }
    }
  }
  readonly #here: Executor = async (job, lab, recorded) =>
    execute(job, lab, {
      sandbox: this.#options.sandbox,
      ...(this.#options.limits && { limits: this.#options.limits }),
      ...(recorded && { known: await playedFrom(recorded, lab.scenarios(job.seed)) }),
    })
  #failed(group: Group, stack: string): { trouble: string } {
    this.#book.transaction(() => this.#record(group, { trouble: stack }, 0))
    return { trouble: stack }
  }
  #record({ members }: Group, graded: { key: string } | { trouble: string }, milliseconds: number): void {
    for (const { submission, details } of members) {
      const content = contentKey(submission)
      this.#book.putContent(content, jobOf(submission, content, this.#options.seed))
      this.#book.record(this.#grading, { name: submission.name, content, details, milliseconds }, graded)
    }
  }
  get #counts(): Pick<Progress, 'total' | 'done' | 'known' | 'troubled'> {
    return { total: this.#total, done: this.#done, known: this.#known, troubled: this.#troubled }
  }
  #tell(latest?: Progress['latest']): void {
    this.#options.progress?.({ ...this.#counts, running: [...this.#running], ...(latest && { latest }) })
  }
}

/** The grading that was cut off, if the last one was and had the same terms; else a new one. */
function resumed(book: Book, what: Grading['what'], settings: Details): number {
  const last = book.gradings().at(-1)
  const same =
    last && !last.finished && last.what === what && JSON.stringify(last.settings) === JSON.stringify(settings)
  return same ? last.id : book.begin(what, settings)
}

/** All submissions of the book, as they were handed in last. @throws UsageError as `submissionIn` */
export const enteredIn = (book: Book, labs: readonly Lab[]): Entered[] =>
  book.latest().map(({ details, ...row }) => ({ submission: submissionIn(book, labs, row), details }))
