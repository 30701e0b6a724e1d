// `pagewalk override`: a person's decision about a check, kept through every regrade.

import { Book, decided, mustFit, standing } from '@pagewalk/batch'
import { type Result, UsageError } from '@pagewalk/grader'
import { write } from './terminal.ts'

export interface OverrideOptions {
  readonly reason?: string
  readonly by?: string
  readonly undo?: true
}

export async function override(
  path: string,
  name: string | undefined,
  check: string | undefined,
  points: number | undefined,
  { reason, by, undo }: OverrideOptions,
): Promise<void> {
  const book = new Book(path)
  try {
    if (name === undefined) return await write(listed(book))
    if (check === undefined || (points === undefined) !== (undo === true))
      throw new UsageError('override: expected NAME CHECK POINTS, or NAME CHECK --undo')
    if (!reason?.trim() || !by?.trim())
      throw new UsageError(
        'override: expected --reason with why and --by with who decides, got no text there',
      )
    const result = resultOf(book, name)
    const decision = { name, check, points: points ?? null, reason, author: by }
    mustFit(result, decision)
    book.decide(decision)
    const now = decided(result, standing(book.decisions()).get(name))
    await write(
      `${name}: ${check} ${undo ? 'as the checks say' : `has ${points}`}; in all ${now.score} of ${now.maxScore}\n`,
    )
  } finally {
    book.close()
  }
}
function resultOf(book: Book, name: string): Result {
  const row = book.rows().find((each) => each.name === name)
  if (!row) throw new UsageError(`${book.path}: expected a submission in it, got ${JSON.stringify(name)}`)
  if ('result' in row.graded) return row.graded.result
  throw new UsageError(`${book.path}: ${name} has not been graded: ${row.graded.trouble.split('\n')[0]}`)
}
/** Without a name: all that hold. */
function listed(book: Book): string {
  const lines = [...standing(book.decisions()).values()].flatMap((own) =>
    [...own.values()].map(
      ({ name, check, points, author, reason }) => `${name}  ${check}  ${points}  by ${author}: ${reason}`,
    ),
  )
  return lines.length > 0 ? `${lines.join('\n')}\n` : 'nobody has decided anything\n'
}
