// Attacks on the machine through the functions that a kernel is given: odd arguments, re-entrancy, the library's objects.

import { type Attack, attacks, guarded, LAZY, LOOT, lazy } from './attack.ts'

guarded()

const throws = (what: string): RegExp => new RegExp(`^stops: short, long: kernel\\.ts:\\d+:\\d+: ${what}`)

attacks('arguments that run code', [
  {
    name: 'an address whose valueOf writes elsewhere',
    source: lazy({ tick: 'write32({ valueOf() { write32(COUNT + 64, 7); return COUNT + 68 } } as any, 7)' }),
    score: 0,
    cause: /^(counts: 0, then 0|stops: .*kernel\.ts:\d+:\d+: .*)$/,
  },
  {
    name: 'an address that is another one at each question',
    source: lazy({
      tick: `let asked = 0
      write32({ [Symbol.toPrimitive]() { return asked++ ? 0x1000 : COUNT + 64 } } as any, 0)`,
    }),
    score: 0,
    cause: /^(counts: 0, then 0|stops: .*kernel\.ts:\d+:\d+: .*)$/,
  },
  {
    name: 'a value whose valueOf throws a proxy',
    source: lazy({
      tick: 'write32(COUNT + 64, { valueOf() { throw new Proxy({}, { get() { throw 1 } }) } } as any)',
    }),
    score: 0,
    cause: /^stops: short, long: /,
  },
  {
    name: 'a value whose valueOf ends the stack in the midst of a write',
    source: lazy({
      tick: `const deep = (): number => deep() + 1
      if (count % 64 === 1) try { write32(COUNT + 64, { valueOf: deep } as any) } catch {}`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a proxy as a number',
    source: lazy({ tick: 'write32(COUNT + 64, new Proxy({}, { get() { return () => 7 } }) as any)' }),
    score: 0,
    cause: /^(counts: 0, then 0|stops: .*)$/,
  },
  {
    name: 'a text whose iterator never ends',
    source: lazy({ imports: 'say', tick: 'say({ *[Symbol.iterator]() { for (;;) yield "x" } } as any)' }),
    score: 0,
    cause: /^stops: short, long: .*a kernel call does not return/,
    limits: { milliseconds: 3000 },
  },
  {
    name: 'a text whose letters are functions',
    source: lazy({
      imports: 'say',
      tick: `say([{ charCodeAt() { write32(COUNT + 64, 1); return { valueOf() { throw new Error('letter') } } } }] as any)`,
    }),
    score: 0,
    cause: throws('Error: letter'),
  },
  {
    name: 'a page table address that is no number',
    source: lazy({
      imports: 'setCr3',
      tick: "setCr3({ [Symbol.toPrimitive]() { throw new Error('cr3') } } as any)",
    }),
    score: 0,
    cause: /^(counts: 0, then 0|stops: .*)$/,
  },
  {
    name: 'a panic with an object that cannot be spoken',
    source: lazy({ imports: 'panic', tick: "panic({ toString() { throw new Error('mute') } } as any)" }),
    score: 0,
    cause: /^(counts: 0, then 0|stops: .*)$/,
  },
])

attacks('odd numbers', [
  ...[
    '-1',
    'NaN',
    '1e308',
    '-(2 ** 53)',
    '2 ** 40',
    '0.5',
    "'0x30000' as any",
    '0x30000n as any',
    'null as any',
  ].map(
    (address): Attack => ({
      name: `writes at ${address}`,
      source: lazy({ tick: `try { write32(${address}, 0x7fffffff) } catch {}` }),
      score: 0,
      cause: /^counts: \d+, then \d+$/,
    }),
  ),
  {
    name: 'reads beyond memory give nothing of the host',
    source: lazy({
      tick: `for (const at of [1 << 20, 2 ** 31, 2 ** 32 + COUNT, -4]) {
        try { if (![0, 0xffffffff, -1].includes(read32(at))) write32(COUNT + 64, 1) } catch {}
      }`,
    }),
    score: 0,
    cause: LAZY,
  },
])

attacks('re-entrancy', [
  {
    name: 'the kernel calls its own entry points',
    source: lazy({ tick: 'if (count < 5) { kernel(); tick(count + 1) }' }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a wait whose condition waits',
    source: lazy({
      imports: 'wait',
      tick: "wait('one', () => { wait('two', () => true); return true })",
    }),
    score: 0,
    cause: /^(counts: 0, then 0|stops: .*)$/,
  },
  {
    name: 'a wait whose condition never comes true',
    source: lazy({ imports: 'wait', tick: "wait('godot', () => false)" }),
    score: 0,
    cause: /^stops: short, long: .*godot/,
  },
  {
    name: 'a wait whose condition throws',
    source: lazy({ imports: 'wait', tick: "wait('one', () => { throw new Error('condition') })" }),
    score: 0,
    cause: throws('Error: condition'),
  },
  {
    name: 'a wait for something that is no function',
    source: lazy({ imports: 'wait', tick: "wait('one', new Proxy({}, {}) as any)" }),
    score: 0,
    cause: /^stops: short, long: .*TypeError/,
  },
  {
    name: 'a getter of what is thrown counts while the machine stops',
    source: lazy({
      tick: `throw { get message() { write32(COUNT, 100); return 'late' }, get stack() { return '' } }`,
    }),
    score: 0,
    cause: /^stops: short, long: /,
  },
  {
    name: 'the machine has stopped, and the kernel goes on',
    source: lazy({
      imports: 'panic',
      tick: `try { panic('over') } catch {}
      for (let i = 0; i < 100; i++) try { write32(COUNT, 100 + i) } catch {}`,
    }),
    score: 0,
    cause: /^counts: 0, then 0$/,
  },
])

attacks("the library's objects", [
  {
    name: 'its namespace is assigned to',
    source: lazy({
      top: "import * as room from './lib/room.ts'\nconst face: any = room\nheld(() => { face.read32 = () => 99 })",
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'its exports are defined anew',
    source: lazy({
      top: `import * as room from './lib/room.ts'
      try { Object.defineProperty(room, 'read32', { get: () => () => 99 }) } catch {}`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'its machine is replaced by one that lies',
    source: lazy({
      imports: 'setRoom',
      boot: 'setRoom(new Proxy({}, { get: () => () => 99 }) as any)',
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'its machine is replaced by one that is patched onto the real one',
    source: lazy({
      imports: 'setRoom',
      boot: `const saw: any[] = []
      setRoom(new Proxy({}, { get(_, key, receiver) { saw.push(receiver); return () => saw.length } }) as any)
      read32(COUNT)
      for (const each of saw) { const proto = Object.getPrototypeOf(each); if (proto !== Object.prototype) proto.read32 = () => 99 }`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'its boot is called again by the kernel, with a machine of its own making',
    source: lazy({
      top: "import { boot } from './lib/boot.ts'",
      boot: `const memory = { write64() {}, write8() {} }
      const ring0 = { setCosts() {}, gate() {}, write32() {}, read32: () => 99 }
      boot({ memory, ring0, start() {} } as any, { kernel() {}, tick() {} }, { first: 0 })`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'the modules that the bundle is handed are forged',
    source: lazy({
      top: `declare const __library: any
      try { for (const path of Object.keys(__library)) __library[path] = { boot() { throw new Error('${LOOT}') } } } catch {}`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'constants of the architecture are changed',
    source: lazy({
      top: `import * as x86 from '@pagewalk/machine/x86-64'
      const face: any = x86
      held(() => { face.PTE_P = 0n })`,
    }),
    score: 0,
    cause: LAZY,
  },
])
