// Classes of the fake lab for tests, and the books they are graded into.

import { findSubmissions, type Lab, type Sandbox, sandboxOf } from '@pagewalk/grader'
import { counting, fake, folder, put, RIGHT } from '@pagewalk/grader/test-kit'
import { Book, type Entered, type Finished, type GradingOptions, gradeInto, type Row } from '../src/index.ts'

export const KERNELS: Readonly<Record<string, string>> = {
  ada: RIGHT,
  bob: counting('write32(COUNT, 1)'),
  cleo: counting('if (count !== 105) write32(COUNT, read32(COUNT) + 1)'),
  dora: 'this is no TypeScript',
  eve: counting('throw new Error("on purpose")'),
  fred: RIGHT, // the same as ada's
}
export function classOf(kernels: Readonly<Record<string, string>>, lab: Lab = fake): Entered[] {
  const dir = put(
    folder(),
    Object.fromEntries(Object.entries(kernels).map(([name, source]) => [`${name}/kernel.ts`, source])),
  )
  return findSubmissions(dir, [lab]).map((submission) => ({ submission, details: {} }))
}

/** Soon found out, and there on every host: for what does not depend on the level. */
export const REALM: Sandbox = { level: 'realm', idle: 0 }

export const newPath = (): string => `${folder()}/class.book`

export async function gradeClass(
  path: string,
  entered: readonly Entered[],
  options: Partial<GradingOptions> & { readonly what?: 'grade' | 'regrade' } = {},
): Promise<Finished> {
  const book = new Book(path, { create: true })
  const { what = 'grade', sandbox = await sandboxOf(), ...rest } = options
  try {
    return await gradeInto(book, what, entered, { seed: 1, jobs: 2, sandbox, ...rest })
  } finally {
    book.close()
  }
}
export function reading<T>(path: string, look: (book: Book) => T): T {
  const book = new Book(path)
  try {
    return look(book)
  } finally {
    book.close()
  }
}
/** Name -> points, or 'trouble'. */
export const scores = (rows: readonly Row[]): Record<string, number | 'trouble'> =>
  Object.fromEntries(
    rows.map(({ name, graded }) => [name, 'trouble' in graded ? 'trouble' : graded.result.score]),
  )
/** All that a book says of results, without times. */
export const resultsOf = (book: Book): unknown =>
  book.rows().map(({ name, content, graded }) => ({ name, content, graded: JSON.stringify(graded) }))
