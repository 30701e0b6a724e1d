// Names for what does not change: the same key, the same result.

import { createHash } from 'node:crypto'
import { serialize } from 'node:v8'
import { type Lab, machineVersion, rubricVersion, type Scenario, type Submission } from '@pagewalk/grader'
import { z } from 'zod'
import type { Grading } from './book.ts'

/** What a grading goes by, besides the submissions. */
export interface Terms {
  readonly lab: string
  readonly seed: number
  /** How far capsules are kept from the host: a result of less isolation is not taken for one of more. */
  readonly level: string
  /** As in Limits: who had more time may have come further. */
  readonly milliseconds: number
  readonly machine: string
  readonly rubric: string
}
export const versionsOf = async (lab: Lab): Promise<Pick<Terms, 'machine' | 'rubric'>> => ({
  machine: await machineVersion(lab),
  rubric: rubricVersion(lab),
})
const text = z.string()
/** In books of before it was told. */
const BEFORE_MS = 10_000
export const termsSchema: z.ZodType<Terms> = z.strictObject({
  lab: text,
  seed: z.number().int(),
  level: text,
  milliseconds: z.number().positive().default(BEFORE_MS),
  machine: text,
  rubric: text,
})
const settingsSchema = z.looseObject({ terms: z.array(termsSchema) })
/** Those of each lab of a grading. */
export const termsIn = ({ settings }: Pick<Grading, 'settings'>): Terms[] =>
  settingsSchema.parse(settings).terms

/** Of a result: hexadecimal. */
export const resultKey = (submission: Submission, { seed, rubric, ...terms }: Terms): string =>
  sha256([stateKey(submission, terms), String(seed), rubric])
/** Of what the machine did: the same under every rubric. */
export const stateKey = (
  submission: Submission,
  { lab, level, milliseconds, machine }: Omit<Terms, 'seed' | 'rubric'>,
): string => sha256([contentKey(submission), lab, level, String(milliseconds), machine])
export const contentKey = ({ sha256: content, trouble }: Submission): string =>
  trouble ? sha256([content, JSON.stringify(trouble)]) : content
/** Of what is played: a recorded run counts for a scenario that is the same in everything. */
export const scenarioKey = (scenario: Scenario): string => sha256([serialize(scenario)])

function sha256(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}\0`).update(part)
  return hash.digest('hex')
}
