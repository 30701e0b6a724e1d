// The machine: wires memory, CPU, MMU and devices, and runs them.
//
// Time is the count of retired instructions, plus what a hosted kernel is charged (host.ts). Nothing here reads a clock.

import { Cpu } from './cpu/cpu.ts'
import { Access, Leave, RAM, Slot, STATE_SLOTS, State } from './cpu/state.ts'
import { perform } from './cpu/system.ts'
import { deliver, type Fault, raise, recordedFault } from './cpu/trap.ts'
import { PortBus } from './devices/bus.ts'
import { DebugExit } from './devices/debug-exit.ts'
import type { Saved } from './devices/device.ts'
import { Keyboard } from './devices/keyboard.ts'
import { Parallel } from './devices/parallel.ts'
import { Pic } from './devices/pic.ts'
import { Serial } from './devices/serial.ts'
import { Timer } from './devices/timer.ts'
import { Vga } from './devices/vga.ts'
import { type EventKind, EventLog } from './events.ts'
import { type GateKeeper, Ring0, Unwind } from './host.ts'
import { PhysicalMemory } from './memory.ts'
import {
  type ExplainOptions,
  type Explanation,
  explain,
  MAPPINGS_LIMIT,
  type Mapping,
  mappings,
} from './mmu/explain.ts'
import { Mmu } from './mmu/mmu.ts'
import { tlbBytes } from './mmu/tlb.ts'
import { hashState, type MachineImage, parseImage } from './snapshot.ts'
import {
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_PE,
  CR0_PG,
  CR0_WP,
  CR4_PAE,
  CR4_PSE,
  EFER_LMA,
  EFER_LME,
  EFER_NXE,
  EFER_SCE,
  FLAG_IF,
  type u64,
} from './x86-64.ts'

export interface MachineOptions {
  /** Guest RAM; a multiple of 64 KiB. */
  readonly memoryBytes: number
  /** What a second of virtual time is, for the timer. */
  readonly instructionsPerSecond: number
  /** Kinds of events to log; default: none. */
  readonly log?: readonly EventKind[]
  /** The most events to keep; default: 1,000,000. */
  readonly eventLimit?: number
}

/** Why `run` came back. */
export type Stop =
  /** The instructions asked for have been run. */
  | { reason: 'limit' }
  /** Only with `until: 'trap'`: a trap was handled and ring 3 is about to go on. */
  | { reason: 'kernel' }
  /** The hosted kernel called `stop`. The state remains; running on goes to the stop loop, if the kernel has one. */
  | { reason: 'panic'; message: string }
  /** A triple fault: which fault could not be delivered, and why. For good: only `restore` or `start` go on. */
  | { reason: 'reset'; story: string }
  /** Debug exit port or power off. For good. */
  | { reason: 'exit'; code: number }
  /** HLT, and nothing that could end it. */
  | { reason: 'halt' }
  /** One gate call used up what it may be charged: a kernel loop that touches the machine. For good. */
  | { reason: 'hang'; message: string }
  /** The hosted kernel threw a JavaScript exception. For good. */
  | { reason: 'error'; message: string; stack: string }

export interface StartState {
  readonly rip: u64
  readonly rsp: u64
  /** Physical address of the PML4. */
  readonly cr3: u64
  readonly cr0?: u64
  readonly cr4?: u64
  readonly efer?: u64
  readonly cs?: number
  readonly ss?: number
  readonly rflags?: u64
  readonly rdi?: u64
}

const REGISTERS = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
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
] as const
const SELECTORS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'] as const
export type Registers = Readonly<
  Record<(typeof REGISTERS)[number] | 'rip' | 'rflags' | 'cr0' | 'cr2' | 'cr3' | 'cr4' | 'efer', u64> &
    Record<(typeof SELECTORS)[number] | 'cpl', number>
>
export interface TlbEntry {
  readonly va: u64
  readonly pa: u64
  readonly size: number
  readonly writable: boolean
  readonly user: boolean
  readonly executable: boolean
  readonly global: boolean
  readonly dirty: boolean
}
export interface Devices {
  readonly pic: Pic
  readonly timer: Timer
  readonly keyboard: Keyboard
  readonly vga: Vga
  readonly serial: Serial
  readonly parallel: Parallel
  readonly debugExit: DebugExit
}

const FOR_GOOD: ReadonlySet<Stop['reason']> = new Set<Stop['reason']>(['reset', 'exit', 'hang', 'error'])
const START_CR0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_PG

export class Machine {
  readonly options: MachineOptions
  readonly memory: PhysicalMemory
  readonly ring0: Ring0
  readonly devices: Devices
  readonly events: EventLog
  private readonly state: State
  private readonly cpu: Cpu
  private readonly mmu: Mmu
  private readonly ports: PortBus
  private readonly keeper: GateKeeper
  private now = 0
  private executed = 0
  private stopped: Stop | undefined
  private ring3Entries = 0
  /**
   * Where the hosted kernel's TypeScript was when the machine stopped under it: a JavaScript stack, for people; else ''.
   * No part of the machine's state.
   */
  kernelStack = ''

  constructor(options: MachineOptions) {
    this.options = options
    this.state = new State(options.memoryBytes, tlbBytes(options.memoryBytes))
    this.mmu = new Mmu(this.state)
    this.cpu = new Cpu(this.state, this.mmu)
    this.memory = new PhysicalMemory(this.state, (page) => this.mmu.wrote(RAM + page * 4096))
    this.events = new EventLog(options.log ?? [], options.eventLimit ?? 1_000_000)
    this.keeper = this.makeKeeper()
    this.ring0 = new Ring0(this.cpu, this.keeper)
    this.devices = this.makeDevices(options.instructionsPerSecond)
    this.ports = new PortBus(Object.values(this.devices))
    this.start({ rip: 0n, rsp: 0n, cr3: 0n })
  }
  private makeDevices(instructionsPerSecond: number): Devices {
    const pic = new Pic()
    const exit = (code: number): void => this.stop({ reason: 'exit', code })
    return {
      pic,
      timer: new Timer(pic.line(0), instructionsPerSecond, () => this.now),
      keyboard: new Keyboard(pic.line(1), () =>
        this.stop({ reason: 'reset', story: 'the keyboard controller pulsed the reset line' }),
      ),
      vga: new Vga(),
      serial: new Serial(),
      parallel: new Parallel(),
      debugExit: new DebugExit(exit),
    }
  }

  /** Instructions retired, and charged to a hosted kernel. */
  get time(): number {
    return this.now
  }
  /** Instructions retired by the CPU alone. */
  get retired(): number {
    return this.executed
  }

  /** Put the CPU into 64-bit ring 0 with these values, interrupts off, both TLBs empty. RAM, devices and time stay. */
  start(at: StartState): void {
    const { u64 } = this.state
    u64.fill(0n, 0, Slot.time)
    u64.fill(0n, Slot.shadow, STATE_SLOTS)
    u64[4] = at.rsp
    u64[7] = at.rdi ?? 0n
    u64[Slot.rip] = at.rip
    u64[Slot.cr0] = at.cr0 ?? START_CR0
    u64[Slot.cr3] = at.cr3
    u64[Slot.cr4] = at.cr4 ?? CR4_PAE | CR4_PSE
    u64[Slot.efer] = (at.efer ?? EFER_LME | EFER_SCE | EFER_NXE) | EFER_LMA
    u64[Slot.cs] = BigInt(at.cs ?? 8)
    u64[Slot.ss] = BigInt(at.ss ?? 0)
    this.cpu.rflags = at.rflags ?? 0n
    this.mmu.flushAll()
    this.stopped = undefined
    this.kernelStack = ''
  }

  /**
   * Run for `instructions` more of time, or until something stops the machine. A kernel call is not cut in two, so
   * the time may end a little later.
   * @param until  'trap': also stop when a trap has been handled and ring 3 goes on
   */
  run(instructions: number, until?: 'trap'): Stop {
    const end = this.now + instructions
    const entries = this.ring3Entries
    if (this.stopped) {
      if (FOR_GOOD.has(this.stopped.reason) || !this.leaveStop()) return this.stopped
    }
    while (!this.stopped) {
      if (until === 'trap' && this.ring3Entries !== entries) return { reason: 'kernel' }
      if (this.now >= end) return { reason: 'limit' }
      this.step(end)
    }
    this.events.add({ kind: 'stop', time: this.now, reason: (this.stopped as Stop).reason })
    return this.stopped
  }
  /** After a panic or a halt: go on at the kernel's stop loop. @returns false if it has none */
  private leaveStop(): boolean {
    const loop = this.ring0.stopLoop
    if (this.stopped?.reason === 'halt') {
      this.stopped = undefined
      return true
    }
    if (!loop) return false
    this.state.u64[Slot.rip] = loop.rip
    this.state.u64[4] = loop.rsp
    this.stopped = undefined
    this.kernelStack = ''
    return true
  }

  /** Devices, then one interrupt or one stretch of instructions. */
  private step(end: number): void {
    const { u64, i32 } = this.state
    this.advanceDevices()
    if (u64[Slot.halted] !== 0n) return this.sleep(end)
    const shadow = i32[Slot.shadow * 2] !== 0
    if (!shadow && this.devices.pic.pending() && this.interruptsOn()) return this.interrupt()
    const next = Math.min(end, this.devices.timer.nextEvent)
    this.execute(shadow ? 1 : Math.max(1, next - this.now))
  }
  private execute(budget: number): void {
    const { i32 } = this.state
    const n = this.cpu.evaluator.run(budget)
    this.now += n
    this.executed += n
    if (n > 0) i32[Slot.shadow * 2] = 0
    const leave = i32[Slot.leave * 2]
    if (leave === Leave.fault) this.raise(recordedFault(this.cpu, 'an instruction'))
    else if (leave === Leave.system) this.system()
  }
  private system(): void {
    this.state.i32[Slot.shadow * 2] = 0
    const fault = perform(this.cpu, this.keeper)
    if (fault && !this.stopped) return this.raise(fault)
    this.now++
    this.executed++
  }
  private interruptsOn(): boolean {
    return (this.state.u64[Slot.rflags]! & FLAG_IF) !== 0n
  }
  private interrupt(): void {
    const vector = this.devices.pic.acknowledge()
    const { rip, cpl } = this.state
    const cr3 = this.state.u64[Slot.cr3]!
    const fault = deliver(this.cpu, vector, 'external', rip)
    if (fault) return this.raise(fault)
    this.events.add({ kind: 'irq', time: this.now, vector, rip, cr3, cpl })
  }
  /** HLT: time passes until a device wakes the CPU. */
  private sleep(end: number): void {
    if (this.devices.pic.pending() && this.interruptsOn()) return this.interrupt()
    const next = this.devices.timer.nextEvent
    if (!this.interruptsOn() || next === Number.POSITIVE_INFINITY) return this.stop({ reason: 'halt' })
    this.now = Math.max(this.now, Math.min(end, next))
  }
  private raise(fault: Fault): void {
    if (this.events.wants('fault')) this.logFault(fault)
    const story = raise(this.cpu, fault)
    if (story === undefined) return
    this.events.add({ kind: 'reset', time: this.now, story })
    this.stop({ reason: 'reset', story })
  }
  private logFault({ vector, error, address }: Fault): void {
    const { rip, cpl } = this.state
    this.events.add({
      kind: 'fault',
      time: this.now,
      vector,
      error,
      address,
      rip,
      cr3: this.state.u64[Slot.cr3]!,
      cpl,
    })
  }
  private stop(stop: Stop): void {
    this.stopped ??= stop
  }
  private advanceDevices(): void {
    const { timer } = this.devices
    if (this.now >= timer.nextEvent) timer.advance(this.now)
  }

  private makeKeeper(): GateKeeper {
    const machine = this
    return {
      get time() {
        return machine.now
      },
      get stoppedInGate() {
        return machine.stopped !== undefined
      },
      addTime(instructions) {
        machine.now += instructions
      },
      in(port, width) {
        machine.advanceDevices()
        return machine.ports.read(port, width)
      },
      out(port, width, value) {
        machine.advanceDevices()
        machine.ports.write(port, width, value)
      },
      gate: (number) => machine.runGate(number),
      entered: (vector, returnTo) => machine.logEntry(vector, returnTo),
      left: () => machine.logRing3(),
      changed: (kind, value) => machine.events.add({ kind, time: machine.now, value }),
      invalidated: (address) => machine.events.add({ kind: 'invlpg', time: machine.now, address }),
      faultInGate: (fault) => machine.faultInGate(fault),
      halt(stop) {
        machine.stop(stop)
        return machine.unwind()
      },
    }
  }
  /** @returns false if no gate has this number */
  private runGate(number: number): boolean {
    try {
      if (!this.ring0.enter(number)) return false
    } catch (thrown) {
      if (!(thrown instanceof Unwind)) this.stop(errorStop(thrown))
      else this.stop({ reason: 'error', message: 'the kernel threw the machine’s own signal', stack: '' })
      return true
    }
    const resume = this.ring0.takeResume()
    if (resume) {
      this.state.u64[Slot.rip] = resume.rip
      this.state.u64[4] = resume.rsp
    }
    return true
  }
  /** Deliver a fault at the gate, then run until its handler's IRET comes back to the gate with the same stack. */
  private faultInGate(fault: Fault): void {
    const { u64 } = this.state
    const rip = u64[Slot.rip]
    const rsp = u64[4]
    this.raise(fault)
    while (!this.stopped && (u64[Slot.rip] !== rip || u64[4] !== rsp)) this.step(Number.MAX_SAFE_INTEGER)
    if (this.stopped) this.unwind()
  }
  private unwind(): never {
    const signal = new Unwind()
    this.kernelStack ||= signal.stack ?? ''
    throw signal
  }
  private logEntry(vector: number, rip: u64): void {
    if (!this.events.wants('syscall')) return
    const { u64 } = this.state
    const [rax, rsi, rdi, cr3] = [u64[0]!, u64[6]!, u64[7]!, u64[Slot.cr3]!]
    this.events.add({ kind: 'syscall', time: this.now, vector, cr3, rip, rax, rdi, rsi })
  }
  private logRing3(): void {
    this.ring3Entries++
    if (!this.events.wants('ring3')) return
    const { u64, rip } = this.state
    this.events.add({ kind: 'ring3', time: this.now, cr3: u64[Slot.cr3]!, rip, rsp: u64[4]!, rax: u64[0]! })
  }

  registers(): Registers {
    const { u64, cpl } = this.state
    const entries: [string, u64 | number][] = [
      ...REGISTERS.map((name, i): [string, u64] => [name, u64[i]!]),
      ...SELECTORS.map((name, i): [string, number] => [name, Number(u64[Slot.es + i])]),
      ...(['rip', 'cr0', 'cr2', 'cr3', 'cr4', 'efer'] as const).map((name): [string, u64] => [
        name,
        u64[Slot[name]]!,
      ]),
      ['rflags', this.cpu.rflags],
      ['cpl', cpl],
    ]
    return Object.fromEntries(entries) as Registers
  }
  /** Walk `va` as the MMU would, told; the TLB is not asked and nothing changes. */
  explain(va: u64, options: ExplainOptions = {}): Explanation {
    const root = options.cr3 ?? this.state.u64[Slot.cr3]!
    return explain(this.state, root, va, Access[options.access ?? 'read'], options.user ?? false)
  }
  /** Every present leaf of the tables at `cr3`, lowest address first, at most `limit`. */
  mappings(cr3: u64, limit: number = MAPPINGS_LIMIT): Mapping[] {
    return mappings(this.memory, cr3, (this.state.u64[Slot.efer]! & EFER_NXE) !== 0n, limit)
  }
  /** Every translation that the CPU may still use, lowest address first. */
  tlb(): TlbEntry[] {
    return [...this.mmu.tlb.entries()].map(({ va, frame, sizeBits, ...rights }) => ({
      va,
      pa: BigInt(frame),
      size: 2 ** sizeBits,
      writable: rights.writable,
      user: rights.user,
      executable: rights.executable,
      global: rights.global,
      dirty: rights.dirty,
    }))
  }

  /** All of the machine's state, copied. What a hosted kernel keeps in JavaScript variables is not part of it. */
  image(): MachineImage {
    this.cpu.rflags = this.cpu.rflags // the flags record, in its one canonical form
    this.state.u64[Slot.time] = BigInt(this.now)
    const devices = Object.entries(this.devices).map(([name, device]) => [name, device.save()] as const)
    return {
      version: 1,
      memoryBytes: this.options.memoryBytes,
      instructionsPerSecond: this.options.instructionsPerSecond,
      cpu: this.state.u64.slice(0, STATE_SLOTS),
      ram: this.memory.bytes.slice(),
      tlb: this.mmu.tlb.raw(),
      devices: Object.fromEntries(devices),
      time: this.now,
      retired: this.executed,
      stop: this.stopped ?? null,
    }
  }
  /** @throws Error if the image is of another machine or not whole */
  restore(image: MachineImage): void {
    parseImage(image)
    if (image.memoryBytes !== this.options.memoryBytes)
      throw new Error(`restore: memoryBytes must be ${this.options.memoryBytes}, got ${image.memoryBytes}`)
    this.mmu.flushAll()
    this.cpu.evaluator.flush()
    this.memory.bytes.set(image.ram)
    this.state.u64.set(image.cpu)
    this.mmu.tlb.load(image.tlb)
    for (const [name, device] of Object.entries(this.devices)) device.restore(image.devices[name] as Saved)
    this.now = image.time
    this.executed = image.retired
    this.stopped = image.stop ?? undefined
  }
  /** A machine that holds `image`; without gates, so it can be looked at and run until its kernel is called. */
  static fromImage(image: MachineImage, log: readonly EventKind[] = []): Machine {
    const { memoryBytes, instructionsPerSecond } = parseImage(image)
    const machine = new Machine({ memoryBytes, instructionsPerSecond, log })
    machine.restore(image)
    return machine
  }
  /** SHA-256 over all state: equal hashes, equal machines. */
  stateHash(): string {
    return hashState(this.image())
  }
}

/** What a throw of the hosted kernel is told as. It may come from another realm and be anything at all. */
function errorStop(thrown: unknown): Stop {
  try {
    const { name, message, stack } = Object(thrown) as Partial<Record<'name' | 'message' | 'stack', unknown>>
    if (typeof message === 'string') {
      const what = typeof name === 'string' ? `${name}: ${message}` : message
      return { reason: 'error', message: what, stack: typeof stack === 'string' ? stack : '' }
    }
    return {
      reason: 'error',
      message: `threw ${typeof thrown === 'object' ? 'an object' : String(thrown)}`,
      stack: '',
    }
  } catch {
    return { reason: 'error', message: 'threw something that cannot be read', stack: '' }
  }
}
