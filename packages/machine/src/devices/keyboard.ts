// The keyboard controller and the keyboard behind it, as a kernel meets them at ports 60h and 64h.
// Answers to: Intel 8042 (UPI-41) with the IBM PC/AT's keyboard controller program, IBM Technical Reference,
// System Unit "Keyboard Controller"; scan code set 1 (the controller's translation of set 2 is taken as done).
// Does not model: the mouse port, key repeat, the other scan code sets, the effect of A20 on addresses.

import type { Device, InterruptLine, Saved } from './device.ts'
import { SavedFields } from './saved.ts'

/** Bytes the keyboard keeps for the controller; more are lost, as on the real one. */
const KEYBOARD_BUFFER = 64

const DATA = 0x60
// Status register
const OUTPUT_FULL = 0x01
const SYSTEM_FLAG = 0x04
const LAST_WAS_COMMAND = 0x08
const UNLOCKED = 0x10
// Command byte
const INTERRUPT = 0x01
const DISABLED = 0x10
const TRANSLATE = 0x40
// Output port
const NO_RESET = 0x01
const A20 = 0x02

const ACK = 0xfa
const RESEND = 0xfe

const BREAK = 0x80 // a break code is the make code with this bit
const SHIFT = 0x2a
const CONTROL = 0x1d
const EXTENDED = 0xe0

const ROWS: readonly (readonly [firstCode: number, plain: string, shifted: string])[] = [
  [0x02, '1234567890-=', '!@#$%^&*()_+'],
  [0x10, 'qwertyuiop[]', 'QWERTYUIOP{}'],
  [0x1e, "asdfghjkl;'`", 'ASDFGHJKL:"~'],
  [0x2b, '\\zxcvbnm,./', '|ZXCVBNM<>?'],
  [0x39, ' ', ' '],
]

const NAMED: readonly (readonly [key: string, code: number])[] = [
  ['Escape', 0x01],
  ['Backspace', 0x0e],
  ['Tab', 0x0f],
  ['Enter', 0x1c],
]

const ARROWS: readonly (readonly [key: string, code: number])[] = [
  ['ArrowUp', 0x48],
  ['ArrowLeft', 0x4b],
  ['ArrowRight', 0x4d],
  ['ArrowDown', 0x50],
]

/** Key name (a character of a US keyboard, `Enter`, `Ctrl-C`, ...) -> its make and break codes, set 1. */
export const KEYS: ReadonlyMap<string, readonly number[]> = keys()

function keys(): Map<string, readonly number[]> {
  const map = new Map<string, readonly number[]>()
  const held = (modifier: number, code: number): number[] => [modifier, code, code | BREAK, modifier | BREAK]
  for (const [first, plain, shifted] of ROWS) {
    for (let n = 0; n < plain.length; n += 1) {
      const code = first + n
      const letter = plain.charAt(n)
      map.set(shifted.charAt(n), held(SHIFT, code))
      map.set(letter, [code, code | BREAK])
      if (letter >= 'a' && letter <= 'z') map.set(`Ctrl-${letter.toUpperCase()}`, held(CONTROL, code))
    }
  }
  for (const [key, code] of NAMED) map.set(key, [code, code | BREAK])
  for (const [key, code] of ARROWS) map.set(key, [EXTENDED, code, EXTENDED, code | BREAK])
  return map
}

export class Keyboard implements Device {
  readonly name = 'keyboard'
  readonly ports: Device['ports'] = [
    [0x60, 0x60],
    [0x64, 0x64],
  ]
  readonly #line: InterruptLine
  readonly #onReset: () => void
  #replies: number[] = [] // of the controller; they go before the keyboard's bytes
  #keys: number[] = []
  #output = 0
  #full = false
  #commandByte: number = INTERRUPT | SYSTEM_FLAG | TRANSLATE
  #outputPort: number = NO_RESET | A20
  #command = 0 // the controller command that awaits a byte at 60h
  #keyboardCommand = 0 // the keyboard command that awaits a parameter
  #lastWasCommand = false
  #scanning = true

  /**
   * @param line     IRQ 1
   * @param onReset  the kernel asked for a reset of the machine through the controller
   */
  constructor(line: InterruptLine, onReset: () => void = () => {}) {
    this.#line = line
    this.#onReset = onReset
  }

  /** Is address line 20 open? */
  get a20(): boolean {
    return (this.#outputPort & A20) !== 0
  }

  /** The keyboard sends `scancodes`, set 1. What its buffer cannot hold is lost. */
  press(...scancodes: number[]): void {
    if (!this.#scanning) return
    for (const code of scancodes) if (this.#keys.length < KEYBOARD_BUFFER) this.#keys.push(code & 0xff)
    this.#deliver()
  }

  /** Press and release a key of KEYS. @throws Error if it is not there */
  type(key: string): void {
    const codes = KEYS.get(key)
    if (codes === undefined)
      throw new Error(`keyboard: the key must be a name in KEYS, got ${JSON.stringify(key)}`)
    this.press(...codes)
  }

  read(port: number): number {
    return port === DATA ? this.#readData() : this.#status()
  }

  write(port: number, _width: number, value: number): void {
    this.#lastWasCommand = port !== DATA
    if (port !== DATA) this.#control(value)
    else if (this.#command !== 0) this.#parameter(value)
    else this.#toKeyboard(value)
    this.#deliver()
  }

  save(): Saved {
    return {
      replies: [...this.#replies],
      keys: [...this.#keys],
      words: [this.#output, this.#commandByte, this.#outputPort, this.#command, this.#keyboardCommand],
      full: this.#full,
      lastWasCommand: this.#lastWasCommand,
      scanning: this.#scanning,
    }
  }

  restore(saved: Saved): void {
    const fields = new SavedFields(this.name, saved)
    const words = fields.numbers('words', 5)
    this.#replies = fields.numbers('replies')
    this.#keys = fields.numbers('keys')
    this.#output = words[0] ?? 0
    this.#commandByte = words[1] ?? 0
    this.#outputPort = words[2] ?? 0
    this.#command = words[3] ?? 0
    this.#keyboardCommand = words[4] ?? 0
    this.#full = fields.flag('full')
    this.#lastWasCommand = fields.flag('lastWasCommand')
    this.#scanning = fields.flag('scanning')
  }

  #status(): number {
    const full = this.#full ? OUTPUT_FULL : 0
    return full | (this.#commandByte & SYSTEM_FLAG) | (this.#lastWasCommand ? LAST_WAS_COMMAND : 0) | UNLOCKED
  }

  #readData(): number {
    const value = this.#output // an empty buffer still holds its last byte
    this.#full = false
    this.#line.lower()
    this.#deliver()
    return value
  }

  /** If the output buffer is empty, put the next byte there. */
  #deliver(): void {
    if (this.#full) return
    const enabled = (this.#commandByte & DISABLED) === 0
    const next = this.#replies.shift() ?? (enabled ? this.#keys.shift() : undefined)
    if (next === undefined) return
    this.#output = next
    this.#full = true
    if (this.#commandByte & INTERRUPT) this.#line.raise()
  }

  /** A command at port 64h. Unknown ones do nothing. */
  #control(command: number): void {
    this.#command = 0
    if (command === 0x20) this.#replies.push(this.#commandByte)
    else if (command === 0xaa)
      this.#replies.push(0x55) // self test passed
    else if (command === 0xab)
      this.#replies.push(0x00) // interface test passed
    else if (command === 0xa9)
      this.#replies.push(0x01) // mouse port: clock line stuck low
    else if (command === 0xad) this.#commandByte |= DISABLED
    else if (command === 0xae) this.#commandByte &= ~DISABLED
    else if (command === 0xc0)
      this.#replies.push(0x80) // input port: keyboard not inhibited
    else if (command === 0xd0) this.#replies.push(this.#outputPort | (this.#full ? 0x10 : 0))
    else if (command === 0x60 || (command >= 0xd1 && command <= 0xd4)) this.#command = command
    else if (command >= 0xf0 && (command & NO_RESET) === 0) this.#onReset() // pulse the reset line
  }

  /** The byte at port 60h that a controller command awaited. */
  #parameter(value: number): void {
    if (this.#command === 0x60) this.#commandByte = value
    else if (this.#command === 0xd1) {
      this.#outputPort = value
      if ((value & NO_RESET) === 0) this.#onReset()
    } else if (this.#command === 0xd2) this.#replies.push(value)
    this.#command = 0 // D3h and D4h are for the mouse, which is not there
  }

  /** A byte for the keyboard itself. */
  #toKeyboard(value: number): void {
    if (this.#keyboardCommand !== 0) {
      this.#keys.push(ACK)
      if (this.#keyboardCommand === 0xf0 && value === 0) this.#keys.push(0x01) // set 1
      this.#keyboardCommand = 0
    } else if (value === 0xee)
      this.#keys.push(0xee) // echo
    else if (value === 0xff) {
      this.#keys = [ACK, 0xaa]
      this.#scanning = true
    } else if (value === 0xf2) this.#keys.push(ACK, 0xab, 0x41)
    else if (value === 0xf4 || value === 0xf5 || value === 0xf6) {
      this.#scanning = value !== 0xf5
      this.#keys.push(ACK)
    } else if (value === 0xed || value === 0xf0 || value === 0xf3) {
      this.#keyboardCommand = value
      this.#keys.push(ACK)
    } else this.#keys.push(RESEND)
  }
}
