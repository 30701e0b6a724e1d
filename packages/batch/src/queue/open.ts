// The book's side of the queue: hands in jobs and waits for what comes of them.

import { setTimeout as sleep } from 'node:timers/promises'
import { DEFAULT_LIMITS, type Lab, type Limits, type Sandbox } from '@pagewalk/grader'
import type { JobsOptions, Queue } from 'bullmq'
import type { Grading } from '../book.ts'
import type { Executor } from '../grading.ts'
import { versionsOf } from '../keys.ts'
import type { Job, Outcome } from '../outcome.ts'
import { connect, type Tell } from './connect.ts'
import { type Order, outcomeFrom, QUEUE } from './wire.ts'

export interface QueueOptions {
  /** A `grade`, whose students wait, goes before every `regrade`. */
  readonly what: Grading['what']
  /** What workers must have of it at least, or stronger; strict mode is theirs if it is set. */
  readonly isolation: Pick<Sandbox, 'level' | 'strict'>
  readonly limits?: Pick<Limits, 'milliseconds'>
  /** Has the book the result of this key? Then the queue need not keep it. */
  readonly kept: (key: string) => boolean
  readonly tell: Tell
}
export interface OpenQueue {
  /** Waits as long as it takes, also for Redis to come back. */
  readonly executor: Executor
  /** What the book does not have stays in the queue, and is picked up by the next grading. */
  close(): Promise<void>
}

/** BullMQ takes the lower number first. */
const PRIORITY: { readonly [what in Grading['what']]: number } = { grade: 1, regrade: 2 }
/** What nobody has asked for in so many seconds goes. */
const FORGOTTEN = { age: 7 * 24 * 3600 }
const JOB: JobsOptions = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: FORGOTTEN,
  removeOnFail: FORGOTTEN,
}
/** Redis keeps so many events, with the results in them; nobody here listens to them. */
const EVENTS = 20
/** The state of a job is asked for, not listened for: what was said while Redis was away is lost, a state is not. */
const POLL_MS = 250
/** Without a worker after so long, somebody may have forgotten to start one. */
const LONELY_MS = 5000

/** @throws UsageError if `url` leads to no Redis */
export async function openQueue(url: string, options: QueueOptions): Promise<OpenQueue> {
  const { redis, where } = await connect(url, options.tell)
  const { Queue } = await import('bullmq')
  const queue = new Queue(QUEUE, { connection: redis, streams: { events: { maxLen: EVENTS } } })
  queue.on('error', () => {}) // `redis` tells when it goes; commands wait
  const desk = new Desk(queue, options)
  const lonely = setTimeout(async () => {
    const workers = await queue.getWorkersCount().catch(() => undefined) // not every Redis tells
    if (workers === 0) options.tell(`no worker on ${where}; \`pagewalk worker --queue\` starts one`)
  }, LONELY_MS)
  return {
    executor: (job, lab, recorded) => desk.outcome(job, lab, recorded),
    async close() {
      clearTimeout(lonely)
      await desk.tidy()
      await queue.close()
      redis.disconnect()
    },
  }
}

class Desk {
  readonly #queue: Queue
  readonly #options: QueueOptions
  /** Keys of what was handed over and is still in Redis. */
  readonly #handed = new Set<string>()
  /** Key -> why no worker could: attempts are the queue's matter, and were made. */
  readonly #failed = new Map<string, Error>()

  constructor(queue: Queue, options: QueueOptions) {
    this.#queue = queue
    this.#options = options
  }

  async outcome(job: Job, lab: Lab, recorded: Uint8Array | undefined): Promise<Outcome> {
    const failed = this.#failed.get(job.key)
    if (failed) throw failed
    const {
      isolation: { level, strict = false },
      limits: { milliseconds } = DEFAULT_LIMITS,
    } = this.#options
    const known = recorded && { recorded: Buffer.from(recorded).toString('base64') }
    const order: Order = { job, level, strict, milliseconds, ...(await versionsOf(lab)), ...known }
    const answer = await this.#answer(order)
    try {
      return await outcomeFrom(answer, order, lab)
    } catch (error) {
      await this.#queue.remove(job.key) // or it would answer again
      throw error
    } finally {
      this.#handed.add(job.key)
      await this.tidy()
    }
  }
  /** What the book has leaves Redis. */
  async tidy(): Promise<void> {
    const done = [...this.#handed].filter((key) => this.#options.kept(key))
    for (const key of done) this.#handed.delete(key)
    await Promise.all(done.map((key) => this.#queue.remove(key)))
  }

  async #answer(order: Order): Promise<unknown> {
    const { key } = order.job
    const state = await this.#queue.getJobState(key)
    if (state === 'failed') await this.#queue.remove(key) // in an earlier grading: tried again
    for (;;) {
      const state = await this.#queue.getJobState(key)
      if (state === 'unknown') await this.#add(order) // new, or Redis has lost it
      const job = state === 'completed' || state === 'failed' ? await this.#queue.getJob(key) : undefined
      if (job && state === 'failed') throw this.#failure(key, job.failedReason)
      if (job) return job.returnvalue
      await sleep(POLL_MS)
    }
  }
  async #add(order: Order): Promise<void> {
    const { key, name } = order.job
    await this.#queue.add(name, order, { ...JOB, jobId: key, priority: PRIORITY[this.#options.what] })
  }
  #failure(key: string, reason: string): Error {
    const failure = new Error(`the queue: ${reason}`)
    this.#failed.set(key, failure)
    return failure
  }
}
