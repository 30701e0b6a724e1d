import { totalWords } from '@pagewalk/grader'
import { expect, test } from 'vitest'
import { accountOf, blames, reasonsOf } from '../src/items.ts'
import { failed, graded, passed, resultOf, small, step, waiting } from './kit.ts'

const lost = (points: number): ReturnType<typeof resultOf> =>
  resultOf([
    step('1', false, [passed('a', 10 - points), failed('b', points)]),
    step('extra', true, [passed('c', 2), passed('d', 3)]),
  ])

test('extra credit comes on top of the maximum', () => {
  expect(accountOf(lost(1))).toMatchObject({ score: 14, maxScore: 10 })
})
test('under a ceiling it counts until the maximum is reached, the first checks first', () => {
  const { score, items } = accountOf(lost(3), { ceiling: 'maximum' })
  expect(score).toBe(10)
  expect(items.slice(2).map((item) => item.score)).toEqual([2, 1])
})
test('what nobody has lost, extra credit cannot make up for', () => {
  expect(
    accountOf(lost(0), { ceiling: 'maximum' })
      .items.slice(2)
      .map((item) => item.score),
  ).toEqual([0, 0])
})
test('in whole points a half is a whole one, and the sum is still a sum of whole ones', () => {
  const result = resultOf([step('1', false, [{ ...passed('a', 5), points: 3.5 }, passed('b', 1)])])
  const { score, items } = accountOf(result, { perPoint: 1 })
  expect([score, ...items.map((item) => item.score)]).toEqual([5, 4, 1])
})
test('sums of tenths have no noise of binary fractions', () => {
  const result = resultOf([step('1', false, [passed('a', 0.1), passed('b', 0.2)])])
  expect(accountOf(result).score).toBe(0.3)
})
test('checks are numbered within their step, and a real grade keeps its sums', () => {
  for (const name of ['handed-out', 'throws', 'awaits-reader'] as const) {
    const { result } = graded(name)
    const { score, maxScore, items } = accountOf(result)
    expect({ score, maxScore }).toEqual({
      score: result.score + result.extraCredit,
      maxScore: result.maxScore,
    })
    expect(items[0]!.number).toBe('1.1')
    expect(new Set(items.map(({ number }) => number)).size).toBe(items.length)
  }
})
test('what awaits a reader blames nobody, and what is blocked does', () => {
  const blamed = accountOf(small.result).items.filter(blames)
  expect(blamed.map(({ check }) => check.id)).toEqual(['b-two', 'c-three', 'd-four', 'f-six'])
})
test('a total says what is extra and what is pending', () => {
  expect(totalWords(small.result)).toBe('9.5/20, extra credit 3/5, 4 points await a reader')
  expect(totalWords(resultOf([step('1', false, [waiting('a', 1)])]))).toBe('0/1, 1 point awaits a reader')
})
test('what a person decided stands as its points say, whatever the check said', () => {
  const override = { by: 'Ann', reason: 'the log shows it', points: 0, pending: 0 }
  const decided = [4, 2, 0].map((points) => ({ ...failed('a', 4), points, override }))
  const { items } = accountOf(resultOf([step('1', false, decided)]))
  expect(items.map(({ standing }) => standing)).toEqual(['passed', 'partial', 'failed'])
  expect(reasonsOf(decided[1]!)).toContainEqual({
    name: 'decided',
    text: 'by Ann: the log shows it (the checks gave 0)',
  })
})
