import { DatabaseSync } from 'node:sqlite'
import { counting, RIGHT } from '@pagewalk/grader/test-kit'
import { describe, expect, test } from 'vitest'
import { Book, type Decision, inShard, type Merged, merge } from '../src/index.ts'
import { classOf, gradeClass, KERNELS, newPath, REALM, reading, resultsOf } from './kit.ts'

/** Merges into a new book. */
function merged(paths: readonly string[], into: string = newPath()): Merged & { path: string } {
  const shards = paths.map((path) => new Book(path))
  const book = new Book(into, { create: true })
  try {
    return { ...merge(shards, book), path: into }
  } finally {
    for (const each of [book, ...shards]) each.close()
  }
}
async function graded(kernels: Readonly<Record<string, string>>, seed = 1): Promise<string> {
  const path = newPath()
  await gradeClass(path, classOf(kernels), { seed, sandbox: REALM })
  return path
}
async function shardsOf(kernels: Readonly<Record<string, string>>, of: number): Promise<string[]> {
  const paths = Array.from({ length: of }, newPath)
  for (const [index, path] of paths.entries()) {
    const own = classOf(kernels).filter(({ submission }) => inShard(submission, { index, of }))
    await gradeClass(path, own, { sandbox: REALM })
  }
  return paths
}
/** The bytes of a table. */
function table(path: string, name: 'results' | 'states' | 'contents' | 'decisions'): unknown {
  const raw = new DatabaseSync(path, { readOnly: true })
  const rows = raw.prepare(`SELECT * FROM ${name} ORDER BY 1`).all()
  raw.close()
  return rows
}
const NEVER = counting('write32(COUNT, 1)')
const decision = (name: string, points: number | null): Decision => ({
  name,
  check: 'counts',
  points,
  reason: 'seen by hand',
  author: 'ta',
})

test('three shards, merged, are the book of one grading', async () => {
  const whole = await graded(KERNELS)
  const { path, total, troubled } = merged(await shardsOf(KERNELS, 3))
  expect({ total, troubled }).toEqual({ total: 6, troubled: 0 })
  expect(reading(path, resultsOf)).toEqual(reading(whole, resultsOf))
  for (const name of ['results', 'states', 'contents'] as const)
    expect(table(path, name)).toEqual(table(whole, name))
  expect(reading(path, (book) => book.gradings())).toEqual(reading(whole, (book) => book.gradings()))
})
test('books that overlap agree, and merging again changes nothing', async () => {
  const [first, second] = [
    await graded({ ada: RIGHT, bob: NEVER }),
    await graded({ bob: NEVER, fred: RIGHT }),
  ]
  const { path } = merged([first, second])
  const before = reading(path, resultsOf)
  expect(before).toHaveLength(3)
  expect(merged([second, first], path)).toMatchObject({ grading: 2, total: 3 })
  expect(reading(path, resultsOf)).toEqual(before)
})
test('decisions come along, once, and later ones too', async () => {
  const shard = await graded({ bob: NEVER })
  reading(shard, (book) => book.decide(decision('bob', 3)))
  const { path } = merged([shard])
  merged([shard], path)
  expect(reading(path, (book) => book.decisions())).toEqual([decision('bob', 3)])
  reading(shard, (book) => book.decide(decision('bob', null)))
  merged([shard], path)
  expect(reading(path, (book) => book.decisions())).toEqual([decision('bob', 3), decision('bob', null)])
  reading(path, (book) => book.decide(decision('bob', 2)))
  reading(shard, (book) => book.decide(decision('bob', 1)))
  expect(() => merged([shard], path)).toThrow('expected the decisions about bob as in the others, got others')
})
test('a result is better than trouble, in either order', async () => {
  const [good, bad] = [await graded({ ada: RIGHT }), newPath()]
  const executor = async (): Promise<never> => {
    throw new Error('no room on the disk')
  }
  await gradeClass(bad, classOf({ ada: RIGHT }), { sandbox: REALM, executor })
  for (const order of [
    [good, bad],
    [bad, good],
  ])
    expect(merged(order)).toMatchObject({ total: 1, troubled: 0 })
  expect(merged([bad])).toMatchObject({ total: 1, troubled: 1 })
})

describe('is refused, with nothing written', () => {
  function refused(paths: readonly string[], message: string): void {
    const into = newPath()
    expect(() => merged(paths, into)).toThrow(message)
    expect(reading(into, (book) => [book.gradings(), book.keys('results'), book.rows()])).toEqual([
      [],
      [],
      [],
    ])
  }
  test('a book of other terms', async () => {
    const [one, other] = [await graded({ ada: RIGHT }), await graded({ bob: NEVER }, 2)]
    refused([one, other], `${other}: expected fake graded with seed 1 as in the others, got 2`)
  })
  test('another result for the same files', async () => {
    const [one, other] = [await graded({ ada: RIGHT }), await graded({ ada: RIGHT })]
    const raw = new DatabaseSync(other)
    raw.exec(`UPDATE results SET result = replace(result, '"score":10,', '"score":9,')`)
    raw.close()
    refused([one, other], `${other}: expected the result of ada as in the others, got another`)
  })
  test('other files of the same name', async () => {
    const [one, other] = [await graded({ ada: RIGHT }), await graded({ ada: NEVER })]
    refused([one, other], `${other}: expected the files of ada as in the others, got others`)
  })
  test('a grading that was cut off, and a book without any', async () => {
    const path = newPath()
    const stop = AbortSignal.abort()
    await gradeClass(path, classOf({ ada: RIGHT }), { sandbox: REALM, signal: stop })
    refused([path], `${path}: expected a grading that came to its end, got one that was cut off`)
    const empty = newPath()
    new Book(empty, { create: true }).close()
    refused([empty], `${empty}: expected a grading that came to its end, got none`)
  })
  test('a class of which a shard is missing, or shards of different classes', () => {
    const shard = (index: number, of: number): string => {
      const path = newPath()
      const book = new Book(path, { create: true })
      book.finish(book.begin('grade', { terms: [], shard: { index, of } }))
      book.close()
      return path
    }
    refused([shard(0, 4), shard(2, 4)], 'merge: expected all 4 shards, got none of index 1, 3')
    refused([shard(0, 2), shard(1, 3)], 'merge: expected shards of 2, got one of 3')
    expect(merged([shard(1, 2), shard(0, 2)])).toMatchObject({ total: 0 })
  })
})
