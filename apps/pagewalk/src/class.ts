// `pagewalk grade ... --book` and `regrade`: a class into a book.

import {
  Book,
  compare,
  type Entered,
  enteredIn,
  type Finished,
  type Grading,
  gradeInto,
  type OpenQueue,
  openQueue,
  type QueueOptions,
  type Shard,
  type Terms,
  termsIn,
} from '@pagewalk/batch'
import { DEFAULT_LIMITS, PUBLIC_SEED, reportReasons, reportTable, type Sandbox } from '@pagewalk/grader'
import { type Entry, type Intake, intake } from '@pagewalk/intake'
import { type CapsuleOptions, jobsFor, limitsFor, sandboxElsewhere, sandboxFor } from './capsules.ts'
import { changesText } from './compare.ts'
import { detailsOf } from './details.ts'
import { gradesIn, outcomesIn } from './graded.ts'
import { labsMeant } from './labs.ts'
import { type Display, display } from './progress.ts'
import { formatNamed, writeFormat } from './results.ts'
import { styleOf, tell, write } from './terminal.ts'
import { mustBeWithout } from './without.ts'

const EXIT_OURS = 3
const EXIT_INTERRUPTED = 130

export interface ClassOptions extends CapsuleOptions {
  readonly lab?: string
  /** Path of the book. */
  readonly book: string
  readonly roster?: string
  readonly seed?: number
  readonly format?: string
  readonly output?: string
  readonly json?: true
  /** Address of a queue whose workers grade. */
  readonly queue?: string
  readonly shard?: Shard
}

/** @returns the exit code */
export async function gradeClass(paths: readonly string[], options: ClassOptions): Promise<number> {
  if (options.format !== undefined) mustBeWithout(options, ['json'], '--format')
  const format = options.format === undefined ? undefined : formatNamed(options.format)
  const box = await boxFor(options)
  const entered = await handedIn(paths, options)
  const book = new Book(options.book, { create: true })
  try {
    const finished = await filled(book, 'grade', entered, { ...options, box })
    const names = new Set(entered.map(({ submission }) => submission.name))
    if (format) await writeFormat(format, outcomesIn(book, { names }), options.output)
    else await write(options.json ? jsonIn(book, names) : summary(book, names, finished))
    return exitCode(finished)
  } finally {
    book.close()
  }
}
/** What is at `paths`; what is odd about it is told. */
export async function handedIn(
  paths: readonly string[],
  { lab, roster }: Pick<ClassOptions, 'lab' | 'roster'>,
): Promise<Entered[]> {
  const labs = await labsMeant(lab, paths)
  const found = await intake(paths, { labs, ...(roster !== undefined && { roster }) })
  tell(intakeWords(found))
  return found.entries.map(enteredOf)
}
const enteredOf = (entry: Entry): Entered => ({
  submission: { ...entry.submission, name: entry.name },
  details: detailsOf(entry),
})

export type RegradeOptions = CapsuleOptions & Pick<ClassOptions, 'seed' | 'queue'>
/** @returns the exit code */
export async function regrade(path: string, options: RegradeOptions): Promise<number> {
  const box = await boxFor(options)
  const labs = await labsMeant(undefined)
  const book = new Book(path)
  try {
    const before = outcomesIn(book, {})
    const finished = await filled(book, 'regrade', enteredIn(book, labs), { ...options, box })
    await write(`${changesText(compare(before, outcomesIn(book, {})))}${finishedWords(book, finished)}`)
    return exitCode(finished)
  } finally {
    book.close()
  }
}

/** What capsules get, here or, with a queue, at its workers. */
const boxFor = (options: RegradeOptions): Promise<Sandbox> =>
  options.queue === undefined ? sandboxFor(options) : sandboxElsewhere(options)

export interface Playing extends Pick<ClassOptions, 'seed' | 'jobs' | 'timeout' | 'queue' | 'shard'> {
  readonly box: Sandbox
}
export async function filled(
  book: Book,
  what: Grading['what'],
  entered: readonly Entered[],
  { queue: address, shard, box, ...options }: Playing,
): Promise<Finished> {
  const before = termsBefore(book)
  const { seed = before.seed, timeout } = options
  const limits =
    timeout === undefined ? { ...DEFAULT_LIMITS, milliseconds: before.milliseconds } : limitsFor({ timeout })
  const queue = address === undefined ? undefined : await queueAt(address, book, { what, box, limits })
  const shown = display(process.stderr)
  const stop = stopping(shown)
  try {
    return await gradeInto(book, what, entered, {
      seed,
      jobs: queue ? (options.jobs ?? IN_QUEUE) : jobsFor(options),
      sandbox: box,
      limits,
      signal: stop.signal,
      progress: (progress) => shown.show(progress),
      ...(queue && { executor: queue.executor }),
      ...(shard && { shard }),
    })
  } finally {
    shown.end()
    stop.done()
    await queue?.close()
  }
}
/** So many wait for workers at a time. */
const IN_QUEUE = 64
const queueAt = (
  address: string,
  book: Book,
  { box, ...options }: Pick<QueueOptions, 'what' | 'limits'> & Pick<Playing, 'box'>,
): Promise<OpenQueue> =>
  openQueue(address, {
    ...options,
    isolation: box,
    kept: (key) => book.hasResult(key),
    tell: (words) => tell([words]),
  })

/** Ctrl-C once: what is being graded is finished. Twice: at once. */
function stopping(shown: Display): { readonly signal: AbortSignal; done(): void } {
  const stop = new AbortController()
  const interrupted = (): void => {
    if (stop.signal.aborted) process.exit(EXIT_INTERRUPTED)
    stop.abort()
    shown.end()
    tell(['stopping when what is being graded is finished; the same command goes on later'])
  }
  process.on('SIGINT', interrupted).on('SIGTERM', interrupted)
  return {
    signal: stop.signal,
    done: () => void process.off('SIGINT', interrupted).off('SIGTERM', interrupted),
  }
}
/** As in the grading before, so that a regrade that says nothing of them is about the rubric only. */
function termsBefore(book: Book): Pick<Terms, 'seed' | 'milliseconds'> {
  const { milliseconds } = DEFAULT_LIMITS
  return book.gradings().flatMap(termsIn).at(-1) ?? { seed: PUBLIC_SEED, milliseconds }
}

function intakeWords({ entries, notes, missing }: Intake): string[] {
  const warnings = entries.flatMap(({ name, warnings: list }) => list.map((words) => `${name}: ${words}`))
  const names = missing.map(({ name, email, ids }) => name ?? email ?? Object.values(ids)[0] ?? '?')
  return [
    ...notes.map(({ where, what }) => `${where}: ${what}`),
    ...warnings,
    ...(names.length > 0 ? [`on the roster without a submission: ${names.join(', ')}`] : []),
  ]
}
function jsonIn(book: Book, names: ReadonlySet<string>): string {
  const results = gradesIn(book, { names }).map(({ result }) => result)
  return `${JSON.stringify(results, null, 2)}\n`
}
function summary(book: Book, names: ReadonlySet<string> | undefined, finished: Finished): string {
  const style = styleOf(process.stdout)
  const grades = gradesIn(book, names ? { names } : {})
  const troubles = outcomesIn(book, names ? { names } : {}).flatMap((one) => ('trouble' in one ? [one] : []))
  return [
    reportReasons(grades, style),
    reportTable(grades, style),
    ...troubles.map(({ name, trouble }) => `not graded, our error: ${name}: ${trouble}\n`),
    finishedWords(book, finished),
  ].join('\n')
}
const finishedWords = ({ path }: Book, { grading, total, known, troubled }: Finished): string =>
  `${path}: grading ${grading}, ${total} submissions, ${known} of them known before, ${troubled} not graded by our error\n`

function exitCode({ complete, troubled }: Finished): number {
  if (!complete) return EXIT_INTERRUPTED
  return troubled > 0 ? EXIT_OURS : 0
}
