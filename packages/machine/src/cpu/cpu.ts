// One CPU: its state, its MMU and the evaluator of its instructions, with what trap.ts and system.ts need of them.

import type { Mmu } from '../mmu/mmu.ts'
import { FLAG_AF, FLAG_CF, FLAG_OF, FLAG_PF, FLAG_SF, FLAG_ZF, type u64 } from '../x86-64.ts'
import { Evaluator } from './evaluate.ts'
import { BITS_KIND } from './flags.ts'
import { Access, RAM, Slot, STACK, type State } from './state.ts'

const ARITHMETIC = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF
/** Bits of RFLAGS that exist beside the arithmetic six: TF IF DF IOPL NT AC ID. VM and RF are never stored. */
const OTHER_FLAGS = 0x24_7700n
const ALWAYS_ONE = 2n

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

  get rflags(): u64 {
    const { u64 } = this.state
    const bits = u64[Slot.flagKind] === BigInt(BITS_KIND) ? u64[Slot.flagA]! : BigInt(this.evaluator.rflags())
    return u64[Slot.rflags]! | bits
  }
  set rflags(value: u64) {
    this.state.setFlags(Number(value & ARITHMETIC))
    this.state.u64[Slot.rflags] = (value & OTHER_FLAGS) | ALWAYS_ONE
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
    if (host === 0) return undefined
    const { view } = this.state
    if (bytes === 8) return view.getBigUint64(host, true)
    return BigInt(bytes === 4 ? view.getUint32(host, true) : view.getUint16(host, true))
  }
  /**
   * Write consecutive 8-byte words, lowest first: all or, after recording the fault, none.
   * @returns false after recording the fault
   */
  writeWords(va: u64, words: readonly u64[], user: number): boolean {
    const hosts = words.map((_, i) => this.translate(va + BigInt(i * 8), 8, Access.write | STACK, user))
    if (hosts.includes(0)) return false
    for (const [i, word] of words.entries()) {
      this.state.view.setBigUint64(hosts[i]!, word, true)
      if (hosts[i]! < RAM) this.mmu.scatter(hosts[i]!)
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
