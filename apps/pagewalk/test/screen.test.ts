import { describe, expect, test } from 'vitest'
import {
  blankRows,
  type Cells,
  COLUMNS,
  cellsOf,
  fold,
  ROWS,
  rowsOf,
  Screen,
  sgr,
  visibleRows,
} from '../src/screen.ts'
import { Terminal } from './terminal.ts'

const blank = (): Cells & { rows: string[] } => ({
  rows: Array.from({ length: ROWS }, () => ' '.repeat(COLUMNS)),
  attributes: new Uint8Array(ROWS * COLUMNS).fill(0x07),
  cursor: -1,
})
/** Rows with their number in them, but for those that are named. */
function numbered(...blanks: readonly number[]): Cells & { rows: string[] } {
  const rows = Array.from({ length: ROWS }, (_, n) => (blanks.includes(n) ? '' : `row ${n}`).padEnd(COLUMNS))
  return { ...blank(), rows }
}

describe('the screen on a terminal', () => {
  test('a VGA colour is the same colour in ANSI', () => {
    expect(sgr(0x07, true)).toBe('\x1b[37;40m') // light grey on black
    expect(sgr(0x0c, true)).toBe('\x1b[91;40m') // bright red
    expect(sgr(0x1e, true)).toBe('\x1b[93;44m') // yellow on blue
    expect(sgr(0xc0, true)).toBe('\x1b[30;101m') // reverse video of process 1
  })
  test.each([
    [0x07, false],
    [0x00, false],
    [0x9f, false], // white on bright blue: what all of another lab's screen is
    [0xc0, true],
    [0x40, true], // of a page that is shared
    [0x70, true],
  ])('without colour, attribute %i is in reverse video: %s', (attribute, reversed) => {
    expect(sgr(attribute, false)).toBe(reversed ? '\x1b[0m\x1b[7m' : '\x1b[0m')
  })
  test('the first frame is all cells, the next only what changed, and the same one nothing', () => {
    const screen = new Screen(true)
    expect(screen.update(blank(), ['running']).length).toBeGreaterThan(2000)
    expect(screen.update(blank(), ['running'])).toBe('')
    const next = blank()
    next.rows[3] = `  A${' '.repeat(77)}`
    next.attributes[3 * 80 + 2] = 0x0a
    expect(screen.update(next, ['running'])).toBe('\x1b[?25l\x1b[4;3H\x1b[92;40mA\x1b[0m\x1b[?25l')
    expect(screen.update(next, ['paused'])).toBe('\x1b[?25l\x1b[0m\x1b[26;1Hpaused\x1b[K\x1b[?25l')
    screen.forget()
    expect(screen.update(next, ['paused']).length).toBeGreaterThan(2000)
  })
  test('the cursor stands where the machine has it', () => {
    expect(new Screen(true).update({ ...blank(), cursor: 81 }, []).endsWith('\x1b[2;2H\x1b[?25h')).toBe(true)
  })
  test('cells and lines may change places: nothing of what was there stays', () => {
    const terminal = new Terminal(100, 26)
    const screen = new Screen(false)
    const long = 'x'.repeat(99)
    for (const [rows, lines] of [
      [20, [long, long]],
      [25, ['under']],
      [23, ['one', long, 'three']],
      [25, ['end']],
    ] as const)
      terminal.write(screen.update(rowsOf(numbered(), [...Array(rows).keys()]), lines))
    expect(terminal.rows).toEqual([...Array.from({ length: 25 }, (_, n) => `row ${n}`), 'end'])
  })
})

describe('rows for which there is no room', () => {
  test('are the blank ones, the lowest first', () => {
    expect(blankRows(numbered(9, 23, 24))).toEqual([9, 23, 24])
    expect(visibleRows(numbered(9, 23, 24), 25)).toEqual([...Array(25).keys()])
    expect(visibleRows(numbered(9, 23, 24), 23)).toEqual([...Array(23).keys()])
    expect(visibleRows(numbered(9, 23, 24), 22)).toEqual([...Array(23).keys()].filter((n) => n !== 9))
  })
  test('a row with the cursor in it, or with cells of two colours, is not blank', () => {
    const cells = numbered(1, 2, 3)
    cells.attributes[2 * COLUMNS + 5] = 0x70
    expect(blankRows({ ...cells, cursor: COLUMNS + 4 })).toEqual([3])
  })
  test('if none is blank, are the upper ones', () => {
    expect(visibleRows(numbered(), 23)[0]).toBe(2)
    expect(visibleRows(numbered(0), 23)[0]).toBe(2)
  })
  test('the cursor goes with its row', () => {
    expect(rowsOf({ ...numbered(), cursor: 3 * COLUMNS + 7 }, [1, 3]).cursor).toBe(COLUMNS + 7)
    expect(rowsOf({ ...numbered(), cursor: 2 * COLUMNS }, [1, 3]).cursor).toBe(-1)
  })
})

test('words are folded, and cut where there is no room', () => {
  expect(fold('one two three four', 9, 3)).toEqual(['one two', 'three', 'four'])
  expect(fold('one two three four', 9, 1)).toEqual(['one two'])
  expect(fold('supercalifragilistic', 5, 2)).toEqual(['super'])
})
test('text as cells has so many rows as are asked for', () => {
  expect(cellsOf(['a'], 3).rows.map((row) => row.trimEnd())).toEqual(['a', '', ''])
})
