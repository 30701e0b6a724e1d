import { describe, expect, test } from 'vitest'
import { folded, Page } from '../src/page.ts'
import { AddressPrompt } from '../src/prompt.ts'

const lines = Array.from({ length: 10 }, (_, n) => `line ${n}`)
const first = (page: Page): string => page.cells(4).rows[0]!.trimEnd()

describe('a page over the screen', () => {
  test('that fits ends with any key', () => {
    const page = new Page(['one'])
    page.cells(4)
    expect(page.press('\x1b[B')).toBe(false)
    expect(page.status).toBe('any key goes back')
  })
  test('that is longer can be scrolled, to its ends and no further', () => {
    const page = new Page(lines)
    const seen = ['', '\x1b[B', ' ', ' ', '\x1b[A', '\x1b[H', '\x1b[A'].map((key) => {
      if (key !== '') expect(page.press(key)).toBe(true)
      return first(page)
    })
    expect(seen).toEqual(['line 0', 'line 1', 'line 5', 'line 6', 'line 5', 'line 0', 'line 0'])
    expect(page.status).toBe('lines 1 to 4 of 10; up, down, space; any other key goes back')
    expect(page.press('q')).toBe(false)
  })
  test('lines that are too long are folded below their first word', () => {
    expect(folded([`  ${'word '.repeat(20)}`]).map((line) => line.length)).toEqual([76, 26])
    expect(folded([`  ${'word '.repeat(20)}`])[1]).toMatch(/^ {2}word/)
  })
})

describe('the prompt for an address', () => {
  const typed = (keys: string): unknown => {
    const prompt = new AddressPrompt()
    return [...keys].map((key) => prompt.press(key)).at(-1)
  }
  test.each([
    ['40000\r', 0x40000n],
    ['0x40_000\r', 0x40000n],
    ['fghf\r', 0xffn],
    ['123\x7f\r', 0x12n],
    ['ffff_8000_0000_0000\r', 0xffff_8000_0000_0000n],
    ['\r', undefined],
    ['4\x1b', 'none'],
    ['4', undefined],
  ])('%j is %s', (keys, answer) => {
    expect(typed(keys)).toBe(answer)
  })
  test('says what is wrong, and takes the address all the same', () => {
    const prompt = new AddressPrompt()
    expect(prompt.press('\r')).toBe(undefined)
    expect(prompt.line).toContain('expected 1 to 16 hex digits')
    prompt.press('7')
    expect(prompt.press('\r')).toBe(7n)
  })
})
