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
  gate(number: number, handler: () => void): void
  setCosts(costs: Costs): void
  read8(va: Address): number
  readInt8(va: Address): number
  read16(va: Address): number
  read32(va: Address): number
  readInt32(va: Address): number
  read64(va: Address): u64
  write8(va: Address, value: number): void
  write16(va: Address, value: number): void
  write32(va: Address, value: number): void
  write64(va: Address, value: u64): void
  readBytes(va: Address, length: number): Uint8Array
  readInto(va: Address, target: Uint8Array): void
  writeBytes(va: Address, bytes: Uint8Array): void
  fill(va: Address, value: number, length: number): void
  copy(to: Address, from: Address, length: number): void
  in8(port: number): number
  in16(port: number): number
  in32(port: number): number
  out8(port: number, value: number): void
  out16(port: number, value: number): void
  out32(port: number, value: number): void
  reg(n: number): u64
  setReg(n: number, value: u64): void
  readonly cr0: u64
  readonly cr2: u64
  readonly cr3: u64
  readonly cr4: u64
  setCr0(value: u64): void
  setCr3(value: u64): void
  setCr4(value: u64): void
  invlpg(va: Address): void
  rdmsr(number: number): u64
  wrmsr(number: number, value: u64): void
  lgdt(base: Address, limit: number): void
  lidt(base: Address, limit: number): void
  ltr(selector: number): void
  /** Index of the CPU that runs this; its APIC ID is the same number. */
  readonly cpu: number
  readonly cpus: number
  cpuid(leaf: number, subleaf?: number): { eax: number; ebx: number; ecx: number; edx: number }
  startCpu(cpu: number, at: { rip: Address; rsp: Address; cr3: u64 }): void
  /** RFLAGS.IF of this CPU. */
  readonly interrupts: boolean
  setInterrupts(on: boolean): void
  wait(what: string, done: () => boolean): void
  resume(rip: Address, rsp: Address): void
  stop(message: string): never
  setStopLoop(rip: Address, rsp: Address): void
  powerOff(): never
  charge(instructions: number): void
  readonly time: number
}
