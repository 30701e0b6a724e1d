// The command line as a user meets it: a process, its output, its exit code.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSnapshot, type Result, resultSchema, sampleSubmissions } from '@pagewalk/grader'
import { nautilus } from '@pagewalk/grading-nautilus-aspace'
import { weensyos } from '@pagewalk/grading-weensyos'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
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
    expect(out).toMatch(/^student {2}0\/100, extra credit 0\/20\n/)
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
      /^the kernel panicked: PANIC: Unexpected exception 52! \(called at kernel\.ts:\d+:\d+\)\n +\d+ \| .*panic\(.*\n +\| +\^\n {2}at exception \(kernel\.ts:\d+:\d+\)\n$/,
    )
  })
  test('run --headless --log writes what the kernel prints with logPrintf; --step tells what must be seen', async () => {
    const start = 'export function exception(registers: X8664Registers): void {\n'
    const kernel = readFileSync(join(student, 'kernel.ts'), 'utf8')
    const path = join(dir, 'logs')
    mkdirSync(path)
    const logs = kernel
      .replace('import {', 'import {\n  logPrintf,')
      .replace(start, `${start}  logPrintf('trap %d\\n', registers.intno)\n`)
    writeFileSync(join(path, 'kernel.ts'), logs)
    const file = await pagewalk('run', path, '--headless', '--ticks', '5', '--log', 'log.txt', '--step', '1')
    expect(file).toMatchObject({ code: 0, err: '' })
    expect(file.out).toMatch(/PHYSICAL MEMORY[\s\S]*\nStep 1: .*\n$/)
    const log = readFileSync(join(dir, 'log.txt'), 'utf8')
    expect(log).toMatch(/^(trap \d+\n)+$/)
    const printed = await pagewalk('run', path, '--headless', '--ticks', '5', '--log', '-')
    expect(printed).toEqual({ code: 0, err: '', out: log })
  })
  test('explain tells the walk of an address in the space of a process, in words or as JSON', async () => {
    const args = [
      'explain',
      'student',
      '--va',
      '0x10_0000',
      '--pid',
      '1',
      '--ticks',
      '5',
      '--access',
      'write',
    ]
    const { code, out, err } = await pagewalk(...args)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^0x100000 in Process 1 \(CR3 0x[0-9a-f]+\)\n\n {2}PML4\[0\] /)
    expect(out).toMatch(/^access {2}a write by ring 3 goes to physical address 0x100000$/m)
    expect(out).toMatch(/^page {4}0x100000, 4096 bytes: process 1, 1 reference$/m)
    const json = JSON.parse((await pagewalk(...args, '--kernel', '--json')).out)
    expect(json).toMatchObject({ va: '0x100000', ring: 0, access: 'write', space: { pid: 1 }, faults: [] })
  })
  test('what does not compile is told with its line', async () => {
    const path = join(dir, 'broken')
    mkdirSync(path)
    writeFileSync(join(path, 'kernel.ts'), 'export function exception(): void {\n  const = 1\n}\n')
    const { code, out, err } = await pagewalk('run', path, '--headless', '--lab', 'weensyos')
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(
      /^pagewalk: expected that the file compiles; got kernel\.ts:2:9: .*\n {4}2 \| {3}const = 1\n {6}\| {9}\^\n$/,
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

/** A student's folder of the lab with a shell, with the files of one of its samples. */
async function shellFolder(name: string, sample: string): Promise<string> {
  const { code, err } = await pagewalk('new', 'nautilus', name)
  if (code !== 0) throw new Error(`new ended with ${code}: ${err}`)
  const files = sampleSubmissions(nautilus).find((each) => each.name === sample)?.files ?? []
  for (const [file, text] of files) writeFileSync(join(dir, name, file), text)
  return name
}
describe('a lab with a shell', () => {
  test('run --headless types a text when the system waits for it, and shows screen or serial port', async () => {
    const path = await shellFolder('typed', 'reference')
    const text = 'shell two\\nquip\n'
    const screen = await pagewalk('run', path, '--headless', '--type', text)
    expect(screen).toMatchObject({ code: 0, err: '' })
    expect(screen.out).toMatch(/^two>/m)
    const serial = await pagewalk('run', path, '--headless', '--serial', '--type', text)
    expect(serial).toMatchObject({ code: 0, err: '' })
    expect(serial.out).toMatch(/^root-shell> shell two$[\s\S]*^two> /m)
    expect(serial.out).toContain(`Don't understand "quip"`)
    const snapshot = await pagewalk('snapshot', path, '--type', 'shell two\n')
    const walk = await pagewalk(
      'explain',
      path,
      '--va',
      '0xffff_8000_0000_0000',
      '--space',
      'root-shell',
      '--kernel',
    )
    expect(walk.out).toMatch(/^access {2}a read by ring 0 raises #PF .*not present/m) // the shell begins 1 MiB further on
    const { spaces, threads, cpus } = parseSnapshot(snapshot.out)
    expect(spaces.map(({ name }) => name)).toEqual(expect.arrayContaining(['default', 'root-shell', 'two']))
    expect(threads?.map(({ name }) => name)).toEqual(expect.arrayContaining(['root-shell', 'two']))
    expect(cpus?.length).toBe(2)
  })
  test('run --headless boots a machine that resets itself again, and tells why', async () => {
    const path = await shellFolder('loops', 'handed-out')
    const { code, out, err } = await pagewalk('run', path, '--headless', '--serial', '--type', 'x')
    expect(code).toBe(0)
    expect(err.split('\n')).toEqual([
      'boot 1 of 3: the machine reset itself, and boots again',
      'boot 2 of 3: the machine reset itself, and boots again',
      expect.stringMatching(
        /^boot 3 of 3: the machine reset itself: #PF .*#DF could not be delivered: .*: triple fault; the kernel was at paging\.ts:\d+:\d+$/,
      ),
      expect.stringMatching(/^ +\d+ \| +writeCr3\(/),
      expect.stringMatching(/^ +\| +\^$/),
      expect.stringMatching(/^ {2}at switchTo \(paging\.ts:\d+:\d+\)$/),
      expect.stringMatching(/^ {2}at enterAddressSpace \(shell\.ts:/),
      expect.stringMatching(/^ {2}at shell \(shell\.ts:/),
      '',
    ])
    expect(out.match(/About to move thread/g)?.length).toBe(3)
  })
  test('points that a person gives: a sheet is written, a file of points is taken over', async () => {
    const path = await shellFolder('ann', 'handed-out')
    const { files } = sampleSubmissions(nautilus).find(({ name }) => name === 'reference')!
    writeFileSync(join(dir, path, 'STATUS.md'), files.get('STATUS.md') ?? '')
    const waiting = await pagewalk('grade', path, '--json', '--sheet', 'sheets')
    expect(waiting).toMatchObject({ code: 0, err: '1 sheet in sheets\n' })
    const before = resultSchema.parse(JSON.parse(waiting.out))
    expect(before).toMatchObject({ pending: 10, maxScore: 100 })
    expect(readFileSync(join(dir, 'sheets', 'ann.md'), 'utf8')).toMatch(/^<!-- sheet of nautilus, "ann", /)
    const points = { points: { 'status-read': 8.5 }, comment: 'Good.', by: 'Bo' }
    writeFileSync(join(dir, 'points.json'), JSON.stringify({ ann: points, bob: points }))
    const read = await pagewalk('grade', path, '--json', '--points', 'points.json')
    expect(read.err).toBe('points.json: 1 of 2 are not graded now: bob\n')
    const after = resultSchema.parse(JSON.parse(read.out))
    expect(after).toMatchObject({ pending: 0, score: before.score + 8.5 })
    writeFileSync(join(dir, 'points.json'), JSON.stringify({ ann: { points: { 'status-read': 11 } } }))
    const wrong = await pagewalk('grade', path, '--points', 'points.json')
    expect(wrong).toMatchObject({
      code: 2,
      out: '',
      err: 'pagewalk: points of ann: expected 0 to 10 for status-read, got 11\n',
    })
  })
})

describe('new', () => {
  test.each([
    ['weensyos', ['kernel.ts']],
    ['nautilus', ['paging.ts', 'shell.ts', 'STATUS.md']],
  ])('makes a folder in which the editor finds all types: %s', async (lab, files) => {
    const made = join(dir, `types-${lab}`)
    const { out } = await pagewalk('new', lab, made)
    expect(out).toContain(`Edit ${files.join(', ')}; start with README.md.\n`)
    expect(readdirSync(made).sort()).toEqual(
      expect.arrayContaining([...files, 'README.md', 'lib', 'tsconfig.json', 'types'].sort()),
    )
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
    const done = await new Promise<string>((resolve) => {
      const child = spawn(process.execPath, [tsc, '-p', made], { stdio: ['ignore', 'pipe', 'pipe'] })
      let told = ''
      child.stdout.on('data', (text) => (told += text))
      child.on('close', (code) => resolve(`${code} ${told}`))
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
    [
      ['grade', 'nowhere'],
      /^pagewalk: nowhere: expected a folder with kernel\.ts or paging\.ts, .* got nothing there\n$/,
    ],
    [['grade'], /^pagewalk: missing required argument 'path'\n$/],
    [['grade', 'student', '--lab', 'minix'], /^pagewalk: expected a lab \(.*weensyos.*\), got "minix"\n$/],
    [
      ['grade', 'student', '--sheet', 'sheets'],
      /^pagewalk: --sheet: expected a lab that leaves points to a reader, got weensyos\n$/,
    ],
    [
      ['grade', 'student', '--points', 'none.json'],
      /^pagewalk: none\.json: expected a JSON file with points, got ENOENT/,
    ],
    [
      ['run', 'student', '--headless', '--type', 'grün'],
      /^pagewalk: --type: expected characters of a US keyboard, got "ü"\n$/,
    ],
    [
      ['snapshot', 'student', '--keys', 'ß'],
      /^pagewalk: --keys: expected characters of a US keyboard, got "ß"\n$/,
    ],
    [['grade', 'student', '--jobs', 'none'], /Expected a whole number, 1 or more, got "none"\.\n$/],
    [
      ['run', 'student', '--headless', '--program', 'ls'],
      /^pagewalk: --program: expected one of allocator, fork, forkexit; got "ls"\n$/,
    ],
    [
      ['run', 'student', '--headless', '--step', '9'],
      /^pagewalk: --step: expected one of 1, 2, 3, 4, 5, 6, 7; got "9"\n$/,
    ],
    [['run', 'student', '--headless', '--log', '-', '--serial'], /^pagewalk: --log -: expected one text/],
    [
      ['run', 'student', '--headless', '--log', 'no/where'],
      /^pagewalk: --log: expected a file that can be written \(no\/where\), got ENOENT/,
    ],
    [['explain', 'student'], /^pagewalk: required option '--va <address>' not specified\n$/],
    [
      ['explain', 'student', '--va', '4000'],
      /^pagewalk: --va: expected an address such as 0x40000 or .*, got "4000"\n$/,
    ],
    [
      ['explain', 'student', '--va', '0x4000', '--pid', '7'],
      /^pagewalk: --pid: expected a process that there is \(1, 2, 3, 4\), got 7\n$/,
    ],
    [
      ['explain', 'student', '--va', '0x4000', '--space', 'x'],
      /^pagewalk: --space: expected an address space that there is \("kernel", "process 1", .*\), got "x"\n$/,
    ],
    [['explain', 'student', '--va', '0x4000', '--pid', '1', '--space', 'x'], /got --space too\n$/],
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
    for (const command of ['grade', 'run', 'explain', 'snapshot', 'diff', 'new'])
      expect(out).toContain(`\n  ${command} `)
  })
})

test('the labs that the command line has are whole', () => {
  expect(weensyos.live.programs).toEqual(['allocator', 'fork', 'forkexit'])
  expect(nautilus.live.programs).toEqual(['root-shell'])
})
