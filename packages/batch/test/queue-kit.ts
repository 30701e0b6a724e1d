// For tests of the queue: Debian's Redis, workers on it and gradings by them. Real processes, gone when the test is.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DEFAULT_LIMITS, type Lab, type Level, type Limits } from '@pagewalk/grader'
import { counting, fake, folder } from '@pagewalk/grader/test-kit'
import { Queue } from 'bullmq'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import {
  Book,
  type Entered,
  type Finished,
  gradeInto,
  type News,
  openQueue,
  startWorker,
} from '../src/index.ts'
import { QUEUE } from '../src/queue/wire.ts'
import { newPath, REALM } from './kit.ts'

export const hasRedis: boolean = spawnSync('redis-server', ['--version']).status === 0

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

export class RedisServer {
  readonly port: number
  readonly #dir: string
  readonly #password: string | undefined
  #child: ChildProcess | undefined

  constructor(port: number, password?: string) {
    this.port = port
    this.#dir = folder()
    this.#password = password
    onTestFinished(() => this.stop())
  }
  get url(): string {
    const user = this.#password === undefined ? '' : `:${this.#password}@`
    return `redis://${user}127.0.0.1:${this.port}`
  }
  /** Also again, with the data that it had. */
  async start(): Promise<void> {
    const where = ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#dir]
    const lock = this.#password === undefined ? [] : ['--requirepass', this.#password]
    this.#child = spawn('redis-server', [...where, '--appendonly', 'yes', '--save', '', ...lock])
    for await (const line of createInterface({ input: this.#child.stdout! }))
      if (line.includes('Ready to accept connections')) return
    throw new Error('redis-server did not start')
  }
  async stop(): Promise<void> {
    if (!this.#child) return
    const closed = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    this.#child = undefined
    await closed
  }
}
export async function redis(password?: string): Promise<RedisServer> {
  const server = new RedisServer(await freePort(), password)
  await server.start()
  return server
}

/** What a worker has told. */
abstract class Worker {
  readonly news: News[] = []
  readonly #watchers = new Set<() => void>()

  protected hear(news: News): void {
    this.news.push(news)
    for (const watcher of this.#watchers) watcher()
  }
  /** The first news, past or to come, that `wanted` wants. */
  heard(wanted: (news: News) => boolean): Promise<News> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.news.find(wanted)
        if (!found) return
        this.#watchers.delete(look)
        resolve(found)
      }
      this.#watchers.add(look)
      look()
    })
  }
}
/** In a process of its own; see queue-worker.ts. */
export class WorkerProcess extends Worker {
  readonly child: ChildProcess

  constructor(url: string) {
    super()
    const script = fileURLToPath(new URL('queue-worker.ts', import.meta.url))
    this.child = spawn(process.execPath, [script, url], { stdio: ['ignore', 'pipe', 'inherit'] })
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.hear(JSON.parse(line) as News))
    onTestFinished(() => {
      this.child.kill('SIGKILL')
    })
  }
  /** @returns how it ended */
  async end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals> {
    this.child.kill(signal)
    await once(this.child, 'close')
    return this.child.signalCode ?? this.child.exitCode!
  }
}
/** In this process: it stands at once. */
export class WorkerHere extends Worker {
  readonly #finish = new AbortController()
  readonly #giveBack = new AbortController()
  readonly #ended: Promise<void>

  constructor(url: string, labs: readonly Lab[] = [fake]) {
    super()
    const [signal, giveBack] = [this.#finish.signal, this.#giveBack.signal]
    const log = (news: News): void => this.hear(news)
    this.#ended = startWorker(url, { labs, sandbox: REALM, jobs: 1, signal, giveBack, log })
    onTestFinished(() => this.giveBack())
  }
  /** Ends when what it has taken is done. */
  async end(): Promise<void> {
    this.#finish.abort()
    await this.#ended
  }
  giveBack(): Promise<void> {
    this.#giveBack.abort()
    return this.end()
  }
}

export const limits: Limits = { ...DEFAULT_LIMITS, milliseconds: 250 }
/** Takes its time, 0.25 s in each of two capsules. */
export const SLOW: string = counting('for (;;);')
const kernel = (text: string): string => counting(`write32(COUNT, read32(COUNT) + 1) // ${text}`)
export const kernels = (...names: string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, kernel(name)]))

export interface Asked {
  readonly what?: 'grade' | 'regrade'
  readonly level?: Level
  readonly strict?: boolean
  readonly keep?: true
  readonly tell?: (sentence: string) => void
  readonly done?: (names: number) => void
}
export async function gradeByQueue(
  url: string,
  entered: readonly Entered[],
  { what = 'grade', level = 'realm', strict = false, keep, tell = () => {}, done }: Asked = {},
): Promise<Finished & { path: string }> {
  const path = newPath()
  const book = new Book(path, { create: true })
  const kept = (key: string): boolean => !keep && book.hasResult(key)
  const sandbox = { ...REALM, level, strict }
  const queue = await openQueue(url, { what, isolation: sandbox, limits, kept, tell })
  try {
    const finished = await gradeInto(book, what, entered, {
      seed: 1,
      jobs: 64,
      sandbox,
      limits,
      executor: queue.executor,
      progress: (progress) => done?.(progress.done),
    })
    return { ...finished, path }
  } finally {
    await queue.close()
    book.close()
  }
}
export const isOf = (news: News, what: News['what'], name?: string): boolean =>
  news.what === what && (name === undefined || ('name' in news && news.name === name))
export const namesOf = (workers: readonly Worker[], what: News['what']): string[] =>
  workers.flatMap(({ news }) => news.flatMap((one) => (one.what === what && 'name' in one ? [one.name] : [])))
/** The queue as BullMQ sees it, from outside. */
export function looking(url: string): Queue {
  const connection = new Redis(url, { maxRetriesPerRequest: null })
  connection.on('error', () => {})
  const queue = new Queue(QUEUE, { connection })
  onTestFinished(async () => {
    await queue.close()
    connection.disconnect()
  })
  return queue
}
const ALL = ['waiting', 'prioritized', 'active', 'delayed', 'completed', 'failed'] as const
export const held = (queue: Queue): Promise<number> => queue.getJobCountByTypes(...ALL)
