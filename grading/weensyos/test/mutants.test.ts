import { edited, withVerdict } from '@pagewalk/grader'
import { describe, expect, test } from 'vitest'
import { checks } from '../checks.ts'
import { mutants } from '../mutants.ts'
import { gradeKernel, reference } from '../try-kernels.ts'

// All of them take a minute; `node grading/weensyos/mutants-all.ts` or PAGEWALK_ALL=1 does them all.
const some = process.env.PAGEWALK_ALL === '1' ? mutants : mutants.filter((_, index) => index % 3 === 0)

describe.concurrent('a wrong kernel fails exactly the checks it must', () => {
  test.each(some)('$id $name', { timeout: 60_000 }, async ({ id, edits, mustFail }) => {
    const graded = await gradeKernel(id, edited(reference, edits, id))
    expect(graded.errors).toEqual([])
    expect(withVerdict(graded, 'fail').sort()).toEqual([...mustFail].sort())
  })
})

test('every check has a mutant that fails it', () => {
  const failed = new Set(mutants.flatMap(({ mustFail }) => mustFail))
  expect(checks.map(({ id }) => id).filter((id) => !failed.has(id))).toEqual([])
})

test('every mutant can still be made of the reference', () => {
  for (const { id, edits } of mutants) expect(edited(reference, edits, id)).not.toBe(reference)
})

test('the ids of the mutants are all different', () => {
  expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length)
})
