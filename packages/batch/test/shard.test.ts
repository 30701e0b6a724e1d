import { counting } from '@pagewalk/grader/test-kit'
import { expect, test } from 'vitest'
import { type Entered, inShard, mustBeShard } from '../src/index.ts'
import { classOf, KERNELS } from './kit.ts'

const many = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, counting(`// ${i}`)]))
const namesIn = (entered: readonly Entered[], index: number, of: number): string[] =>
  entered.flatMap(({ submission }) => (inShard(submission, { index, of }) ? [submission.name] : []))

test.each([1, 2, 3, 4])('%i shards have each submission once, and none is empty', (of) => {
  const entered = classOf({ ...KERNELS, ...many })
  const shards = Array.from({ length: of }, (_, index) => namesIn(entered, index, of))
  expect(shards.flat().toSorted()).toEqual(entered.map(({ submission }) => submission.name).toSorted())
  expect(shards.every((names) => names.length > 0)).toBe(true)
})
test('equal files are in the same shard, whosever they are', () => {
  const entered = classOf(KERNELS)
  const withAda = [0, 1, 2, 3].map((i) => namesIn(entered, i, 4)).find((names) => names.includes('ada'))
  expect(withAda).toContain('fred')
})
test('a shard is the same on every host: it depends on nothing but the files', () => {
  const [ada] = classOf({ ada: KERNELS.ada! })
  const known = { ...ada!.submission, sha256: `00000000000d${'f'.repeat(52)}` } // 13
  expect([5, 6, 7].map((of) => inShard(known, { index: 13 % of, of }))).toEqual([true, true, true])
})
test('a shard that does not exist is refused', () => {
  expect(() => mustBeShard({ index: 3, of: 4 })).not.toThrow()
  expect(() => mustBeShard({ index: 4, of: 4 })).toThrow('--index: expected 0 to 3 with --of 4, got 4')
})
