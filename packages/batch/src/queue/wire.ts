// What goes through the queue. Redis is not ours: both sides check what comes out of it.

import { isolationWords, type Lab, LEVELS, type Level, reaches } from '@pagewalk/grader'
import { z } from 'zod'
import { type Job, jobSchema, type Outcome, outcomeSchema } from '../outcome.ts'
import { playedFrom, recordingOf } from '../recording.ts'

/** Of the queue in Redis, and the form of what goes through it: a change is a new name. */
export const QUEUE = 'pagewalk-2'

/** A job for a worker. */
export interface Order {
  readonly job: Job
  /** The least isolation that will do. */
  readonly level: Level
  /** Must the kernel have a thread of its own? */
  readonly strict: boolean
  /** As in Limits. */
  readonly milliseconds: number
  /** Versions, as in Terms: no other may grade it. */
  readonly machine: string
  readonly rubric: string
  /** What the machine did for the same files before: a recording, in base64. */
  readonly recorded?: string
}
export const orderSchema: z.ZodType<Order> = z.strictObject({
  job: jobSchema,
  level: z.enum(LEVELS),
  strict: z.boolean(),
  milliseconds: z.number().positive(),
  machine: z.string(),
  rubric: z.string(),
  recorded: z.base64().exactOptional(),
})

export interface Answer {
  readonly outcome: Omit<Outcome, 'played' | 'recording'>
  /** Of what was played, in base64. */
  readonly recording?: string
}
const answerSchema: z.ZodType<Answer> = z.strictObject({
  outcome: outcomeSchema,
  recording: z.base64().exactOptional(),
})

export async function answerOf({ played, ...outcome }: Outcome, { seed }: Job, lab: Lab): Promise<Answer> {
  if (!played) return { outcome }
  const recording = await recordingOf(played, lab.scenarios(seed))
  return { outcome, recording: Buffer.from(recording).toString('base64') }
}
/** @throws Error if it is not the answer to `order` */
export async function outcomeFrom(answer: unknown, order: Order, lab: Lab): Promise<Outcome> {
  const { outcome, recording } = answerSchema.parse(answer)
  mustAnswer(outcome, order)
  if (recording === undefined) return outcome
  const bytes = Buffer.from(recording, 'base64')
  const played = await playedFrom(bytes, lab.scenarios(order.job.seed))
  return { ...outcome, played, recording: bytes }
}
function mustAnswer({ result }: Answer['outcome'], { job, level, strict }: Order): void {
  const [wanted, got] = [job, { lab: result.lab, sha256: result.submission.sha256, seed: result.seed }]
  for (const field of ['lab', 'sha256', 'seed'] as const)
    if (got[field] !== wanted[field])
      throw new Error(`the queue: expected a result with ${field} ${wanted[field]}, got ${got[field]}`)
  const { isolation } = result
  if (!reaches(isolation.level, level) || isolation.strict !== strict)
    throw new Error(
      `the queue: expected isolation with ${isolationWords({ level, strict })}, got ${isolationWords(isolation)}`,
    )
}
