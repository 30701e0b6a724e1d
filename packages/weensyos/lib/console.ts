// Memory and text: memset and memcpy, the console, the log, panics. Handout: lib.c, and the log of k-hardware.c.

import type { u64 } from '@pagewalk/machine/x86-64'
import { CONSOLE_ADDR, CONSOLE_COLUMNS, CONSOLE_ROWS, CPOS, CURSORPOS_ADDR } from './layout.ts'
import { ring0 } from './ring0.ts'

const CELLS = CONSOLE_ROWS * CONSOLE_COLUMNS
const CONSOLE = Number(CONSOLE_ADDR)
const LOG_DATA = 0x378
const LOG_CONTROL = 0x37a

/** `memset(v, c, n)`: fill `n` bytes at address `v` with `c`. */
export function memset(v: u64, c: number, n: u64 | number): void {
  ring0.fill(v, c & 0xff, Number(n))
}
/** `memcpy(dst, src, n)`: copy `n` bytes from address `src` to address `dst`. */
export function memcpy(dst: u64, src: u64, n: u64 | number): void {
  ring0.copy(dst, src, Number(n))
}

export type PrintfArgument = number | bigint | string
/** One character of formatted text with the colour in force. */
interface Glyph {
  readonly char: number
  readonly color: number
}
const CONVERSION = /%([-0# +]*)(\d+|\*)?(?:\.(\d+))?(?:hh|h|ll|l|z)*([%diuxXpscC])/g

/**
 * Format as C's printf: %d %i %u %x %X %p %s %c %%, flags, width, precision; `%C` takes a colour for what follows.
 *
 * @throws Error if there are fewer arguments than conversions
 */
function* format(text: string, args: readonly PrintfArgument[], color: number): Generator<Glyph> {
  let next = 0
  const take = (): PrintfArgument => {
    const arg = args[next++]
    if (arg === undefined) throw new Error(`printf: too few arguments for '${text}'`)
    return arg
  }
  let last = 0
  let ink = color
  const glyphs = (s: string): Glyph[] => [...s].map((c) => ({ char: c.charCodeAt(0), color: ink }))
  for (const found of text.matchAll(CONVERSION)) {
    yield* glyphs(text.slice(last, found.index))
    last = found.index + found[0].length
    const [, flags = '', widthText, precision, kind] = found
    if (kind === '%') yield* glyphs('%')
    else if (kind === 'C') ink = Number(take())
    else {
      const width = widthText === '*' ? Number(take()) : Number(widthText ?? 0)
      yield* glyphs(pad(convert(kind!, take(), flags, precision), width, flags, kind !== 's' && kind !== 'c'))
    }
  }
  yield* glyphs(text.slice(last))
}
function convert(kind: string, arg: PrintfArgument, flags: string, precision: string | undefined): string {
  if (kind === 's') return precision === undefined ? String(arg) : String(arg).slice(0, Number(precision))
  if (kind === 'c') return typeof arg === 'string' ? arg.slice(0, 1) : String.fromCharCode(Number(arg) & 0xff)
  const value = BigInt(typeof arg === 'number' ? Math.trunc(arg) : arg)
  if (kind === 'p') return `0x${BigInt.asUintN(64, value).toString(16)}`
  const negative = (kind === 'd' || kind === 'i') && value < 0n
  const size = typeof arg === 'number' ? 32 : 64
  const magnitude = negative ? -value : kind === 'd' || kind === 'i' ? value : BigInt.asUintN(size, value)
  const digits = magnitude
    .toString(kind === 'x' || kind === 'X' ? 16 : 10)
    .padStart(Number(precision ?? 1), '0')
  const sign = negative ? '-' : flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : ''
  const prefix = flags.includes('#') && kind === 'x' ? '0x' : ''
  return sign + prefix + (kind === 'X' ? digits.toUpperCase() : digits)
}
function pad(text: string, width: number, flags: string, numeric: boolean): string {
  if (flags.includes('-')) return text.padEnd(width)
  if (!numeric || !flags.includes('0')) return text.padStart(width)
  const head = /^([-+ ]|0x)?/.exec(text)![0]
  return head + text.slice(head.length).padStart(width - head.length, '0')
}

/**
 * `console_printf(cpos, color, format, ...)`
 *
 * Print on the console from position `cpos` on. A newline fills the rest of the row with blanks; text that runs off the last
 * row goes on at the first.
 *
 * @param cpos   CPOS(row, column); out of range counts as 0
 * @param color  attribute in bits 8 to 15: 0x0700 is light grey on black
 * @returns      the position behind the text
 */
export function consolePrintf(cpos: number, color: number, text: string, ...args: PrintfArgument[]): number {
  let at = cpos >= 0 && cpos < CELLS ? cpos : 0
  const put = (cell: number): void => {
    ring0.write16(CONSOLE + at * 2, cell)
    at = (at + 1) % CELLS
  }
  for (const { char, color: ink } of format(text, args, color)) {
    if (char !== 0x0a) put((char & 0xff) | (ink & 0xff00))
    else
      do put(0x20 | (ink & 0xff00))
      while (at % CONSOLE_COLUMNS !== 0)
  }
  ring0.write32(CURSORPOS_ADDR, at)
  return at
}

/** `console_clear()`: blank the console, cursor at the top left. */
export function consoleClear(): void {
  const blank = new Uint8Array(CELLS * 2)
  for (let i = 0; i < CELLS; i++) blank.set([0x20, 0x07], i * 2)
  ring0.writeBytes(CONSOLE, blank)
  ring0.write32(CURSORPOS_ADDR, 0)
}

/** `log_printf(format, ...)`: print to the log, the machine's parallel port. */
export function logPrintf(text: string, ...args: PrintfArgument[]): void {
  for (const { char } of format(text, args, 0)) {
    ring0.out8(LOG_DATA, char & 0xff)
    ring0.out8(LOG_CONTROL, 0x0d) // strobe
    ring0.out8(LOG_CONTROL, 0x0c)
  }
}

/** `error_printf(cpos, color, format, ...)`: print to the log and the console. */
export function errorPrintf(cpos: number, color: number, text: string, ...args: PrintfArgument[]): number {
  logPrintf(text, ...args)
  return consolePrintf(cpos, color, text, ...args)
}

/**
 * `panic(format, ...)`
 *
 * Give up: tell it in row 23 and in the log, and stop the machine. The keys a, f, e and q still work.
 *
 * @param text  null: just "PANIC"
 */
export function panic(text: string | null, ...args: PrintfArgument[]): never {
  const message = text === null ? 'PANIC' : `PANIC: ${printed(text, args)}`
  errorPrintf(CPOS(23, 0), 0xc000, '%s', message.endsWith('\n') ? message : `${message}\n`)
  return ring0.stop(message.trimEnd())
}
const printed = (text: string, args: readonly PrintfArgument[]): string =>
  String.fromCharCode(...[...format(text, args, 0)].map((glyph) => glyph.char))

/** `assert(x)`: panic unless `holds`. @param expression  what must hold, as text; @param file  who says so */
export function assert(holds: boolean, expression: string, file = 'kernel.ts'): asserts holds {
  if (!holds) panic("%s: assertion '%s' failed", file, expression)
}
