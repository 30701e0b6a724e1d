import { RIGHT } from '@pagewalk/grader/test-kit'
import { describe, expect, test } from 'vitest'
import { classOf, gradeClass, newPath, REALM, reading, resultsOf, scores } from './kit.ts'
import {
  gradeByQueue,
  hasRedis,
  held,
  isOf,
  kernels,
  limits,
  looking,
  namesOf,
  redis,
  SLOW,
  WorkerHere,
  WorkerProcess,
} from './queue-kit.ts'

describe.skipIf(!hasRedis)('a queue (skipped where there is no redis-server on the PATH)', () => {
  test('makes the same book, with a worker killed in mid-job and Redis restarted', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `s${i}`)
    const entered = classOf({ 'a-slow': SLOW, ...kernels(...names) })
    const server = await redis()
    const workers = [1, 2, 3].map(() => new WorkerProcess(server.url))
    const four = Promise.withResolvers<void>()
    const sentences: string[] = []
    const finished = gradeByQueue(server.url, entered, {
      tell: (sentence) => sentences.push(sentence),
      done: (count) => count >= 4 && four.resolve(),
    })
    const taken = workers.map(async (each) => {
      await each.heard((news) => isOf(news, 'taken', 'a-slow'))
      return each
    })
    const victim = await Promise.any(taken)
    expect(await victim.end('SIGKILL')).toBe('SIGKILL')
    expect(namesOf([victim], 'done')).not.toContain('a-slow')
    await four.promise
    await server.stop()
    await server.start()
    const here = newPath()
    await gradeClass(here, entered, { sandbox: REALM, limits, jobs: 1 }) // meanwhile

    const { path, ...told } = await finished
    expect(told).toMatchObject({ total: 11, done: 11, troubled: 0, complete: true })
    const right = Object.fromEntries(names.map((name) => [name, 10]))
    expect(scores(reading(path, (book) => book.rows()))).toEqual({ 'a-slow': 0, ...right })
    expect(reading(path, resultsOf)).toEqual(reading(here, resultsOf))
    expect(namesOf(workers, 'done').toSorted()).toEqual(['a-slow', ...names].toSorted())
    expect(await held(looking(server.url))).toBe(0) // what the book has is not kept twice
    expect(sentences.filter((sentence) => sentence.startsWith('Redis'))).toEqual([
      `Redis at ${server.url} is away; waiting until it is back`,
      `Redis at ${server.url} is back`,
    ])
  })
  test('grades as the book says: in strict mode, in the book’s time, whatever a worker would do', async () => {
    const { url } = await redis()
    new WorkerHere(url)
    const { path } = await gradeByQueue(url, classOf({ ada: RIGHT, slow: SLOW }), { strict: true })
    const rows = reading(path, (book) => book.rows())
    expect(scores(rows)).toEqual({ ada: 10, slow: 0 })
    for (const { graded } of rows)
      expect(graded).toMatchObject({ result: { isolation: { level: 'realm', strict: true } } })
    expect(JSON.stringify(rows)).toContain('did not come back within 0.25 s')
  })
  test('takes a live submission before a regrade that was there first', async () => {
    const { url } = await redis()
    const queue = looking(url)
    const regrade = gradeByQueue(url, classOf(kernels('r1', 'r2')), { what: 'regrade' })
    await expect.poll(() => held(queue)).toBe(2)
    const live = gradeByQueue(url, classOf(kernels('live')))
    await expect.poll(() => held(queue)).toBe(3)
    const worker = new WorkerHere(url)
    await Promise.all([regrade, live])
    expect(namesOf([worker], 'taken')).toEqual(['live', 'r1', 'r2'])
  })
  test('has what an earlier grading left in it: no worker is needed', async () => {
    const { url } = await redis()
    const worker = new WorkerHere(url)
    const entered = classOf({ ada: RIGHT, bob: 'this is no TypeScript' })
    await gradeByQueue(url, entered, { keep: true })
    await worker.end()
    const { path } = await gradeByQueue(url, entered)
    expect(scores(reading(path, (book) => book.rows()))).toEqual({ ada: 10, bob: 0 })
  })
  test('a worker that is told to end finishes its job, and told again it gives it back', async () => {
    const { url } = await redis('secret')
    const [patient, hasty] = [new WorkerHere(url), new WorkerHere(url)] as const
    const finished = gradeByQueue(url, classOf({ slow: SLOW, slower: `${SLOW} // ` }))
    await Promise.all([patient, hasty].map((each) => each.heard((news) => isOf(news, 'taken'))))
    await hasty.giveBack()
    expect(namesOf([hasty], 'given back')).toHaveLength(1)
    const third = new WorkerHere(url)
    await patient.end()
    expect(namesOf([patient], 'done')).toHaveLength(1)
    expect(await finished).toMatchObject({ done: 2, troubled: 0 })
    expect(namesOf([third], 'done')).toEqual(namesOf([hasty], 'given back'))
  })
})
