// 80x25 cells on a terminal: raw ANSI, and only the cells that changed since the last time.

import type { Frame } from '@pagewalk/grader'

export const COLUMNS = 80
export const ROWS = 25

export const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J'
export const LEAVE = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l'
const HIDE = '\x1b[?25l'
const SHOW = '\x1b[?25h'

/** VGA counts its colours blue 1, red 4; ANSI the other way round. */
const ansi = (colour: number): number => ((colour & 1) << 2) | (colour & 2) | ((colour >> 2) & 1)
/** The escape that sets a cell's colours: low half foreground, high half background; bright ones are 90 and 100 up. */
export const sgr = (attribute: number): string => {
  const [fore, back] = [attribute & 15, attribute >> 4]
  return `\x1b[${(fore & 8 ? 90 : 30) + ansi(fore & 7)};${(back & 8 ? 100 : 40) + ansi(back & 7)}m`
}
const at = (row: number, column: number): string => `\x1b[${row + 1};${column + 1}H`

/** What a terminal shows, so that the next frame is only what differs. */
export class Screen {
  #cells: (string | undefined)[] = []
  #lines: string[] = []

  /** The terminal was cleared or resized: everything is written again. */
  forget(): void {
    this.#cells = []
    this.#lines = []
  }
  /**
   * @param lines  what stands below the screen, already cut to the width
   * @returns the bytes to write
   */
  update(
    { rows, attributes, cursor }: Pick<Frame, 'rows' | 'attributes' | 'cursor'>,
    lines: readonly string[],
  ): string {
    let text = HIDE
    let colour = -1
    let next = -1
    for (let cell = 0; cell < COLUMNS * ROWS; cell++) {
      const [row, column] = [Math.floor(cell / COLUMNS), cell % COLUMNS]
      const attribute = attributes[cell] ?? 0
      const character = rows[row]?.[column] ?? ' '
      const key = `${attribute} ${character}`
      if (this.#cells[cell] === key) continue
      this.#cells[cell] = key
      if (next !== cell || column === 0) text += at(row, column)
      if (colour !== attribute) text += sgr(attribute)
      text += character
      colour = attribute
      next = cell + 1
    }
    text += this.#below(lines)
    return cursor < 0 ? text : text + at(Math.floor(cursor / COLUMNS), cursor % COLUMNS) + SHOW
  }
  #below(lines: readonly string[]): string {
    let text = '\x1b[0m'
    for (let i = 0; i < Math.max(lines.length, this.#lines.length); i++) {
      const line = lines[i] ?? ''
      if (line !== this.#lines[i]) text += `${at(ROWS + i, 0)}${line}\x1b[K`
    }
    this.#lines = [...lines]
    return text
  }
}

/** Words on lines of at most `width` characters, at most `most` lines. */
export function fold(text: string, width: number, most: number): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word.slice(0, width))
  }
  return lines.slice(0, most)
}
