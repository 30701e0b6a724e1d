// V8 throws the optimized interpreter loop away whenever a micro-operation turns up that it has not seen before, and
// optimizing it again takes long. So the first evaluator of a process shows it every micro-operation and every way
// out, on a scratch machine. Nothing depends on this but speed.

import { Mmu } from '../mmu/mmu.ts'
import { tlbBytes } from '../mmu/tlb.ts'
import { PTE_P, PTE_PS, PTE_W } from '../x86-64.ts'
import type { Evaluator } from './evaluate.ts'
import { BITS_KIND } from './flags.ts'
import { Micro, type MicroName, microOperations } from './micro.ts'
import { Access, RAM, Slot, State, TLB, TLB_BYTES } from './state.ts'

const ROUNDS = 3
const RAM_BYTES = 0x10000
const DATA = 0x8000
const CODE = 0xa000
const NOT_MAPPED = 0x4000_0000

// Scratch slots.
const X = 300
const Y = 301
const TRUTH = 302
const RESULT = 303
const RIP = 304
const OPERANDS: Readonly<Record<string, number>> = {
  ...{ a: X, b: Y, d: RESULT, x: X, y: X, z: Y, a2: X * 2, b2: Y * 2, c2: TRUTH * 2, d2: RESULT * 2 },
  ...{
    yes: RIP,
    no: RIP,
    next: RIP,
    at: RIP,
    scale: 2,
    shift: 24,
    mask: -1,
    kind: BITS_KIND,
    helper: 0,
  },
  ...{ operation: 0, vector: 0, error: 0, last: 1 },
}
/** The helper divides x:y by z, so its first operand stays below the divisor. */
const PAIRS: readonly (readonly [bigint, bigint])[] = [
  [0n, 2n],
  [1n, 2n],
  [5n, 5n],
  [2n, 3n],
]
const LARGE: readonly [bigint, bigint] = [1n << 40n, 3n]

const END = [Micro.jump, RIP]
const address = (base: number, access: number, bytes: number): number[] => [
  Micro.address,
  base * 2,
  0,
  0,
  TLB + access * TLB_BYTES,
  bytes,
  access,
]
const ELSEWHERE: ReadonlySet<MicroName> = new Set<MicroName>(['address', 'flagReturn', 'usePlace'])

let done = false

export function warmUp(make: (state: State, mmu: Mmu) => Evaluator): void {
  if (done) return
  done = true
  const state = State.make(RAM_BYTES, tlbBytes(RAM_BYTES))
  const mmu = new Mmu(state)
  const { u64 } = state
  // a large page at 0 maps all of RAM
  u64.set([0x1000n | PTE_P | PTE_W], RAM >> 3)
  u64.set([0x2000n | PTE_P | PTE_W], (RAM + 0x1000) >> 3)
  u64.set([PTE_PS | PTE_P | PTE_W], (RAM + 0x2000) >> 3)
  u64[Slot.cr3] = 0n
  const evaluator = make(state, mmu)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [x, y] of [...PAIRS, LARGE]) operations(evaluator, state, x, y, round)
    memory(evaluator, state, mmu)
    program(evaluator, state)
  }
}
function operations(evaluator: Evaluator, { u64 }: State, x: bigint, y: bigint, round: number): void {
  for (const { name, operands } of microOperations) {
    if (ELSEWHERE.has(name) || name.startsWith('load') || name.startsWith('store')) continue
    if (x > y && name === 'call') continue
    u64[X] = x
    u64[Y] = y
    u64[TRUTH] = BigInt(round & 1)
    evaluator.runWords([Micro[name], ...operands.map((o) => OPERANDS[o]!), ...END])
  }
}
function memory(evaluator: Evaluator, state: State, mmu: Mmu): void {
  const { u64 } = state
  for (const { name } of microOperations) {
    const load = name.startsWith('load')
    if (!load && !name.startsWith('store')) continue
    const bytes = Number(name.replace(/\D+/, '')) / 8
    const access = load ? Access.read : Access.write
    const wide = bytes === 8 ? 1 : 2
    const run = (at: number, last: number): void => {
      u64[X] = BigInt(at)
      const operation = load ? [Micro[name], RESULT * wide] : [Micro[name], Y * wide, last, Micro.check]
      evaluator.runWords([
        ...address(X, access, bytes),
        Micro.savePlace,
        RESULT * 2,
        Micro.usePlace,
        RESULT * 2,
        ...operation,
        ...END,
      ])
    }
    for (const at of [DATA, DATA + 0xfff, NOT_MAPPED]) run(at, 1)
    for (const last of [0, 1]) {
      mmu.markCode(RAM + CODE)
      run(CODE, last)
    }
  }
}
/** nop, nop, jmp to the first: whole, in slices, and over the end of what is mapped. */
function program(evaluator: Evaluator, { u8, u64 }: State): void {
  u8.set([0x90, 0x90, 0xeb, 0xfc], RAM + CODE)
  for (const budget of [30, 2, 1, 4]) {
    u64[Slot.rip] = BigInt(CODE)
    evaluator.run(budget)
  }
  u64[Slot.rip] = BigInt(NOT_MAPPED)
  evaluator.run(1)
}
