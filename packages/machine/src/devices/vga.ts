// The text screen of a PC, as far as a kernel in text mode sees it: the CRT controller's registers at 3D4h and 3D5h
// and the status register 3DAh. The characters are guest memory at 0xB8000.
// Answers to: IBM VGA, PS/2 Hardware Interface Technical Reference, "Video Subsystem", CRT Controller Registers.
// Does not model: graphics modes, fonts, palettes; the retrace bits only change from read to read.

import type { Device, Saved } from './device.ts'
import { SavedFields } from './saved.ts'

export const VGA_TEXT = 0xb8000
export const VGA_COLUMNS = 80
export const VGA_ROWS = 25

const CELLS = VGA_COLUMNS * VGA_ROWS
const REGISTERS = 0x19
const CURSOR_START = 0x0a // bit 5 hides the cursor
const START_ADDRESS = 0x0c
const CURSOR = 0x0e
const INDEX = 0x3d4
const REGISTER = 0x3d5
const STATUS = 0x3da

// Code page 437, one line per 32 characters; 0 and 255 look like a space.
const CP437: readonly string[] = Array.from(
  ' ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼' +
    ' !"#$%&\'()*+,-./0123456789:;<=>?' +
    '@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_' +
    '`abcdefghijklmnopqrstuvwxyz{|}~⌂' +
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ' +
    'áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐' +
    '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
    'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ',
)

export interface TextScreen {
  /** 25 rows of 80 characters, code page 437 told in Unicode. */
  readonly rows: readonly string[]
  /** 2000 attribute bytes: low half foreground, high half background. */
  readonly attributes: Uint8Array
  /** The cell of the cursor, row * 80 + column, or -1 if it is hidden or off the screen. */
  readonly cursor: number
}

export class Vga implements Device {
  readonly name = 'vga'
  readonly ports: Device['ports'] = [
    [INDEX, REGISTER],
    [STATUS, STATUS],
  ]
  #index = 0
  #registers: Uint8Array = new Uint8Array(REGISTERS)
  #retrace = false

  /** The screen as it stands. @param memory  guest memory from physical address 0 */
  text(memory: Uint8Array): TextScreen {
    const start = this.#word(START_ADDRESS)
    const attributes = new Uint8Array(CELLS)
    let characters = ''
    for (let cell = 0; cell < CELLS; cell += 1) {
      const at = VGA_TEXT + (((start + cell) * 2) & 0x7fff) // the text window is 32 KiB and wraps
      characters += CP437[memory[at] ?? 0] ?? ' '
      attributes[cell] = memory[at + 1] ?? 0
    }
    const rows = Array.from({ length: VGA_ROWS }, (_, row) =>
      characters.slice(row * VGA_COLUMNS, (row + 1) * VGA_COLUMNS),
    )
    return { rows, attributes, cursor: this.#cursor(start) }
  }

  read(port: number): number {
    if (port === INDEX) return this.#index
    if (port === REGISTER) return this.#registers[this.#index] ?? 0xff
    this.#retrace = !this.#retrace // a kernel that waits for a retrace sees one
    return this.#retrace ? 0x09 : 0x00
  }

  write(port: number, _width: number, value: number): void {
    if (port === INDEX) this.#index = value & 0x3f
    else if (port === REGISTER && this.#index < REGISTERS) this.#registers[this.#index] = value
  }

  save(): Saved {
    return { index: this.#index, registers: [...this.#registers], retrace: this.#retrace }
  }

  restore(saved: Saved): void {
    const fields = new SavedFields(this.name, saved)
    this.#index = fields.number('index')
    this.#registers = Uint8Array.from(fields.numbers('registers', REGISTERS))
    this.#retrace = fields.flag('retrace')
  }

  #cursor(start: number): number {
    if ((this.#registers[CURSOR_START] ?? 0) & 0x20) return -1
    const cell = this.#word(CURSOR) - start
    return cell >= 0 && cell < CELLS ? cell : -1
  }

  /** Two registers as one number, the high byte first. */
  #word(high: number): number {
    return ((this.#registers[high] ?? 0) << 8) | (this.#registers[high + 1] ?? 0)
  }
}
