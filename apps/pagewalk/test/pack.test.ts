// The tarball, installed alone in an empty folder.

import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { PUBLIC_SEED, resultSchema } from '@pagewalk/grader'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { bundles, ROOT } from '../pack/bundles.ts'
import { contents } from '../pack/contents.ts'
import { type PackageFiles, packageFiles } from '../pack/package.ts'
import { tarball } from '../pack/tarball.ts'
import { hiddenLines, hiddenSources, isHidden, leaks } from './hidden.ts'
import { type Done, install, runIn } from './installed.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let dir = ''
let command = ''
let files: PackageFiles
const pagewalk = (...args: readonly string[]): Promise<Done> =>
  runIn(dir, process.execPath, [command, ...args])

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-pack-'))
  files = await packageFiles()
  command = install(tarball(files), dir)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

describe('the tarball', () => {
  test('has the same bytes when it is made again', async () => {
    const again = tarball(await packageFiles())
    expect(Buffer.compare(again, tarball(files))).toBe(0)
  })
  test('says what it is, what it needs and where its command is', () => {
    const manifest = JSON.parse(textOf('package.json')) as object
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }
    expect(manifest).toMatchObject({
      name: 'pagewalk',
      version,
      license: 'MIT',
      bin: { pagewalk: 'bin/pagewalk.mjs' },
      engines: { node: '>=24.11' },
      dependencies: { esbuild: expect.stringMatching(/^\d/), typescript: expect.stringMatching(/^\d/) },
    })
    expect([...files.keys()]).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'CHANGELOG.md', 'NOTICES']),
    )
    expect(textOf('NOTICES')).toMatch(/^zod \d.*\(MIT\)$/m)
  })
  test('names no place on the computer that made it', () => {
    const named = [...files].filter(([, { contents: bytes }]) => Buffer.from(bytes).includes(ROOT))
    expect(named.map(([path]) => path)).toEqual([])
  })
})
const textOf = (path: string): string => Buffer.from(files.get(path)?.contents ?? []).toString('utf8')

describe('on its own', () => {
  test('new makes a folder, and run shows its screen', async () => {
    expect(await pagewalk('new', 'weensyos', 'lab')).toMatchObject({ code: 0, err: '' })
    const { code, out } = await pagewalk('run', 'lab', '--headless', '--ticks', '30')
    expect(code).toBe(0)
    expect(out).toMatch(/^ {32}PHYSICAL MEMORY\n {3}0x000000 R/)
  })
  test('grade gives the handed-out kernel no points, with the reasons, and by the public seed', async () => {
    const { code, out, err } = await pagewalk('grade', 'lab', '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const result = resultSchema.parse(JSON.parse(out))
    expect(result).toMatchObject({ score: 0, extraCredit: 0, maxScore: 100, seed: PUBLIC_SEED })
    const failed = result.steps.flatMap(({ checks }) => checks.filter(({ verdict }) => verdict === 'fail'))
    expect(failed.map(({ id }) => id)).toContain('kernel-memory-protected')
    expect(failed.every(({ observed, hint }) => observed && hint)).toBe(true)
  })
  test('grade knows all checks: a kernel that is right has all points, and its types are checked', async () => {
    const kernel = readFileSync(join(ROOT, 'grading/weensyos/reference/kernel.ts'), 'utf8')
    writeFileSync(join(dir, 'lab', 'kernel.ts'), `${kernel}\nexport const wrong: number = 'text'\n`)
    const { code, out } = await pagewalk('grade', 'lab')
    expect(code).toBe(0)
    expect(out).toMatch(/^lab {2}100\/100, extra credit 20\/20\n/)
    expect(out).toMatch(/^warning {2}kernel\.ts:\d+:14 {2}Type 'string' is not assignable to type 'number'/m)
  })
  test('the other lab is there, too, with all its checks', async () => {
    expect(await pagewalk('new', 'nautilus', 'paging')).toMatchObject({ code: 0, err: '' })
    cpSync(join(ROOT, 'grading/nautilus-aspace/reference/paging.ts'), join(dir, 'paging', 'paging.ts'))
    const { out } = await pagewalk('grade', 'paging', '--json')
    const { lab, steps } = resultSchema.parse(JSON.parse(out))
    expect(lab).toBe('nautilus')
    expect(steps.slice(0, 4).map(({ score }) => score)).toEqual([20, 20, 35, 15]) // the fifth is for a person to read
  })
  test('without a command it grades what was handed out, which has no points: there are no other samples', async () => {
    const { code, out } = await pagewalk()
    expect(code).toBe(0)
    const rows = [...out.matchAll(/^(\S+) {3,}(\d+\/100) /gm)].map(([, name, score]) => [name, score])
    expect(rows).toEqual([
      ['handed-out', '0/100'],
      ['handed-out', '0/100'],
    ])
  })
  test.skipIf(!hasRedis)('a queue needs nothing else but Redis', async () => {
    const queue = await startRedis()
    const worker = spawn(process.execPath, [command, 'worker', '--queue', queue], {
      cwd: dir,
      stdio: 'ignore',
    })
    onTestFinished(() => void worker.kill())
    const args = ['grade', 'lab', '--book', 'book.db', '--queue', queue, '--json']
    const { code, out } = await pagewalk(...args)
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject([{ score: 100, extraCredit: 20 }])
  })
  test('an old Node is told which one is expected, in one sentence', async () => {
    const old = join(dir, 'old.cjs')
    writeFileSync(old, "Object.defineProperty(process, 'versions', { value: { node: '22.22.0' } })\n")
    expect(await runIn(dir, process.execPath, ['--require', old, command, 'grade', 'lab'])).toEqual({
      code: 2,
      out: '',
      err: 'pagewalk: expected Node 24.11 or later, got 22.22.0\n',
    })
  })
})

const hasRedis = spawnSync('redis-server', ['--version']).status === 0
/** @returns its address */
async function startRedis(): Promise<string> {
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    cwd: dir,
  })
  onTestFinished(() => void server.kill())
  for await (const line of createInterface({ input: server.stdout }))
    if (line.includes('Ready to accept connections')) return `redis://127.0.0.1:${port}`
  throw new Error('redis-server did not start')
}

describe('nothing hidden is in it', () => {
  test('no source of a hidden part is bundled or copied', async () => {
    const { inputs } = await bundles(new Set(contents()))
    expect(inputs.length).toBeGreaterThan(100)
    expect([...inputs, ...contents()].filter(isHidden)).toEqual([])
  })
  test('no line that only a reference, design, mutant, stage or sample has is in any file', async () => {
    const hidden = await hiddenLines()
    expect(hidden.size).toBeGreaterThan(2000)
    const found = [...files.keys()].flatMap((path) =>
      leaks(textOf(path), hidden).map((leak) => `${path} has ${leak}`),
    )
    expect(found).toEqual([])
  })
  test('a hidden file would be seen, copied or bundled, whatever its name', async () => {
    const hidden = await hiddenLines()
    for (const path of hiddenSources.filter((each) => /\/(reference|stages)/.test(each)))
      expect([path, leaks(readFileSync(join(ROOT, path), 'utf8'), hidden).length > 0]).toEqual([path, true])
    for (const lab of ['weensyos', 'nautilus-aspace']) {
      const entry = fileURLToPath(new URL(`../../../grading/${lab}/mutants/index.ts`, import.meta.url))
      const { outputFiles } = await build({
        entryPoints: [entry],
        bundle: true,
        write: false,
        platform: 'node',
        format: 'esm',
        packages: 'external',
      })
      expect(leaks(outputFiles[0]!.text, hidden).length).toBeGreaterThan(3)
    }
  })
})
