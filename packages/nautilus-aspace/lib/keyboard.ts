// The keyboard: scan codes of set 1 become keys. Handout: ps2.c.

import { ring0 } from './ring0.ts'

const DATA = 0x60
const STATUS = 0x64
const OUTPUT_FULL = 1
const RELEASED = 0x80
const EXTENDED = 0xe0
const CONTROL = 0x1d
const SHIFTS: ReadonlySet<number> = new Set([0x2a, 0x36])

/** Rows of a US keyboard: the scan code of the first key, and what the keys are without and with shift. */
const ROWS: readonly (readonly [first: number, plain: string, shifted: string])[] = [
  [0x02, '1234567890-=', '!@#$%^&*()_+'],
  [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
  [0x39, ' ', ' '],
]
const NAMED: readonly (readonly [code: number, key: string])[] = [
  [0x01, 'Escape'],
  [0x0e, 'Backspace'],
  [0x0f, 'Tab'],
  [0x1c, 'Enter'],
]
const ARROWS: ReadonlyMap<number, string> = new Map([
  [0x48, 'ArrowUp'],
  [0x4b, 'ArrowLeft'],
  [0x4d, 'ArrowRight'],
  [0x50, 'ArrowDown'],
])
const keysOf = (which: 1 | 2): ReadonlyMap<number, string> =>
  new Map([...ROWS.flatMap((row) => [...row[which]].map((key, i) => [row[0] + i, key] as const)), ...NAMED])
const PLAIN = keysOf(1)
const SHIFTED = keysOf(2)

const held = { extended: false, shift: false, control: false }
export function keyboardInit(): void {
  Object.assign(held, { extended: false, shift: false, control: false })
  while (ring0.in8(STATUS) & OUTPUT_FULL) ring0.in8(DATA)
}
/** The keyboard has interrupted. @returns the keys that have been pressed */
export function keyboardInterrupt(): string[] {
  const keys: string[] = []
  while (ring0.in8(STATUS) & OUTPUT_FULL) {
    const key = decode(ring0.in8(DATA))
    if (key !== undefined) keys.push(key)
  }
  return keys
}
function decode(byte: number): string | undefined {
  const { extended } = held
  held.extended = byte === EXTENDED
  if (held.extended) return undefined
  const code = byte & ~RELEASED
  const down = byte === code
  if (extended) return down ? ARROWS.get(code) : undefined
  if (SHIFTS.has(code)) held.shift = down
  if (code === CONTROL) held.control = down
  if (!down) return undefined
  const key = (held.shift ? SHIFTED : PLAIN).get(code)
  return held.control && key !== undefined && /^[a-z]$/i.test(key) ? `Ctrl-${key.toUpperCase()}` : key
}
