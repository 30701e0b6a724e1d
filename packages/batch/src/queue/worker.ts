// A worker's side of the queue: takes jobs, grades them, hands in what came of them.

import { DEFAULT_LIMITS, type GradeOptions, type Lab, reaches, type Sandbox } from '@pagewalk/grader'
import type { Processor, Job as Queued } from 'bullmq'
import { versionsOf } from '../keys.ts'
import { execute, isOurs } from '../outcome.ts'
import { playedFrom } from '../recording.ts'
import { connect } from './connect.ts'
import { type Answer, answerOf, type Order, orderSchema, QUEUE } from './wire.ts'

export interface WorkerOptions {
  readonly labs: readonly Lab[]
  readonly sandbox: Sandbox
  /** At most so many at a time. */
  readonly jobs: number
  /** Take no more jobs; end once those that were taken are done. */
  readonly signal: AbortSignal
  /** Give back what is being graded: another worker begins it anew. */
  readonly giveBack: AbortSignal
  readonly log: (news: News) => void
}
/** What a worker tells, as it happens: of a job, or of Redis. */
export type News = JobNews | { readonly what: 'note'; readonly words: string }
export type JobNews = { readonly key: string; readonly name: string } & (
  | { readonly what: 'taken' }
  | { readonly what: 'done'; readonly score: number; readonly maxScore: number; readonly seconds: number }
  /** @param last  it is not tried again */
  | { readonly what: 'failed'; readonly why: string; readonly last: boolean }
  | { readonly what: 'given back' }
)

/**
 * A worker that says nothing for LOCK_MS is taken for dead. The others look for its jobs every STALLED_MS, so that they go on
 * within some 10 s; a worker that is only busy renews its locks several times before.
 */
const LOCK_MS = 6000
const RENEW_MS = 2000
const STALLED_MS = 2000
/** A job whose workers die so often is what kills them. */
const STALLED_LIMIT = 3
const RETRY_MS = 1000
/** A worker without a job looks for one so often, in seconds: a job that is given back wakes nobody. */
const IDLE_S = 1

/**
 * Works until it is told to stop.
 * @throws UsageError if `url` leads to no Redis
 */
export async function startWorker(url: string, options: WorkerOptions): Promise<void> {
  const { redis } = await connect(url, (words) => options.log({ what: 'note', words }))
  const { Worker } = await import('bullmq')
  const worker = new Worker<unknown, Answer>(QUEUE, await processor(options), {
    connection: redis,
    concurrency: options.jobs,
    lockDuration: LOCK_MS,
    lockRenewTime: RENEW_MS,
    stalledInterval: STALLED_MS,
    maxStalledCount: STALLED_LIMIT,
    runRetryDelay: RETRY_MS,
    drainDelay: IDLE_S,
  })
  worker.on('error', (error) => {
    // of the connection: `connect` tells; of a lock that was lost: the job is another worker's
    if (error.name === 'ReplyError') options.log({ what: 'note', words: `Redis: ${error.message}` })
  })
  worker.on('completed', (job, answer) => options.log(doneNews(job, answer)))
  worker.on('failed', (job, error) => job && options.log(failedNews(job, error)))
  options.giveBack.addEventListener('abort', () => worker.cancelAllJobs())
  await aborted(options.signal)
  await worker.close()
  redis.disconnect()
}
const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve())
  })

async function processor(options: WorkerOptions): Promise<Processor<unknown, Answer>> {
  const { UnrecoverableError, WaitingError } = await import('bullmq')
  return async (queued, token, cancelled) => {
    options.log({ ...nameOf(queued), what: 'taken' })
    const answer = graded(queued.data, options, (why) => new UnrecoverableError(why))
    const done = await Promise.race(cancelled ? [answer, aborted(cancelled)] : [answer])
    if (done) return done
    await queued.moveToWait(token)
    options.log({ ...nameOf(queued), what: 'given back' })
    throw new WaitingError()
  }
}

/** @param refusal  makes the error for a job that no attempt here will get done */
async function graded(
  data: unknown,
  options: WorkerOptions,
  refusal: (why: string) => Error,
): Promise<Answer> {
  const { data: order, error } = orderSchema.safeParse(data)
  if (!order) throw refusal(`expected a job, got ${error.message}`)
  const lab = options.labs.find(({ id }) => id === order.job.lab)
  if (!lab) throw refusal(`expected a job of ${idsOf(options.labs)}, got one of ${order.job.lab}`)
  const why = await misfit(order, lab, options.sandbox)
  if (why !== undefined) throw refusal(why)
  const outcome = await execute(order.job, lab, await gradeOptions(order, lab, options))
  if (isOurs(outcome)) throw new Error(outcome.remarks.errors[0])
  return answerOf(outcome, order.job, lab)
}
const idsOf = (labs: readonly Lab[]): string => labs.map(({ id }) => id).join(', ') || 'nothing'
async function gradeOptions(
  { job, strict, milliseconds, recorded }: Order,
  lab: Lab,
  { sandbox }: WorkerOptions,
): Promise<GradeOptions> {
  const known =
    recorded === undefined
      ? undefined
      : await playedFrom(Buffer.from(recorded, 'base64'), lab.scenarios(job.seed))
  return {
    sandbox: { ...sandbox, strict },
    limits: { ...DEFAULT_LIMITS, milliseconds },
    ...(known && { known }),
  }
}
/** Why this worker may not grade it, if so: a result is of one version, and of no less isolation than was asked for. */
async function misfit(order: Order, lab: Lab, { level }: Sandbox): Promise<string | undefined> {
  const own = await versionsOf(lab)
  for (const part of ['machine', 'rubric'] as const)
    if (order[part] !== own[part])
      return `${lab.id}: expected version ${order[part].slice(0, 12)} of the ${part}, got a worker with version ${own[part].slice(0, 12)}; the book and all workers must run the same pagewalk`
  if (!reaches(level, order.level))
    return `expected a worker that isolates with ${order.level}, got one with ${level}`
  return undefined
}

const nameOf = ({ id = '', name }: Queued): { key: string; name: string } => ({ key: id, name })
function doneNews(job: Queued, { outcome: { result, duration } }: Answer): JobNews {
  const { score, maxScore } = result
  return { ...nameOf(job), what: 'done', score, maxScore, seconds: duration / 1000 }
}
const failedNews = (job: Queued, { message }: Error): JobNews => ({
  ...nameOf(job),
  what: 'failed',
  why: message,
  last: job.finishedOn !== undefined,
})
