// The kernel's data structures, as C lays them out in memory, seen through typed views: reading a field is a load
// through the MMU, setting it a store. Handout: struct x86_64_registers, proc, physical_pageinfo, x86_64_pagetable.

import type { u64 } from '@pagewalk/machine/x86-64'
import {
  CURRENT_ADDR,
  KERNEL_PAGETABLES_ADDR,
  NPAGES,
  NPROC,
  PAGEINFO_ADDR,
  PROC_BYTES,
  PROCESSES_ADDR,
  TICKS_ADDR,
} from './layout.ts'
import { ring0 } from './ring0.ts'

const REGISTER_NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
  'fs',
  'gs',
  'intno',
  'err',
  'rip',
  'cs',
  'rflags',
  'rsp',
  'ss',
] as const
const REGISTERS_BYTES = REGISTER_NAMES.length * 8

/**
 * `struct x86_64_registers`: a process's registers, as a trap saves them. 24 quadwords.
 *
 * `intno` is the interrupt's number, `err` the hardware's error code.
 */
export type X8664Registers = { readonly address: number } & Record<(typeof REGISTER_NAMES)[number], u64>

const REGISTERS_PROTOTYPE = Object.defineProperties(
  {},
  Object.fromEntries(
    REGISTER_NAMES.map((name, i) => [
      name,
      {
        get(this: X8664Registers) {
          return ring0.read64(this.address + i * 8)
        },
        set(this: X8664Registers, value: u64) {
          ring0.write64(this.address + i * 8, value)
        },
      },
    ]),
  ),
)
/** The registers saved at `address`. */
export const registersAt = (address: number): X8664Registers =>
  Object.create(REGISTERS_PROTOTYPE, { address: { value: address } }) as X8664Registers

/**
 * `x86_64_pagetable`: 512 entries of 8 bytes, one page.
 *
 * `entry[i]` is an entry of this table; its address part is a physical address, and the tables of the next level are
 * reached through it because physical memory is mapped at its own addresses.
 */
export interface X8664Pagetable {
  readonly address: u64
  readonly entry: { [index: number]: u64 }
}
const ENTRIES_PROTOTYPE = Object.defineProperties(
  {},
  Object.fromEntries(
    Array.from({ length: 512 }, (_, i) => [
      i,
      {
        get(this: { table: number }) {
          return ring0.read64(this.table + i * 8)
        },
        set(this: { table: number }, value: u64) {
          ring0.write64(this.table + i * 8, value)
        },
      },
    ]),
  ),
)
const pagetables = new Map<number | u64, X8664Pagetable>()
/**
 * The page table at `address`; the same object each time. C casts: `(x86_64_pagetable*) address`.
 *
 * @param address  a multiple of 4096, if it is to be used as a table
 */
export function pagetableAt(address: u64): X8664Pagetable {
  const number = Number(address)
  const key = Number.isSafeInteger(number) ? number : address
  const known = pagetables.get(key)
  if (known) return known
  const entry = Object.create(ENTRIES_PROTOTYPE, {
    table: { value: number },
  }) as X8664Pagetable['entry']
  const table = Object.freeze({ address, entry: Object.preventExtensions(entry) })
  pagetables.set(key, table)
  return table
}

/** `struct proc`: a process descriptor, 216 bytes. */
export class Proc {
  readonly #at: () => number
  readonly #registers: X8664Registers

  constructor(at: () => number) {
    this.#at = at
    this.#registers = Object.create(REGISTERS_PROTOTYPE, {
      address: { get: () => at() + 8 },
    }) as X8664Registers
  }
  get address(): number {
    return this.#at()
  }
  get pid(): number {
    return ring0.readInt32(this.#at())
  }
  set pid(value: number) {
    ring0.write32(this.#at(), value)
  }
  /** The process's registers while it does not run. Assigning copies all of them. */
  get registers(): X8664Registers {
    return this.#registers
  }
  set registers(from: X8664Registers) {
    ring0.copy(this.#at() + 8, from.address, REGISTERS_BYTES)
  }
  /** P_FREE, P_RUNNABLE, P_BLOCKED or P_BROKEN. */
  get state(): number {
    return ring0.readInt32(this.#at() + 200)
  }
  set state(value: number) {
    ring0.write32(this.#at() + 200, value)
  }
  /** The process's page table. */
  get pagetable(): X8664Pagetable {
    return pagetableAt(ring0.read64(this.#at() + 208))
  }
  set pagetable(value: X8664Pagetable) {
    ring0.write64(this.#at() + 208, value.address)
  }
}

/** `struct physical_pageinfo`: who has a physical page, and how many mappings share it. Two bytes. */
export class PhysicalPageinfo {
  readonly #at: number
  constructor(at: number) {
    this.#at = at
  }
  /** A process ID, or PO_FREE, PO_RESERVED, PO_KERNEL. */
  get owner(): number {
    return ring0.readInt8(this.#at)
  }
  set owner(value: number) {
    ring0.write8(this.#at, value)
  }
  /** 0 if the page is free. */
  get refcount(): number {
    return ring0.readInt8(this.#at + 1)
  }
  set refcount(value: number) {
    ring0.write8(this.#at + 1, value)
  }
}

/** `processes[NPROC]`: all process descriptors. Slot 0 is never used. */
export const processes: readonly Proc[] = Array.from(
  { length: NPROC },
  (_, pid) => new Proc(() => PROCESSES_ADDR + pid * PROC_BYTES),
)
/** `pageinfo[NPAGES]`: one for each physical page, by page number. */
export const pageinfo: readonly PhysicalPageinfo[] = Array.from(
  { length: NPAGES },
  (_, pn) => new PhysicalPageinfo(PAGEINFO_ADDR + pn * 2),
)
/** `current`: the process that runs, or ran last. It follows the kernel's pointer, which run() sets. */
export const current: Proc = new Proc(() => Number(ring0.read64(CURRENT_ADDR)))
/** `current = p` */
export function setCurrent(p: Proc): void {
  ring0.write64(CURRENT_ADDR, BigInt(p.address))
}

/** `kernel_pagetable`: the kernel's own page table. */
export const kernelPagetable: X8664Pagetable = pagetableAt(BigInt(KERNEL_PAGETABLES_ADDR))
export const kernelPagetables: readonly X8664Pagetable[] = [0n, 1n, 2n, 3n, 4n].map((i) =>
  pagetableAt(BigInt(KERNEL_PAGETABLES_ADDR) + i * 4096n),
)

/** An int of the kernel: `ticks.value += 1`. */
export class KernelInt {
  readonly #at: number
  constructor(at: number) {
    this.#at = at
  }
  get value(): number {
    return ring0.readInt32(this.#at)
  }
  set value(value: number) {
    ring0.write32(this.#at, value)
  }
}
/** `ticks`: timer interrupts so far. */
export const ticks: KernelInt = new KernelInt(TICKS_ADDR)
