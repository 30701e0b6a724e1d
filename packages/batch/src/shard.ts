// A class in shares, for hosts that know nothing of each other: every host finds out by itself which submissions are its own.

import { type Submission, UsageError } from '@pagewalk/grader'
import { contentKey } from './keys.ts'

export interface Shard {
  /** 0 to `of` - 1. */
  readonly index: number
  readonly of: number
}

/** @throws UsageError if there is no such shard */
export function mustBeShard({ index, of }: Shard): void {
  if (!(index < of)) throw new UsageError(`--index: expected 0 to ${of - 1} with --of ${of}, got ${index}`)
}

/** Goes by the files alone, so that equal files are graded once, by the same host. */
export const inShard = (submission: Submission, { index, of }: Shard): boolean =>
  Number.parseInt(contentKey(submission).slice(0, HEX), 16) % of === index
/** So many hexadecimal digits of a hash: a number that JavaScript holds exactly, far above any `of`. */
const HEX = 12
