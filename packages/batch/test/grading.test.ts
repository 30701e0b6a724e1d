import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { DEFAULT_LIMITS, type Lab, pass, type Result } from '@pagewalk/grader'
import { counting, fake, folder, put, RIGHT } from '@pagewalk/grader/test-kit'
import { describe, expect, test } from 'vitest'
import { Book, decided, type Entered, type Executor, enteredIn, mustFit, standing } from '../src/index.ts'
import { classOf, gradeClass, KERNELS, newPath, REALM, reading, resultsOf, scores } from './kit.ts'

const SCORES = { ada: 10, bob: 0, cleo: 6, dora: 0, eve: 0, fred: 10 }

describe('a grading', () => {
  test('grades each submission of the class, and the same files once', async () => {
    const path = newPath()
    const names: string[] = []
    const finished = await gradeClass(path, classOf(KERNELS), {
      progress: ({ latest }) => latest && names.push(latest.name),
    })
    expect(finished).toMatchObject({ total: 6, done: 6, known: 0, troubled: 0, complete: true })
    expect(names.toSorted()).toEqual(['ada', 'bob', 'cleo', 'dora', 'eve'])
    reading(path, (book) => {
      expect(scores(book.rows())).toEqual(SCORES)
      const fred = book.rows().find(({ name }) => name === 'fred')?.graded
      expect(fred).toMatchObject({ result: { submission: { name: 'fred' } } })
    })
  })
  test('knows what it has graded before, and grades only what is new', async () => {
    const path = newPath()
    await gradeClass(path, classOf(KERNELS))
    const again = await gradeClass(path, classOf({ ...KERNELS, bob: RIGHT, gina: counting('') }))
    expect(again).toMatchObject({ total: 7, known: 6, grading: 2 }) // bob has ada's files now
    expect(reading(path, (book) => scores(book.rows()))).toEqual({ ...SCORES, bob: 10, gina: 0 })
    expect(reading(path, (book) => scores(book.rows(1)))).toEqual(SCORES)
  })
  test('grades again what may come further in more time', async () => {
    const path = newPath()
    const entered = classOf({ ada: RIGHT })
    const limits = { ...DEFAULT_LIMITS, milliseconds: 2000 }
    await gradeClass(path, entered, { sandbox: REALM })
    expect(await gradeClass(path, entered, { sandbox: REALM, limits })).toMatchObject({ known: 0 })
    expect(await gradeClass(path, entered, { sandbox: REALM, limits })).toMatchObject({ known: 1 })
  })
  test('has the same results for any number of workers and any order', async () => {
    const [one, other] = [newPath(), newPath()]
    await gradeClass(one, classOf(KERNELS), { jobs: 1 })
    await gradeClass(other, classOf(KERNELS).toReversed(), { jobs: 4 })
    expect(reading(one, resultsOf)).toEqual(reading(other, resultsOf))
  })
  test('tells a failure of ours as trouble, not as a zero, and tries again the next time', async () => {
    const path = newPath()
    let tries = 0
    const failing: Executor = async () => {
      tries += 1
      throw new Error('no room on the disk')
    }
    const first = await gradeClass(path, classOf({ ada: RIGHT }), { executor: failing })
    expect(first).toMatchObject({ troubled: 1, complete: true })
    expect(tries).toBe(3)
    expect(reading(path, (book) => book.rows()[0]?.graded)).toMatchObject({
      trouble: expect.stringContaining('no room on the disk'),
    })
    expect(await gradeClass(path, classOf({ ada: RIGHT }))).toMatchObject({ known: 0, troubled: 0 })
    expect(reading(path, (book) => scores(book.rows()))).toEqual({ ada: 10 })
  })
  test('stops when it is told to, and goes on as the same grading', async () => {
    const path = newPath()
    const stop = new AbortController()
    const cut = await gradeClass(path, classOf(KERNELS), {
      jobs: 1,
      signal: stop.signal,
      progress: ({ done }) => done === 3 && stop.abort(),
    })
    expect(cut).toMatchObject({ grading: 1, done: 3, complete: false })
    expect(await gradeClass(path, classOf(KERNELS))).toMatchObject({ grading: 1, known: 3, complete: true })
    expect(reading(path, (book) => book.gradings().length)).toBe(1)
  })
  test('killed at any moment it has lost nothing that it told, and does nothing twice', async () => {
    const kernels = Object.fromEntries(
      Array.from({ length: 12 }, (_, i) => [`s${i}`, counting(`write32(COUNT, read32(COUNT) + 1) // ${i}`)]),
    )
    const entered = classOf(kernels)
    const dir = put(folder(), filesOf(entered))
    const path = newPath()
    const told = await killedAfter(4, [dir, path])
    const before = reading(path, (book) => book.rows().map(({ name }) => name))
    expect(before).toEqual(expect.arrayContaining(told))
    const again: string[] = []
    const finished = await gradeClass(path, entered, {
      progress: ({ latest }) => latest && again.push(latest.name),
    })
    expect(finished).toMatchObject({ grading: 1, known: before.length, complete: true })
    expect([...before, ...again].toSorted()).toEqual(Object.keys(kernels).toSorted())
    const whole = newPath()
    await gradeClass(whole, entered)
    expect(reading(path, resultsOf)).toEqual(reading(whole, resultsOf))
  })
  test('refuses two submissions of one name', async () => {
    const [ada] = classOf({ ada: RIGHT })
    await expect(gradeClass(newPath(), [ada!, ada!])).rejects.toThrow('two that are called "ada"')
  })
})

describe('a regrade', () => {
  const dearer: Lab = {
    ...fake,
    rubric: {
      ...fake.rubric,
      version: '2',
      steps: fake.rubric.steps.map((step) => ({
        ...step,
        checks: step.checks.map((check) => ({ ...check, points: check.points * 2 })),
      })),
    },
  }
  test('applies a new rubric to what the machine did, and runs nobody’s code', async () => {
    const path = newPath()
    await gradeClass(path, classOf(KERNELS))
    // were it run, a file without a kernel would have nothing
    const spoilt = reading(path, (book) => enteredIn(book, [dearer])).map(({ submission, details }) => ({
      submission: submission.name === 'dora' ? submission : { ...submission, files: EMPTY },
      details,
    }))
    expect(await gradeClass(path, spoilt, { what: 'regrade' })).toMatchObject({ known: 0, complete: true })
    expect(reading(path, (book) => scores(book.rows()))).toEqual({ ...SCORES, ada: 20, cleo: 12, fred: 20 })
  })
  test('plays what the book does not have: a scenario that is new', async () => {
    const path = newPath()
    await gradeClass(path, classOf({ ada: RIGHT }))
    const more: Lab = {
      ...dearer,
      scenarios: (seed) => [
        ...fake.scenarios(seed),
        { id: 'more', boot: { first: 7 }, plan: [{ do: 'run', instructions: 5000 }] },
      ],
      checks: fake.checks.map((check) => ({
        ...check,
        run: (evidence) => (evidence.run('more').stop.reason === 'limit' ? pass : check.run(evidence)),
      })),
    }
    const entered = reading(path, (book) => enteredIn(book, [more]))
    const played: (string[] | undefined)[] = []
    await gradeClass(path, entered, {
      what: 'regrade',
      progress: ({ latest }) =>
        latest && 'played' in latest.outcome && played.push([...(latest.outcome.played?.runs.keys() ?? [])]),
    })
    expect(played).toEqual([['short', 'long', 'more']])
    expect(reading(path, (book) => scores(book.rows()))).toEqual({ ada: 20 })
  })
  test('keeps what people decided', async () => {
    const path = newPath()
    await gradeClass(path, classOf({ bob: KERNELS.bob! }))
    reading(path, (book) => {
      book.decide({ name: 'bob', check: 'counts', points: 3, reason: 'half of it is right', author: 'ta' })
    })
    await gradeClass(path, classOf({ bob: KERNELS.bob! }), { what: 'regrade' })
    reading(path, (book) => {
      const [row] = book.rows()
      const result = decided(
        (row!.graded as { result: Result }).result,
        standing(book.decisions()).get('bob'),
      )
      expect(result).toMatchObject({ score: 3, maxScore: 10 })
      expect(result.steps[0]?.checks.find(({ id }) => id === 'counts')).toMatchObject({
        verdict: 'fail',
        points: 3,
        override: { by: 'ta', reason: 'half of it is right', points: 0, pending: 0 },
      })
      book.decide({ name: 'bob', check: 'counts', points: null, reason: 'my mistake', author: 'ta' })
      expect(standing(book.decisions()).get('bob')?.size).toBe(0)
      expect(book.decisions()).toHaveLength(2)
    })
  })
  test.each([
    ['an unknown check', 'nothing', 1, 'expected a check of fake, got "nothing"'],
    ['more than it is worth', 'counts', 7, 'expected 0 to 6 points, got 7'],
    ['less than nothing', 'counts', -1, 'expected 0 to 6 points, got -1'],
  ])('a decision about %s is refused', async (_, check, points, message) => {
    const path = newPath()
    await gradeClass(path, classOf({ ada: RIGHT }))
    const { result } = reading(path, (book) => book.rows()[0]!.graded) as { result: Result }
    expect(() => mustFit(result, { name: 'ada', check, points, reason: 'x', author: 'y' })).toThrow(message)
  })
})
const EMPTY: ReadonlyMap<string, string> = new Map([['kernel.ts', 'export {}']])

describe('a book', () => {
  test('is refused if it is none, or another program’s, or not there', () => {
    const dir = folder()
    expect(() => new Book(`${dir}/none`)).toThrow(
      'expected a book that `grade --book` made, got nothing there',
    )
    put(dir, { text: 'this is no database, however long the text may be that stands in it'.repeat(20) })
    expect(() => new Book(`${dir}/text`)).toThrow('got what SQLite cannot open: file is not a database')
    const other = new DatabaseSync(`${dir}/other`)
    other.exec('CREATE TABLE t (a)')
    other.close()
    expect(() => new Book(`${dir}/other`)).toThrow("got another program's file")
  })
  test('is one program’s at a time', () => {
    const path = newPath()
    const book = new Book(path, { create: true })
    expect(() => new Book(path)).toThrow('got one that another pagewalk has open')
    book.close()
    expect(() => new Book(path).close()).not.toThrow()
  })
  test('of a later version is refused with both versions', () => {
    const path = newPath()
    new Book(path, { create: true }).close()
    const raw = new DatabaseSync(path)
    raw.exec('PRAGMA user_version = 99')
    raw.close()
    expect(() => new Book(path)).toThrow('expected a book of version 1, got version 99')
  })
})

const filesOf = (entered: readonly Entered[]): Record<string, string> =>
  Object.fromEntries(
    entered.flatMap(({ submission: { name, files } }) =>
      [...files].map(([file, source]) => [`${name}/${file}`, source] as const),
    ),
  )
/** Runs grade-class.ts and kills it once it has told `count` names. @returns the names that it told */
async function killedAfter(count: number, args: readonly string[]): Promise<string[]> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('grade-class.ts', import.meta.url)), ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  const told: string[] = []
  createInterface({ input: child.stdout }).on('line', (name) => {
    told.push(name)
    if (told.length === count) child.kill('SIGKILL')
  })
  await once(child, 'close')
  expect(child.signalCode).toBe('SIGKILL')
  return told
}
