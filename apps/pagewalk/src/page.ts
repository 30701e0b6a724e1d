// A text over the screen, such as the legend: it can be scrolled, and any other key ends it.

import { type Cells, COLUMNS, cellsOf, fold } from './screen.ts'

/** Where the text begins, after a key: undefined if the key ends the page. */
type Scroll = (top: number, height: number, last: number) => number
const SCROLLS: ReadonlyMap<string, Scroll> = new Map([
  ...['\x1b[A', '\x1bOA', 'k'].map((key): [string, Scroll] => [key, (top) => top - 1]),
  ...['\x1b[B', '\x1bOB', 'j', '\r'].map((key): [string, Scroll] => [key, (top) => top + 1]),
  ...['\x1b[5~', '-'].map((key): [string, Scroll] => [key, (top, height) => top - height]),
  ...['\x1b[6~', ' '].map((key): [string, Scroll] => [key, (top, height) => top + height]),
  ...['\x1b[H', '\x1b[1~'].map((key): [string, Scroll] => [key, () => 0]),
  ...['\x1b[F', '\x1b[4~'].map((key): [string, Scroll] => [key, (_top, _height, last) => last]),
])

export class Page {
  readonly #lines: readonly string[]
  #top = 0
  #height = 1

  constructor(lines: readonly string[]) {
    this.#lines = lines
  }
  /** @returns false if the page is done */
  press(key: string): boolean {
    const scroll = this.#last > 0 ? SCROLLS.get(key) : undefined
    if (!scroll) return false
    this.#top = Math.min(this.#last, Math.max(0, scroll(this.#top, this.#height, this.#last)))
    return true
  }
  /** So far it can be scrolled. */
  get #last(): number {
    return Math.max(0, this.#lines.length - this.#height)
  }
  cells(height: number): Cells {
    this.#height = height
    this.#top = Math.min(this.#top, this.#last)
    return cellsOf(this.#lines.slice(this.#top, this.#top + height), height)
  }
  /** Which part is seen, and what keys do. */
  get status(): string {
    if (this.#last === 0) return 'any key goes back'
    const end = Math.min(this.#lines.length, this.#top + this.#height)
    return `lines ${this.#top + 1} to ${end} of ${this.#lines.length}; up, down, space; any other key goes back`
  }
}

/** Long sentences folded; what hangs after the first line is as far to the right as its first word. */
export function folded(lines: readonly string[]): string[] {
  return lines.flatMap((line) => {
    const indent = /^ */.exec(line)![0]
    if (line.length < COLUMNS) return [line]
    return fold(line.trim(), COLUMNS - 1 - indent.length).map((part) => `${indent}${part}`)
  })
}
