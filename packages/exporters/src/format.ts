// What a format is.

import { UsageError } from '@pagewalk/grader'
import type { Outcome } from './outcome.ts'

export const VISIBILITIES = ['hidden', 'after_due_date', 'after_published', 'visible'] as const
export type Visibility = (typeof VISIBILITIES)[number]

/** What a file needs that is not in the outcomes. */
export interface Context {
  /** Of Pagewalk. */
  readonly version: string
  /** That grading took; without it every file says 0, so that the same grades are the same bytes. */
  readonly seconds?: number
  /** Who sees the checks on Gradescope, and when. Default: `visible`. */
  readonly visibility?: Visibility
  /** Environment variables; Classroom 50 tells in them whose submission it is. */
  readonly env?: { readonly [name: string]: string | undefined }
}
export interface Format {
  readonly name: string
  /** One line, for --help. */
  readonly describe: string
  /** May a file hold several outcomes? */
  readonly many: boolean
  /**
   * The file's text, with a line feed at its end.
   *
   * @throws UsageError if it is given several outcomes and takes one, or if the context lacks what it needs
   */
  readonly write: (outcomes: readonly Outcome[], context: Context) => string
}

/** A format of files that hold one outcome. */
export function singleFormat(
  name: string,
  describe: string,
  write: (outcome: Outcome, context: Context) => string,
): Format {
  const writeOne = (outcomes: readonly Outcome[], context: Context): string => {
    const [outcome] = outcomes
    if (!outcome || outcomes.length > 1)
      throw new UsageError(`${name}: expected one submission for a file, got ${outcomes.length}`)
    return write(outcome, context)
  }
  return { name, describe, many: false, write: writeOne }
}
