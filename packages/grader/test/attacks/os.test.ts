// Attacks by code that has broken out of its realm: it runs as the capsule's own, and only the layers of the host hold it.

import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { bundle } from '../../src/bundle.ts'
import { type Played, playAll } from '../../src/capsule.ts'
import {
  capsuleScripts,
  LEVELS,
  type Level,
  type Limits,
  layersOf,
  reaches,
  strongest,
} from '../../src/index.ts'
import { launch } from '../../src/launch.ts'
import { jobFor } from '../../src/protocol.ts'
import { fake } from '../fake/lab.ts'
import { RIGHT } from '../kit.ts'
import { guarded, SMALL, unharmed, world } from './attack.ts'

guarded()

const best = await strongest()
/** A title that says why a level is left out. */
const at = (level: Level): [string, boolean] =>
  reaches(best.level, level)
    ? [`at the level ${level}`, false]
    : [`at the level ${level}: this host reaches ${best.level}`, true]

/** Run code in a process like a capsule's. @returns what it says, or how it ended */
function escaped(level: Level, code: string): Promise<unknown> {
  const { heapMiB, memoryMiB } = SMALL
  const main = `process.once('message', async () => {
    const say = (said) => process.send(said)
    try { say(await (async () => { ${code} })()) } catch (error) { say('refused: ' + (error.code ?? error.message)) }
  })`
  const memory = { heap: heapMiB, data: best.idle + memoryMiB }
  const child = launch({ layers: layersOf(level), main, clock: 1000, memory, cpu: 2 })
  onTestFinished(() => void child.kill('SIGKILL'))
  return new Promise((resolve) => {
    child.once('message', resolve)
    child.once('close', (exit, signal) => resolve(`ended: ${signal ?? exit}`))
    child.send({}, () => {})
  })
}
const REFUSED = /^refused: /

describe.each(LEVELS.slice(1).map((level) => ({ level, title: at(level)[0], skipped: at(level)[1] })))(
  '$title',
  ({ level, skipped }) => {
    const SECRET = join(world.folder, 'rubric.txt')
    const HERE = fileURLToPath(import.meta.url)
    test.skipIf(skipped).each([
      ['reads the rubric', `return require('fs').readFileSync(${JSON.stringify(SECRET)}, 'utf8')`],
      ['reads the grader', `return require('fs').readFileSync(${JSON.stringify(HERE)}, 'utf8')`],
      ['lists other submissions', `return require('fs').readdirSync(${JSON.stringify(world.folder)})`],
      [
        'writes beside them',
        `return require('fs').writeFileSync(${JSON.stringify(join(world.folder, 'planted'))}, 'x')`,
      ],
      ['removes the rubric', `return require('fs').rmSync(${JSON.stringify(SECRET)})`],
      ['links to it', `return require('fs').symlinkSync(${JSON.stringify(SECRET)}, '/link')`],
      [
        'starts a process',
        "const { error } = require('child_process').spawnSync(process.execPath, ['-v']); throw error",
      ],
      ['starts a shell', "return String(require('child_process').execSync('id'))"],
      ['starts a thread', "return new (require('worker_threads').Worker)('1', { eval: true })"],
      ['loads an addon', "return process.dlopen({ exports: {} }, '/usr/lib/x86_64-linux-gnu/libm.so.6')"],
      ['opens an inspector', "return require('inspector').open(0)"],
      [
        'reads the memory of its own process by /proc',
        "return require('fs').openSync('/proc/self/mem', 'r')",
      ],
      [
        'reads the environment of the grader by /proc',
        `return require('fs').readFileSync('/proc/${process.pid}/environ', 'latin1')`,
      ],
      ['makes code of text', "return new Function('return 1')()"],
    ])('%s: refused', async (_name, code) => {
      expect(await escaped(level, code)).toMatch(REFUSED)
      expect(existsSync(SECRET)).toBe(true)
      expect(existsSync(join(world.folder, 'planted'))).toBe(false)
    })
    test.skipIf(skipped)('finds nothing in its environment', async () => {
      const names = (await escaped(level, 'return Object.keys(process.env)')) as string[]
      // what bwrap says of the folder it has changed to; what Windows needs
      expect(names.filter((name) => !['PWD', 'SystemRoot'].includes(name))).toEqual([])
    })
    test.skipIf(skipped)('finds no folder of the grader in what it can ask of its process', async () => {
      const told = await escaped(level, "return [process.cwd(), require('os').tmpdir()].join()")
      expect(told).not.toContain(world.folder)
      expect(told).not.toContain(process.cwd())
    })
  },
)

const [limitsTitle, noLimits] = at('limits')
describe(limitsTitle, () => {
  test.skipIf(noLimits).each([
    ['buffers', 'const all = []; for (;;) all.push(Buffer.alloc(1 << 24, 1))'],
    ['buffers that are not touched', 'const all = []; for (;;) all.push(new ArrayBuffer(1 << 28))'],
    ['an array', 'const all = []; for (;;) all.push(new Array(1e4).fill(all))'],
  ])('memory has an end: %s', async (_name, code) => {
    expect(await escaped('limits', code)).toMatch(
      /^refused: .*(ERR_|allocation failed|out of memory)|^ended: /,
    )
  })
  test.skipIf(noLimits)('CPU time has an end, though no clock runs', async () => {
    expect(await escaped('limits', 'for (;;) {}')).toMatch(/^ended: /)
  })
})

const [bwrapTitle, noBwrap] = at('bwrap')
describe(bwrapTitle, () => {
  test.skipIf(noBwrap).each([
    ['the grader', process.pid],
    ['a process of the same user', world.bystander.pid],
  ])('%s cannot be killed', async (_name, pid) => {
    expect(await escaped('bwrap', `return process.kill(${pid}, 'SIGKILL')`)).toMatch(REFUSED)
    await unharmed()
  })
  test.skipIf(noBwrap)('its parent, and all that it may signal, is itself', async () => {
    const told = await escaped('bwrap', 'return [process.pid, process.ppid]')
    expect(told).toEqual([1, 0])
  })
  test.skipIf(noBwrap)('the host’s network is not there', async () => {
    const server = createServer((socket) => socket.destroy())
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
    onTestFinished(() => void server.close())
    const code = `await new Promise((resolve, reject) => require('net').connect(${port}, '127.0.0.1', resolve).once('error', reject)); return 'connected'`
    expect(await escaped('bwrap', code)).toMatch(REFUSED)
    // its own way to itself is all that there may be
    const links = (await escaped(
      'bwrap',
      "return Object.keys(require('os').networkInterfaces())",
    )) as string[]
    expect(links.filter((name) => name !== 'lo')).toEqual([])
  })
  test.skipIf(noBwrap)('dies with the grader', async () => {
    const script = `
      import { launch } from ${JSON.stringify(fileURLToPath(new URL('../../src/launch.ts', import.meta.url)))}
      const layers = { permission: true, limits: true, bwrap: true }
      const child = launch({ layers, main: "process.on('message', () => process.send(1))", clock: 1, memory: { heap: 64, data: 2000 } })
      child.once('message', () => { console.log(child.pid); process.kill(process.pid, 'SIGKILL') })
      child.send({})`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
      encoding: 'utf8',
    })
    const pid = Number(stdout)
    expect(pid).toBeGreaterThan(0)
    await expect.poll(() => stateOf(pid)).toMatch(/gone|Z|X/)
  })
})

/** Of a process, as in /proc: Z and X are dead ones that nobody has buried. */
function stateOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0] ?? 'gone'
  } catch {
    return 'gone'
  }
}
/** A capsule whose own code is the attacker's: what does the grader make of what it says? */
async function forged(main: string, limits: Limits = SMALL): Promise<Played> {
  const made = await bundle(new Map([['kernel.ts', RIGHT]]), fake.bundle)
  if (!made.ok) throw new Error('the right kernel does not bundle')
  const job = { ...jobFor(fake, await capsuleScripts(), made.bundle), main, scenarios: fake.scenarios(1) }
  return playAll(job, limits, best)
}
/** What it begins with: it knows how frames are made (frames.ts), has read the key, and says that it is ready. */
const THIEF = `
  const { readSync, writeSync } = require('node:fs')
  const { createHmac, randomBytes } = require('node:crypto')
  const { serialize } = require('node:v8')
  const exactly = (n) => { const b = Buffer.alloc(n); for (let at = 0; at < n; ) at += readSync(0, b, at, n - at); return b }
  const key = exactly(exactly(4).readUInt32LE())
  exactly(exactly(4).readUInt32LE())
  let number = 0n
  const framed = (body, by = key, at = number++) => {
    const [length, counter] = [Buffer.alloc(4), Buffer.alloc(8)]
    length.writeUInt32LE(body.length)
    counter.writeBigUInt64LE(at)
    return Buffer.concat([length, createHmac('sha256', by).update(counter).update(body).digest(), body])
  }
  const write = (bytes, fd = 1) => { for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at) }
  const say = (report) => write(framed(serialize(report)))
  say({ kind: 'ready' })
  `

describe('a capsule that lies', () => {
  test.each([
    ['without the key', "write(framed(serialize({ kind: 'loaded' }), randomBytes(32)))"],
    ['with a frame that was said before', "number = 0n; say({ kind: 'loaded' })"],
    ['with a frame out of its turn', "number = 7n; say({ kind: 'loaded' })"],
    ['with a frame that is longer than anything', 'write(Buffer.alloc(64, 255))'],
    ['with a frame of nothing', 'write(Buffer.alloc(64))'],
    ['with bytes that are no message', 'write(framed(randomBytes(100)))'],
    ['with a message that is none', "say('nonsense')"],
    ['with a kind that is none', "say({ kind: 'score', score: 100 })"],
    ['with a run that is a score', "say({ kind: 'run', run: { score: 100 } })"],
    ['with a field too many', "say({ kind: 'loaded', score: 100 })"],
    [
      'with an image of another size',
      "say({ kind: 'run', run: { scenario: 'short', final: { memory: new Uint8Array(1) } } })",
    ],
    ['with a key __proto__', `say(JSON.parse('{"kind":"run","__proto__":{"kind":"done"}}'))`],
    ['with a kind of 10 MB', "say({ kind: 'x'.repeat(1e7) })"],
  ])('%s has said nothing', async (_name, lie) => {
    const { load, runs } = await forged(`${THIEF}; ${lie}; for (;;) {}`)
    expect(runs.size).toBe(0)
    expect(load).toMatchObject({ ended: { reason: 'nonsense' } })
    await unharmed()
  })
  test('frames forged on every file descriptor are no run', async () => {
    const frame = JSON.stringify({ kind: 'run', run: { scenario: 'short', score: 100 } })
    const { load, runs } = await forged(
      `${THIEF}; for (let fd = 1; fd < 64; fd++) try { writeSync(fd, ${JSON.stringify(frame)}) } catch {}; process.exit(0)`,
    )
    expect(runs.size).toBe(0)
    expect(load).toMatchObject({ ended: { reason: 'nonsense' } })
    await unharmed()
  })
  test.each([
    [
      'of reports',
      "for (let i = 0; i < 2000; i++) say({ kind: 'begin', scenario: 'x'.repeat(1000) })",
      'died',
    ],
    ['on standard error', 'for (let i = 0; i < 200; i++) write(Buffer.alloc(1 << 16, 88), 2)', 'died'],
  ])('a flood %s ends with the process, and nobody else', async (_name, flood, reason) => {
    const { load, runs } = await forged(`${THIEF}; ${flood}; process.exit(3)`)
    expect(runs.size).toBe(0)
    if (load) expect(load).toMatchObject({ ended: { reason, told: 'exit code 3' } })
    await unharmed()
  })
  test('one that says it is done has no run', async () => {
    const { runs, broken } = await forged(`${THIEF}; say({ kind: 'loaded' }); say({ kind: 'done' })`)
    expect([runs.size, [...broken.values()]]).toEqual([0, [{ skipped: true }, { skipped: true }]])
  })
  test('one that dies is told by its signal, without its own words', async () => {
    const { load } = await forged(`${THIEF}; write(Buffer.from('all points for me'), 2); process.abort()`)
    expect(JSON.stringify(load)).toMatch(/"reason":"died","told":"SIG[A-Z]+"/)
  })
  test('one that never speaks again is ended by the clock', async () => {
    expect((await forged(`${THIEF}; for (;;) {}`)).load).toMatchObject({ ended: { reason: 'time' } })
  })
  test('one that sleeps is ended by the wall’s clock', async () => {
    const sleeps = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)'
    const { load } = await forged(`${THIEF}; ${sleeps}`, { ...SMALL, milliseconds: 100 })
    expect(load).toMatchObject({ ended: { reason: 'time' } })
  })
})
