import { type Grade, withVerdict } from '@pagewalk/grader'
import { sampled } from '@pagewalk/grader/test-kit'
import { beforeAll, describe, expect, test } from 'vitest'
import { designs } from '../designs/index.ts'
import { STAGES } from '../stages.ts'
import { type Files, gradeFiles, sampleFiles } from '../try-submissions.ts'

const SECONDS = 60_000
const timeout = SECONDS
const reference = sampleFiles('reference')
const paging = (source: string): Files => ({ ...reference, 'paging.ts': source })
const points = ({ result }: Grade): number[] => result.steps.map((step) => step.score)

/** The reference's, and what its machine did: STATUS.md changes nothing about that. */
let first: Grade
let known: NonNullable<Grade['played']>
beforeAll(async () => {
  first = await gradeFiles('reference', reference, { keepPlayed: true })
  known = first.played!
}, timeout)

test('the reference has all points that a machine gives, and the same state at the end of two runs', {
  timeout,
}, async () => {
  const second = await gradeFiles('reference', reference)
  expect(first.errors).toEqual([])
  expect(points(first)).toEqual([20, 20, 35, 15, 0, 0])
  expect([first.result.score, first.result.pending, first.result.maxScore]).toEqual([90, 10, 100])
  expect(second.result.machine).toEqual(first.result.machine)
})
test('a reader’s points for the reflection are added, and his words are told', { timeout }, async () => {
  const readings = new Map([['ann', { points: { 'status-read': 8.5 }, comment: '2g is thin', by: 'a TA' }]])
  const { result } = await gradeFiles('ann', reference, { readings, known })
  expect([result.score, result.pending]).toEqual([98.5, 0])
  expect(result.steps[4]?.checks[1]).toMatchObject({ verdict: 'pass', points: 8.5 })
  expect(result.steps[4]?.checks[1]?.observed).toContain('2g is thin')
})
test('the solution with extra credit has all of that, too', { timeout }, async () => {
  const graded = await gradeFiles('extra', sampleFiles('with-extra-credit'))
  expect(withVerdict(graded, 'fail')).toEqual([])
  expect([graded.result.score, graded.result.extraCredit]).toEqual([90, 20])
})
test('the lab as handed out has 0 points: it resets the machine, and the report says why', {
  timeout,
}, async () => {
  const graded = await gradeFiles('handed-out', sampleFiles('handed-out'))
  expect([graded.result.score, graded.result.extraCredit]).toEqual([0, 0])
  // the region set is asked for without entering the space: it takes everything
  expect(withVerdict(graded, 'pass')).toEqual(['loads', 'stops'])
  const lives = graded.result.steps[0]?.checks.find(({ id }) => id === 'eager-space-lives')
  expect(lives?.observed).toMatch(
    /^the machine reset: #PF .*#DF could not be delivered: reading IDT\[8\] .*: triple fault; the kernel was at paging\.ts:\d+:\d+$/,
  )
})
test.each(sampled([1, 2, 3, 4], 2))(
  'a paging.ts complete to task %i has all points up to that task and no others',
  { timeout },
  async (task) => {
    const source = STAGES[task - 1]!(reference['paging.ts'] ?? '')
    const graded = await gradeFiles(`task ${task}`, paging(source))
    expect(points(graded).slice(0, 4)).toEqual([20, 20, 35, 15].map((most, n) => (n < task ? most : 0)))
  },
)
test.each([
  ['compares-one-page', 85, 'shell-compares-everything'],
  ['never-flushes', 86, 'remove-flushes'],
  ['task-1-only', 20, 'overlaps-refused'],
])('the sample %s has %f points, and first fails %s', { timeout }, async (name, points, first) => {
  const graded = await gradeFiles(name, sampleFiles(name))
  expect([graded.result.score, withVerdict(graded, 'fail')[0], graded.errors]).toEqual([points, first, []])
})
test('STATUS.md without answers is told by its open questions', { timeout }, async () => {
  const status = (reference['STATUS.md'] ?? '').replace(/## 2e[\s\S]*?(?=## 2f)/, '## 2e\n\n> When?\n\n')
  const graded = await gradeFiles('open', { ...reference, 'STATUS.md': status }, { known })
  const answered = graded.result.steps[4]?.checks[0]
  expect(answered).toMatchObject({ verdict: 'fail', observed: 'no answer under 2e' })
  expect(graded.result.steps[4]?.checks[1]?.verdict).toBe('blocked')
})
test('the sheet for the reader has each answer, and the flushes that the machine saw beside it', {
  timeout,
}, async () => {
  const { sheet = '' } = await gradeFiles('ann', reference, { sheets: true, known })
  expect(sheet.match(/^## /gm)).toHaveLength(8)
  expect(sheet).toMatch(/remove_region: .*\d+ INVLPG \(0x/)
  expect(sheet).toMatch(/the same again: -1/)
})

describe.concurrent('a correct design has all points', () => {
  test.each(sampled(designs, 12))('$name', { timeout }, async ({ name, change }) => {
    const graded = await gradeFiles(name, paging(change(reference['paging.ts'] ?? '')))
    expect(graded.errors).toEqual([])
    expect(points(graded).slice(0, 4)).toEqual([20, 20, 35, 15])
  })
})
