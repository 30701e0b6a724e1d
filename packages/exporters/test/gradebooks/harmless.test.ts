import { stringify } from 'csv-stringify/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { harmless } from '../../src/gradebooks/harmless.ts'
import { anyText } from '../kit.ts'

test.each([
  "=cmd|' /C calc'!A0",
  '+1+1',
  '-1+1',
  '@SUM(1)',
  '\t=1',
  '\r=1',
  '  =1',
  '\n=1',
  '\u00a0=1',
  '＝1+1',
  '-1e5',
])('%j is put behind an apostrophe', (text) => expect(harmless(text)).toBe(`'${text}`))
test.each(['-3', '-3.5', '-3,5', '12', '0.25', '', 'Ada', 'a=b', '72/100'])('%j stays as it is', (text) =>
  expect(harmless(text)).toBe(text),
)
test('no text is left that begins as a formula, however it is quoted', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const cell = stringify([[harmless(text)]], { eof: false }).replace(/^"/, '')
      expect(cell).not.toMatch(/^\s*[=+@]/)
    }),
  )
})
