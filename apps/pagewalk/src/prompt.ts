// The line at the bottom that asks for an address.

import { parseAddress } from './walk.ts'

const HEX_DIGIT = /^[0-9a-fA-F_]$/
const LONGEST = '0000_0000_0000_0000'.length

export class AddressPrompt {
  #digits = ''
  #wrong = ''

  /** @returns the address, 'none' if there shall be none, undefined if there is more to come */
  press(key: string): bigint | 'none' | undefined {
    this.#wrong = ''
    if (key === '\x1b' || key === '\x03' || key === '\x04') return 'none'
    if (key === '\x7f' || key === '\b') this.#digits = this.#digits.slice(0, -1)
    else if (key === 'x' && this.#digits === '0')
      this.#digits = '' // 0x stands there already
    else if (HEX_DIGIT.test(key) && this.#digits.length < LONGEST) this.#digits += key
    else if (key === '\r' || key === '\n') return this.#enter()
    return undefined
  }
  #enter(): bigint | undefined {
    const address = parseAddress(`0x${this.#digits}`)
    if (address === undefined) this.#wrong = '  (expected 1 to 16 hex digits)'
    return address
  }
  get line(): string {
    return `walk of which address? 0x${this.#digits}${this.#wrong}   Enter, or Escape`
  }
}
