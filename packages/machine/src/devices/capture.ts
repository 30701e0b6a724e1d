// What a device sends out of the machine, kept as text: one character per byte (Latin-1), up to a limit.

import type { Saved } from './device.ts'
import type { SavedFields } from './saved.ts'

/** Bytes kept when nothing else is said. */
export const CAPTURE_LIMIT: number = 1 << 20

export class Capture {
  readonly #limit: number
  #text = ''
  #dropped = 0

  constructor(limit: number = CAPTURE_LIMIT) {
    this.#limit = limit
  }

  get text(): string {
    return this.#text
  }

  /** How many bytes came after the limit and are lost. */
  get dropped(): number {
    return this.#dropped
  }

  put(byte: number): void {
    if (this.#text.length < this.#limit) this.#text += String.fromCharCode(byte & 0xff)
    else this.#dropped += 1
  }

  save(): Saved {
    return { text: this.#text, dropped: this.#dropped }
  }

  restore(saved: SavedFields): void {
    this.#text = saved.text('text')
    this.#dropped = saved.number('dropped')
  }
}
