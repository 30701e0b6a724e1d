import { describe, expect, test } from 'vitest'
import { fold, Screen, sgr } from '../src/screen.ts'

const blank = () => ({
  rows: Array.from({ length: 25 }, () => ' '.repeat(80)),
  attributes: new Uint8Array(2000).fill(0x07),
  cursor: -1,
})

describe('the screen on a terminal', () => {
  test('a VGA colour is the same colour in ANSI', () => {
    expect(sgr(0x07)).toBe('\x1b[37;40m') // light grey on black
    expect(sgr(0x0c)).toBe('\x1b[91;40m') // bright red
    expect(sgr(0x1e)).toBe('\x1b[93;44m') // yellow on blue
    expect(sgr(0xc0)).toBe('\x1b[30;101m') // reverse video of process 1
  })
  test('the first frame is all cells, the next only what changed', () => {
    const screen = new Screen()
    expect(screen.update(blank(), ['running']).length).toBeGreaterThan(2000)
    const next = blank()
    next.rows[3] = `  A${' '.repeat(77)}`
    next.attributes[3 * 80 + 2] = 0x0a
    expect(screen.update(next, ['running'])).toBe('\x1b[?25l\x1b[4;3H\x1b[92;40mA\x1b[0m')
    expect(screen.update(next, ['paused'])).toBe('\x1b[?25l\x1b[0m\x1b[26;1Hpaused\x1b[K')
    screen.forget()
    expect(screen.update(next, ['paused']).length).toBeGreaterThan(2000)
  })
  test('the cursor stands where the machine has it', () => {
    expect(new Screen().update({ ...blank(), cursor: 81 }, []).endsWith('\x1b[2;2H\x1b[?25h')).toBe(true)
  })
  test('words are folded, and cut where there is no room', () => {
    expect(fold('one two three four', 9, 3)).toEqual(['one two', 'three', 'four'])
    expect(fold('one two three four', 9, 1)).toEqual(['one two'])
    expect(fold('supercalifragilistic', 5, 2)).toEqual(['super'])
  })
})
