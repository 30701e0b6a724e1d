import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Lab, type Submission, sampleSubmissions } from '@pagewalk/grader'
import { nautilus } from '@pagewalk/grading-nautilus-aspace'
import { weensyos } from '@pagewalk/grading-weensyos'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { reportTypes, typeWarnings } from '../src/types.ts'

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-test-'))
  vi.stubEnv('TMPDIR', dir)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(dir, { recursive: true, force: true })
})

const handedOut = (lab: Lab): Submission => sampleSubmissions(lab).find(({ name }) => name === 'handed-out')!
/** The handed-out kernel with `lines` behind its end. */
function kernelWith(...lines: readonly string[]): { submission: Submission; first: number } {
  const submission = handedOut(weensyos)
  const source = submission.files.get('kernel.ts')!
  const files = new Map([['kernel.ts', `${source}${lines.join('\n')}\n`]])
  return { submission: { ...submission, files }, first: source.split('\n').length }
}
const plainStyle = { colour: false, width: 80 }

test.each([weensyos, nautilus])(
  'what is handed out and the reference have no type errors: $id',
  async (lab) => {
    for (const submission of sampleSubmissions(lab).filter(({ name }) =>
      /^(handed-out|reference.*)$/.test(name),
    ))
      expect([submission.name, await typeWarnings(submission)]).toEqual([submission.name, []])
  },
)
test('a type error is told with file, line and column, and no folder is left behind', async () => {
  const { submission, first } = kernelWith('const page: u64 = 4096', 'export const half: number = "1"')
  const warnings = await typeWarnings(submission)
  expect(reportTypes(warnings, plainStyle).split('\n').slice(1, 3)).toEqual([
    `warning  kernel.ts:${first}:7  Type 'number' is not assignable to type 'bigint'.`,
    `warning  kernel.ts:${first + 1}:14  Type 'string' is not assignable to type 'number'.`,
  ])
  expect(readdirSync(dir)).toEqual([])
})
test('at most 20 are told, and how many more there are', async () => {
  const { submission } = kernelWith(...Array.from({ length: 27 }, (_, i) => `const page${i}: u64 = ${i}`))
  const report = reportTypes(await typeWarnings(submission), plainStyle)
  expect(report.match(/^warning {2}kernel\.ts:/gm)).toHaveLength(20)
  expect(report).toContain('and 7 more')
})
test('what other files on this computer say is not told', async () => {
  const secret = join(dir, 'secret.ts')
  writeFileSync(secret, "export type Secret = 'swordfish'\n")
  const { submission } = kernelWith(
    `/// <reference path="${secret}" />`,
    `import type { Secret } from '${secret}'`,
    `const told: Secret = 'a'`,
    `const also: import('${secret}').Secret = 'b'`,
    `const fine: u64 = 4096`,
  )
  const report = reportTypes(await typeWarnings(submission), plainStyle)
  expect(report).toContain('Cannot find module')
  expect(report).toContain("Type 'number' is not assignable")
  expect(report).not.toContain('swordfish')
})
test('text of the file cannot speak to the terminal', async () => {
  const { submission } = kernelWith("const a: 1 = '\x1b[2J\u202e'")
  const report = reportTypes(await typeWarnings(submission), plainStyle)
  expect(report).toContain('kernel.ts:')
  expect(report).not.toMatch(/[^\P{C}\n]/u)
})
test('without a compiler that comes to its end there is one sentence and no error', async () => {
  vi.stubEnv('TMPDIR', join(dir, 'not-there'))
  const warnings = await typeWarnings(handedOut(weensyos))
  expect(warnings).toBeUndefined()
  expect(reportTypes(warnings, plainStyle)).toMatch(/^\nTypes were not checked: .*\.\n$/)
})

test('grade warns a person with one submission, and costs no points; --no-types and --json do without', () => {
  const student = join(dir, 'student')
  mkdirSync(student)
  writeFileSync(join(student, 'kernel.ts'), "const page: bigint = 4096\nthrow new Error('early')\n")
  const grade = (...options: readonly string[]): string => {
    const { stdout } = spawnSync(
      process.execPath,
      [main, 'grade', student, '--lab', 'weensyos', ...options],
      {
        encoding: 'utf8',
      },
    )
    return stdout
  }
  const report = grade()
  expect(report).toMatch(/^student {2}0\/100/)
  expect(report).toContain("\nwarning  kernel.ts:1:7  Type 'number' is not assignable to type 'bigint'.\n")
  expect(report.slice(0, report.indexOf('\nwarning  '))).toBe(grade('--no-types'))
  expect(JSON.parse(grade('--json'))).toMatchObject({ submission: { name: 'student' } })
})
