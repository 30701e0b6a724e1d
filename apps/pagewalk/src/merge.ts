// `pagewalk merge`: the books of shards into one.

import { Book, merge } from '@pagewalk/batch'
import { write } from './terminal.ts'

const EXIT_OURS = 3

/** @returns the exit code, as that of `grade` would have been */
export async function mergeBooks(
  paths: readonly string[],
  { into }: { readonly into: string },
): Promise<number> {
  const open: Book[] = []
  try {
    for (const path of paths) open.push(new Book(path))
    const book = new Book(into, { create: true })
    open.push(book)
    const { grading, total, troubled } = merge(open.slice(0, -1), book)
    await write(
      `${into}: grading ${grading}, ${total} submissions of ${paths.length} books, ${troubled} not graded by our error\n`,
    )
    return troubled > 0 ? EXIT_OURS : 0
  } finally {
    for (const book of open) book.close()
  }
}
