import { edited } from '@pagewalk/grader'
import { sampled } from '@pagewalk/grader/test-kit'
import { describe, expect, test } from 'vitest'
import { checks } from '../checks.ts'
import { mutants } from '../mutants/index.ts'
import { judge } from '../mutants-all.ts'
import { reference } from '../try-kernels.ts'

test('there are at least 150 mutants, each with an id of its own, and each can be made of the reference', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(150)
  expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
  for (const { id, edits } of mutants) expect(edited(reference, edits, id)).not.toBe(reference)
})

test('every check has at least two mutants that fail it, and no mutant names a check that there is not', () => {
  const counts = Map.groupBy(
    mutants.flatMap(({ mustFail }) => mustFail),
    (id) => id,
  )
  expect(checks.map(({ id }) => id).filter((id) => (counts.get(id)?.length ?? 0) < 2)).toEqual([])
  const known = new Set(['stops', ...checks.map(({ id }) => id)])
  expect([...counts.keys()].filter((id) => !known.has(id))).toEqual([])
})

test('no mutant is right', () => {
  expect(mutants.filter(({ mustFail }) => mustFail.length === 0).map(({ id }) => id)).toEqual([])
})

// `node grading/weensyos/mutants-all.ts` does them all
const some = sampled(mutants, 24, 5)

describe.concurrent('a wrong kernel fails exactly the checks it must', () => {
  test.each(some)('$id $name', { timeout: 60_000 }, async (mutant) => {
    const { failed, graded } = await judge(mutant)
    expect(graded.errors).toEqual([])
    expect([...failed].sort()).toEqual([...mutant.mustFail].sort())
  })
})
