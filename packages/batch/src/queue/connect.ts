// The way to Redis. At the start it must answer soon; later it may go away and come back, and whoever asks it waits.

import { UsageError } from '@pagewalk/grader'
import type { Redis } from 'ioredis'

/** Redis has so long to answer at the start, in milliseconds. */
const START_MS = 3000
const RETRY_MS = 500

/** Takes a sentence for people. */
export type Tell = (sentence: string) => void
/** `where`: its URL, without user and password. The caller ends it with `redis.disconnect()`. */
export interface Connection {
  readonly redis: Redis
  readonly where: string
}

/**
 * @param url   redis://USER:PASSWORD@HOST:PORT/DB, or rediss:// for TLS; its password is never told to anybody
 * @param tell  each time that Redis goes away or comes back
 * @throws UsageError if that is no such URL, or Redis does not answer
 */
export async function connect(url: string, tell: Tell): Promise<Connection> {
  const where = placeIn(url)
  const { Redis } = await import('ioredis')
  const redis = new Redis(url, {
    maxRetriesPerRequest: null, // BullMQ demands it: a command waits until Redis is back
    retryStrategy: () => RETRY_MS,
  })
  const trouble = await troubleAtStart(redis)
  if (trouble !== undefined) {
    redis.disconnect()
    throw new UsageError(`--queue: expected a Redis at ${where}, got ${trouble}`)
  }
  watch(redis, where, tell)
  return { redis, where }
}

/** @returns undefined once it is ready */
function troubleAtStart(redis: Redis): Promise<string | undefined> {
  let trouble = 'no answer'
  return new Promise((resolve) => {
    redis.once('ready', () => resolve(undefined))
    redis.on('error', (error: NodeJS.ErrnoException) => {
      trouble = error.message || error.code || trouble // several addresses that all fail have no message
      if (error.name === 'ReplyError') resolve(trouble) // of Redis itself, such as a wrong password: it will not relent
    })
    setTimeout(() => resolve(trouble), START_MS).unref()
  })
}

function watch(redis: Redis, where: string, tell: Tell): void {
  let away = false
  const change = (now: boolean): void => {
    if (now === away) return
    away = now
    tell(away ? `Redis at ${where} is away; waiting until it is back` : `Redis at ${where} is back`)
  }
  redis.on('reconnecting', () => change(true)) // not 'close', which our own end is too
  redis.on('ready', () => change(false))
}

/** A URL without user and password. @throws UsageError */
function placeIn(url: string): string {
  const parsed = URL.parse(url)
  if (parsed && /^rediss?:$/.test(parsed.protocol) && parsed.hostname && /^(\/\d*)?$/.test(parsed.pathname))
    return `${parsed.protocol}//${parsed.host}${parsed.pathname}`
  const shown = url.replace(/^.*@/s, '...@')
  throw new UsageError(`--queue: expected redis://HOST:PORT, got ${JSON.stringify(shown)}`)
}
