// What an exception leaves on the stack, and the control registers. Handout: idt.h, cpu.h.

import type { u64 } from '@pagewalk/machine/x86-64'
import { ring0 } from './ring0.ts'

export const DF_EXCP = 8
export const GP_EXCP = 13
export const PF_EXCP = 14

/** `excp_entry_t`: what the CPU has pushed for an exception. Six quadwords in guest memory; setting one changes where it returns to. */
export class ExcpEntry {
  readonly address: u64
  readonly #at: number

  constructor(at: number | u64) {
    this.#at = Number(at)
    this.address = BigInt(at)
  }
  get errorCode(): u64 {
    return ring0.read64(this.#at)
  }
  get rip(): u64 {
    return ring0.read64(this.#at + 8)
  }
  set rip(value: u64) {
    ring0.write64(this.#at + 8, value)
  }
  get cs(): u64 {
    return ring0.read64(this.#at + 16)
  }
  get rflags(): u64 {
    return ring0.read64(this.#at + 24)
  }
  get rsp(): u64 {
    return ring0.read64(this.#at + 32)
  }
  get ss(): u64 {
    return ring0.read64(this.#at + 40)
  }
}

/** `read_cr0()` */
export const readCr0 = (): u64 => ring0.cr0
/** `write_cr0(value)` */
export const writeCr0 = (value: u64): void => ring0.setCr0(value)
/** `read_cr2()`: the address of the last page fault. */
export const readCr2 = (): u64 => ring0.cr2
/** `read_cr3()` */
export const readCr3 = (): u64 => ring0.cr3
/** `write_cr3(value)`: other page tables, and all translations in the TLB are dropped. */
export const writeCr3 = (value: u64): void => ring0.setCr3(value)
/** `read_cr4()` */
export const readCr4 = (): u64 => ring0.cr4
/** `write_cr4(value)` */
export const writeCr4 = (value: u64): void => ring0.setCr4(value)
/** `invlpg(addr)`: drop this CPU's translation of the page at `va`. */
export const invlpg = (va: u64): void => ring0.invlpg(va)
/** `tlb_flush()`: drop all of this CPU's translations. */
export const tlbFlush = (): void => ring0.setCr3(ring0.cr3)
