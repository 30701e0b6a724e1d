// Our side of a vector: an address space as natexec.c has it, and the evaluator.

import { crc32 } from 'node:zlib'
import { BITS_KIND, undefinedFlags } from '../../src/cpu/flags.ts'
import { Leave, RAM, Slot } from '../../src/cpu/state.ts'
import { PTE_NX, PTE_U, PTE_W, VECTOR_PF, VECTOR_UD } from '../../src/x86-64.ts'
import { UserSpace } from '../cpu/user-space.ts'
import {
  ARITHMETIC,
  CODE,
  DATA,
  DATA_BYTES,
  DF,
  type Outcome,
  pattern,
  READ_ONLY,
  type Vector,
} from './vectors.ts'

const UD2 = [0x0f, 0x0b] // behind the code, to come back
const BUDGET = 1000
const SELECTORS = { es: 0n, cs: 0x33n, ss: 0x2bn, ds: 0n, fs: 0n, gs: 0n } // those of 64-bit Linux

export class Sandbox {
  private readonly space = new UserSpace(1 << 20)
  private readonly codeAt: number
  private readonly dataAt: number
  private readonly data: Uint8Array

  constructor() {
    const { space } = this
    this.codeAt = RAM + space.map(CODE, PTE_U) + Number(CODE & 0xfffn)
    const first = space.map(DATA, PTE_U | PTE_W | PTE_NX)
    space.map(DATA + 0x1000n, PTE_U | PTE_W | PTE_NX, first + 0x10000)
    space.map(READ_ONLY, PTE_U | PTE_NX)
    // physically the two data pages are apart, so that crossing them is seen
    this.dataAt = RAM + first
    this.data = new Uint8Array(DATA_BYTES)
    for (const [name, value] of Object.entries(SELECTORS))
      space.state.u64[Slot[name as keyof typeof SELECTORS]] = value
  }
  private get second(): number {
    return this.dataAt + 0x10000
  }

  /** @returns what it leads to, and the flags that are undefined then */
  run(v: Vector): Outcome & { undefined: number } {
    const { state, mmu, evaluator } = this.space
    const { u8, u64, i32 } = state
    u8.set([...v.code, ...UD2], this.codeAt)
    mmu.wrote(this.codeAt)
    u8.set(pattern.subarray(0, 4096), this.dataAt)
    u8.set(pattern.subarray(4096), this.second)
    u64.set(v.regs, 0)
    u64[Slot.rip] = CODE
    u64[Slot.rflags] = BigInt(0x202 | (v.flags & DF))
    u64[Slot.flagKind] = BigInt(BITS_KIND)
    u64[Slot.flagA] = BigInt(v.flags & ARITHMETIC)
    evaluator.run(BUDGET)
    if (this.space.leave !== Leave.fault)
      throw new Error(`${v.name}: must end in a fault, got leave ${this.space.leave}`)
    const done = state.rip === CODE + BigInt(v.code.length) && i32[Slot.vector * 2] === VECTOR_UD
    const trap = done ? -1 : i32[Slot.vector * 2]!
    this.data.set(u8.subarray(this.dataAt, this.dataAt + 4096))
    this.data.set(u8.subarray(this.second, this.second + 4096), 4096)
    return {
      trap,
      error: trap < 0 ? 0 : i32[Slot.error * 2]!,
      address: trap === VECTOR_PF ? u64[Slot.faultAddress]! : 0n,
      regs: [...u64.subarray(0, 16)],
      flags: evaluator.rflags(),
      crc: crc32(this.data),
      undefined: undefinedFlags(i32[Slot.flagKind * 2]!, u64[Slot.flagB]!),
    }
  }
}

/** @returns undefined if they agree in everything that is defined */
export function difference(
  v: Vector,
  ours: Outcome & { undefined: number },
  host: Outcome,
): string | undefined {
  const { undefined: unsaid, ...rest } = ours
  const said = ARITHMETIC & ~unsaid
  const show = (o: Outcome): string => {
    const regs = o.regs
      .map((x, i) => (x === v.regs[i] ? '' : `r${i}=${x.toString(16)}`))
      .filter(Boolean)
      .join(' ')
    return `trap ${o.trap} error ${o.error} address ${o.address.toString(16)} flags ${(o.flags & said).toString(16)} crc ${o.crc.toString(16)} ${regs}`
  }
  const [a, b] = [show(rest), show(host)]
  if (a === b) return undefined
  const code = v.code.map((x) => x.toString(16).padStart(2, '0')).join(' ')
  const before = v.regs.map((x) => x.toString(16)).join(' ')
  return `${v.name}: ${code}\n  before ${before} flags ${v.flags.toString(16)}\n  ours   ${a}\n  host   ${b}`
}
