// Attacks on the realm that student code shares with the machine: its primordials, its stack traces, its constructors.

import { type Attack, attacks, guarded, LAZY, LOOT, lazy } from './attack.ts'

guarded()

/** Patching throws, for everything is frozen; a kernel that goes on regardless gets what it would have got. */
const patch = (name: string, statement: string): Attack[] => [
  {
    name: `${name}, at the top level`,
    source: lazy({ top: statement }),
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: TypeError: Cannot (assign to read only|redefine|add|define) property/,
  },
  {
    name: `${name}, and shrugs`,
    source: lazy({ tick: `try { ${statement} } catch {}` }),
    score: 0,
    cause: LAZY,
  },
]
attacks('prototypes and primordials', [
  ...patch('Array.prototype.push patched', 'Array.prototype.push = () => 0'),
  ...patch('Object.prototype.toString patched', "Object.prototype.toString = () => 'x'"),
  ...patch('Map.prototype.get patched', 'Map.prototype.get = () => 99'),
  ...patch(
    'Object.prototype gets a toJSON',
    "Object.defineProperty(Object.prototype, 'toJSON', { value: () => ({ score: 100 }) })",
  ),
  ...patch('__proto__ pollutes', "({} as any).__proto__.reason = 'limit'"),
  ...patch(
    '%TypedArray%.prototype.slice forges memory',
    'Object.getPrototypeOf(Uint8Array.prototype).slice = function () { return new Uint8Array(1 << 20).fill(50) }',
  ),
  ...patch('DataView.prototype.getUint32 patched', 'DataView.prototype.getUint32 = () => 99'),
  ...patch('Function.prototype.call patched', 'Function.prototype.call = () => 0 as never'),
  ...patch('Reflect.apply patched', '(Reflect as any).apply = () => 99'),
  ...patch(
    'Symbol.iterator of arrays patched',
    'Array.prototype[Symbol.iterator] = function* () {} as never',
  ),
  ...[
    ['arrays', '[][Symbol.iterator]()'],
    ['maps', 'new Map()[Symbol.iterator]()'],
    ['sets', 'new Set()[Symbol.iterator]()'],
    ['texts', "''[Symbol.iterator]()"],
    ['matches', "''.matchAll(/x/g)"],
    ['helpers', '[].values().map((x) => x)'],
    ['wrappers', 'Iterator.from({ next: () => ({ done: true, value: 0 }) })'],
    ['generators', 'Object.getPrototypeOf((function* () {})())'],
    ['generators that wait', 'Object.getPrototypeOf((async function* () {})())'],
  ].flatMap(([of, made]) =>
    patch(
      `what iterates over ${of} patched`,
      `(Object.getPrototypeOf(${made}) as any).next = () => ({ done: true })`,
    ),
  ),
  ...patch('functions that wait patched', '(Object.getPrototypeOf(async () => {}) as any).call = () => 0'),
  ...patch('Promise.prototype.then patched', 'Promise.prototype.then = (() => 0) as never'),
  ...patch('BigInt.asUintN patched', 'BigInt.asUintN = () => 99n'),
  ...patch('Math.random gets a result', 'Math.random = () => 0.5'),
  ...patch('JSON.stringify patched', "JSON.stringify = () => '{}'"),
  ...patch('Error.stackTraceLimit raised', 'Error.stackTraceLimit = 1e9'),
  ...patch(
    'Error.prepareStackTrace set',
    '(Error as any).prepareStackTrace = (_: any, frames: any) => frames',
  ),
])

attacks('the global object', [
  ...['Object', 'Array', 'Uint8Array', 'ArrayBuffer', 'Map', 'Reflect', 'BigInt', 'Error', 'Symbol'].map(
    (name): Attack => ({
      name: `${name} is replaced by nothing`,
      source: lazy({ tick: `try { world.${name} = undefined } catch {}` }),
      score: 0,
      cause: LAZY,
    }),
  ),
  {
    name: 'Uint8Array is replaced by one that forges memory',
    source: lazy({
      top: `class Forged extends Uint8Array {
        constructor(...parts: any[]) {
          super(...(parts as [any]))
          if (this.length === 1 << 20) this[COUNT] = 50
        }
      }
      try { world.Uint8Array = Forged } catch {}`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'what one scenario leaves there, the next one does not find',
    source: lazy({
      boot: `if (world.left) throw new Error('${LOOT}')
      try { world.left = true } catch {}`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'all of what can be reached from it is frozen',
    source: lazy({
      top: `const seen = new Set<object>()
      const look = (value: any, way: string): void => {
        if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
        seen.add(value)
        const errors = value === Error.prototype || value instanceof Error
        if (Object.isExtensible(value) || (!errors && !Object.isFrozen(value))) throw new Error('${LOOT}: ' + way)
        look(Object.getPrototypeOf(value), way + '.__proto__')
        for (const key of Reflect.ownKeys(value)) {
          const { value: inner, get, set } = Object.getOwnPropertyDescriptor(value, key)!
          for (const each of [inner, get, set]) look(each, way + '.' + String(key))
        }
      }
      for (const key of Reflect.ownKeys(globalThis)) look(world[key] === globalThis ? 0 : world[key], String(key))`,
    }),
    score: 0,
    cause: LAZY,
  },
])

const STRINGS_REFUSED = /^loads: kernel\.ts:\d+:\d+: EvalError: Code generation from strings disallowed/
attacks('code made of text', [
  ...[
    'Function',
    '({}).constructor.constructor',
    '(async () => {}).constructor',
    '(function* () {}).constructor',
    '(async function* () {}).constructor',
    'console.log.constructor',
    'Object.getPrototypeOf(Math.random).constructor',
  ].map(
    (maker): Attack => ({
      name: maker,
      source: lazy({ top: `;(${maker} as any)('return this')()` }),
      score: 0,
      cause: STRINGS_REFUSED,
    }),
  ),
  { name: 'eval', source: lazy({ top: ";(0, eval)('1')" }), score: 0, cause: STRINGS_REFUSED },
  {
    name: 'setTimeout with a string',
    source: lazy({ top: "world.setTimeout('1')" }),
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: TypeError: world\.setTimeout is not a function$/,
  },
])

attacks('stack traces', [
  {
    name: 'a global Error of its own is asked to prepare them, and gets no function and no this',
    source: lazy({
      top: `const told: string[] = []
      const prepare = (_: unknown, frames: any[]): string => {
        for (const frame of frames) told.push(typeof frame.getThis(), typeof frame.getFunction())
        return ''
      }
      try { world.Error = { prepareStackTrace: prepare } } catch {}
      try { (null as any).x } catch (error: any) { void error.stack }
      if (told.some((type) => type !== 'undefined')) throw new SyntaxError('${LOOT} ' + told.join())`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'no frame names a file of the host',
    source: lazy({
      top: `const stack = String(new Error().stack).replace(/node:[\\w/]+/g, '')
      if (/[\\\\/]|file:/.test(stack)) throw new SyntaxError('${LOOT} ' + stack)`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'captureStackTrace on an object with a setter gets text only',
    source: lazy({
      top: `const trap = { set stack(value: any) { if (typeof value !== 'string') throw new Error('${LOOT}') } }
      ;(Error as any).captureStackTrace(trap)`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'callers and arguments of functions are out of reach',
    source: lazy({
      tick: `held(() => (tick as any).caller.name)
      held(() => (function () { return (arguments as any).callee })())`,
    }),
    score: 0,
    cause: LAZY,
  },
])

attacks('what is thrown', [
  {
    name: 'a proxy that throws at every question',
    source: lazy({ tick: 'throw new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 2 } })' }),
    score: 0,
    cause: /^stops: short, long: threw something that cannot be read$/,
  },
  {
    name: "an error with the code of the capsule's own clock",
    source: lazy({
      top: "throw Object.assign(new Error('Script execution timed out'), { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' })",
    }),
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: Error: Script execution timed out$/,
  },
  {
    name: 'an error that says it stopped the machine',
    source: lazy({
      tick: "throw Object.assign(new Error('done'), { reason: 'limit', stop: { reason: 'limit' }, kind: 'run' })",
    }),
    score: 0,
    cause: /^stops: short, long: kernel\.ts:\d+:\d+: Error: done$/,
  },
  {
    name: 'an error whose class changes what it prints',
    source: lazy({
      tick: `class Mine extends Error {
        get message(): string { return 'mine' }
        get stack(): string { return 'at submission.js:1:1' }
        get [Symbol.toStringTag](): string { throw 1 }
      }
      throw new Mine()`,
    }),
    score: 0,
    cause: /^stops: short, long: .*mine$/,
  },
  {
    name: 'an error whose cause is itself',
    source: lazy({ tick: "const e = new Error('round'); (e as any).cause = e; throw e" }),
    score: 0,
    cause: /^stops: short, long: kernel\.ts:\d+:\d+: Error: round$/,
  },
  {
    name: 'an object whose text is made by Symbol.toPrimitive',
    source: lazy({
      tick: `throw { message: { [Symbol.toPrimitive]() { throw '${LOOT}' } }, toString() { return 'spoken' } }`,
    }),
    score: 0,
    cause: /^stops: short, long: threw an object$/,
  },
])

attacks('odd exports', [
  {
    name: 'a proxy as tick',
    source: lazy({ top: '' }).replace(
      'export function tick(count: number): void {\n  \n}',
      'export const tick = new Proxy(() => {}, { apply() { write32(COUNT + 64, 1) }, get() { throw 1 } })',
    ),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a module that is a thenable',
    source: lazy({ top: `export const then = (done: any): void => { throw new Error('${LOOT}') }` }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'an export named __proto__',
    source: lazy({ top: 'const forged = { tick() {} }\nexport { forged as __proto__ }' }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a generator as tick, which never runs',
    source: lazy({ top: '' }).replace('export function tick', 'export function* tick'),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'an async tick that writes once it is too late',
    source: lazy({ tick: 'await null; write32(COUNT, 50 + count)' }).replace(
      'export function tick(count: number): void',
      'export async function tick(count: number): Promise<void>',
    ),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a promise that writes once the run is over',
    source: lazy({ tick: 'Promise.resolve().then(() => write32(COUNT, 50 + count))' }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a rejection that nobody handles',
    source: lazy({ tick: "if (count === 2) Promise.reject(new Error('late'))" }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a class with a species of its own over a view of memory',
    source: lazy({
      tick: `class Mine extends Uint8Array { static get [Symbol.species](): any { throw new Error('${LOOT}') } }
      held(() => new Mine(4).slice())`,
    }).replace(`throw new Error('${LOOT}') } }\n`, "throw new Error('species') } }\n"),
    score: 0,
    cause: LAZY,
  },
])
