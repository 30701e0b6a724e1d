// Attacks on the grader's memory. What is not in JavaScript's heap is held by the limits of the process only.

import { describe, test } from 'vitest'
import { reaches, strongest } from '../../src/index.ts'
import { type Attack, attacks, guarded, lazy } from './attack.ts'

guarded()

const limits = { milliseconds: 20_000, heapMiB: 24 }
const HEAP = /^loads: (the kernel used more than 24 MiB of JavaScript memory|.*RangeError: )/
const heap = (name: string, top: string): Attack => ({
  name,
  source: lazy({ top }),
  score: 0,
  cause: HEAP,
  limits,
})

attacks('bombs in the heap', [
  heap('arrays', 'const all: unknown[] = []\nfor (;;) all.push(new Array(1000).fill(all.length))'),
  heap('one array of all sizes', 'const all: number[] = []\nfor (;;) all.push(...[1.5, 2.5, 3.5, 4.5])'),
  heap('strings that double', "let text = 'x'\nfor (;;) text += text"),
  heap(
    'strings that are kept',
    "const all: string[] = []\nfor (let i = 0; ; i++) all.push(('x'.repeat(10000) + i).toUpperCase())",
  ),
  heap('a map', 'const map = new Map()\nfor (let i = 0; ; i++) map.set({ i }, i)'),
  heap('a set', 'const set = new Set()\nfor (let i = 0; ; i++) set.add([i])'),
  heap('closures', 'let last: unknown\nfor (;;) { const before = last; last = () => before }'),
  heap('promises', 'let last: any = Promise.resolve()\nfor (;;) last = Promise.all([last, last])'),
  heap('big numbers', 'const all: bigint[] = []\nfor (let n = 1n; ; n += 1n) all.push(n << 100000n)'),
  heap(
    'stacks of errors',
    'const all: string[] = []\nfor (;;) all.push(String(new Error("x".repeat(1000)).stack))',
  ),
  heap(
    'symbols',
    "const all: symbol[] = []\nfor (let i = 0; ; i++) all.push(Symbol.for('x'.repeat(500) + i))",
  ),
  heap('matches', "const all: unknown[] = []\nfor (;;) all.push('x'.repeat(1000).match(/x/g))"),
  heap('an object of properties', 'const o: any = {}\nfor (let i = 0; ; i++) o["p" + i] = { i }'),
  heap('a length that cannot be', 'new Array(-1)'),
  heap('an array that is filled to its end', 'new Array(2 ** 32 - 1).fill({})'),
])

const { level } = await strongest()
const REFUSED =
  /^loads: (.*(RangeError|out of memory)|the kernel used more than|the process that ran the kernel died)/
const beside = (name: string, top: string): Attack => ({
  name,
  source: lazy({ top: `const all: unknown[] = []\n${top}` }),
  score: 0,
  cause: REFUSED,
  limits,
})
if (reaches(level, 'limits'))
  attacks('bombs beside the heap', [
    beside('typed arrays', 'for (;;) all.push(new Uint8Array(1 << 24).fill(1))'),
    beside('many small typed arrays', 'for (;;) all.push(new Float64Array(1 << 12).fill(1))'),
    beside('buffers that are never touched', 'for (;;) all.push(new ArrayBuffer(1 << 26))'),
    beside(
      'a buffer that grows',
      'const b = new ArrayBuffer(1, { maxByteLength: 2 ** 32 } as any) as any\nfor (let n = 1; ; n *= 2) b.resize(n)',
    ),
    beside(
      'buffers that are transferred',
      'for (;;) { const b = new ArrayBuffer(1 << 24) as any; new Uint8Array(b).fill(1); all.push(b.transfer(1 << 25)) }',
    ),
    beside(
      'memory of WebAssembly that grows',
      'const m = new WebAssembly.Memory({ initial: 1 })\nfor (;;) { m.grow(256); new Uint8Array(m.buffer).fill(1) }',
    ),
    beside(
      'many memories of WebAssembly',
      'for (;;) { const m = new WebAssembly.Memory({ initial: 256 }); new Uint8Array(m.buffer).fill(1); all.push(m) }',
    ),
    beside(
      'a table of WebAssembly',
      "const t = new WebAssembly.Table({ element: 'externref', initial: 1 } as any)\nfor (;;) t.grow(1e5)",
    ),
    beside(
      'shared memory',
      'for (;;) { const m = new WebAssembly.Memory({ initial: 256, maximum: 256, shared: true }); new Uint8Array(m.buffer).fill(1); all.push(m) }',
    ),
  ])
else
  describe('bombs beside the heap', () => {
    test.skip(`are held from the level limits on; this host reaches ${level}`, () => {})
  })
