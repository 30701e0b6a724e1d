// One serial port at 3F8h whose other end is kept as text. Answers to: National Semiconductor PC16550D data sheet.
// Does not model: the time a character takes (the transmitter is always empty), FIFO trigger levels and time-outs.

import { Capture } from './capture.ts'
import type { Device, InterruptLine, Saved } from './device.ts'
import { SavedFields } from './saved.ts'

const BASE = 0x3f8
// Registers, by offset from BASE
const DATA = 0 // RBR and THR; divisor low with DLAB
const IER = 1 // divisor high with DLAB
const IIR_FCR = 2
const LCR = 3
const MCR = 4
const LSR = 5
const MSR = 6
const SCR = 7

const DLAB = 0x80
const LOOP = 0x10
const IER_DATA = 0x01
const IER_EMPTY = 0x02
const LSR_DATA = 0x01
const LSR_EMPTY = 0x60 // THRE and TEMT
const FIFO = 16

const NO_LINE: InterruptLine = { raise: () => {}, lower: () => {} }

export interface SerialOptions {
  /** IRQ 4 */
  readonly line?: InterruptLine
  /** Bytes kept of what is sent; more are counted and dropped. */
  readonly limit?: number
}

export class Serial implements Device {
  readonly name = 'serial'
  readonly ports: Device['ports'] = [[BASE, BASE + 7]]
  readonly #line: InterruptLine
  readonly #sent: Capture
  #received: number[] = []
  #divisor = 12 // 9600 baud
  #ier = 0
  #fcr = 0
  #lcr = 3
  #mcr = 0
  #scratch = 0
  #emptyAsked = false // a "transmitter empty" interrupt is due

  constructor(options: SerialOptions = {}) {
    this.#line = options.line ?? NO_LINE
    this.#sent = new Capture(options.limit)
  }

  /** All that was sent, one character per byte. */
  get output(): string {
    return this.#sent.text
  }

  /** Bytes sent after the limit. */
  get dropped(): number {
    return this.#sent.dropped
  }

  /** The other end sends `bytes`. What the receive FIFO cannot hold is lost. */
  receive(...bytes: number[]): void {
    for (const byte of bytes) if (this.#received.length < FIFO) this.#received.push(byte & 0xff)
    this.#interrupt()
  }

  read(port: number): number {
    const value = this.#read(port - BASE)
    this.#interrupt()
    return value
  }

  write(port: number, _width: number, value: number): void {
    this.#write(port - BASE, value)
    this.#interrupt()
  }

  save(): Saved {
    return {
      sent: this.#sent.save(),
      received: [...this.#received],
      words: [this.#divisor, this.#ier, this.#fcr, this.#lcr, this.#mcr, this.#scratch],
      emptyAsked: this.#emptyAsked,
    }
  }

  restore(saved: Saved): void {
    const fields = new SavedFields(this.name, saved)
    const words = fields.numbers('words', 6)
    this.#sent.restore(fields.fields('sent'))
    this.#received = fields.numbers('received')
    this.#divisor = words[0] ?? 0
    this.#ier = words[1] ?? 0
    this.#fcr = words[2] ?? 0
    this.#lcr = words[3] ?? 0
    this.#mcr = words[4] ?? 0
    this.#scratch = words[5] ?? 0
    this.#emptyAsked = fields.flag('emptyAsked')
  }

  #read(register: number): number {
    const dlab = (this.#lcr & DLAB) !== 0
    if (register === DATA) return dlab ? this.#divisor & 0xff : (this.#received.shift() ?? 0)
    if (register === IER) return dlab ? this.#divisor >> 8 : this.#ier
    if (register === IIR_FCR) return this.#identify()
    if (register === LCR) return this.#lcr
    if (register === MCR) return this.#mcr
    if (register === LSR) return LSR_EMPTY | (this.#received.length > 0 ? LSR_DATA : 0)
    return register === MSR ? this.#modemStatus() : this.#scratch
  }

  #write(register: number, value: number): void {
    const dlab = (this.#lcr & DLAB) !== 0
    if (register === DATA && dlab) this.#divisor = (this.#divisor & 0xff00) | value
    else if (register === DATA) this.#send(value)
    else if (register === IER && dlab) this.#divisor = (value << 8) | (this.#divisor & 0xff)
    else if (register === IER) {
      if (value & ~this.#ier & IER_EMPTY) this.#emptyAsked = true
      this.#ier = value & 0x0f
    } else if (register === IIR_FCR) {
      this.#fcr = value
      if (value & 2) this.#received = []
    } else if (register === LCR) this.#lcr = value
    else if (register === MCR) this.#mcr = value & 0x1f
    else if (register === SCR) this.#scratch = value
  }

  #send(byte: number): void {
    if (this.#mcr & LOOP) this.receive(byte)
    else this.#sent.put(byte)
    this.#emptyAsked = true
  }

  /** The interrupt of highest priority; reading it settles a "transmitter empty". */
  #identify(): number {
    const fifo = this.#fcr & 1 ? 0xc0 : 0
    if (this.#ier & IER_DATA && this.#received.length > 0) return fifo | 0x04
    if (!(this.#ier & IER_EMPTY && this.#emptyAsked)) return fifo | 0x01 // none
    this.#emptyAsked = false
    return fifo | 0x02
  }

  /** In loopback the four modem outputs come back as inputs; else a cable is there: CTS, DSR, DCD. */
  #modemStatus(): number {
    const mcr = this.#mcr
    if (!(mcr & LOOP)) return 0xb0
    return ((mcr & 1) << 5) | ((mcr & 2) << 3) | ((mcr & 4) << 4) | ((mcr & 8) << 4)
  }

  #interrupt(): void {
    const data = (this.#ier & IER_DATA) !== 0 && this.#received.length > 0
    const empty = (this.#ier & IER_EMPTY) !== 0 && this.#emptyAsked
    if (data || empty) this.#line.raise()
    else this.#line.lower()
  }
}
