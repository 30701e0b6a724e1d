// The interval timer of a PC: three counters at 1193182 Hz. Counter 0 drives IRQ 0, counter 2 is gated by port 61h.
// Answers to: Intel 8254 Programmable Interval Timer data sheet (order 231164); port 61h as the IBM PC/AT has it.
// Does not model: BCD reads between counts closer than one clock, modes 1 and 5 on counters 0 and 1 (their gates
// are tied high, so they never trigger), the DRAM refresh that counter 1 drives.

import type { Device, InterruptLine, Saved, Timed } from './device.ts'
import { SavedFields } from './saved.ts'

/** Clocks per second of every counter. */
export const TIMER_FREQ = 1193182

const CONTROL = 0x43
const SYSTEM_PORT = 0x61

// Read/write modes of the control word, bits 5:4
const LATCH = 0
const LOW = 1
const HIGH = 2
const BOTH = 3

/** Instruction time against clock time, exactly: clock c falls at start + floor(c * rate / TIMER_FREQ). */
class Clock {
  readonly #rate: bigint
  constructor(instructionsPerSecond: number) {
    this.#rate = BigInt(instructionsPerSecond)
  }

  instructions(clocks: number): number {
    return Number((BigInt(clocks) * this.#rate) / BigInt(TIMER_FREQ))
  }

  /** The last clock that has fallen `instructions` after the start. */
  clocks(instructions: number): number {
    const beyond = BigInt(instructions + 1) * BigInt(TIMER_FREQ)
    return Number((beyond + this.#rate - 1n) / this.#rate) - 1
  }
}

class Counter {
  readonly #clock: Clock
  #mode = 0
  #bcd = false
  #access = LOW
  #divisor = 0 // 1..65536 (10000 in BCD); 0: no count written since the control word
  #next = 0 // the divisor from the next period on (modes 2 and 3)
  #start = 0 // instruction time at which the counting of #divisor began
  #periods = 0 // whole periods since then that have been reported by advance()
  #gate = true
  #held = 0 // clocks counted when the gate closed
  #writeHigh = false // the next write is the high byte
  #low = 0
  #readHigh = false
  #latched = -1 // a latched count, or -1
  #status = -1 // a latched status byte, or -1

  constructor(clock: Clock) {
    this.#clock = clock
  }

  control(value: number): void {
    this.#mode = modeOf(value)
    this.#bcd = (value & 1) !== 0
    this.#access = (value >> 4) & 3
    this.#divisor = 0
    this.#periods = 0
    this.#held = 0
    this.#writeHigh = false
    this.#readHigh = false
    this.#latched = -1
    this.#status = -1
  }

  /** @returns whether a whole count has been written */
  write(value: number, now: number): boolean {
    if (this.#access === BOTH && !this.#writeHigh) {
      this.#low = value
      this.#writeHigh = true
      return false
    }
    this.#writeHigh = false
    const word = this.#access === BOTH ? (value << 8) | this.#low : this.#access === HIGH ? value << 8 : value
    this.#load(word, now)
    return true
  }

  read(now: number): number {
    if (this.#status >= 0) {
      const status = this.#status
      this.#status = -1
      return status
    }
    const count = this.#latched >= 0 ? this.#latched : this.#count(now)
    const high = this.#access === HIGH || (this.#access === BOTH && this.#readHigh)
    if (this.#access === BOTH) this.#readHigh = !this.#readHigh
    if (this.#access !== BOTH || high) this.#latched = -1
    return high ? (count >> 8) & 0xff : count & 0xff
  }

  latchCount(now: number): void {
    if (this.#latched < 0) this.#latched = this.#count(now)
  }

  latchStatus(now: number): void {
    if (this.#status >= 0) return
    const out = this.out(now) ? 0x80 : 0
    const empty = this.#divisor === 0 ? 0x40 : 0
    this.#status = out | empty | (this.#access << 4) | (this.#mode << 1) | (this.#bcd ? 1 : 0)
  }

  get gate(): boolean {
    return this.#gate
  }

  setGate(open: boolean, now: number): void {
    if (open === this.#gate) return
    const clocks = this.#elapsed(now)
    this.#gate = open
    if (!open) {
      this.#held = clocks
    } else if (this.#mode === 0 || this.#mode === 4) {
      this.#start = now - this.#clock.instructions(this.#held) // goes on where it stopped
    } else {
      this.#start = now // a rising gate triggers
      this.#periods = 0
    }
  }

  /** The counter's output pin. */
  out(now: number): boolean {
    const clocks = this.#elapsed(now)
    const divisor = this.#divisor
    if (divisor === 0) return this.#mode !== 0
    if (this.#mode === 0) return clocks > divisor
    if (this.#mode === 2) return !this.#gate || clocks % divisor !== divisor - 1
    if (this.#mode === 3) return !this.#gate || clocks % divisor < (divisor + 1) >> 1
    if (this.#mode === 1) return clocks === 0 || clocks > divisor
    return clocks !== divisor // modes 4 and 5: low for one clock
  }

  /** Instruction time of the next rising edge of the output, or Infinity. */
  nextEdge(): number {
    if (this.#divisor === 0 || !this.#gate) return Number.POSITIVE_INFINITY
    if (this.#mode === 2 || this.#mode === 3)
      return this.#start + this.#clock.instructions((this.#periods + 1) * this.#divisor)
    const once = (this.#mode === 0 || this.#mode === 4) && this.#periods === 0
    return once ? this.#start + this.#clock.instructions(this.#divisor + 1) : Number.POSITIVE_INFINITY
  }

  /** The edge that nextEdge() told of is past. */
  edgePassed(): void {
    const at = this.nextEdge()
    this.#periods += 1
    if (this.#next === this.#divisor || this.#mode === 0 || this.#mode === 4) return
    this.#divisor = this.#next
    this.#start = at
    this.#periods = 0
  }

  save(): Saved {
    return {
      words: [
        this.#mode,
        this.#access,
        this.#divisor,
        this.#next,
        this.#start,
        this.#periods,
        this.#held,
        this.#low,
        this.#latched,
        this.#status,
      ],
      flags: [this.#bcd, this.#gate, this.#writeHigh, this.#readHigh].map(Number),
    }
  }

  restore(saved: SavedFields): void {
    const words = saved.numbers('words', 10)
    const flags = saved.numbers('flags', 4).map((flag) => flag !== 0)
    const word = (index: number): number => words[index] ?? 0
    this.#mode = word(0)
    this.#access = word(1)
    this.#divisor = word(2)
    this.#next = word(3)
    this.#start = word(4)
    this.#periods = word(5)
    this.#held = word(6)
    this.#low = word(7)
    this.#latched = word(8)
    this.#status = word(9)
    this.#bcd = flags[0] ?? false
    this.#gate = flags[1] ?? true
    this.#writeHigh = flags[2] ?? false
    this.#readHigh = flags[3] ?? false
  }

  #load(word: number, now: number): void {
    const count = this.#bcd ? fromBcd(word) : word
    const divisor = count === 0 ? (this.#bcd ? 10000 : 0x10000) : count
    const running = this.#divisor !== 0 && (this.#mode === 2 || this.#mode === 3)
    this.#next = divisor
    if (running) return // the period that runs is finished first
    this.#divisor = divisor
    this.#start = now
    this.#periods = 0
    this.#held = 0
  }

  #elapsed(now: number): number {
    if (this.#divisor === 0) return 0
    return this.#gate ? this.#clock.clocks(now - this.#start) : this.#held
  }

  /** The counting element as a read shows it. */
  #count(now: number): number {
    const divisor = this.#divisor
    if (divisor === 0) return 0
    const clocks = this.#elapsed(now)
    const wrap = this.#bcd ? 10000 : 0x10000
    if (this.#mode === 2) return this.#shown(divisor - (clocks % divisor))
    if (this.#mode === 3) return this.#shown((divisor - ((clocks * 2) % divisor)) & ~1) // counts by twos
    return this.#shown((((divisor - clocks) % wrap) + wrap) % wrap)
  }

  #shown(count: number): number {
    return this.#bcd ? toBcd(count % 10000) : count & 0xffff
  }
}

/** The chip and the two bits of port 61h that belong to it. */
export class Timer implements Device, Timed {
  readonly name = 'timer'
  readonly ports: Device['ports'] = [
    [0x40, 0x43],
    [SYSTEM_PORT, SYSTEM_PORT],
  ]
  readonly #line: InterruptLine
  readonly #now: () => number
  readonly #clock: Clock
  readonly #counters: readonly [Counter, Counter, Counter]
  #speaker = false
  #nextEvent = Number.POSITIVE_INFINITY

  /**
   * @param line                   follows the output of counter 0: IRQ 0
   * @param instructionsPerSecond  a positive integer: what one second is in instructions
   * @param now                    the machine's instruction count
   */
  constructor(line: InterruptLine, instructionsPerSecond: number, now: () => number) {
    if (!(Number.isSafeInteger(instructionsPerSecond) && instructionsPerSecond > 0))
      throw new Error(
        `timer: instructions per second must be a positive integer, got ${instructionsPerSecond}`,
      )
    this.#line = line
    this.#now = now
    this.#clock = new Clock(instructionsPerSecond)
    const counter = (): Counter => new Counter(this.#clock)
    this.#counters = [counter(), counter(), counter()]
    this.#counters[2].setGate(false, 0)
  }

  get nextEvent(): number {
    return this.#nextEvent
  }

  advance(now: number): void {
    const counter = this.#counters[0]
    while (this.#nextEvent <= now) {
      counter.edgePassed()
      this.#line.lower()
      this.#line.raise()
      this.#nextEvent = counter.nextEdge()
    }
  }

  read(port: number): number {
    if (port === SYSTEM_PORT) return this.#readSystemPort()
    return port === CONTROL ? 0xff : this.#counter(port & 3).read(this.#now())
  }

  write(port: number, _width: number, value: number): void {
    if (port === SYSTEM_PORT) {
      this.#speaker = (value & 2) !== 0
      this.#counters[2].setGate((value & 1) !== 0, this.#now())
    } else if (port === CONTROL) {
      this.#control(value)
    } else if (this.#counter(port & 3).write(value, this.#now()) && port === 0x40) {
      this.#reschedule()
    }
  }

  save(): Saved {
    return { counters: this.#counters.map((counter) => counter.save()), speaker: this.#speaker }
  }

  restore(saved: Saved): void {
    const fields = new SavedFields(this.name, saved)
    const counters = fields.list('counters', 3)
    this.#counters.forEach((counter, index) => {
      counter.restore(new SavedFields(`${this.name}.counters[${index}]`, counters[index] ?? null))
    })
    this.#speaker = fields.flag('speaker')
    this.#nextEvent = this.#counters[0].nextEdge()
  }

  #counter(index: number): Counter {
    return this.#counters[index as 0 | 1 | 2]
  }

  #control(value: number): void {
    const select = value >> 6
    if (select === 3) this.#readBack(value)
    else if (((value >> 4) & 3) === LATCH) this.#counter(select).latchCount(this.#now())
    else {
      this.#counter(select).control(value)
      if (select === 0) this.#reschedule()
    }
  }

  /** The read-back command: latch count and status of several counters at once. */
  #readBack(value: number): void {
    this.#counters.forEach((counter, index) => {
      if (!(value & (2 << index))) return
      if (!(value & 0x10)) counter.latchStatus(this.#now())
      if (!(value & 0x20)) counter.latchCount(this.#now())
    })
  }

  /** Counter 0 was written: its output and its next edge are new. */
  #reschedule(): void {
    const counter = this.#counters[0]
    if (!counter.out(this.#now())) this.#line.lower()
    this.#nextEvent = counter.nextEdge()
  }

  #readSystemPort(): number {
    const now = this.#now()
    const refresh = Math.floor(this.#clock.clocks(now) / 18) & 1 // toggles with each refresh, every 15 us
    const out = this.#counters[2].out(now) ? 0x20 : 0
    return out | (refresh << 4) | (this.#speaker ? 2 : 0) | (this.#counters[2].gate ? 1 : 0)
  }
}

/** Bits 3:1 of the control word; 6 and 7 are 2 and 3. */
function modeOf(control: number): number {
  const mode = (control >> 1) & 7
  return mode > 5 ? mode & 3 : mode
}

function fromBcd(word: number): number {
  return ((word >> 12) & 15) * 1000 + ((word >> 8) & 15) * 100 + ((word >> 4) & 15) * 10 + (word & 15)
}

function toBcd(count: number): number {
  const digit = (unit: number): number => Math.floor(count / unit) % 10
  return (digit(1000) << 12) | (digit(100) << 8) | (digit(10) << 4) | digit(1)
}
