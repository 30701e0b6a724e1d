// The machine as Ring0 stands on it: what needs more than the memory, the fast TLB and the registers that both see.

import type { Cpu } from './cpu/cpu.ts'
import type { Access, State } from './cpu/state.ts'
import { loadTaskRegister, readMsr, type Surroundings, writeControl, writeMsr } from './cpu/system.ts'
import { type Fault, recordedFault } from './cpu/trap.ts'
import type { u64 } from './x86-64.ts'

/** Why a kernel stops its machine. */
export type Halt =
  | { readonly reason: 'panic'; readonly message: string }
  | { readonly reason: 'exit'; readonly code: number }
  | { readonly reason: 'hang'; readonly message: string }
/** Where a CPU begins. */
export interface CpuStart {
  readonly rip: u64
  readonly rsp: u64
  readonly cr3: u64
  readonly cr0: u64
  readonly cr4: u64
  readonly efer: u64
}

/**
 * What a gate call may ask of the machine. What faults is raised at the gate's rip, and done again once the handler has returned
 * there.
 *
 * Each operation throws Unwind if the machine stops in it.
 */
export interface Hardware {
  readonly state: State
  readonly time: number
  /** The number of the CPU whose turn it is, and how many there are. */
  readonly cpu: number
  readonly cpus: number
  readonly stopped: boolean
  addTime(instructions: number): void
  /**
   * Translate an access of CPL 0 that the fast TLB does not know.
   *
   * @returns index into state.u8; after a store below RAM, call `scatter`
   */
  translate(lo: number, hi: number, bytes: number, access: Access): number
  scatter(host: number): void
  in(port: number, width: number): number
  out(port: number, width: number, value: number): void
  writeControl(register: 0 | 3 | 4, value: u64): void
  invlpg(address: u64): void
  readMsr(number: number): u64
  writeMsr(number: number, value: u64): void
  loadTaskRegister(selector: number): void
  startCpu(cpu: number, at: CpuStart): void
  /** Let the other CPUs run until `done`. */
  wait(what: string, done: () => boolean): void
  halt(stop: Halt): never
}

/** What a gate needs of the machine around its CPU. */
export interface GateKeeper extends Surroundings {
  /** Raise a fault at the gate's rip and run its handler until it returns there. @throws Unwind if it never does */
  faultInGate(fault: Fault): void
  /** Stop the machine and leave the kernel's code. @throws Unwind */
  halt(stop: Halt): never
  readonly stoppedInGate: boolean
  startCpu(cpu: number, at: CpuStart): void
  /** As Hardware's. */
  wait(what: string, done: () => boolean): void
  addTime(instructions: number): void
}

/** The machine in the same realm. */
export class LocalHardware implements Hardware {
  readonly state: State
  private readonly on: Cpu
  private readonly keeper: GateKeeper

  constructor(cpu: Cpu, keeper: GateKeeper) {
    this.on = cpu
    this.state = cpu.state
    this.keeper = keeper
  }
  get time(): number {
    return this.keeper.time
  }
  get cpu(): number {
    return this.keeper.cpu
  }
  get cpus(): number {
    return this.keeper.cpus
  }
  get stopped(): boolean {
    return this.keeper.stoppedInGate
  }
  addTime(instructions: number): void {
    this.keeper.addTime(instructions)
  }
  translate(lo: number, hi: number, bytes: number, access: Access): number {
    for (;;) {
      const host = this.on.mmu.translate(lo, hi, bytes, access, 0)
      if (host !== 0) return host
      this.keeper.faultInGate(recordedFault(this.on, 'an access of the kernel'))
    }
  }
  scatter(host: number): void {
    this.on.mmu.scatter(host)
  }
  in(port: number, width: number): number {
    return this.keeper.in(port, width)
  }
  out(port: number, width: number, value: number): void {
    this.keeper.out(port, width, value)
  }
  writeControl(register: 0 | 3 | 4, value: u64): void {
    this.untilDone(() => writeControl(this.on, this.keeper, register, value))
  }
  invlpg(address: u64): void {
    this.on.mmu.invlpg(Number(address & 0xffff_ffffn) | 0, Number(address >> 32n) | 0)
    this.keeper.invalidated(address)
  }
  readMsr(number: number): u64 {
    let value: u64 | undefined
    this.untilDone(() => {
      value = readMsr(this.on, this.keeper, number)
      return value === undefined ? noMsr(number) : undefined
    })
    return value ?? 0n
  }
  writeMsr(number: number, value: u64): void {
    this.untilDone(() => (writeMsr(this.on, this.keeper, number, value) ? undefined : noMsr(number)))
  }
  loadTaskRegister(selector: number): void {
    this.untilDone(() => loadTaskRegister(this.on, selector))
  }
  startCpu(cpu: number, at: CpuStart): void {
    this.keeper.startCpu(cpu, at)
  }
  wait(what: string, done: () => boolean): void {
    this.keeper.wait(what, done)
  }
  halt(stop: Halt): never {
    return this.keeper.halt(stop)
  }
  private untilDone(operation: () => Fault | undefined): void {
    for (let fault = operation(); fault; fault = operation()) this.keeper.faultInGate(fault)
  }
}

const noMsr = (number: number): Fault => ({
  vector: 13,
  error: 0,
  address: 0n,
  during: `an access to MSR 0x${number.toString(16)}`,
})
