// A class that is graded on several hosts, from the command line: by shards, and by workers on a queue.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Book } from '@pagewalk/batch'
import { hasRedis, redis } from '@pagewalk/batch/test-kit'
import { put } from '@pagewalk/grader/test-kit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { newsLine } from '../src/worker.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
let dir = ''
/** Waits for the end. */
function pagewalk(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [main, ...args], { cwd: dir, encoding: 'utf8' })
}
/** All that a book says, without times. */
function contentOf(file: string): unknown {
  const book = new Book(join(dir, file))
  const rows = book.rows().map(({ milliseconds: _, ...row }) => row)
  const gradings = book.gradings()
  book.close()
  return { rows, gradings }
}

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-'))
  // none of them compiles: what counts here is who grades whom
  const names = ['ada', 'bob', 'cleo', 'dora', 'shard']
  put(join(dir, 'class'), Object.fromEntries(names.map((name) => [`${name}/kernel.ts`, `const = ${name}`])))
  expect(pagewalk('grade', 'class', '--book', 'whole.book')).toMatchObject({ status: 0 })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('shards', () => {
  const shard = (index: number): ReturnType<typeof pagewalk> =>
    pagewalk('grade', 'shard', '--index', `${index}`, '--of', '2', 'class', '--book', `${index}.book`)

  test('merged are the book of a class that one host has graded', () => {
    expect(shard(0)).toMatchObject({ status: 0 })
    expect(pagewalk('merge', '0.book', '--into', 'half.book')).toMatchObject({
      status: 2,
      stderr: 'pagewalk: merge: expected all 2 shards, got none of index 1\n',
    })
    expect(shard(1)).toMatchObject({ status: 0 })
    expect(pagewalk('merge', '0.book', '1.book', '--into', 'merged.book')).toMatchObject({
      status: 0,
      stdout: 'merged.book: grading 1, 5 submissions of 2 books, 0 not graded by our error\n',
    })
    expect(contentOf('merged.book')).toEqual(contentOf('whole.book'))
  })
  test('that do not exist, or have no book, are refused in a sentence', () => {
    expect(shard(2)).toMatchObject({
      status: 2,
      stderr: 'pagewalk: --index: expected 0 to 1 with --of 2, got 2\n',
    })
    expect(pagewalk('grade', 'shard', '--index', '0', '--of', '2', 'class')).toMatchObject({
      status: 2,
      stderr: 'pagewalk: grade shard: expected --book FILE, for `merge`; got none\n',
    })
  })
  test("a student's folder of that name is graded as ./shard", () => {
    const { stdout } = pagewalk('grade', './class/shard', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ submission: { name: 'shard' } })
  })
})

/** `pagewalk worker`, and the lines that it prints. */
class WorkerCommand {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #stands: Promise<unknown>

  constructor(url: string) {
    this.#child = spawn(process.execPath, [main, 'worker', '--queue', url, '--jobs', '1'], { cwd: dir })
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.lines.push(line))
    this.#stands = once(createInterface({ input: this.#child.stderr! }), 'line')
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }
  async stands(): Promise<void> {
    await this.#stands
  }
  async interrupt(): Promise<number | null> {
    this.#child.kill('SIGINT')
    await once(this.#child, 'close')
    return this.#child.exitCode
  }
}

describe('a worker', () => {
  test.skipIf(!hasRedis)(
    'grades for others, tells each job in a plain line, and ends with Ctrl-C (skipped without redis-server)',
    async () => {
      const { url } = await redis()
      const worker = new WorkerCommand(url)
      await worker.stands()
      const grading = spawn(
        process.execPath,
        [main, 'grade', 'class', '--book', 'queue.book', '--queue', url],
        { cwd: dir, stdio: 'ignore' },
      )
      expect(await once(grading, 'close')).toEqual([0, null])
      expect(contentOf('queue.book')).toEqual(contentOf('whole.book'))
      expect(await worker.interrupt()).toBe(0)
      expect(worker.lines).toHaveLength(10)
      expect(worker.lines.slice(0, 2)).toEqual([
        'taken  ada',
        expect.stringMatching(/^done {3}ada {2}0\/100 {2}\d+\.\d s$/),
      ])
    },
  )
  test('without a Redis ends with one sentence, and does not tell the password', () => {
    const { status, stderr } = pagewalk('worker', '--queue', 'redis://me:secret@127.0.0.1:1', '--jobs', '1')
    expect(status).toBe(2)
    expect(stderr).toMatch(
      /^worker: .*\npagewalk: --queue: expected a Redis at redis:\/\/127\.0\.0\.1:1, got connect ECONNREFUSED 127\.0\.0\.1:1\n$/,
    )
  })
  test('prints no control characters, whatever a name has in it; colours only on a terminal', () => {
    const news = {
      key: 'a',
      name: 'eve\x1b[2J\n',
      what: 'done',
      score: 1,
      maxScore: 2,
      seconds: 0.25,
    } as const
    expect(newsLine(news, { colour: false })).toBe('done   eve\\u001b[2J   1/2  0.3 s')
    expect(newsLine(news, { colour: true })).toBe('\x1b[32mdone\x1b[39m   eve\\u001b[2J   1/2  0.3 s')
    const failed = { key: 'a', name: 'ada', what: 'failed', why: 'no room\non the disk' } as const
    expect(newsLine({ ...failed, last: false }, { colour: false })).toBe(
      'failed ada  to be tried again: no room on the disk',
    )
    expect(newsLine({ ...failed, last: true }, { colour: false })).toBe('failed ada  no room on the disk')
  })
})
