// Strict mode: the kernel in a thread of its own. The same results, and nothing that the thread does makes another one.

import { describe, expect, test, vi } from 'vitest'
import { bundle } from '../src/bundle.ts'
import { type Limits, type Played, playAll } from '../src/capsule.ts'
import { capsuleScripts, type Grade, isolationWords, resultSchema, strongest } from '../src/index.ts'
import { jobFor } from '../src/protocol.ts'
import { checksOf, counting, fake, gradeSource, RIGHT } from './kit.ts'

vi.setConfig({ testTimeout: 60_000 })

const toldBy = ({ result: { score, steps, machine }, endings, errors, blocked }: Grade) => ({
  score,
  steps,
  machine,
  endings,
  errors,
  blocked,
})

describe('gives the same result as without it', () => {
  test.each([
    ['right', RIGHT],
    ['right, and talkative', counting("console.log('x'.repeat(1e6)); write32(COUNT, read32(COUNT) + 1)")],
    ['lazy', counting('')],
    ['throwing', counting("throw new TypeError('no count')")],
    ['throwing what cannot be read', counting('throw new Proxy({}, { get() { throw 1 } })')],
    ['throwing what has no type', counting('throw new Proxy({}, { getPrototypeOf() { throw 1 } })')],
    ['throwing when it boots', RIGHT.replace('write32(COUNT, 0)', "throw new Error('no boot')")],
    ['throwing when it is loaded', `${RIGHT}\nthrow new Error('no load')`],
    ['throwing nothing', counting('throw undefined')],
    ['of another syntax', `${RIGHT}\nnew Function('1')`],
    ['without a function', RIGHT.replace('export function tick', 'function tick')],
    ['looping through the machine', counting('for (;;) read32(COUNT)')],
    ['going too deep', counting('const deep = (n: number): number => deep(n + 1) + read32(COUNT); deep(0)')],
    ['too late', counting('Promise.resolve().then(() => write32(COUNT, 1e6))')],
    ['keeping what it had', `let kept = 0\n${counting('kept++; write32(COUNT, kept)')}`],
  ])('%s', async (_name, source) => {
    const [alone, strict] = [await gradeSource(source), await gradeSource(source, { strict: true })]
    expect(toldBy(strict)).toEqual(toldBy(alone))
    expect([alone, strict].map(({ result }) => result.isolation.strict)).toEqual([false, true])
  })
  test.each([
    ['looping', counting('for (;;);'), 500],
    ['looping when it is loaded', `${RIGHT}\nfor (;;);`, 500],
    ['looping late', counting('Promise.resolve().then(() => { for (;;); })'), 500],
    ['filling memory', counting('const all = []; for (;;) all.push(new Array(1e5).fill(0))'), 30_000],
  ])('%s', async (_name, source, milliseconds) => {
    const [alone, strict] = [
      await gradeSource(source, { milliseconds }),
      await gradeSource(source, { milliseconds, strict: true }),
    ]
    expect(checksOf(strict)).toEqual(checksOf(alone))
    expect(strict.result.score).toBe(0)
  })
})
test('memory past the heap has an end too; a thread may be told of it as of its heap', async () => {
  const source = counting('const all = []; for (;;) all.push(new Uint8Array(1e7).fill(1))')
  const strict = await gradeSource(source, { strict: true })
  expect(strict.result.score).toBe(0)
  expect(checksOf(strict).stops?.observed).toMatch(/allocation failed|JavaScript memory|SIGKILL/)
})
test('a result of before there was strict mode was not strict', async () => {
  const { result } = await gradeSource(RIGHT)
  expect(resultSchema.parse({ ...result, isolation: { level: 'bwrap' } }).isolation.strict).toBe(false)
  expect(isolationWords({ level: 'bwrap', strict: true })).toBe('bwrap, strict')
})
test('the student sees nothing of threads', async () => {
  const source = counting(`
    for (const name of ['Atomics', 'SharedArrayBuffer', 'Worker', 'MessageChannel', 'process', 'require'])
      if (name in globalThis) throw new Error(name)
    write32(COUNT, read32(COUNT) + 1)`)
  expect((await gradeSource(source, { strict: true })).result.score).toBe(10)
})

const LIMITS: Limits = { milliseconds: 3000, heapMiB: 64, memoryMiB: 256 }
/** Play the right kernel with code in its thread that has broken out of the kernel's realm. */
async function broken(out: string, limits = LIMITS): Promise<Played> {
  const made = await bundle(new Map([['kernel.ts', RIGHT]]), fake.bundle)
  if (!made.ok) throw new Error('the right kernel does not bundle')
  const scripts = await capsuleScripts()
  const job = jobFor(fake, { ...scripts, thread: `${out}\n${scripts.thread}` }, made.bundle, true)
  return playAll({ ...job, scenarios: fake.scenarios(1) }, limits, await strongest())
}
/** Code that runs when the library is evaluated: the capsule is ready then. */
const once = (work: string): string => `
  const { Script } = require('vm')
  const { runInContext } = Script.prototype
  let calls = 0
  Script.prototype.runInContext = function (...args) {
    if (++calls === 2) { ${work} }
    return runInContext.apply(this, args)
  }`
const FORGED = `Buffer.from(JSON.stringify({ kind: 'run', run: { scenario: 'short', score: 100 } }))`

describe('a thread that has broken out', () => {
  test('and does nothing plays as ever', async () => {
    const { load, runs, broken: none } = await broken(once(''))
    expect([load, [...runs.keys()], none.size]).toEqual([undefined, ['short', 'long'], 0])
  })
  test.each([
    ['bytes', FORGED],
    [
      'a frame without the key',
      `Buffer.concat([Buffer.from([8, 0, 0, 0]), Buffer.alloc(32), Buffer.from('forged!!')])`,
    ],
    [
      'a frame with a key of its own',
      `(() => {
        const body = require('v8').serialize({ kind: 'loaded' })
        const tag = require('crypto').createHmac('sha256', 'mine').update(Buffer.alloc(8)).update(body).digest()
        const length = Buffer.alloc(4)
        length.writeUInt32LE(body.length)
        return Buffer.concat([length, tag, body])
      })()`,
    ],
  ])('and writes %s on every file descriptor has said nothing', async (_name, bytes) => {
    const { load, runs } = await broken(
      once(`for (let fd = 0; fd < 64; fd++) try { require('fs').writeSync(fd, ${bytes}) } catch {}`),
    )
    expect(load).toMatchObject({ ended: { reason: 'nonsense', told: expect.stringMatching(/^a frame /) } })
    expect(runs.size).toBe(0)
  })
  test('and reads what the grader says next finds nothing: key and job have been taken', async () => {
    const { load, runs } = await broken(
      once(`
        const bytes = Buffer.alloc(1 << 16)
        let n = 0
        try { n = require('fs').readSync(0, bytes) } catch {}
        if (n > 0) throw new Error('got ' + n)`),
      { ...LIMITS, milliseconds: 200 },
    )
    expect([load, runs.size]).toEqual([{ ended: { reason: 'time', milliseconds: 200 } }, 0]) // it waits for ever
  })
  test('finds no key, no environment and no arguments', async () => {
    const { load } = await broken(
      once(`
        const { workerData } = require('worker_threads')
        throw new Error(JSON.stringify([Object.keys(workerData).sort(), process.env, process.argv.slice(1)]))`),
    )
    const told = ['channel', 'code', 'exports', 'harness', 'lasting', 'library', 'port']
    expect(load).toMatchObject({ threw: { message: expect.stringContaining(JSON.stringify(told)) } })
    expect(JSON.stringify(load)).toContain('{},[')
  })
  test.each([
    ['ends itself', 'process.exit(3)', { reason: 'died', told: 'exit code 3' }],
    ['loops', 'for (;;) {}', { reason: 'time' }],
    ['fills its heap', 'const all = []; for (;;) all.push(new Array(1e5).fill(0))', { reason: 'memory' }],
  ])('and %s ends the capsule', async (_name, work, ending) => {
    const { load, runs } = await broken(once(work))
    expect(load).toMatchObject({ ended: ending })
    expect(runs.size).toBe(0)
  })
  test('and takes its turn when it is not its own changes no result', async () => {
    const { runs } = await broken(
      once(`
        const { channel } = require('worker_threads').workerData
        Atomics.store(new Int32Array(channel), 3, 0x7fffffff)
        new Float64Array(channel, 0x40, 8).fill(NaN)
        new Float64Array(channel, 0x20, 4).fill(-1)`),
    )
    expect([...runs.keys()]).toEqual(['short', 'long'])
  })
})
