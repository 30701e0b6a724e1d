import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import type { Lab } from '@pagewalk/grader'
import { fake, RIGHT } from '@pagewalk/grader/test-kit'
import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openQueue } from '../src/index.ts'
import { classOf, REALM, reading } from './kit.ts'
import {
  freePort,
  gradeByQueue,
  hasRedis,
  held,
  isOf,
  looking,
  namesOf,
  redis,
  WorkerHere,
} from './queue-kit.ts'

const clumsy: Lab = {
  ...fake,
  checks: fake.checks.map((check) => ({
    ...check,
    run: () => {
      throw new Error('slipped')
    },
  })),
}
const other: Lab = { ...fake, rubric: { ...fake.rubric, version: 'other' } }

describe.skipIf(!hasRedis)('a queue (skipped where there is no redis-server on the PATH)', () => {
  test.each([
    [
      'with another rubric',
      [other],
      'realm',
      /fake: expected version \w{12} of the rubric, got a worker with/,
    ],
    ['without the lab', [], 'realm', /expected a job of nothing, got one of fake/],
    ['that isolates less', [fake], 'bwrap', /expected a worker that isolates with bwrap, got one with realm/],
  ] as const)(
    'a worker %s grades nothing and says why; the next grading asks again',
    async (_, labs, level, why) => {
      const { url } = await redis()
      const wrong = new WorkerHere(url, labs)
      const entered = classOf({ ada: RIGHT })
      for (const taken of [1, 2]) {
        const { path, troubled } = await gradeByQueue(url, entered, { level })
        expect(troubled).toBe(1)
        expect(reading(path, (book) => book.rows()[0]!.graded)).toEqual({
          trouble: expect.stringMatching(why),
        })
        expect(namesOf([wrong], 'taken')).toHaveLength(taken) // another try at once would end the same
      }
      await wrong.end()
      const right = new WorkerHere(url)
      expect(await gradeByQueue(url, entered)).toMatchObject({ troubled: 0 })
      expect(namesOf([right], 'done')).toEqual(['ada'])
    },
  )
  test('a job that the grader fails in is tried three times, and is trouble then', async () => {
    const { url } = await redis()
    const worker = new WorkerHere(url, [clumsy])
    const { path } = await gradeByQueue(url, classOf({ ada: RIGHT }))
    expect(worker.news.flatMap((news) => (news.what === 'failed' ? [news.last] : []))).toEqual([
      false,
      false,
      true,
    ])
    expect(reading(path, (book) => book.rows()[0]!.graded)).toEqual({
      trouble: expect.stringContaining('slipped'),
    })
  })
  test('is filled again when Redis has lost all of it', async () => {
    const { url } = await redis()
    const queue = looking(url)
    const finished = gradeByQueue(url, classOf({ ada: RIGHT }))
    await expect.poll(() => held(queue)).toBe(1)
    await queue.obliterate({ force: true })
    await expect.poll(() => held(queue)).toBe(1)
    new WorkerHere(url)
    expect(await finished).toMatchObject({ troubled: 0 })
  })
  test('survives what others put into it', async () => {
    const { url } = await redis()
    const worker = new WorkerHere(url)
    await looking(url).add('nonsense', { job: 'none' }, { jobId: 'abc' })
    expect(await worker.heard((news) => isOf(news, 'failed'))).toMatchObject({
      why: expect.stringContaining('expected a job, got'),
      last: true,
    })
    expect(await gradeByQueue(url, classOf({ ada: RIGHT }))).toMatchObject({ troubled: 0 })
  })
  test('hands over no result of another job: it is graded again', async () => {
    const { url } = await redis()
    const queue = looking(url)
    const worker = new WorkerHere(url)
    const entered = classOf({ ada: RIGHT })
    await gradeByQueue(url, entered, { keep: true })
    const [job] = await queue.getCompleted()
    const forged = structuredClone(job!.returnvalue)
    forged.outcome.result.seed = 2
    const client = new Redis(url)
    await client.hset(queue.toKey(job!.id!), 'returnvalue', JSON.stringify(forged))
    client.disconnect()
    const { path } = await gradeByQueue(url, entered)
    expect(reading(path, (book) => book.rows()[0]!.graded)).toMatchObject({ result: { seed: 1, score: 10 } })
    expect(namesOf([worker], 'done')).toEqual(['ada', 'ada'])
  })
  test('says so when nobody works', async () => {
    const { url } = await redis()
    const said = Promise.withResolvers<string>()
    const finished = gradeByQueue(url, classOf({ ada: RIGHT }), { tell: said.resolve })
    expect(await said.promise).toBe(`no worker on ${url}; \`pagewalk worker --queue\` starts one`)
    new WorkerHere(url)
    expect(await finished).toMatchObject({ troubled: 0 })
  })
  test('refuses a wrong password, and does not tell it', async () => {
    const { url, port } = await redis('secret')
    const opened = open(url.replace('secret', 'guess'))
    await expect(opened).rejects.toThrow(
      `--queue: expected a Redis at redis://127.0.0.1:${port}, got WRONGPASS`,
    )
    await expect(opened).rejects.not.toThrow('guess')
  })
})

const open = (url: string): Promise<unknown> =>
  openQueue(url, { what: 'grade', isolation: REALM, kept: () => false, tell: () => {} })

describe('without a Redis', () => {
  test('one sentence, after a few seconds', async () => {
    const port = await freePort()
    const silent = createServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const { port: other } = silent.address() as AddressInfo
    await Promise.all([
      expect(open(`redis://me:secret@127.0.0.1:${port}`)).rejects.toThrow(
        `--queue: expected a Redis at redis://127.0.0.1:${port}, got connect ECONNREFUSED 127.0.0.1:${port}`,
      ),
      expect(open(`redis://127.0.0.1:${other}`)).rejects.toThrow('got no answer'),
    ])
  })
  test.each([
    ['no URL', 'here', '"here"'],
    ['another protocol', 'http://me:secret@here:80', '"...@here:80"'],
    ['a database that is no number', 'redis://me:secret@here/one', '"...@here/one"'],
    ['no host', 'redis:///1', '"redis:///1"'],
  ])('%s is refused at once, and no password is told', async (_, url, shown) => {
    await expect(open(url)).rejects.toThrow(`--queue: expected redis://HOST:PORT, got ${shown}`)
  })
})
