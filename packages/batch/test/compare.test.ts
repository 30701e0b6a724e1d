import { counting, RIGHT } from '@pagewalk/grader/test-kit'
import { expect, test } from 'vitest'
import { compare, type Graded, type Row } from '../src/index.ts'
import { classOf, gradeClass, newPath, reading } from './kit.ts'

const gradedOf = ({ name, graded }: Row): Graded =>
  'trouble' in graded ? { name, trouble: graded.trouble } : { name, result: graded.result }
async function graded(kernels: Readonly<Record<string, string>>): Promise<Graded[]> {
  const path = newPath()
  await gradeClass(path, classOf(kernels))
  return reading(path, (book) => book.rows().map(gradedOf))
}
const NEVER = counting('write32(COUNT, 1)')

test('a comparison names who has other points, and in which checks', async () => {
  const before = await graded({ ada: RIGHT, bob: NEVER, cleo: NEVER, gone: RIGHT })
  const after = await graded({ ada: RIGHT, bob: RIGHT, cleo: NEVER, late: NEVER })
  expect(compare(before, after)).toEqual([
    {
      name: 'bob',
      before: 0,
      after: 10,
      files: true,
      checks: [
        { check: 'counts', before: { verdict: 'fail', points: 0 }, after: { verdict: 'pass', points: 6 } },
        {
          check: 'keeps-up',
          before: { verdict: 'blocked', points: 0 },
          after: { verdict: 'pass', points: 4 },
        },
      ],
    },
    { name: 'gone', before: 10, after: undefined, files: false, checks: [] },
    { name: 'late', before: undefined, after: 0, files: false, checks: [] },
  ])
})
test('what could not be graded is no zero', async () => {
  const [ada] = await graded({ ada: NEVER })
  const change = compare([ada!], [{ name: 'ada', trouble: 'no room on the disk' }])
  expect(change).toMatchObject([{ name: 'ada', before: 0, after: null }])
})
test('a grading does not differ from itself', async () => {
  const once = await graded({ ada: RIGHT, bob: NEVER })
  expect(compare(once, once)).toEqual([])
})
