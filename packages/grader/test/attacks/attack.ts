// An attack: a kernel of the fake lab that tries something which it must not be able to do, and what must come of it. Each
// is graded by the real grader; then the world must be as it was, and an honest kernel must get what it always gets.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DEFAULT_LIMITS, type Grade, grade, type Limits, type Result, submissionOf } from '../../src/index.ts'
import { fake } from '../fake/lab.ts'
import { checksOf, RIGHT, sampled } from '../kit.ts'

export interface Attack {
  readonly name: string
  readonly source: string
  /** What the same kernel gets if it attacks nobody, or less. */
  readonly score: number
  /** 'CHECK: WHAT WAS SEEN' of the first check that does not pass. Absent: all pass. */
  readonly cause?: RegExp
  readonly limits?: Partial<Limits>
}

/** What an attack says, or shows anywhere, once it has what it wants. */
export const LOOT = 'LOOT'
/** Enough for an honest kernel of the fake lab, many times over. */
export const SMALL: Limits = { ...DEFAULT_LIMITS, milliseconds: 500, heapMiB: 64, memoryMiB: 160 }
/** What the lazy kernel is told. */
export const LAZY: RegExp = /^counts: 0, then 0$/

/** Parts of a kernel that never counts: it earns nothing, so that a point is a forged one. */
interface Parts {
  /** Names from './lib/room.ts', beside COUNT, read32 and write32. */
  readonly imports?: string
  /** At the top level of the file, after the functions. */
  readonly top?: string
  /** In `kernel`, once. */
  readonly boot?: string
  /** In each `tick`. */
  readonly tick?: string
}
export const lazy = ({ imports = '', top = '', boot = '', tick = '' }: Parts): string => `
import { COUNT, read32, write32${imports && `, ${imports}`} } from './lib/room.ts'
const world = globalThis as any
const held = (attempt: () => unknown): void => {
  try { attempt() } catch { return }
  throw new Error('${LOOT}')
}
export function kernel(): void {
  write32(COUNT, 0)
  ${boot}
}
export function tick(count: number): void {
  ${tick}
}
${top}`

/** Grade as the command line would: by files, however they came. */
export const gradeFiles = (
  files: Readonly<Record<string, string>>,
  limits: Partial<Limits> = {},
): Promise<Grade> => {
  const handed = Object.entries(files).map(([name, text]) => [name, new TextEncoder().encode(text)] as const)
  const submission = submissionOf('attack', fake, { files: new Map(handed), library: [] })
  return grade(submission, { limits: { ...SMALL, ...limits } })
}

/** 'CHECK: WHAT WAS SEEN' of the first check that does not pass. */
export const causeOf = (one: Grade): string | undefined =>
  Object.values(checksOf(one))
    .filter(({ verdict }) => verdict !== 'pass')
    .map(({ id, observed }) => `${id}: ${observed}`)[0]

/** What an attack could change or read, and must not. */
export interface World {
  readonly folder: string
  readonly secret: string
  /** A process of the same user. */
  readonly bystander: ChildProcess
}
export const world: World = {
  folder: mkdtempSync(join(tmpdir(), 'pagewalk-attack-')),
  secret: `${LOOT}-secret`,
  bystander: spawn(process.execPath, ['--eval', 'setInterval(() => {}, 1 << 30)'], { stdio: 'ignore' }),
}
const SECRET_FILE = join(world.folder, 'rubric.txt')
process.env.PAGEWALK_ATTACK_SECRET = world.secret
writeFileSync(SECRET_FILE, world.secret)

const stateOf = ({ folder, bystander }: World): unknown => ({
  files: readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  environment: { ...process.env },
  bystander: [bystander.exitCode, bystander.signalCode],
  prototypes: [Object.prototype, Array.prototype, Function.prototype].map((one) => Reflect.ownKeys(one)),
})
const outcome = ({ result }: Grade): Omit<Result, 'durationMs'> => {
  const { durationMs: _, ...rest } = result
  return rest
}

let before: unknown
let honest: unknown
/** For the beginning of a file of attacks: what the world and an honest kernel are like before. */
export function guarded(): void {
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
  beforeAll(async () => {
    before = stateOf(world)
    const one = await gradeFiles({ 'kernel.ts': RIGHT })
    expect(one.result.score).toBe(10)
    honest = outcome(one)
  })
  afterAll(() => {
    world.bystander.kill('SIGKILL')
    rmSync(world.folder, { recursive: true, force: true })
  })
}
export async function unharmed(): Promise<void> {
  expect(outcome(await gradeFiles({ 'kernel.ts': RIGHT }))).toEqual(honest)
  expect(stateOf(world)).toEqual(before)
}

/** Each is a test; after them, an honest kernel. */
export function attacks(title: string, list: readonly Attack[]): void {
  describe(title, () => {
    test.each(sampled(list, 4))('$name', async ({ source, score, cause, limits }) => {
      const one = await gradeFiles({ 'kernel.ts': source }, limits)
      expect(one.errors).toEqual([])
      expect(causeOf(one) ?? 'all pass').toMatch(cause ?? /^all pass$/)
      expect(one.result.score).toBe(score)
      expect(JSON.stringify(one.result)).not.toContain(LOOT)
      expect(stateOf(world)).toEqual(before)
    })
    test('and then an honest kernel gets what it always gets', unharmed)
  })
}
