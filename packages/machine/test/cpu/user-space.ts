// An address space at CPL 3 without a kernel: state, MMU and evaluator, page tables from the start of RAM. For
// programs and vectors that need no machine around them. CR0.WP and EFER.NXE are set.

import { Evaluator } from '../../src/cpu/evaluate.ts'
import { Access, Leave, RAM, Slot, State, SystemOp } from '../../src/cpu/state.ts'
import { PF_W, PF_X, PT_LOAD, readElf } from '../../src/elf.ts'
import { Mmu } from '../../src/mmu/mmu.ts'
import { tlbBytes } from '../../src/mmu/tlb.ts'
import {
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CR4_PAE,
  EFER_LMA,
  EFER_LME,
  EFER_NXE,
  PTE_ADDR,
  PTE_NX,
  PTE_P,
  PTE_U,
  PTE_W,
} from '../../src/x86-64.ts'

const USER_CS = 0x13n
const STACK_TOP = 0x7fff_0000n
const STACK_BYTES = 0x10000
const USER_DATA = PTE_U | PTE_W | PTE_NX
const LINUX_WRITE = 1n

export class UserSpace {
  readonly state: State
  readonly mmu: Mmu
  readonly evaluator: Evaluator
  private free = 0x1000

  constructor(ramBytes: number) {
    this.state = State.make(ramBytes, tlbBytes(ramBytes))
    this.mmu = new Mmu(this.state)
    this.evaluator = new Evaluator(this.state, this.mmu)
    const { u64 } = this.state
    u64[Slot.cr0] = CR0_PE | CR0_PG | CR0_WP
    u64[Slot.cr4] = CR4_PAE
    u64[Slot.efer] = EFER_LME | EFER_LMA | EFER_NXE
    u64[Slot.rflags] = 2n
    u64[Slot.cr3] = BigInt(this.page())
    this.user = true
  }
  set user(yes: boolean) {
    this.state.u64[Slot.cs] = yes ? USER_CS : 0x8n
  }
  page(): number {
    this.free += 0x1000
    return this.free
  }
  /** Host address of the leaf entry of `va`, its tables made if need be. */
  entry(va: bigint): number {
    const { u64 } = this.state
    let table = Number(u64[Slot.cr3]!)
    for (const shift of [39n, 30n, 21n]) {
      const at = (RAM + table + Number((va >> shift) & 511n) * 8) >> 3
      if (!u64[at]) u64[at] = BigInt(this.page()) | PTE_P | PTE_W | PTE_U
      table = Number(u64[at]! & PTE_ADDR)
    }
    return (RAM + table + Number((va >> 12n) & 511n) * 8) >> 3
  }
  /** Map the page of `va`, if it is not mapped, with these rights. @returns the page's physical address */
  map(va: bigint, rights: bigint, physical?: number): number {
    const { u64 } = this.state
    const at = this.entry(va)
    if (!(u64[at]! & PTE_P)) u64[at] = BigInt(physical ?? this.page()) | rights | PTE_P
    return Number(u64[at]! & PTE_ADDR)
  }
  /** Where the byte at `va`, which is mapped, lies in state.u8. */
  host(va: bigint): number {
    return RAM + this.map(va, 0n) + Number(va & 0xfffn)
  }
  /** Put bytes at `va`, mapping what they need; `size` may be larger (zeros). Code compiled from there is dropped. */
  place(
    va: bigint,
    bytes: Uint8Array | readonly number[],
    rights: bigint,
    size: number = bytes.length,
  ): void {
    for (let i = 0; i < size; ) {
      const to = va + BigInt(i)
      const room = Math.min(4096 - Number(to & 0xfffn), size - i)
      this.map(to, rights)
      this.state.u8.set(bytes.slice(i, i + room), this.host(to))
      this.mmu.wrote(this.host(to))
      i += room
    }
  }
  load(elf: Uint8Array): void {
    const { entry, segments } = readElf(elf)
    for (const s of segments) {
      if (s.type !== PT_LOAD) continue
      const rights = PTE_U | (s.flags & PF_W ? PTE_W : 0n) | (s.flags & PF_X ? 0n : PTE_NX)
      this.place(s.va, elf.subarray(s.offset, s.offset + s.fileSize), rights, s.memorySize)
    }
    this.place(STACK_TOP - BigInt(STACK_BYTES), [], USER_DATA, STACK_BYTES)
    this.state.u64[4] = STACK_TOP - 0x100n
    this.state.u64[Slot.rip] = entry
  }

  get leave(): number {
    return this.state.i32[Slot.leave * 2]!
  }
  get fault(): string {
    const { i32, u64, rip } = this.state
    const what = `vector ${i32[Slot.vector * 2]}, error code ${i32[Slot.error * 2]}`
    return `${what}, address 0x${u64[Slot.faultAddress]?.toString(16)} at rip 0x${rip.toString(16)}`
  }
  /** Linux: write(2) of one page's bytes, and exit(2). @returns the bytes written; undefined: the program has ended */
  syscall(): string | undefined {
    const { u64, u8, i32 } = this.state
    if (i32[Slot.sysOp * 2] !== SystemOp.syscall)
      throw new Error(`system operation ${i32[Slot.sysOp * 2]} in user space`)
    if (u64[0] !== LINUX_WRITE) return undefined
    const address = u64[6]!
    const host = this.mmu.translate(
      Number(address & 0xffff_ffffn) | 0,
      Number(address >> 32n) | 0,
      1,
      Access.read,
      1,
    )
    u64[0] = u64[2]!
    u64[1] = u64[Slot.sysNext]!
    u64[11] = u64[Slot.rflags]! | BigInt(this.evaluator.rflags())
    u64[Slot.rip] = u64[Slot.sysNext]!
    return String.fromCharCode(...u8.subarray(host, host + Number(u64[2])))
  }
  /** Run a program to its end in slices of `quantum` instructions; `mark` is told each text it writes. */
  finish(mark: (text: string, retired: number) => void, quantum = 1_000_000_000): number {
    let retired = 0
    for (;;) {
      retired += this.evaluator.run(quantum)
      if (this.leave === Leave.fault) throw new Error(`the guest must not fault, got ${this.fault}`)
      if (this.leave !== Leave.system) continue
      retired++
      const text = this.syscall()
      if (text === undefined) return retired
      mark(text, retired)
    }
  }
}
