// The printer port at 378h with an ideal printer: it takes each byte at once and keeps it as text.
// Answers to: IBM PC Technical Reference, "Printer Adapter". Does not model: the interrupt, bidirectional modes.

import { Capture } from './capture.ts'
import type { Device, Saved } from './device.ts'
import { SavedFields } from './saved.ts'

const DATA = 0x378
const STATUS = 0x379
const CONTROL = 0x37a
const STROBE = 0x01
// not busy, no acknowledge pulse, paper, selected, no error; the three low bits read as ones
const IDEAL_PRINTER = 0xdf

export interface ParallelOptions {
  /** Bytes kept; more are counted and dropped. */
  readonly limit?: number
}

export class Parallel implements Device {
  readonly name = 'parallel'
  readonly ports: Device['ports'] = [[DATA, CONTROL]]
  readonly #printed: Capture
  #data = 0
  #control = 0

  constructor(options: ParallelOptions = {}) {
    this.#printed = new Capture(options.limit)
  }

  /** All that was printed, one character per byte. */
  get output(): string {
    return this.#printed.text
  }

  /** Bytes printed after the limit. */
  get dropped(): number {
    return this.#printed.dropped
  }

  read(port: number): number {
    if (port === STATUS) return IDEAL_PRINTER
    return port === DATA ? this.#data : this.#control | 0xe0
  }

  write(port: number, _width: number, value: number): void {
    if (port === DATA) this.#data = value
    else if (port === CONTROL) {
      if (value & ~this.#control & STROBE) this.#printed.put(this.#data) // the printer latches on strobe
      this.#control = value & 0x1f
    }
  }

  save(): Saved {
    return { printed: this.#printed.save(), data: this.#data, control: this.#control }
  }

  restore(saved: Saved): void {
    const fields = new SavedFields(this.name, saved)
    this.#printed.restore(fields.fields('printed'))
    this.#data = fields.number('data')
    this.#control = fields.number('control')
  }
}
