// Two 8259A interrupt controllers as in a PC: the second one's output is input 2 of the first.
// Answers to: Intel 8259A Programmable Interrupt Controller data sheet (order 231468).
// Does not model: the MCS-80/85 call sequence, buffered mode, and the PC's edge/level control ports 4D0h and 4D1h.

import type { Device, InterruptLine, Saved } from './device.ts'
import { SavedFields } from './saved.ts'

const CASCADE = 2 // the first chip's input that the second one drives
const SPURIOUS = 7 // the level an 8259A answers with when the request has gone

// ICW1 and ICW4
const ICW1_IC4 = 0x01
const ICW1_SNGL = 0x02
const ICW1_LTIM = 0x08
const ICW1 = 0x10
const ICW4_AEOI = 0x02
const ICW4_SFNM = 0x10
// OCW3 (bit 3 set, bit 4 clear)
const OCW3 = 0x08
const OCW3_RIS = 0x01
const OCW3_RR = 0x02
const OCW3_POLL = 0x04
const OCW3_SMM = 0x20
const OCW3_ESMM = 0x40
// OCW2
const OCW2_EOI = 0x20
const OCW2_SPECIFIC = 0x40
const OCW2_ROTATE = 0x80

/** One 8259A. Levels are 0..7; masks have bit n for level n. */
class Chip {
  readonly #name: string
  #lines = 0 // the inputs as they are now
  #irr = 0
  #isr = 0
  #imr = 0
  #base = 0 // vector of level 0
  #lowest = 7 // the level of lowest priority
  #expect: 0 | 2 | 3 | 4 = 0 // the ICW awaited at A0=1
  #icw1 = 0
  #icw4 = 0
  #readIsr = false
  #poll = false
  #specialMask = false
  #rotateOnAeoi = false

  constructor(name: string) {
    this.#name = name
  }

  get unmasked(): boolean {
    return this.#imr !== 0xff
  }

  input(level: number, high: boolean): void {
    const bit = 1 << level
    const was = this.#lines & bit
    if (high) {
      this.#lines |= bit
      if (was === 0 || this.#icw1 & ICW1_LTIM) this.#irr |= bit
    } else {
      this.#lines &= ~bit
      this.#irr &= ~bit // a request must stay high until it is acknowledged, in both modes
    }
  }

  /** The level that INT stands for now, or -1. */
  request(): number {
    const ready = this.#irr & ~this.#imr
    if (ready === 0) return -1
    for (let turn = 1; turn <= 8; turn += 1) {
      const level = (this.#lowest + turn) & 7
      const bit = 1 << level
      const serving = (this.#isr & bit) !== 0
      if (this.#specialMask && serving) continue // it is in service: neither blocks nor asks again
      const nested = serving && level === CASCADE && (this.#icw4 & ICW4_SFNM) !== 0
      if (serving && !nested) return -1
      if (ready & bit) return level
    }
    return -1
  }

  /** INTA: take the request of highest priority into service. @returns its level, SPURIOUS if there is none */
  acknowledge(): number {
    const level = this.request()
    if (level < 0) return SPURIOUS
    const bit = 1 << level
    const stays = (this.#icw1 & ICW1_LTIM) !== 0 && (this.#lines & bit) !== 0
    if (!stays) this.#irr &= ~bit
    if (this.#icw4 & ICW4_AEOI) {
      if (this.#rotateOnAeoi) this.#lowest = level
    } else {
      this.#isr |= bit
    }
    return level
  }

  vector(level: number): number {
    return this.#base + level
  }

  read(a0: number): number {
    if (this.#poll) return this.#pollWord()
    if (a0 === 1) return this.#imr
    return this.#readIsr ? this.#isr : this.#irr
  }

  write(a0: number, value: number): void {
    if (a0 === 0 && value & ICW1) this.#initialise(value)
    else if (a0 === 0 && value & OCW3) this.#operate3(value)
    else if (a0 === 0) this.#operate2(value)
    else if (this.#expect === 0) this.#imr = value
    else this.#initialiseFurther(value)
  }

  #pollWord(): number {
    this.#poll = false
    const level = this.request()
    if (level < 0) return 0
    this.acknowledge()
    return 0x80 | level
  }

  #initialise(icw1: number): void {
    this.#icw1 = icw1
    this.#icw4 = 0
    this.#irr = icw1 & ICW1_LTIM ? this.#lines : 0 // the edge sense starts afresh
    this.#isr = 0
    this.#imr = 0
    this.#lowest = 7
    this.#readIsr = false
    this.#poll = false
    this.#specialMask = false
    this.#rotateOnAeoi = false
    this.#expect = 2
  }

  #initialiseFurther(value: number): void {
    const last = this.#icw1 & ICW1_IC4 ? 4 : 0
    if (this.#expect === 2) {
      this.#base = value & 0xf8
      this.#expect = this.#icw1 & ICW1_SNGL ? last : 3
    } else if (this.#expect === 3) {
      this.#expect = last // ICW3 tells the wiring, which is fixed here
    } else {
      this.#icw4 = value
      this.#expect = 0
    }
  }

  #operate3(value: number): void {
    if (value & OCW3_ESMM) this.#specialMask = (value & OCW3_SMM) !== 0
    if (value & OCW3_POLL) this.#poll = true
    else if (value & OCW3_RR) this.#readIsr = (value & OCW3_RIS) !== 0
  }

  #operate2(value: number): void {
    const rotate = (value & OCW2_ROTATE) !== 0
    if (value & OCW2_EOI) {
      const level = value & OCW2_SPECIFIC ? value & 7 : this.#highestInService()
      if (level < 0) return
      this.#isr &= ~(1 << level)
      if (rotate) this.#lowest = level
    } else if (value & OCW2_SPECIFIC) {
      if (rotate) this.#lowest = value & 7 // set priority; without R it is the no-operation
    } else {
      this.#rotateOnAeoi = rotate
    }
  }

  #highestInService(): number {
    for (let turn = 1; turn <= 8; turn += 1) {
      const level = (this.#lowest + turn) & 7
      const masked = this.#specialMask && (this.#imr & (1 << level)) !== 0
      if (this.#isr & (1 << level) && !masked) return level
    }
    return -1
  }

  save(): Saved {
    return {
      words: [
        this.#lines,
        this.#irr,
        this.#isr,
        this.#imr,
        this.#base,
        this.#lowest,
        this.#expect,
        this.#icw1,
        this.#icw4,
      ],
      readIsr: this.#readIsr,
      poll: this.#poll,
      specialMask: this.#specialMask,
      rotateOnAeoi: this.#rotateOnAeoi,
    }
  }

  restore(saved: SavedFields): void {
    const [lines, irr, isr, imr, base, lowest, expect, icw1, icw4] = saved.numbers('words', 9) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ]
    if (expect !== 0 && expect !== 2 && expect !== 3 && expect !== 4)
      throw new Error(`${this.#name}: the awaited ICW must be 0, 2, 3 or 4, got ${expect}`)
    this.#lines = lines
    this.#irr = irr
    this.#isr = isr
    this.#imr = imr
    this.#base = base
    this.#lowest = lowest
    this.#expect = expect
    this.#icw1 = icw1
    this.#icw4 = icw4
    this.#readIsr = saved.flag('readIsr')
    this.#poll = saved.flag('poll')
    this.#specialMask = saved.flag('specialMask')
    this.#rotateOnAeoi = saved.flag('rotateOnAeoi')
  }
}

/** The pair at 20h and A0h. Interrupt requests are 0..15. Before initialisation nothing is asked of the CPU. */
export class Pic implements Device {
  readonly name = 'pic'
  readonly ports: Device['ports'] = [
    [0x20, 0x21],
    [0xa0, 0xa1],
  ]
  readonly #first = new Chip('pic.first')
  readonly #second = new Chip('pic.second')
  #ready = false // the first chip has had its ICW1
  #pending = false

  /** The input `irq` (0..15, not 2). A rising edge asks for an interrupt; lowering it takes the request back. */
  line(irq: number): InterruptLine {
    if (!(Number.isInteger(irq) && irq >= 0 && irq < 16 && irq !== CASCADE))
      throw new Error(`pic: an interrupt request must be 0..15 and not the cascade's 2, got ${irq}`)
    const chip = irq < 8 ? this.#first : this.#second
    const set = (high: boolean): void => {
      chip.input(irq & 7, high)
      this.#settle()
    }
    return { raise: () => set(true), lower: () => set(false) }
  }

  /** Could some input make INT rise? */
  get listens(): boolean {
    return this.#ready && this.#first.unmasked
  }
  /** Does INT stand high at the CPU? */
  pending(): boolean {
    return this.#pending
  }

  /** The CPU's two INTA cycles. @returns the vector; a request that has gone gives the spurious level 7 or 15 */
  acknowledge(): number {
    const level = this.#first.acknowledge()
    const fromSecond = level === CASCADE
    const vector = fromSecond ? this.#second.vector(this.#second.acknowledge()) : this.#first.vector(level)
    if (fromSecond) this.#first.input(CASCADE, false) // INT falls at INTA: a further request is a new edge
    this.#settle()
    return vector
  }

  read(port: number): number {
    const value = this.#chip(port).read(port & 1)
    this.#settle() // a poll acknowledges
    return value
  }

  write(port: number, _width: number, value: number): void {
    const chip = this.#chip(port)
    chip.write(port & 1, value)
    if (chip === this.#first && !(port & 1) && value & ICW1) this.#ready = true
    this.#settle()
  }

  save(): Saved {
    return { first: this.#first.save(), second: this.#second.save(), ready: this.#ready }
  }

  restore(saved: Saved): void {
    const fields = new SavedFields(this.name, saved)
    this.#first.restore(fields.fields('first'))
    this.#second.restore(fields.fields('second'))
    this.#ready = fields.flag('ready')
    this.#pending = this.#ready && this.#first.request() >= 0
  }

  #chip(port: number): Chip {
    return port < 0xa0 ? this.#first : this.#second
  }

  /** The cascade and INT follow every change at once. */
  #settle(): void {
    this.#first.input(CASCADE, this.#second.request() >= 0)
    this.#pending = this.#ready && this.#first.request() >= 0
  }
}
