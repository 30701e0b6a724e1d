// The command line as a user meets it: a process, its output, its exit code.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSnapshot, type Result, resultSchema } from '@pagewalk/grader'
import { weensyos } from '@pagewalk/grading-weensyos'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const root = fileURLToPath(new URL('../../..', import.meta.url))
let dir = ''
let student = ''

interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
function pagewalk(...args: readonly string[]): Promise<Done> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (text) => (out += text))
    child.stderr.on('data', (text) => (err += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-cli-'))
  student = join(dir, 'student')
  const { code } = await pagewalk('new', 'weensyos', student)
  if (code !== 0) throw new Error(`new ended with ${code}`)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('grade', () => {
  test('--json prints one document that holds to the schema: an object for one, an array for several', async () => {
    const one = await pagewalk('grade', 'student', '--json')
    expect(one).toMatchObject({ code: 0, err: '' })
    const result = resultSchema.parse(JSON.parse(one.out))
    expect(result).toMatchObject({ lab: 'weensyos', submission: { name: 'student' }, maxScore: 100 })
    expect(result.steps.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5', '6', '7'])
    const two = await pagewalk('grade', 'student', join('student', 'kernel.ts'), '--json')
    const results = JSON.parse(two.out) as Result[]
    const same = (each: Result): Result => ({ ...each, durationMs: 0 })
    expect(results.map(same)).toEqual([same(result), same(result)])
  })
  test('--fail-under decides the exit code, and a report for people has no colour in a pipe', async () => {
    const { code, out } = await pagewalk('grade', 'student', '--fail-under', '100')
    expect(code).toBe(1)
    expect(out).toMatch(/^student {2}0\/100\n/)
    expect(out).not.toContain('\x1b')
    expect(out).toMatch(/claim .*\n(.*\n)*? +expected .*\n(.*\n)*? +observed .*\n(.*\n)*? +hint /)
  })
  test('a bad submission in a folder of them stops nobody', async () => {
    const all = join(dir, 'all')
    const kernel = readFileSync(join(student, 'kernel.ts'), 'utf8')
    for (const [name, text] of Object.entries({
      bad: 'const =',
      forever: `${kernel}\nfor (;;) {}`,
      naive: kernel,
    })) {
      mkdirSync(join(all, name), { recursive: true })
      writeFileSync(join(all, name, 'kernel.ts'), text)
    }
    const { code, out } = await pagewalk('grade', 'all', '--json', '--timeout', '1')
    expect(code).toBe(0)
    const results = JSON.parse(out) as Result[]
    const loads = results.map(({ submission, steps }) => [
      submission.name,
      steps[0]?.checks.find(({ id }) => id === 'loads'),
    ])
    expect(loads).toMatchObject([
      ['bad', { verdict: 'fail', observed: expect.stringMatching(/^kernel\.ts:1:7: /) }],
      ['forever', { verdict: 'fail', observed: expect.stringContaining('did not come back within 1 s') }],
      ['naive', { verdict: 'pass' }],
    ])
  })
})

describe('run, snapshot, diff', () => {
  test('run --headless prints the screen, and on standard error why the machine stopped', async () => {
    const { code, out, err } = await pagewalk(
      'run',
      'student',
      '--headless',
      '--ticks',
      '30',
      '--program',
      'fork',
    )
    expect(code).toBe(0)
    expect(out.split('\n')[0]).toBe(`${' '.repeat(32)}PHYSICAL MEMORY`)
    expect(out.split('\n').length).toBe(26)
    expect(err).toMatch(
      /^the kernel panicked: PANIC: Unexpected exception 52! \(called at kernel\.ts:\d+:\d+\)\n$/,
    )
  })
  test('run without a terminal asks for --headless', async () => {
    const { code, err } = await pagewalk('run', 'student')
    expect(code).toBe(2)
    expect(err).toMatch(/expected a terminal .* use --headless there\n$/)
  })
  test('two snapshots differ in what happened between them', async () => {
    expect(await pagewalk('snapshot', 'student', '--ticks', '5', '-o', 'a.json')).toMatchObject({
      code: 0,
      out: '',
      err: '',
    })
    const { out, ...rest } = await pagewalk('snapshot', 'student', '--ticks', '200')
    expect(rest).toEqual({ code: 0, err: '' })
    writeFileSync(join(dir, 'b.json'), out)
    const snapshot = parseSnapshot(out)
    expect(snapshot).toMatchObject({ lab: 'weensyos', machine: { memoryBytes: 0x200000 }, stop: null })
    expect(snapshot.physical.reduce((sum, { length }) => sum + length, 0)).toBe(0x200000)
    const { code, out: told } = await pagewalk('diff', 'a.json', 'b.json')
    expect(code).toBe(0)
    expect(told).toMatch(
      /^physical\n(.*\n)*? {2}~ 0x1[0-9a-f]{5} to 0x1[0-9a-f]{5} free \(0 references\), now process \d \(1 reference\)\n/,
    )
    expect((await pagewalk('diff', 'a.json', 'a.json')).out).toBe('no difference\n')
  })
})

describe('new', () => {
  test('makes a folder in which the editor finds all types', async () => {
    expect(readdirSync(student).sort()).toEqual(
      expect.arrayContaining(['README.md', 'kernel.ts', 'lib', 'tsconfig.json', 'types']),
    )
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const done = await new Promise<string>((resolve) => {
      const child = spawn(process.execPath, [tsc, '-p', student], { stdio: ['ignore', 'pipe', 'pipe'] })
      let out = ''
      child.stdout.on('data', (text) => (out += text))
      child.on('close', (code) => resolve(`${code} ${out}`))
    })
    expect(done).toBe('0 ')
  })
  test('holds nothing of the grader', () => {
    const names = readdirSync(student, { recursive: true }).map(String)
    expect(
      names.filter((name) => /reference|mutant|check.*test|rubric|samples|node_modules/.test(name)),
    ).toEqual([])
  })
  test('touches no folder that has something in it', async () => {
    const before = readdirSync(dir).sort()
    const { code, err } = await pagewalk('new', 'weensyos', '.')
    expect(code).toBe(2)
    expect(err).toMatch(/expected a new or empty folder, got one with \d+ entr/)
    expect(readdirSync(dir).sort()).toEqual(before)
  })
})

describe('what is wrong is told in one sentence, with exit code 2', () => {
  test.each([
    [['grade', 'nowhere'], /^pagewalk: nowhere: expected a folder with kernel\.ts, .* got nothing there\n$/],
    [['grade'], /^pagewalk: missing required argument 'path'\n$/],
    [['grade', 'student', '--lab', 'minix'], /^pagewalk: expected a lab \(.*weensyos.*\), got "minix"\n$/],
    [['grade', 'student', '--jobs', 'none'], /Expected a whole number, 1 or more, got "none"\.\n$/],
    [
      ['run', 'student', '--headless', '--program', 'ls'],
      /^pagewalk: --program: expected one of allocator, fork, forkexit; got "ls"\n$/,
    ],
    [['snapshot', 'student', '--ticks', '-1'], /number of timer ticks/],
    [['diff', 'student', 'student'], /^pagewalk: student: /],
    [['new', 'minix', 'x'], /^pagewalk: expected a lab/],
    [['juggle'], /^pagewalk: expected a command, got "juggle"; see --help\n$/],
  ])('%j', async (args, sentence) => {
    const { code, out, err } = await pagewalk(...args)
    expect(err).toMatch(sentence)
    expect(code).toBe(2)
    expect(out).toBe('')
  })
  test('--help is no error', async () => {
    const { code, out } = await pagewalk('--help')
    expect(code).toBe(0)
    for (const command of ['grade', 'run', 'snapshot', 'diff', 'new'])
      expect(out).toContain(`\n  ${command} `)
  })
})

test('the lab that the command line has is whole', () => {
  expect(weensyos.live.programs).toEqual(['allocator', 'fork', 'forkexit'])
})
