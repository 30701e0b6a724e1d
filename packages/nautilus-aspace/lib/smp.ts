// CPUs: what the kernel keeps about each of them, and calls from one to another. Handout: smp.h, smp.c, percpu.h.

import type { u64 } from '@pagewalk/machine/x86-64'
import type { NkAspace } from './aspace.ts'
import { CPU_BYTES, CPUS_ADDR, VECTOR_KICK, VECTOR_XCALL } from './layout.ts'
import { ring0 } from './ring0.ts'
import type { NkThread } from './thread.ts'

export type Status = 0 | -1

// struct cpu: offsets of its fields.
const CUR_THREAD = 0
const INTERRUPT_NESTING_LEVEL = 8
const PREEMPT_DISABLE_LEVEL = 10
const INTERRUPT_COUNT = 16
const EXCEPTION_COUNT = 24
const CUR_ASPACE = 32
const ID = 40
const LAPIC_ID = 48
const ENABLED = 56
const IS_BSP = 64

interface Xcall {
  readonly fn: (arg: unknown) => void
  readonly arg: unknown
  done: boolean
}

/** `struct cpu`: a CPU. Its GS base is the structure's address. */
export class NkCpu {
  readonly id: number
  readonly address: u64
  /** What another CPU has asked this one to call; at most one. */
  xcall: Xcall | null = null
  readonly #at: number
  #curThread: NkThread | null = null
  #curAspace: NkAspace | null = null

  constructor(id: number) {
    this.id = id
    this.#at = CPUS_ADDR + id * CPU_BYTES
    this.address = BigInt(this.#at)
  }
  /** Begin: all fields are zero but what this CPU is. */
  init(): void {
    ring0.fill(this.#at, 0, CPU_BYTES)
    ring0.write64(this.#at + ID, BigInt(this.id))
    ring0.write64(this.#at + LAPIC_ID, BigInt(this.id))
    ring0.write64(this.#at + IS_BSP, this.id === 0 ? 1n : 0n)
  }
  /** `cur_thread`: the thread that runs here. */
  get curThread(): NkThread {
    return this.#curThread!
  }
  set curThread(thread: NkThread) {
    this.#curThread = thread
    ring0.write64(this.#at + CUR_THREAD, thread.address)
  }
  /** Is there a thread yet? Not in the first steps of the boot. */
  get hasThread(): boolean {
    return this.#curThread !== null
  }
  /** `cur_aspace`: the address space in force; null: the default one. */
  get curAspace(): NkAspace | null {
    return this.#curAspace
  }
  set curAspace(aspace: NkAspace | null) {
    this.#curAspace = aspace
    ring0.write64(this.#at + CUR_ASPACE, aspace === null ? 0n : BigInt(aspace.address))
  }
  /** `interrupt_nesting_level`: how many interrupts and exceptions are being handled. */
  get interruptNestingLevel(): number {
    return ring0.read16(this.#at + INTERRUPT_NESTING_LEVEL)
  }
  set interruptNestingLevel(level: number) {
    ring0.write16(this.#at + INTERRUPT_NESTING_LEVEL, level)
  }
  /** `preempt_disable_level`: above 0, no other thread gets this CPU unless the current one gives it up. */
  get preemptDisableLevel(): number {
    return ring0.read16(this.#at + PREEMPT_DISABLE_LEVEL)
  }
  set preemptDisableLevel(level: number) {
    ring0.write16(this.#at + PREEMPT_DISABLE_LEVEL, level)
  }
  /** `interrupt_count` */
  get interruptCount(): number {
    return ring0.read32(this.#at + INTERRUPT_COUNT)
  }
  /** `exception_count` */
  get exceptionCount(): number {
    return ring0.read32(this.#at + EXCEPTION_COUNT)
  }
  countInterrupt(): void {
    ring0.write32(this.#at + INTERRUPT_COUNT, this.interruptCount + 1)
  }
  countException(): void {
    ring0.write32(this.#at + EXCEPTION_COUNT, this.exceptionCount + 1)
  }
  get enabled(): boolean {
    return ring0.read64(this.#at + ENABLED) !== 0n
  }
  set enabled(on: boolean) {
    ring0.write64(this.#at + ENABLED, on ? 1n : 0n)
  }
}

/** All CPUs, by number. */
export let cpus: readonly NkCpu[] = []
/** Set up what is kept about `count` CPUs. */
export function smpInit(count: number): void {
  cpus = Array.from({ length: count }, (_, id) => new NkCpu(id))
  for (const cpu of cpus) cpu.init()
}
/** `get_cpu()`: the CPU that this runs on. */
export const getCpu = (): NkCpu => cpus[ring0.cpu]!
/** `nk_get_num_cpus()` */
export const nkGetNumCpus = (): number => cpus.length
/** `my_cpu_id()` */
export const myCpuId = (): number => ring0.cpu

const ICR = 0x830
/** `apic_ipi(apic, cpu, vector)`: interrupt another CPU. */
export function apicIpi(cpu: number, vector: number): void {
  ring0.wrmsr(ICR, (BigInt(cpu) << 32n) | BigInt(vector))
}
/** Make another CPU look whom it should run. */
export const kickCpu = (cpu: number): void => apicIpi(cpu, VECTOR_KICK)

/**
 * `smp_xcall(cpu_id, fun, arg, wait)`
 *
 * Let CPU `cpu` call `fn(arg)`, in an interrupt, with interrupts off. On the own CPU it is called at once.
 *
 * While it waits, a CPU serves only the calls that others ask of it, and only if its interrupts are on: two that wait for each
 * other with interrupts off wait for ever.
 *
 * @param wait  come back when `fn` has ended there, not when it has been asked for
 * @returns     0, or -1 if there is no such CPU or another call is still waiting there
 */
export function smpXcall(cpu: number, fn: (arg: unknown) => void, arg: unknown, wait: boolean): Status {
  const target = cpus[cpu]
  if (!target?.enabled) return -1
  if (cpu === ring0.cpu) {
    fn(arg)
    return 0
  }
  if (target.xcall) return -1
  const call: Xcall = { fn, arg, done: false }
  target.xcall = call
  apicIpi(cpu, VECTOR_XCALL)
  if (wait) ring0.wait(`CPU ${cpu} to do a cross call`, () => call.done)
  return 0
}
/** The interrupt of a cross call has come. */
export function serveXcall(): void {
  const cpu = getCpu()
  const call = cpu.xcall
  if (!call) return
  cpu.xcall = null
  call.fn(call.arg)
  call.done = true
}
