// `pagewalk grade shard`: one host's share of a class, into a book of its own; see merge.

import { mustBeShard, type Shard } from '@pagewalk/batch'
import { UsageError } from '@pagewalk/grader'
import { type GradeOptions, gradeCommand } from './grade.ts'

/** @returns the exit code */
export function gradeShard(
  paths: readonly string[],
  { index, of, ...options }: GradeOptions & Shard,
): Promise<number> {
  mustBeShard({ index, of })
  if (options.book === undefined)
    throw new UsageError('grade shard: expected --book FILE, for `merge`; got none')
  return gradeCommand(paths, { ...options, shard: { index, of } })
}
