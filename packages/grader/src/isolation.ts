// What this host can keep from a capsule's process. Nothing is believed: a process is started with the layers, tries what
// they forbid, and tells what worked.

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { release, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { remembered } from './kept.ts'
import { type Layers, launch } from './launch.ts'
import { LEVELS, type Level, reaches } from './levels.ts'
import { UsageError } from './load.ts'
import { probeScript } from './scripts.ts'

export const layersOf = (level: Level): Layers => ({
  permission: reaches(level, 'permission'),
  limits: reaches(level, 'limits'),
  bwrap: reaches(level, 'bwrap'),
})

/** What capsules are started with. */
export interface Sandbox {
  readonly level: Level
  /** Memory that Node may write to before it has done anything, used or only reserved; in MiB. */
  readonly idle: number
  /** The student's kernel gets a thread of its own, away from the machine and from what speaks with the grader. */
  readonly strict?: boolean
}

/** What a probe tries. */
export interface Targets {
  /** To be read: a file of the grader's. */
  readonly file: string
  /** To be written. */
  readonly scratch: string
  /** To be allocated. */
  readonly bytes: number
  /** To be signalled: the grader's process. */
  readonly pid: number
  /** To be connected to, on 127.0.0.1. */
  readonly port: number
}
/** What of it worked. */
export interface Attempts {
  readonly reads: boolean
  readonly writes: boolean
  readonly spawns: boolean
  readonly signals: boolean
  readonly allocates: boolean
}
export interface Answer extends Attempts {
  readonly connects: boolean
}
const worked = z.boolean()
const answerSchema: z.ZodType<Answer> = z.strictObject({
  reads: worked,
  writes: worked,
  spawns: worked,
  signals: worked,
  allocates: worked,
  connects: worked,
})

const FORBIDS: { readonly [layer in keyof Layers]: readonly (keyof Answer)[] } = {
  permission: ['reads', 'writes', 'spawns'],
  limits: ['writes', 'allocates'],
  bwrap: ['reads', 'writes', 'signals', 'connects'],
}
const WORDS: { readonly [attempt in keyof Answer]: string } = {
  reads: 'read a file',
  writes: 'write a file',
  spawns: 'start a process',
  signals: 'signal the process that started it',
  allocates: 'take more memory than it was given',
  connects: 'connect to a port of the host',
}

/** What came of layers: what Node has at rest, in MiB; or why they do not hold, in some words. */
export type Tried =
  | { readonly holds: true; readonly idle: number }
  | { readonly holds: false; readonly why: string }

/**
 * Start a process with `layers` that tries what they forbid.
 *
 * @param idle  as a Sandbox's, for `limits`
 */
export async function tryLayers(layers: Layers, idle: number): Promise<Tried> {
  const server = createServer((socket) => socket.destroy())
  let folder: string | undefined
  try {
    folder = mkdtempSync(join(tmpdir(), 'pagewalk-'))
    const targets: Targets = {
      file: fileURLToPath(import.meta.url),
      scratch: join(folder, 'scratch'),
      bytes: layers.limits ? BEYOND_MIB * 2 * 2 ** 20 : 0, // what is taken would count as idle
      pid: process.pid,
      port: await listening(server),
    }
    return outcomeOf(await probe(layers, targets, idle + BEYOND_MIB), layers)
  } catch (error) {
    return { holds: false, why: error instanceof Error ? error.message : String(error) }
  } finally {
    server.close()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}
/** A probe may have so much more memory than Node has at rest, and tries to get twice as much. */
const BEYOND_MIB = 96
const listening = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
function outcomeOf(told: Told | string, layers: Layers): Tried {
  if (typeof told === 'string') return { holds: false, why: told }
  const forbidden = LAYERS.flatMap((layer) => (layers[layer] ? FORBIDS[layer] : []))
  const worked = [...new Set(forbidden)].filter((attempt) => told.answer[attempt])
  if (worked.length === 0) return { holds: true, idle: told.idle }
  return { holds: false, why: `it could ${worked.map((attempt) => WORDS[attempt]).join(' and ')}` }
}
const LAYERS = ['permission', 'limits', 'bwrap'] as const

interface Told {
  readonly answer: Answer
  readonly idle: number
}
/** A process that has said nothing for so long, in milliseconds, will not. */
const PROBE_MS = 20_000
/** @returns what the probe said, or why it said nothing */
async function probe(layers: Layers, targets: Targets, data: number): Promise<Told | string> {
  const main = await probeScript()
  return new Promise((resolve) => {
    const child = launch({ layers, main, clock: PROBE_MS, memory: { heap: 64, data } })
    let stderr = ''
    const timer = setTimeout(() => child.kill('SIGKILL'), PROBE_MS)
    child.stderr?.on('data', (text) => {
      stderr += text
    })
    child.once('error', ({ message }) => resolve(message))
    child.once('message', (message) => {
      const parsed = answerSchema.safeParse(message)
      resolve(parsed.success ? { answer: parsed.data, idle: dataOf(child.pid) } : parsed.error.message)
      child.kill('SIGKILL')
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      resolve(stderr.trim().split('\n')[0] || `it ended with ${signal ?? `exit code ${code}`}`)
    })
    child.send(targets, () => {}) // that it has gone is told by its end
  })
}
/** MiB that a process may write to; 0 where Linux does not tell. */
function dataOf(pid: number | undefined): number {
  try {
    const [, kib] = /^VmData:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
    return Number(kib ?? 0) / 1024
  } catch {
    return 0
  }
}

let known: Promise<Sandbox> | undefined
/**
 * The strongest level that this host reaches. To find out takes as long as a tenth of a grade, so it is remembered until
 * something changes that it depends on; a host that has changed otherwise starts no capsule, and nobody gets a wrong grade.
 */
export function strongest(): Promise<Sandbox> {
  known ??= remembered(hostKey(), sandboxSchema, climb)
  return known
}
/** Find out anew. */
export function probed(): Promise<Sandbox> {
  known = climb()
  return known
}
const sandboxSchema: z.ZodType<Sandbox> = z.strictObject({
  level: z.enum(LEVELS),
  idle: z.number().nonnegative(),
})
/** Node, the kernel, the user, the programs that wrap a capsule, and who may have user namespaces. */
function hostKey(): string {
  const programs = ['bwrap', 'prlimit'].flatMap((name) =>
    ['/bin', '/usr/bin'].map(
      (folder) => statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0,
    ),
  )
  const settings = ['kernel/apparmor_restrict_unprivileged_userns', 'user/max_user_namespaces'].map(sysctl)
  return JSON.stringify([
    'sandbox',
    process.execPath,
    process.version,
    release(),
    userInfo().uid,
    programs,
    settings,
  ])
}
function sysctl(name: string): string {
  try {
    return readFileSync(`/proc/sys/${name}`, 'latin1')
  } catch {
    return ''
  }
}
async function climb(): Promise<Sandbox> {
  const alone = await tryLayers(layersOf('permission'), 0)
  if (!alone.holds) return { level: 'realm', idle: 0 }
  const { idle } = alone
  if (idle === 0) return { level: 'permission', idle }
  for (const level of ['bwrap', 'limits'] as const)
    if ((await tryLayers(layersOf(level), idle)).holds) return { level, idle }
  return { level: 'permission', idle }
}

/** @throws UsageError if this host does not reach `wanted` */
export async function sandboxOf(wanted: Level | 'auto' = 'auto'): Promise<Sandbox> {
  const best = await strongest()
  if (wanted === 'auto') return best
  mustReach(best.level, wanted, '--sandbox')
  return { ...best, level: wanted }
}
/** @throws UsageError */
export function mustReach(level: Level, wanted: Level, option: string): void {
  if (reaches(level, wanted)) return
  throw new UsageError(
    `${option}: expected capsules isolated with ${wanted}, got ${level}; \`pagewalk doctor\` tells why`,
  )
}
