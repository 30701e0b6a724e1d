// Rows of coloured cells, and lines of text below them, on a terminal: raw ANSI, and only what changed since the last time.

import type { Frame } from '@pagewalk/grader'

export const COLUMNS = 80
/** Of a machine's screen. */
export const ROWS = 25
/** The lowest terminal that shows it: the rows that are blank go first. */
export const LEAST_HEIGHT = 24

export const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J'
export const LEAVE = '\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l'
const HIDE = '\x1b[?25l'
const SHOW = '\x1b[?25h'
const PLAIN = '\x1b[0m'
const REVERSE = '\x1b[7m'

/** VGA counts its colours blue 1, red 4; ANSI the other way round. */
const ansi = (colour: number): number => ((colour & 1) << 2) | (colour & 2) | ((colour >> 2) & 1)
/** How bright a VGA colour is, so that two can be compared: green more than red, red more than blue. */
const brightness = (colour: number): number => ansi(colour & 7) + (colour & 2) * 2 + (colour & 8)
/**
 * The escape that sets a cell's attribute: low half foreground, high half background; bright ones are 90 and 100 up. Without
 * colour there is only reverse video, for dark on light.
 */
export function sgr(attribute: number, colour: boolean): string {
  const [fore, back] = [attribute & 15, attribute >> 4]
  if (!colour) return brightness(back) > brightness(fore) ? `${PLAIN}${REVERSE}` : PLAIN
  return `\x1b[${(fore & 8 ? 90 : 30) + ansi(fore & 7)};${(back & 8 ? 100 : 40) + ansi(back & 7)}m`
}
const at = (row: number, column: number): string => `\x1b[${row + 1};${column + 1}H`

/** Rows of 80 cells; `cursor` is row * 80 + column, or -1. */
export type Cells = Pick<Frame, 'rows' | 'attributes' | 'cursor'>

/** The same, of the rows that are named. */
export function rowsOf({ rows, attributes, cursor }: Cells, wanted: readonly number[]): Cells {
  const row = wanted.indexOf(Math.floor(cursor / COLUMNS))
  return {
    rows: wanted.map((n) => rows[n] ?? ''),
    attributes: Uint8Array.from(
      wanted.flatMap((n) => [...attributes.subarray(n * COLUMNS, (n + 1) * COLUMNS)]),
    ),
    cursor: cursor < 0 || row < 0 ? -1 : row * COLUMNS + (cursor % COLUMNS),
  }
}
/** Rows that say nothing: no character, one colour, and no cursor in it. */
export function blankRows({ rows, attributes, cursor }: Cells): number[] {
  return [...rows.keys()].filter((n) => {
    const [first, ...others] = attributes.subarray(n * COLUMNS, (n + 1) * COLUMNS)
    const says = rows[n]!.trim() !== '' || others.some((other) => other !== first)
    return !says && Math.floor(cursor / COLUMNS) !== n
  })
}
/** Which rows are shown where there is room for so many: blank ones are left out first, the lowest first; then the upper ones. */
export function visibleRows(cells: Cells, room: number): number[] {
  const all = [...cells.rows.keys()]
  const excess = Math.max(0, all.length - room)
  const left = new Set(blankRows(cells).reverse().slice(0, excess))
  return all.filter((n) => !left.has(n)).slice(-Math.max(1, room))
}
/** Text as cells, a row for each line, `height` rows in all. */
export function cellsOf(lines: readonly string[], height: number): Cells {
  const rows = Array.from({ length: height }, (_, n) => (lines[n] ?? '').slice(0, COLUMNS).padEnd(COLUMNS))
  return { rows, attributes: new Uint8Array(height * COLUMNS).fill(0x07), cursor: -1 }
}

/** What a terminal shows, so that the next frame is only what differs. */
export class Screen {
  readonly #colour: boolean
  /** Of each row what its cells are; or its text. */
  #rows: (string[] | string)[] = []
  /** What has put the cursor where it is. */
  #cursor = ''

  constructor(colour: boolean) {
    this.#colour = colour
  }
  /** The terminal was cleared or resized: everything is written again. */
  forget(): void {
    this.#rows = []
    this.#cursor = ''
  }
  /**
   * @param lines  what stands below the cells, already cut to the width
   * @returns the bytes to write
   */
  update(cells: Cells, lines: readonly string[]): string {
    const { rows, cursor } = cells
    const below = [...lines, ...this.#rows.slice(rows.length + lines.length).map(() => '')]
    const drawn = rows.map((_, n) => this.#cells(cells, n)).join('')
    const text = below.map((line, n) => this.#line(line, rows.length + n)).join('')
    this.#rows.length = rows.length + lines.length
    const shown = cursor < 0 ? HIDE : `${at(Math.floor(cursor / COLUMNS), cursor % COLUMNS)}${SHOW}`
    if (drawn === '' && text === '' && shown === this.#cursor) return ''
    this.#cursor = shown
    return `${HIDE}${drawn}${PLAIN}${text}${shown}`
  }
  #cells({ rows, attributes }: Cells, row: number): string {
    const before = this.#rows[row]
    const known = Array.isArray(before) ? before : []
    this.#rows[row] = known
    let text = typeof before === 'string' ? `${PLAIN}${at(row, 0)}\x1b[K` : ''
    let set = ''
    let next = -1
    for (let column = 0; column < COLUMNS; column++) {
      const attribute = attributes[row * COLUMNS + column] ?? 0
      const character = rows[row]![column] ?? ' '
      const key = `${attribute} ${character}`
      if (known[column] === key) continue
      known[column] = key
      if (next !== column) text += at(row, column)
      const wanted = sgr(attribute, this.#colour)
      if (wanted !== set) text += wanted
      text += character
      set = wanted
      next = column + 1
    }
    return text
  }
  #line(line: string, row: number): string {
    if (this.#rows[row] === line) return ''
    this.#rows[row] = line
    return `${at(row, 0)}${line}\x1b[K`
  }
}

/** Words on lines of at most `width` characters, at most `most` lines. */
export function fold(text: string, width: number, most: number = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = []
  for (const word of text.split(/\s+/)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word.slice(0, width))
  }
  return lines.slice(0, most)
}
