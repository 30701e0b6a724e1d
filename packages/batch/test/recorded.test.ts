import { counting, fake, RIGHT } from '@pagewalk/grader/test-kit'
import { expect, test } from 'vitest'
import { Book, isGraded, type Recorded, Recordings, redrawn } from '../src/index.ts'
import { classOf, gradeClass, newPath } from './kit.ts'

const NEVER = counting('write32(COUNT, 1)')
/** What a book has of the submission `name` of a small class. */
async function recorded(name: string, lab = fake): Promise<Recorded> {
  const path = newPath()
  await gradeClass(path, classOf({ ada: RIGHT, bob: NEVER, dora: 'this is no TypeScript' }))
  const book = new Book(path)
  try {
    const row = book.rows().find((each) => each.name === name)
    if (!row || !isGraded(row)) throw new Error(`${name} was not graded`)
    return await new Recordings(book, [lab]).of(row)
  } finally {
    book.close()
  }
}

test("a grade is made again with its pictures from what is recorded, and nobody's code runs", async () => {
  const kept = await recorded('bob')
  const files = new Map([['kernel.ts', `${RIGHT}\nthrow new Error('it runs')`]])
  const again = await redrawn({ ...kept, submission: { ...kept.submission, files } })
  expect(again?.errors).toEqual([])
  expect(again?.result.score).toBe(0) // as it was played, not as it is now
  expect(again?.last?.physical.rows.length).toBeGreaterThan(0)
})
test('what cannot be played has no runs, and is no reason to play it', async () => {
  const again = await redrawn(await recorded('dora'))
  expect(again).toBeUndefined()
})
test('nothing is drawn of what another rubric would judge, or of which a scenario is missing', async () => {
  const other = { ...fake, rubric: { ...fake.rubric, version: '2' } }
  expect(await recorded('ada', other)).toMatchObject({ current: false })
  expect(await redrawn(await recorded('ada', other))).toBeUndefined()
  const kept = await recorded('ada')
  const more = [...kept.scenarios, { id: 'later', boot: {}, plan: [] }]
  expect(await redrawn({ ...kept, scenarios: more })).toBeUndefined()
})
test('another version of the machine has played nothing', async () => {
  const other = { ...fake, machine: { ...fake.machine, memoryBytes: 2 << 20 } }
  expect(await recorded('ada', other)).toMatchObject({ current: false, played: undefined })
})
