// One CPU: its state, its MMU and the evaluator of its instructions, with what trap.ts and system.ts need of them.

import type { Mmu } from '../mmu/mmu.ts'
import { FLAG_AF, FLAG_CF, FLAG_OF, FLAG_PF, FLAG_SF, FLAG_ZF, type u64 } from '../x86-64.ts'
import { Evaluator } from './evaluate.ts'
import { BITS_KIND } from './flags.ts'
import { Access, RAM, Slot, STACK, type State } from './state.ts'

const ARITHMETIC = Number(FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)
/** Bits of RFLAGS that exist beside the arithmetic six: TF IF DF IOPL NT AC ID. VM and RF are never stored. */
const OTHER_FLAGS = 0x24_7700
const ALWAYS_ONE = 2

export class Cpu {
  readonly state: State
  readonly mmu: Mmu
  private made: Evaluator | undefined

  constructor(state: State, mmu: Mmu) {
    this.state = state
    this.mmu = mmu
  }
  /** Made when it is first asked for: a machine that is only looked at needs none, and it takes long. */
  get evaluator(): Evaluator {
    this.made ??= new Evaluator(this.state, this.mmu)
    return this.made
  }
  /** Memory has other contents now. */
  dropCode(): void {
    this.made?.dropAll()
  }

  /** RFLAGS; its upper half is always 0. */
  get flags(): number {
    const { i32 } = this.state
    const bits = i32[Slot.flagKind * 2] === BITS_KIND ? i32[Slot.flagA * 2]! : this.evaluator.rflags()
    return i32[Slot.rflags * 2]! | bits
  }
  set flags(value: number) {
    this.state.setFlags(value & ARITHMETIC)
    this.state.i32[Slot.rflags * 2] = (value & OTHER_FLAGS) | ALWAYS_ONE
  }
  get rflags(): u64 {
    return BigInt(this.flags)
  }
  set rflags(value: u64) {
    this.flags = Number(value & 0xffff_ffffn)
  }
  get(slot: number): u64 {
    return this.state.u64[slot]!
  }
  set(slot: number, value: u64): void {
    this.state.u64[slot] = value
  }

  /** Read at a linear address with the rights of `user`. @returns undefined after recording the fault */
  read(va: u64, bytes: 2 | 4 | 8, user: number, stack: 0 | typeof STACK = 0): u64 | undefined {
    const host = this.translate(va, bytes, Access.read | stack, user)
    return host === 0 ? undefined : this.wordAt(host, bytes)
  }
  private wordAt(host: number, bytes: 2 | 4 | 8): u64 {
    const { view } = this.state
    if (bytes === 8) return view.getBigUint64(host, true)
    return BigInt(bytes === 4 ? view.getUint32(host, true) : view.getUint16(host, true))
  }
  /** Read consecutive words of the stack, lowest first. @returns false after recording the fault */
  popWords(va: u64, into: BigUint64Array, bytes: 2 | 4 | 8, user: number): boolean {
    let host = 0
    for (let i = 0; i < into.length; i++) {
      const samePage = host >= RAM && (host & 0xfff) + 2 * bytes <= 4096
      host = samePage
        ? host + bytes
        : this.translate(va + BigInt(i * bytes), bytes, Access.read | STACK, user)
      if (host === 0) return false
      into[i] = this.wordAt(host, bytes)
    }
    return true
  }
  /**
   * Push 8-byte words, which stand at `va` then, lowest first: all or, after recording the fault of the highest that has one,
   * none.
   * @returns false after recording the fault
   */
  writeWords(va: u64, words: readonly u64[], user: number): boolean {
    const { view } = this.state
    const hosts: number[] = []
    let host = 0
    for (let i = words.length - 1; i >= 0; i--) {
      const samePage = host >= RAM && (host & 0xfff) >= 8
      host = samePage ? host - 8 : this.translate(va + BigInt(i * 8), 8, Access.write | STACK, user)
      if (host === 0) return false
      hosts.push(host)
    }
    for (const [i, at] of hosts.entries()) {
      view.setBigUint64(at, words[words.length - 1 - i]!, true)
      if (at < RAM) this.mmu.scatter(at)
    }
    return true
  }
  translate(va: u64, bytes: number, access: number, user: number): number {
    const address = BigInt.asUintN(64, va)
    const lo = Number(address & 0xffff_ffffn) | 0
    return this.mmu.translate(lo, Number(address >> 32n) | 0, bytes, access, user)
  }
}

/** Selector arithmetic and the 8 bytes of a descriptor. SDM Vol. 3 §3.4.5, Segment Descriptors. */
export const isNull = (selector: number): boolean => (selector & ~3) === 0
export interface Descriptor {
  readonly raw: u64
  readonly type: number
  readonly system: boolean
  readonly dpl: number
  readonly present: boolean
  readonly long: boolean
  readonly big: boolean
}
export function descriptorOf(raw: u64): Descriptor {
  const flags = Number((raw >> 40n) & 0xffffn)
  return {
    raw,
    type: flags & 0xf,
    system: (flags & 0x10) === 0,
    dpl: (flags >> 5) & 3,
    present: (flags & 0x80) !== 0,
    long: (flags & 0x2000) !== 0,
    big: (flags & 0x4000) !== 0,
  }
}
export const isCode = (d: Descriptor): boolean => !d.system && (d.type & 8) !== 0
export const isConforming = (d: Descriptor): boolean => (d.type & 4) !== 0
export const isWritableData = (d: Descriptor): boolean => !d.system && (d.type & 0xa) === 2
