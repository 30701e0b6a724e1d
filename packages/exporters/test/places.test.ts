import { expect, test } from 'vitest'
import { placeIn } from '../src/places.ts'

test('the first place that a sentence names', () => {
  expect(placeIn('greedy: kernel.ts:138:24: TypeError; at kernel.ts:9:1')).toEqual({
    file: 'kernel.ts',
    line: 138,
    column: 24,
  })
  expect(placeIn('at lib/boot.ts:3:1')).toMatchObject({ file: 'lib/boot.ts' })
})
test('no path that leads out of the folder is a place', () => {
  for (const text of [
    '../../kernel.ts:1:1',
    '/etc/kernel.ts:1:1',
    'a/../../b.ts:1:1',
    'kernel.ts',
    undefined,
  ])
    expect(placeIn(text)).toBeUndefined()
})
