// The machine as the lab's library sees it, for the editor. The machine itself is not in this folder.

import type { u64 } from '@pagewalk/machine/x86-64'

export interface MachineOptions {
  readonly memoryBytes: number
  readonly instructionsPerSecond: number
  readonly cpus?: number
}
export interface StartState {
  readonly rip: u64
  readonly rsp: u64
  readonly cr3: u64
  readonly cr0?: u64
  readonly cr4?: u64
  readonly efer?: u64
  readonly cs?: number
  readonly ss?: number
  readonly rflags?: u64
  readonly rdi?: u64
}

/** Guest memory by physical address: what the boot loader uses. A kernel goes through `Ring0` and its page tables. */
export interface PhysicalMemory {
  readonly bytes: Uint8Array
  read8(pa: number): number
  read16(pa: number): number
  read32(pa: number): number
  read64(pa: number): u64
  write8(pa: number, value: number): void
  write16(pa: number, value: number): void
  write32(pa: number, value: number): void
  write64(pa: number, value: u64): void
  writeBytes(pa: number, bytes: Uint8Array): void
}
export declare class Machine {
  readonly memory: PhysicalMemory
  readonly ring0: Ring0
  readonly options: MachineOptions
  readonly time: number
  start(at: StartState, cpu?: number): void
}

/** A linear address; as a number it must be an integer in [0, 2^53). */
export type Address = u64 | number
export interface Costs {
  readonly access: number
  readonly entry: number
  readonly limit: number
}

/** The machine as a kernel in ring 0 sees it. Each access goes through the page tables in force, and may fault. */
export declare class Ring0 {
  /** Bind the gate instruction `0F 3F number`: a CPU that comes to it at CPL 0 runs `handler`. */
  gate(number: number, handler: () => void): void
  /** What the work of gates costs, in instructions of virtual time. */
  setCosts(costs: Costs): void
  /** One byte. All accesses may be unaligned and may cross pages. */
  read8(va: Address): number
  /** Signed, as readInt32 is; read8, read16 and read32 are unsigned. */
  readInt8(va: Address): number
  read16(va: Address): number
  read32(va: Address): number
  readInt32(va: Address): number
  /** Eight bytes, little-endian: an entry of a page table, for one. */
  read64(va: Address): u64
  write8(va: Address, value: number): void
  write16(va: Address, value: number): void
  write32(va: Address, value: number): void
  write64(va: Address, value: u64): void
  /** As read64 in two halves, low half first. */
  readHalves(va: Address, words: Uint32Array): void
  /** As write64 of two halves. */
  writeHalves(va: Address, low: number, high: number): void
  /** A copy of `length` bytes. */
  readBytes(va: Address, length: number): Uint8Array
  /** As many bytes as `target` has. */
  readInto(va: Address, target: Uint8Array): void
  /** Page by page: a fault in the middle leaves the pages before it written. */
  writeBytes(va: Address, bytes: Uint8Array): void
  /** `length` bytes of `value`. */
  fill(va: Address, value: number, length: number): void
  /** As memmove: the two places may overlap. */
  copy(to: Address, from: Address, length: number): void
  in8(port: number): number
  in16(port: number): number
  in32(port: number): number
  out8(port: number, value: number): void
  out16(port: number, value: number): void
  out32(port: number, value: number): void
  /** A general register by its number in encodings: rax rcx rdx rbx rsp rbp rsi rdi r8 ... r15. */
  reg(n: number): u64
  setReg(n: number, value: u64): void
  readonly cr0: u64
  /** The address of the last page fault. */
  readonly cr2: u64
  /** Physical address of the root of the page tables in force. */
  readonly cr3: u64
  readonly cr4: u64
  setCr0(value: u64): void
  /** Load CR3. The TLB forgets all translations that are not global. */
  setCr3(value: u64): void
  setCr4(value: u64): void
  /** The TLB of this CPU forgets the page at `va`. */
  invlpg(va: Address): void
  /** A model-specific register. */
  rdmsr(number: number): u64
  wrmsr(number: number, value: u64): void
  /** Load GDTR; `limit` is the size in bytes less one. */
  lgdt(base: Address, limit: number): void
  /** Load IDTR; `limit` is the size in bytes less one. */
  lidt(base: Address, limit: number): void
  /** Load the task register. */
  ltr(selector: number): void
  /** Index of the CPU that runs this; its APIC ID is the same number. */
  readonly cpu: number
  readonly cpus: number
  /** What CPUID answers for a leaf: unsigned 32-bit numbers. */
  cpuid(leaf: number, subleaf?: number): { eax: number; ebx: number; ecx: number; edx: number }
  /** Start CPU `cpu` in 64-bit mode with this CPU’s CR0, CR4 and EFER, interrupts off. */
  startCpu(cpu: number, at: { rip: Address; rsp: Address; cr3: u64 }): void
  /** RFLAGS.IF of this CPU. */
  readonly interrupts: boolean
  /** STI or CLI. */
  setInterrupts(on: boolean): void
  /** Wait for what another CPU does. If it can never come true, the machine stops and tells who waits for `what`. */
  wait(what: string, done: () => boolean): void
  /** Where the CPU goes on when this call of a gate returns. */
  resume(rip: Address, rsp: Address): void
  /** The kernel gives up: the machine stops with its state as it is. */
  stop(message: string): never
  /** Where a stopped machine goes on if it is run again. */
  setStopLoop(rip: Address, rsp: Address): void
  /** Turn the machine off. */
  powerOff(): never
  /** Time passes for the kernel’s own work. */
  charge(instructions: number): void
  /** Instructions so far. The machine has no other time. */
  readonly time: number
}
