// Submissions of the fake lab for tests: its right kernel, changed, in folders that are removed afterwards.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import {
  DEFAULT_LIMITS,
  findSubmissions,
  type Grade,
  type GradeOptions,
  grade,
  type ResultCheck,
  strongest,
} from '../src/index.ts'
import { fake } from './fake/lab.ts'

export const RIGHT: string = readFileSync(new URL('fake/kernel.ts', import.meta.url), 'utf8').trimEnd()
export { fake }
/** The line that counts. */
export const COUNTS = 'write32(COUNT, read32(COUNT) + 1)'

/** Every `each`-th one from `from` on, for `npm test`; PAGEWALK_ALL=1 takes them all. */
export const sampled = <T>(list: readonly T[], each: number, from = 0): readonly T[] =>
  process.env.PAGEWALK_ALL === '1' ? list : list.filter((_, index) => index % each === from)

/** A folder of its own; gone when the test is. */
export function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'pagewalk-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
export function put(dir: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), text)
  }
  return dir
}
/** The right kernel with its counting line replaced. */
export const counting = (by: string): string => {
  if (!RIGHT.includes(COUNTS)) throw new Error('the fake kernel has no such line')
  return RIGHT.replace(COUNTS, by)
}
export async function gradeSource(
  source: string,
  {
    milliseconds = 10_000,
    strict = false,
    ...options
  }: Omit<GradeOptions, 'limits'> & { milliseconds?: number; strict?: boolean } = {},
): Promise<Grade> {
  const [submission] = findSubmissions(put(folder(), { 'kernel.ts': source }), [fake])
  if (!submission) throw new Error('no submission found')
  const sandbox = { ...(options.sandbox ?? (await strongest())), strict }
  return grade(submission, { ...options, sandbox, limits: { ...DEFAULT_LIMITS, milliseconds } })
}
export const checksOf = ({ result }: Grade): Record<string, ResultCheck> =>
  Object.fromEntries(result.steps.flatMap(({ checks }) => checks).map((check) => [check.id, check]))
export const verdictsOf = (one: Grade): Record<string, string> =>
  Object.fromEntries(Object.entries(checksOf(one)).map(([id, { verdict }]) => [id, verdict]))
