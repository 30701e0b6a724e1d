import { sampled } from '@pagewalk/grader/test-kit'
import { describe, expect, test } from 'vitest'
import { checks } from '../checks.ts'
import { mutants } from '../mutants/index.ts'
import { failedBy, filesOf } from '../mutants-all.ts'
import { rubric } from '../rubric.ts'

const SECONDS = 60_000

test('there are at least 120, each with a name of its own, and each can be made', () => {
  expect(mutants.length).toBeGreaterThanOrEqual(120)
  expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
  for (const mutant of mutants) expect(Object.keys(filesOf(mutant)).length).toBeGreaterThan(0)
})
test('every check that is worth something is failed by some mutant', () => {
  const caught = new Set(mutants.flatMap(({ mustFail }) => mustFail))
  const priced = rubric.steps.flatMap((step) =>
    step.checks.filter(({ points, reader }) => points > 0 && !reader),
  )
  expect(priced.map(({ check }) => check).filter((id) => !caught.has(id))).toEqual([])
  expect([...caught].filter((id) => id !== 'stops' && !checks.some((check) => check.id === id))).toEqual([])
})

// mutants-all.ts does them all
const some = sampled(mutants, 40, 5)
describe.concurrent('a mutant fails exactly the checks it must', () => {
  test.each(some)('$id $name', { timeout: SECONDS }, async (mutant) => {
    const { failed } = await failedBy(mutant)
    expect([...failed].sort()).toEqual([...mutant.mustFail].sort())
  })
})
