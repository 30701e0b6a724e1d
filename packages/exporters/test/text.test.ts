import { rounded } from '@pagewalk/grader'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanLines, fitted, oneLine } from '../src/text.ts'
import { anyText } from './kit.ts'

test('a text on one line has no control character, no lone surrogate, and nothing that XML cannot hold', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      expect(oneLine(text)).not.toMatch(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202e\ufffe\uffff]/u)
    }),
  )
})
test('lines stay lines, however they end', () => {
  expect(cleanLines('a\r\nb\rc\nd\u0000')).toBe('a\nb\nc\nd\\u0000')
})
test('texts are cut no shorter than need be, and the file says so', () => {
  const file = (length: number): string =>
    fitted(5000, ({ cut, note }) => `${note} ${cut('x'.repeat(length))}`)
  expect(file(100)).toBe(` ${'x'.repeat(100)}`)
  expect(file(100_000)).toMatch(/^Texts are cut after 4000 characters.*x… \(96000 more characters\)$/)
})
test('a cut does not leave half a character', () => {
  expect(fitted(1000, ({ cut }) => cut('🙂'.repeat(5000)))).not.toMatch(/\p{Cs}/u)
})
test('what does not fit with no text at all is an error', () => {
  expect(() => fitted(10, () => 'x'.repeat(11))).toThrow('expected a file of at most 10 bytes')
})
test('points are rounded to hundredths, half up', () => {
  expect([1.005, 2.675, 0.1 + 0.2, 99.994, 7].map(rounded)).toEqual([1.01, 2.68, 0.3, 99.99, 7])
})
