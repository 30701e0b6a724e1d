// Attacks on the grader's time: work without end, with and without the machine.

import { type Attack, attacks, guarded, LAZY, lazy } from './attack.ts'

guarded()

const LOADS_LATE = /^loads: the kernel did not come back within 0\.25 s/
/** Only the second scenario comes to it: one capsule to end, not two. */
const STOPS_LATE = /^stops: long: the kernel did not come back within 0\.25 s/
const limits = { milliseconds: 250 }
const atLoad = (name: string, top: string): Attack => ({
  name,
  source: lazy({ top }),
  score: 0,
  cause: LOADS_LATE,
  limits,
})
const inCall = (name: string, tick: string, imports = ''): Attack => ({
  name,
  source: lazy({ tick: `if (count > 900) { ${tick} }`, imports }),
  score: 0,
  cause: STOPS_LATE,
  limits,
})

attacks('loops without the machine', [
  atLoad('at the top level', 'for (;;) {}'),
  atLoad(
    'in a module-level promise chain',
    'const again = (): any => Promise.resolve().then(again)\nagain()',
  ),
  atLoad('in an await that never yields', 'void (async () => { for (;;) await 0 })()'),
  atLoad('in a sort without order', 'for (;;) [...Array(1e5).keys()].sort(() => Math.sin(1) - 0.5)'),
  atLoad('in a regular expression that backtracks', "/^(a+)+$/.test('a'.repeat(50) + 'b')"),
  atLoad('in a generator that never ends', 'for (const _ of (function* () { for (;;) yield 1 })()) void _'),
  atLoad('in a replacement that calls for more', "for (;;) 'x'.repeat(1e5).replace(/x/g, () => 'y')"),
  atLoad('in a power of numbers without end', 'let n = 3n\nfor (;;) n = (n * n) & ((1n << 100000n) - 1n)'),
  atLoad(
    'in code of WebAssembly',
    `// (func (export "f") (loop br 0))
    const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0,
      10, 9, 1, 7, 0, 3, 64, 12, 0, 11, 11])
    ;(new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as any).f()`,
  ),
  inCall('in a call of the kernel', 'for (;;) {}'),
  inCall(
    'in a loop that swallows what would end it',
    'for (;;) try { deep() } catch {}\nfunction deep(): void { deep() }',
  ),
  inCall('in the message of what is thrown', 'throw { get message() { for (;;) {} } }'),
  {
    ...inCall(
      'in the prototype of what is thrown are never entered: nobody asks for it',
      'throw new Proxy({}, { getPrototypeOf() { for (;;) {} } })',
    ),
    cause: /^stops: long: threw an object$/,
  },
  inCall('in the toString of what is printed', 'console.log({ toString() { for (;;) {} } })'),
  inCall('in the valueOf of an argument', 'write32({ valueOf() { for (;;) {} } } as any, 0)'),
  inCall('in the condition of a wait', "wait('one', () => { for (;;) {} })", 'wait'),
])

attacks('loops with the machine', [
  {
    name: 'that reads are ended by the machine',
    source: lazy({ tick: 'for (;;) read32(COUNT)' }),
    score: 0,
    cause: /^stops: short, long: a kernel call does not return/,
    limits: { milliseconds: 3000 },
  },
  {
    name: 'that swallow how the machine ends them are ended by the clock',
    source: lazy({ tick: 'if (count > 900) for (;;) try { read32(COUNT) } catch {}' }),
    score: 0,
    cause: /^stops: long: the kernel did not come back within 0\.5 s/,
  },
  {
    name: 'in a finally clause are ended by the clock',
    source: lazy({ tick: 'if (count > 900) for (;;) { try { read32(COUNT) } finally { continue } }' }),
    score: 0,
    cause: /^stops: long: the kernel did not come back within 0\.5 s/,
  },
])

attacks('work that ends', [
  {
    name: 'a number too big to be is refused at once',
    source: lazy({ top: '2n ** (10n ** 9n) ** 2n' }),
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: RangeError: /,
  },
  {
    name: 'a stack without end is a throw',
    source: lazy({ tick: 'tick(count)' }),
    score: 0,
    cause: /^stops: short, long: .*RangeError: Maximum call stack size exceeded$/,
  },
  {
    name: 'a stack that ends in a getter is a throw',
    source: lazy({ top: 'const o: any = { get x() { return o.x } }\no.x' }),
    score: 0,
    cause: /^loads: .*RangeError: Maximum call stack size exceeded$/,
  },
  {
    name: 'as many promises as fit into the time are nobody’s business',
    source: lazy({
      boot: 'for (let i = 0; i < 10_000; i++) void Promise.resolve(i).then(() => write32(COUNT, i))',
    }),
    score: 0,
    cause: LAZY,
  },
])
