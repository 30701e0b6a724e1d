// The machine: wires memory, CPU, MMU and devices, and runs them.
//
// Time is the count of retired instructions, plus what a hosted kernel is charged (host.ts). Nothing here reads a clock.

import { Bank } from './cpu/bank.ts'
import { Cpu } from './cpu/cpu.ts'
import { Access, Leave, RAM, Slot, STATE_SLOTS, State } from './cpu/state.ts'
import { perform } from './cpu/system.ts'
import { deliver, type Fault, raise, recordedFault } from './cpu/trap.ts'
import { LocalApic } from './devices/apic.ts'
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
import { type GateKeeper, type Hardware, LocalHardware } from './hardware.ts'
import { type Gates, Ring0, Unwind } from './host.ts'
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
import { Stall } from './stall.ts'
import { cutStop, errorStop, FOR_GOOD, type Stop, stackOf } from './stop.ts'
import { Turns } from './turns.ts'
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
  /** The most events of each kind to keep; default: 1,000,000. */
  readonly eventLimit?: number
  /** How many CPUs, 1 to 8; default: 1. CPU 0 starts, the kernel starts the others. */
  readonly cpus?: number
  /** Several CPUs take turns of about so many instructions; default: 4000. */
  readonly quantum?: number
  /** Where the lengths of the turns come from, a whole number; default: 1. The same seed, the same run. */
  readonly seed?: number
  /** Memory may be seen by another thread; default: false. */
  readonly shared?: boolean
}

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

/** No end is set: a run inside a gate call. */
const FOREVER: number = Number.MAX_SAFE_INTEGER
/** A wait inside a gate call that takes so many instructions never ends: whom it waits for spins, or has forgotten it. */
const WAIT_LIMIT = 50_000_000
const IPI_INIT = 5
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
  private readonly bank: Bank
  private readonly apics: readonly LocalApic[]
  private readonly turns: Turns
  private readonly stalls: readonly Stall[]
  private readonly ports: PortBus
  private readonly keeper: GateKeeper
  private readonly hardware: Hardware
  private gates: Gates
  private now = 0
  private executed = 0
  private stopped: Stop | undefined
  private ring3Entries = 0
  /** Which CPUs have been started. */
  private readonly started: boolean[]
  /** How many gate calls of each CPU are on the JavaScript stack. */
  private readonly inGates: number[]
  private gateCalls = 0
  /**
   * Where the hosted kernel's TypeScript was when the machine stopped under it: a JavaScript stack, for people; else ''.
   * No part of the machine's state.
   */
  kernelStack = ''

  /**
   * @param old  a machine that nobody needs any more: if it is of the same size, its memory and tables are cleared and
   *             used again, which is many times quicker than to get new ones. It must not be used after that.
   */
  constructor(options: MachineOptions, old?: Machine) {
    this.options = options
    const { memoryBytes, cpus = 1, quantum = 4000, seed = 1, shared = false } = options
    if (old && old.state.ramBytes === memoryBytes && old.state.shared === shared && old.bank.count === cpus) {
      old.clear()
      this.state = old.state
      this.mmu = old.mmu
      this.cpu = old.cpu
      this.bank = old.bank
    } else {
      this.state = State.make(memoryBytes, tlbBytes(memoryBytes) * cpus, shared)
      this.mmu = new Mmu(this.state)
      this.cpu = new Cpu(this.state, this.mmu)
      this.bank = new Bank(this.state, this.mmu, cpus)
    }
    this.turns = new Turns(cpus, quantum, seed)
    this.started = new Array<boolean>(cpus).fill(false)
    this.inGates = new Array<number>(cpus).fill(0)
    this.stalls = Array.from({ length: cpus }, () => new Stall())
    this.memory = new PhysicalMemory(this.state, (page) => this.mmu.wrote(RAM + page * 4096))
    this.events = new EventLog(options.log ?? [], options.eventLimit ?? 1_000_000)
    this.keeper = this.makeKeeper()
    this.hardware = new LocalHardware(this.cpu, this.keeper)
    this.ring0 = new Ring0(this.hardware)
    this.gates = this.ring0
    this.devices = this.makeDevices(options.instructionsPerSecond)
    this.apics = Array.from({ length: cpus }, (_, cpu) => this.makeApic(cpu, cpus))
    this.ports = new PortBus(Object.values(this.devices))
    this.start({ rip: 0n, rsp: 0n, cr3: 0n })
  }
  /** As at power-up: memory, registers and TLBs are empty. */
  private clear(): void {
    this.memory.load(new Uint32Array(0), new Uint8Array(0))
    this.cpu.dropCode()
    for (const tlb of this.bank.tlbs) tlb.flush(false)
    this.bank.load(new BigUint64Array(this.bank.count * STATE_SLOTS), 0)
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

  private makeApic(cpu: number, cpus: number): LocalApic {
    const send = (ipi: { vector: number; mode: number; to: readonly number[] }): void => this.sendIpi(ipi)
    return new LocalApic(cpu, cpus, () => this.now, send, cpu === 0)
  }

  /** What another thread must be given to see memory and registers. @throws Error if they are not shared */
  get sharedMemory(): SharedArrayBuffer {
    const { buffer } = this.state
    if (buffer instanceof ArrayBuffer)
      throw new Error('sharedMemory: the machine must be made with the option shared')
    return buffer
  }
  /** From now on `gates` is ring 0, and not this machine's own. @returns what it may ask for inside a gate call */
  hostedBy(gates: Gates): Hardware {
    this.gates = gates
    return this.hardware
  }

  /** Instructions retired, and charged to a hosted kernel. */
  get time(): number {
    return this.now
  }
  /** Instructions retired by the CPUs alone. */
  get retired(): number {
    return this.executed
  }

  /**
   * Put a CPU into 64-bit ring 0 with these values, interrupts off, its TLB empty. RAM, devices and time stay. To start
   * CPU 0 is to start the machine: the others wait to be started.
   */
  start(at: StartState, cpu = 0): void {
    if (cpu === 0) {
      this.started.fill(false)
      this.inGates.fill(0)
      this.bank.select(0)
      for (const apic of this.apics) apic.reset()
      this.turns.begin(0, this.now)
    }
    const before = this.bank.current
    this.bank.select(cpu)
    this.started[cpu] = true
    this.setUp(at)
    this.bank.select(before)
    this.stopped = undefined
    this.kernelStack = ''
  }
  private setUp(at: StartState): void {
    const { u64 } = this.state
    u64.fill(0n, 0, STATE_SLOTS)
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
    const loop = this.gates.stopLoop
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

  /** A piece of some CPU's turn. */
  private step(end: number): void {
    if (this.bank.count === 1) return this.stepCpu(end)
    this.advanceDevices()
    if (this.now >= this.turns.end || !this.canRun(this.bank.current)) {
      const next = this.nextCpu()
      if (next < 0) return this.sleep(end)
      this.turn(next)
    }
    this.stepCpu(Math.min(end, this.turns.end))
  }
  private turn(cpu: number): void {
    this.bank.select(cpu)
    this.events.cpu = cpu
    this.turns.begin(cpu, this.now)
  }
  /** The next CPU in turn that has something to do, or -1. */
  private nextCpu(): number {
    const { count, current } = this.bank
    for (let i = 1; i <= count; i++) if (this.canRun((current + i) % count)) return (current + i) % count
    return -1
  }
  private canRun(cpu: number): boolean {
    if (!this.started[cpu]) return false
    return this.bank.low(cpu, Slot.halted) === 0 || this.canInterrupt(cpu)
  }
  /** An interrupt waits for this CPU, and it takes interrupts. */
  private canInterrupt(cpu: number): boolean {
    if ((this.bank.low(cpu, Slot.rflags) & Number(FLAG_IF)) === 0) return false
    const apic = this.apics[cpu]!
    return apic.pending() >= 0 || (apic.extInt && this.devices.pic.pending())
  }

  /** Of the CPU whose turn it is: one interrupt or one stretch of instructions, to the next event of a device at most. */
  private stepCpu(end: number): void {
    const { i32 } = this.state
    this.advanceDevices()
    const shadow = i32[Slot.shadow * 2] !== 0
    if (!shadow && this.canInterrupt(this.bank.current)) return this.interrupt()
    if (i32[Slot.halted * 2] !== 0) return this.sleep(end)
    const next = Math.min(end, this.nextDeviceEvent())
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
  private interrupt(): void {
    const apic = this.apics[this.bank.current]!
    const vector = apic.pending() >= 0 ? apic.acknowledge() : this.devices.pic.acknowledge()
    const { rip, cpl } = this.state
    const cr3 = this.state.u64[Slot.cr3]!
    const fault = deliver(this.cpu, vector, 'external', rip)
    if (fault) return this.raise(fault)
    this.stalls[this.bank.current]!.reset()
    this.events.add({ kind: 'irq', time: this.now, vector, rip, cr3, cpl })
  }
  /** HLT everywhere: time passes until a device, or somebody at the keyboard, wakes a CPU. */
  private sleep(end: number): void {
    const next = this.nextDeviceEvent()
    const nothing = next === Number.POSITIVE_INFINITY && (end === FOREVER || !this.devices.pic.listens)
    if (nothing || !this.started.some((_, cpu) => this.bank.low(cpu, Slot.rflags) & Number(FLAG_IF)))
      return this.stop({ reason: 'halt' })
    this.now = Math.max(this.now, Math.min(end, next))
  }
  private raise(fault: Fault): void {
    if (this.events.wants('fault')) this.logFault(fault)
    const stalled = this.stalls[this.bank.current]!.fault(fault, this.state)
    if (stalled !== undefined) return this.stop({ reason: 'stall', message: stalled })
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
    this.stopped ??= cutStop(stop)
  }
  private advanceDevices(): void {
    const { timer } = this.devices
    if (this.now >= timer.nextEvent) timer.advance(this.now)
    for (const apic of this.apics) if (this.now >= apic.nextEvent) apic.advance(this.now)
  }
  private nextDeviceEvent(): number {
    let next = this.devices.timer.nextEvent
    for (const apic of this.apics) next = Math.min(next, apic.nextEvent)
    return next
  }
  /** Interprocessor interrupts; of the modes that are no fixed vector only INIT does something: the CPU waits to be started. */
  private sendIpi({ vector, mode, to }: { vector: number; mode: number; to: readonly number[] }): void {
    for (const cpu of to) {
      this.events.add({ kind: 'ipi', time: this.now, vector, mode, to: cpu })
      if (mode === 0) this.apics[cpu]?.accept(vector)
      else if (mode === IPI_INIT && cpu !== this.bank.current && this.inGates[cpu] === 0) {
        this.started[cpu] = false
        this.apics[cpu]?.reset()
      }
    }
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
      get cpu() {
        return machine.bank.current
      },
      get cpus() {
        return machine.bank.count
      },
      get apic() {
        return machine.apics[machine.bank.current]!
      },
      startCpu: (cpu, at) => machine.start(at, cpu),
      wait: (what, done) => machine.wait(what, done),
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
    const cpu = this.bank.current
    this.inGates[cpu]!++
    this.gateCalls++
    try {
      if (!this.gates.enter(number)) return false
    } catch (thrown) {
      if (!Unwind.is(thrown)) this.stop(errorStop(thrown))
      else this.stop({ reason: 'error', message: 'the kernel threw the machine’s own signal', stack: '' })
      return true
    } finally {
      this.inGates[cpu]!--
    }
    const resume = this.gates.takeResume()
    if (resume) {
      this.state.u64[Slot.rip] = resume.rip
      this.state.u64[4] = resume.rsp
    }
    return true
  }
  /** Deliver a fault at the gate, then run until its handler's IRET comes back to the gate with the same stack. */
  private faultInGate(fault: Fault): void {
    this.handleInGate(() => this.raise(fault))
  }
  private handleInGate(enter: () => void): void {
    const { u64 } = this.state
    const rip = u64[Slot.rip]
    const rsp = u64[4]
    enter()
    while (!this.stopped && (u64[Slot.rip] !== rip || u64[4] !== rsp)) this.stepCpu(FOREVER)
    if (this.stopped) this.unwind()
  }

  /**
   * A CPU waits inside a gate call: the others run, and it takes its interrupts if it lets itself be interrupted. A CPU
   * that waits below on the JavaScript stack can do no more than take interrupts: gate calls end in the order in which
   * they nest.
   */
  private wait(what: string, done: () => boolean): void {
    const me = this.bank.current
    const begin = this.now
    const here = (): boolean => {
      this.comeBack(me)
      return done()
    }
    while (!here()) {
      const progress = this.runOthers(me, here)
      this.comeBack(me)
      if (this.stopped) this.unwind()
      if (!progress || this.now - begin > WAIT_LIMIT) return this.deadlock(me, what, this.now - begin)
    }
  }
  private comeBack(cpu: number): void {
    this.bank.select(cpu)
    this.events.cpu = cpu
  }
  /** Each CPU once. @returns false if none could do anything, and no device will change that */
  private runOthers(me: number, done: () => boolean): boolean {
    this.advanceDevices()
    let progress = false
    for (let i = 0; i < this.bank.count && !this.stopped; i++) {
      const cpu = (me + i) % this.bank.count
      if (this.inGates[cpu]! > 0 ? !this.canInterrupt(cpu) : !this.canRun(cpu)) continue
      progress = true
      this.turn(cpu)
      if (this.inGates[cpu]! > 0) this.handleInGate(() => this.interrupt())
      else this.runTurn()
      if (this.stopped || done()) return true
    }
    return progress || this.timePasses()
  }
  /** The turn of a CPU, up to its end or the end of a gate call. */
  private runTurn(): void {
    const calls = this.gateCalls
    const cpu = this.bank.current
    while (!this.stopped && this.now < this.turns.end && this.canRun(cpu) && this.gateCalls === calls)
      this.stepCpu(this.turns.end)
  }
  /** Nobody can do anything now. @returns true if a device will ask for an interrupt later: then it is later */
  private timePasses(): boolean {
    const next = this.nextDeviceEvent()
    if (next === Number.POSITIVE_INFINITY) return false
    this.now = Math.max(this.now, next)
    return true
  }
  private deadlock(me: number, what: string, waited: number): never {
    const others = this.inGates.flatMap((gates, cpu) => (cpu === me ? [] : [this.tellCpu(cpu, gates)]))
    const message = [`CPU ${me} waits for ${what} (${waited} instructions so far)`, ...others].join('; ')
    this.stop({ reason: 'deadlock', message })
    return this.unwind()
  }
  private tellCpu(cpu: number, gates: number): string {
    if (!this.started[cpu]) return `CPU ${cpu} has not been started`
    const rip = `0x${this.bank.get(cpu, Slot.rip).toString(16)}`
    const does = gates > 0 ? 'waits in a call of the kernel' : this.canRun(cpu) ? 'runs' : 'is halted'
    const flags = this.bank.low(cpu, Slot.rflags) & Number(FLAG_IF) ? 'on' : 'off'
    return `CPU ${cpu} ${does} at ${rip} with interrupts ${flags}`
  }
  private unwind(): never {
    const signal = new Unwind()
    this.kernelStack ||= stackOf(signal.stack ?? '')
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

  registers(cpu = 0): Registers {
    const slot = (n: number): u64 => this.bank.get(cpu, n)
    const entries: [string, u64 | number][] = [
      ...REGISTERS.map((name, i): [string, u64] => [name, slot(i)]),
      ...SELECTORS.map((name, i): [string, number] => [name, Number(slot(Slot.es + i))]),
      ...(['rip', 'cr0', 'cr2', 'cr3', 'cr4', 'efer'] as const).map((name): [string, u64] => [
        name,
        slot(Slot[name]),
      ]),
      ['rflags', this.flagsOf(cpu)],
      ['cpl', Number(slot(Slot.cs) & 3n)],
    ]
    return Object.fromEntries(entries) as Registers
  }
  private flagsOf(cpu: number): u64 {
    const { current } = this.bank
    this.bank.select(cpu)
    const flags = this.cpu.rflags
    this.bank.select(current)
    return flags
  }
  /** Walk `va` as the MMU of CPU 0 would, told; the TLB is not asked and nothing changes. */
  explain(va: u64, options: ExplainOptions = {}): Explanation {
    const root = options.cr3 ?? this.bank.get(0, Slot.cr3)
    return explain(this.state, root, va, Access[options.access ?? 'read'], options.user ?? false)
  }
  /** Every present leaf of the tables at `cr3`, lowest address first, at most `limit`. */
  mappings(cr3: u64, limit: number = MAPPINGS_LIMIT): Mapping[] {
    return mappings(this.memory, cr3, (this.bank.get(0, Slot.efer) & EFER_NXE) !== 0n, limit)
  }
  /** Every translation that a CPU may still use, lowest address first. */
  tlb(cpu = 0): TlbEntry[] {
    return [...this.bank.tlbs[cpu]!.entries()].map(({ va, frame, sizeBits, ...rights }) => ({
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
    const { current, tlbs } = this.bank
    for (const cpu of tlbs.keys()) {
      this.bank.select(cpu)
      this.cpu.rflags = this.cpu.rflags // the flags record, in its one canonical form
    }
    this.bank.select(current)
    const devices = Object.entries(this.devices).map(([name, device]) => [name, device.save()] as const)
    const { pages, bytes } = this.memory.save()
    return {
      version: 2,
      memoryBytes: this.options.memoryBytes,
      instructionsPerSecond: this.options.instructionsPerSecond,
      cpus: this.bank.save(),
      started: [...this.started],
      turns: this.turns.save(),
      pages,
      ram: bytes,
      tlbs: tlbs.map((tlb) => tlb.raw()),
      devices: { ...Object.fromEntries(devices), apics: this.apics.map((apic) => apic.save()) },
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
    if (image.tlbs.length !== this.bank.count)
      throw new Error(`restore: there must be ${this.bank.count} CPUs, got ${image.tlbs.length}`)
    this.turns.restore(image.turns)
    for (const stall of this.stalls) stall.reset()
    this.cpu.dropCode()
    this.memory.load(image.pages, image.ram)
    this.bank.load(image.cpus, this.turns.cpu)
    this.events.cpu = this.turns.cpu
    for (const [cpu, tlb] of this.bank.tlbs.entries()) {
      tlb.flush(false)
      tlb.load(image.tlbs[cpu]!)
      this.started[cpu] = image.started[cpu] === true
    }
    this.inGates.fill(0)
    for (const [name, device] of Object.entries(this.devices)) device.restore(image.devices[name] as Saved)
    const apics = image.devices.apics as readonly Saved[]
    for (const [cpu, apic] of this.apics.entries()) apic.restore(apics[cpu] as Saved)
    this.now = image.time
    this.executed = image.retired
    this.stopped = image.stop ?? undefined
  }
  /**
   * A machine that holds `image`; without gates, so it can be looked at and run until its kernel is called.
   * @param old  as the constructor's
   */
  static fromImage(image: MachineImage, log: readonly EventKind[] = [], old?: Machine): Machine {
    const { memoryBytes, instructionsPerSecond, tlbs } = parseImage(image)
    const machine = new Machine({ memoryBytes, instructionsPerSecond, cpus: tlbs.length, log }, old)
    machine.restore(image)
    return machine
  }
  /** SHA-256 over all state: equal hashes, equal machines. */
  stateHash(): string {
    return hashState(this.image())
  }
}
