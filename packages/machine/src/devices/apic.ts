// The local APIC of one CPU, in x2APIC mode: its registers are MSRs.
// Answers to: Intel SDM Vol. 3, chapter "Advanced Programmable Interrupt Controller (APIC)": §"Extended xAPIC (x2APIC)",
// §"x2APIC State Transitions", §"Issuing Interprocessor Interrupts", §"Handling Interrupts", §"APIC Timer".
// Does not model: xAPIC's page of memory (in xAPIC mode, as after reset, the registers cannot be reached), the TSC
// deadline, SMI, NMI, level-triggered interrupts, error interrupts, performance and thermal sources.

import type { Saved } from './device.ts'
import { SavedFields } from './saved.ts'

const BASE_MSR = 0x1b
const BASE = 0xfee0_0000
const BSP = 0x100
const EXTD = 0x400
const EN = 0x800
const VERSION = 0x0005_0014
const SOFTWARE_ENABLE = 0x100
const MASKED = 0x1_0000
const PERIODIC = 0x2_0000
const EXT_INT = 0x700
const BROADCAST = 0xffff_ffff
const ESR_SEND_ILLEGAL = 0x20
const ESR_RECEIVE_ILLEGAL = 0x40

// Numbers of the registers, without 0x800.
const ID = 0x02
const VER = 0x03
const TPR = 0x08
const PPR = 0x0a
const EOI = 0x0b
const LDR = 0x0d
const SVR = 0x0f
const ISR = 0x10
const TMR = 0x18
const IRR = 0x20
const ESR = 0x28
const ICR = 0x30
const LVT_TIMER = 0x32
const LINT0 = 0x35
const INITIAL_COUNT = 0x38
const CURRENT_COUNT = 0x39
const DIVIDE = 0x3e
const SELF_IPI = 0x3f

/** Registers that only keep what is written -> the bits they have. SDM Vol. 3, Table "Local APIC Register Address Map". */
const PLAIN: ReadonlyMap<number, number> = new Map([
  [TPR, 0xff],
  [SVR, 0x11ff],
  [0x2f, 0x1_07ff], // CMCI
  [LVT_TIMER, 0x3_00ff],
  [0x33, 0x1_07ff], // thermal
  [0x34, 0x1_07ff], // performance
  [LINT0, 0x1_a7ff],
  [0x36, 0x1_a7ff], // LINT1
  [0x37, 0x1_00ff], // error
  [DIVIDE, 0xb],
])
const DELIVERY_MODES: ReadonlySet<number> = new Set([0, 1, 2, 4, 5, 6])

type Send = (ipi: { vector: number; mode: number; to: readonly number[] }) => void

export class LocalApic {
  /** The APIC ID. */
  readonly id: number
  readonly #cpus: number
  readonly #now: () => number
  readonly #send: Send
  readonly #bootstrap: boolean
  readonly #plain = new Map<number, number>()
  readonly #irr = new Uint32Array(8)
  readonly #isr = new Uint32Array(8)
  /** Is any bit of IRR set? */
  #requests = false
  #base = 0
  #icr = 0n
  #errors = 0
  #initial = 0
  /** When the count began, and when it comes to 0 next: machine time. */
  #began = 0
  nextEvent: number = Number.POSITIVE_INFINITY

  /**
   * @param cpus  how many CPUs the machine has; their APIC IDs are 0 to cpus - 1
   * @param now  the machine's time: the timer's clock
   * @param send  called for each interprocessor interrupt, with the IDs that it is for
   * @param bootstrap  the CPU that the 8259's interrupts go to
   */
  constructor(id: number, cpus: number, now: () => number, send: Send, bootstrap: boolean) {
    this.id = id
    this.#cpus = cpus
    this.#now = now
    this.#send = send
    this.#bootstrap = bootstrap
    this.reset()
  }

  /** As after power-up or INIT: xAPIC mode, software-disabled. */
  reset(): void {
    this.#base = BASE | EN | (this.#bootstrap ? BSP : 0)
    this.#plain.clear()
    this.#plain.set(SVR, 0xff)
    for (const lvt of [0x2f, LVT_TIMER, 0x33, 0x34, LINT0, 0x36, 0x37]) this.#plain.set(lvt, MASKED)
    this.#irr.fill(0)
    this.#isr.fill(0)
    this.#requests = false
    this.#icr = 0n
    this.#errors = 0
    this.#initial = 0
    this.nextEvent = Number.POSITIVE_INFINITY
  }

  /** Enabled by hardware (x2APIC mode) and by software (SVR). */
  get enabled(): boolean {
    return (this.#base & EXTD) !== 0 && (this.#get(SVR) & SOFTWARE_ENABLE) !== 0
  }
  /** The 8259's interrupts come through: LINT0 is ExtINT, or the APIC is not in use yet, as the BIOS leaves it. */
  get extInt(): boolean {
    if (!this.#bootstrap) return false
    return !this.enabled || (this.#get(LINT0) & (MASKED | EXT_INT)) === EXT_INT
  }

  /** RDMSR. @returns undefined: #GP */
  read(msr: number): bigint | undefined {
    if (msr === BASE_MSR) return BigInt(this.#base >>> 0)
    if (!(this.#base & EXTD)) return undefined
    const register = msr - 0x800
    if (register === ICR) return this.#icr
    const value = this.#value(register)
    return value === undefined ? undefined : BigInt(value >>> 0)
  }
  #value(register: number): number | undefined {
    if (PLAIN.has(register)) return this.#get(register)
    if (register === ID) return this.id
    if (register === VER) return VERSION
    if (register === PPR) return this.#priority()
    if (register === LDR) return logicalId(this.id)
    if (register >= ISR && register < ISR + 8) return this.#isr[register - ISR]
    if (register >= TMR && register < TMR + 8) return 0
    if (register >= IRR && register < IRR + 8) return this.#irr[register - IRR]
    if (register === ESR) return this.#errors
    if (register === INITIAL_COUNT) return this.#initial
    return register === CURRENT_COUNT ? this.#count() : undefined
  }

  /** WRMSR. @returns false: #GP, and nothing has changed */
  write(msr: number, value: bigint): boolean {
    if (msr === BASE_MSR) return this.#setBase(value)
    if (!(this.#base & EXTD)) return false
    const register = msr - 0x800
    if (register === ICR) return this.#command(value)
    if (value >> 32n) return false
    const word = Number(value)
    const bits = PLAIN.get(register)
    if (bits !== undefined) return (word & ~bits) === 0 && this.#set(register, word)
    if (register === SELF_IPI) return word <= 0xff && this.#accepted(word)
    if (register === INITIAL_COUNT) return this.#start(word)
    if (register === EOI) return word === 0 && this.#endOfInterrupt()
    if (register !== ESR || word !== 0) return false
    this.#errors = 0
    return true
  }
  /** Off, xAPIC and x2APIC follow each other in this order; from x2APIC only off is reached. */
  #setBase(value: bigint): boolean {
    const kept = BigInt((BASE | (this.#bootstrap ? BSP : 0)) >>> 0)
    if ((value & ~BigInt(EN | EXTD)) !== kept) return false
    const [from, to] = [this.#base & (EN | EXTD), Number(value) & (EN | EXTD)]
    const allowed =
      from === to || to === 0 || (from === 0 && to === EN) || (from === EN && to === (EN | EXTD))
    if (!allowed || to === EXTD) return false
    if (to === 0) this.reset()
    this.#base = Number(value)
    return true
  }
  #get(register: number): number {
    return this.#plain.get(register) ?? 0
  }
  #set(register: number, word: number): boolean {
    if (register === DIVIDE) this.#rescale(word)
    else this.#plain.set(register, word)
    return true
  }

  /** An interrupt for this CPU. Vectors below 16 are errors. */
  accept(vector: number): void {
    if (!this.enabled) return
    if (vector < 16) {
      this.#errors |= ESR_RECEIVE_ILLEGAL
      return
    }
    this.#irr[vector >> 5]! |= 1 << (vector & 31)
    this.#requests = true
  }
  #accepted(vector: number): true {
    this.accept(vector)
    return true
  }
  /** The vector that the CPU may take now, or -1: its class must be above the processor's priority. */
  pending(): number {
    if (!this.#requests) return -1
    const vector = highest(this.#irr)
    return vector >> 4 > this.#priority() >> 4 ? vector : -1
  }
  /** The CPU takes what is pending. @returns the vector */
  acknowledge(): number {
    const vector = highest(this.#irr)
    const bit = 1 << (vector & 31)
    this.#irr[vector >> 5]! &= ~bit
    this.#isr[vector >> 5]! |= bit
    this.#requests = highest(this.#irr) >= 0
    return vector
  }
  #endOfInterrupt(): true {
    const vector = highest(this.#isr)
    if (vector >= 0) this.#isr[vector >> 5]! &= ~(1 << (vector & 31))
    return true
  }
  /** PPR: of the task's priority and the class in service, the higher. */
  #priority(): number {
    const [task, service] = [this.#get(TPR), Math.max(0, highest(this.#isr))]
    return task >> 4 >= service >> 4 ? task : service & 0xf0
  }
  /** CR8. */
  get cr8(): number {
    return this.#get(TPR) >> 4
  }
  set cr8(priority: number) {
    this.#plain.set(TPR, priority << 4)
  }

  /** A write of the ICR sends. */
  #command(value: bigint): boolean {
    const low = Number(value & 0xffff_ffffn)
    const mode = (low >> 8) & 7
    if (low & 0xfff3_3000 || !DELIVERY_MODES.has(mode)) return false
    this.#icr = value
    const vector = low & 0xff
    const to = this.#destinations(low, Number(value >> 32n))
    if (mode <= 1 && vector < 16) this.#errors |= ESR_SEND_ILLEGAL
    else if (to.length > 0)
      this.#send({ vector, mode: mode === 1 ? 0 : mode, to: mode === 1 ? to.slice(0, 1) : to })
    return true
  }
  #destinations(low: number, destination: number): number[] {
    const all = Array.from({ length: this.#cpus }, (_, cpu) => cpu)
    const shorthand = (low >> 18) & 3
    if (shorthand === 1) return [this.id]
    if (shorthand === 2) return all
    if (shorthand === 3) return all.filter((cpu) => cpu !== this.id)
    if (destination === BROADCAST) return all
    if (!(low & 0x800)) return all.filter((cpu) => cpu === destination)
    return all.filter(
      (cpu) => logicalId(cpu) >>> 16 === destination >>> 16 && logicalId(cpu) & destination & 0xffff,
    )
  }

  // The timer counts down machine time, divided.

  #divisor(word: number = this.#get(DIVIDE)): number {
    const code = (word & 3) | ((word >> 1) & 4)
    return code === 7 ? 1 : 2 << code
  }
  #start(count: number): true {
    this.#initial = count
    this.#began = this.#now()
    this.nextEvent = count === 0 ? Number.POSITIVE_INFINITY : this.#began + count * this.#divisor()
    return true
  }
  #count(): number {
    if (this.nextEvent === Number.POSITIVE_INFINITY) return 0
    return Math.max(0, Math.ceil((this.nextEvent - this.#now()) / this.#divisor()))
  }
  /** What is left of the count goes on at the new speed. */
  #rescale(word: number): void {
    const left = this.#count()
    this.#plain.set(DIVIDE, word)
    if (left > 0) this.nextEvent = this.#now() + left * this.#divisor()
  }
  /** The time is now `now`: fire if it is due. */
  advance(now: number): void {
    if (now < this.nextEvent) return
    const lvt = this.#get(LVT_TIMER)
    const period = this.#initial * this.#divisor()
    if (!(lvt & PERIODIC)) this.nextEvent = Number.POSITIVE_INFINITY
    else this.nextEvent += period * Math.ceil((now - this.nextEvent + 1) / period) // without drift
    if (!(lvt & MASKED)) this.accept(lvt & 0xff)
  }

  save(): Saved {
    return {
      base: this.#base,
      plain: [...this.#plain].sort(([a], [b]) => a - b).flat(),
      irr: [...this.#irr],
      isr: [...this.#isr],
      icr: this.#icr.toString(16),
      errors: this.#errors,
      initial: this.#initial,
      began: this.#began,
      next: Number.isFinite(this.nextEvent) ? this.nextEvent : -1,
    }
  }
  restore(saved: Saved): void {
    const fields = new SavedFields('apic', saved)
    const plain = fields.numbers('plain')
    this.#base = fields.number('base')
    this.#plain.clear()
    for (let i = 0; i < plain.length; i += 2) this.#plain.set(plain[i]!, plain[i + 1]!)
    this.#irr.set(fields.numbers('irr', 8))
    this.#isr.set(fields.numbers('isr', 8))
    this.#requests = highest(this.#irr) >= 0
    this.#icr = BigInt(`0x${fields.text('icr')}`)
    this.#errors = fields.number('errors')
    this.#initial = fields.number('initial')
    this.#began = fields.number('began')
    const next = fields.number('next')
    this.nextEvent = next < 0 ? Number.POSITIVE_INFINITY : next
  }
}

/** Cluster and bit in it. SDM Vol. 3, "Logical Destination Mode in x2APIC Mode". */
const logicalId = (id: number): number => ((id >> 4) << 16) | (1 << (id & 15))
function highest(bits: Uint32Array): number {
  for (let i = 7; i >= 0; i--) if (bits[i] !== 0) return i * 32 + 31 - Math.clz32(bits[i]!)
  return -1
}
