// The kernel's side of a channel: a machine that is in another thread, as a kernel and its boot see it. Memory, registers and the
// fast TLB are read and written here; for all else the machine's side is asked.

import type { Access } from '../cpu/state.ts'
import { State } from '../cpu/state.ts'
import type { CpuStart, Halt, Hardware } from '../hardware.ts'
import { Ring0, type StackPoint, Unwind } from '../host.ts'
import type { Machine, MachineOptions, StartState } from '../machine.ts'
import { PhysicalMemory } from '../memory.ts'
import { tlbBytes } from '../mmu/tlb.ts'
import { errorStop } from '../stop.ts'
import type { u64 } from '../x86-64.ts'
import { Ask, Call, putHalt, putStart } from './calls.ts'
import { type Channel, Outcome } from './channel.ts'

/** What a kernel's boot may use of a machine. */
export type BootMachine = Pick<Machine, 'options' | 'memory' | 'ring0' | 'start'>

/** Calls the machine's side. */
class Asking {
  readonly channel: Channel
  /** What a `wait`'s condition threw: it goes through the machine, and comes out of `wait`. */
  thrown: unknown

  constructor(channel: Channel) {
    this.channel = channel
  }
  /** @throws Unwind if the machine has stopped; Error if the call is not right */
  ask(op: number): void {
    const outcome = this.channel.call(op)
    if (outcome === Outcome.unwound) throw this.unwinding()
    if (outcome === Outcome.passed) throw this.thrown
    if (outcome === Outcome.threw) throw new Error(this.channel.texts()[0])
  }
  private unwinding(): Unwind {
    const signal = new Unwind()
    this.channel.say(signal.stack ?? '')
    this.channel.call(Ask.unwound)
    return signal
  }
}

class RemoteHardware implements Hardware {
  readonly state: State
  private readonly asking: Asking
  private readonly channel: Channel
  /** The conditions of the waits that go on, the innermost last. */
  private readonly waits: (() => boolean)[] = []

  constructor(asking: Asking, state: State) {
    this.asking = asking
    this.channel = asking.channel
    this.state = state
  }
  get time(): number {
    return this.channel.time
  }
  get cpu(): number {
    return this.channel.cpu
  }
  get cpus(): number {
    return this.channel.cpus
  }
  get stopped(): boolean {
    return this.channel.stopped
  }
  addTime(instructions: number): void {
    this.channel.time += instructions
  }
  translate(lo: number, hi: number, bytes: number, access: Access): number {
    return this.number(Ask.translate, lo, hi, bytes, access)
  }
  scatter(host: number): void {
    this.number(Ask.scatter, host)
  }
  in(port: number, width: number): number {
    return this.number(Ask.in, port, width)
  }
  out(port: number, width: number, value: number): void {
    this.number(Ask.out, port, width, value)
  }
  writeControl(register: 0 | 3 | 4, value: u64): void {
    this.word(Ask.writeControl, register, value)
  }
  invlpg(address: u64): void {
    this.word(Ask.invlpg, 0, address)
  }
  readMsr(number: number): u64 {
    return this.word(Ask.readMsr, number, 0n)
  }
  writeMsr(number: number, value: u64): void {
    this.word(Ask.writeMsr, number, value)
  }
  loadTaskRegister(selector: number): void {
    this.number(Ask.loadTaskRegister, selector)
  }
  startCpu(cpu: number, at: CpuStart): void {
    putStart(this.channel, at)
    this.channel.numbers[1] = cpu
    this.asking.ask(Ask.startCpu)
  }
  wait(what: string, done: () => boolean): void {
    this.channel.say(what)
    this.channel.numbers[0] = this.waits.push(done) - 1
    try {
      this.asking.ask(Ask.wait)
    } finally {
      this.waits.pop()
    }
  }
  /** Answers Call.waited. */
  waited(): Outcome {
    const { numbers } = this.channel
    try {
      numbers[0] = this.waits[numbers[0]!]?.() ? 1 : 0
      return Outcome.done
    } catch (thrown) {
      this.asking.thrown = thrown
      return Unwind.is(thrown) ? Outcome.unwound : Outcome.threw
    }
  }
  halt(stop: Halt): never {
    putHalt(this.channel, stop)
    this.asking.ask(Ask.halt)
    throw new Unwind() // the machine's side has thrown already
  }

  private number(op: number, ...numbers: readonly number[]): number {
    this.channel.numbers.set(numbers)
    this.asking.ask(op)
    return this.channel.numbers[0]!
  }
  private word(op: number, number: number, word: u64): u64 {
    this.channel.words[0] = word
    this.number(op, number)
    return this.channel.words[0]!
  }
}

/** A machine on the other side of a channel. */
export class RemoteMachine implements BootMachine {
  readonly options: MachineOptions
  readonly memory: PhysicalMemory
  readonly ring0: Ring0
  readonly #hardware: RemoteHardware
  readonly #asking: Asking

  /** @param buffer  the memory of the machine, which has these options */
  constructor(channel: Channel, options: MachineOptions, buffer: SharedArrayBuffer) {
    const { memoryBytes, cpus = 1 } = options
    const state = new State(buffer, memoryBytes, tlbBytes(memoryBytes) * cpus)
    this.#asking = new Asking(channel)
    this.#hardware = new RemoteHardware(this.#asking, state)
    this.options = options
    this.ring0 = new Ring0(this.#hardware)
    this.memory = new PhysicalMemory(state, (page) => {
      channel.numbers[0] = page
      this.ask(Ask.codeWritten)
    })
  }
  /** As Machine's, for CPU 0. */
  start(at: StartState): void {
    putStart(this.#asking.channel, at)
    this.ask(Ask.start)
  }
  /** Call the machine's side. @throws Unwind if the machine has stopped; Error if the call is not right */
  ask(op: number): void {
    this.#asking.ask(op)
  }
  /** What the machine's side calls. */
  answer(op: number): Outcome {
    return op === Call.gate ? this.#gate() : op === Call.waited ? this.#hardware.waited() : Outcome.threw
  }
  #gate(): Outcome {
    const { numbers } = this.#asking.channel
    const { ring0 } = this
    let outcome: Outcome = Outcome.done
    let bound = false
    try {
      bound = ring0.enter(numbers[0]!)
    } catch (thrown) {
      outcome = this.#told(thrown)
    }
    numbers[0] = bound ? 1 : 0
    this.#putPoint(1, outcome === Outcome.done ? ring0.takeResume() : undefined)
    this.#putPoint(2, ring0.stopLoop)
    return outcome
  }
  #told(thrown: unknown): Outcome {
    if (Unwind.is(thrown)) return Outcome.unwound
    const { message, stack } = errorStop(thrown)
    this.#asking.channel.say(message, stack)
    return Outcome.threw
  }
  #putPoint(slot: number, point: StackPoint | undefined): void {
    const { numbers, words } = this.#asking.channel
    numbers[slot] = point ? 1 : 0
    words[slot * 2] = point?.rip ?? 0n
    words[slot * 2 + 1] = point?.rsp ?? 0n
  }
}
