import { expect, test } from 'vitest'
import { COMMAND, keyName, keysOf } from '../src/keys.ts'

test('what a terminal sends is cut into keys: an escape sequence is one, pasted text is many', () => {
  expect(keysOf('ab\x1b[A\x1bOBc')).toEqual(['a', 'b', '\x1b[A', '\x1bOB', 'c'])
  expect(keysOf('\x1b')).toEqual(['\x1b'])
  expect(keysOf('\x1b[1;5C\r')).toEqual(['\x1b[1;5C', '\r'])
  expect(keysOf('')).toEqual([])
})
test.each([
  ['a', 'a'],
  ['~', '~'],
  ['\r', 'Enter'],
  ['\n', 'Enter'],
  ['\x7f', 'Backspace'],
  ['\x1b[A', 'ArrowUp'],
  ['\x1bOD', 'ArrowLeft'],
  ['\x03', 'Ctrl-C'],
  ['\x0e', 'Ctrl-N'],
  ['\x1b', 'Escape'],
  ['ü', undefined],
  ['\x1b[1;5C', undefined],
  [COMMAND, undefined],
])('%j is the key %j', (key, name) => {
  expect(keyName(key)).toBe(name)
})
