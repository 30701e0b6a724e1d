// What a capsule may send: the form is checked before anything looks at it.

import { Machine, type MachineImage } from '@pagewalk/machine'
import { describe, expect, test } from 'vitest'
import type { Run } from '../src/index.ts'
import { reportSchema } from '../src/protocol.ts'
import { fake } from './fake/lab.ts'

const schema = reportSchema({
  harness: '',
  main: '',
  thread: '',
  strict: false,
  library: '',
  lasting: false,
  code: '',
  exports: [],
  machine: { ...fake.machine, eventLimit: 2 },
  scenarios: fake.scenarios(1),
})
const final: MachineImage = new Machine(fake.machine).image()
const run: Run = {
  scenario: 'short',
  stop: { reason: 'limit' },
  stack: '',
  images: { half: final },
  final,
  events: [{ kind: 'ipi', time: 1, cpu: 0, vector: 0xf3, mode: 0, to: 1 }],
  notes: [{ time: 1, cpu: 1, tag: 'seen', words: [0xffff_ffff_ffff_ffffn] }],
  dropped: 0,
  output: { parallel: '', serial: '', console: '' },
}
const accepts = (change: object): boolean =>
  schema.safeParse({ kind: 'run', run: { ...run, ...change } }).success

describe('a run', () => {
  test('is accepted as it is', () => {
    expect(accepts({})).toBe(true)
    expect(accepts({ stop: { reason: 'deadlock', message: 'CPU 0 waits' } })).toBe(true)
  })
  const [event, note] = [run.events[0]!, run.notes[0]!]
  test.each<readonly [string, object]>([
    ['a field more', { score: 100 }],
    ['no notes', { notes: undefined }],
    ['a note without a CPU', { notes: [{ ...note, cpu: undefined }] }],
    ['a note with a number for a word', { notes: [{ ...note, words: [1] }] }],
    ['a note with a word of 65 bits', { notes: [{ ...note, words: [1n << 64n] }] }],
    ['a note with 17 words', { notes: [{ ...note, words: Array(17).fill(0n) }] }],
    ['a note with a long tag', { notes: [{ ...note, tag: 'x'.repeat(201) }] }],
    ['notes beyond the limit', { notes: Array(200_001).fill(note) }],
    ['an event without a CPU', { events: [{ ...event, cpu: undefined }] }],
    ['an event without its fields', { events: [{ ...event, to: undefined }] }],
    ['an event of no kind', { events: [{ ...event, kind: 'score' }] }],
    ['events beyond the limit', { events: Array(100).fill(event) }],
    ['an image that is none', { images: { half: {} } }],
    ['an image of an older version', { final: { ...final, version: 1 } }],
    ['an image with less RAM than pages', { final: { ...final, pages: new Uint32Array([1]) } }],
    [
      'an image with a page beyond memory',
      { final: { ...final, pages: new Uint32Array([256]), ram: new Uint8Array(4096) } },
    ],
    ['an image of another machine', { final: { ...final, memoryBytes: 1 << 21 } }],
    ['an image without devices', { final: { ...final, devices: null } }],
    ['an image with an odd stop', { final: { ...final, stop: { reason: 'score' } } }],
  ])('with %s is refused', (_what, change) => {
    expect(accepts(change)).toBe(false)
  })
})

describe('a frame', () => {
  const frame = {
    rows: Array(25).fill(' '.repeat(80)),
    attributes: new Uint8Array(2000),
    cursor: -1,
    time: 1,
    stop: { reason: 'limit' },
    stack: '',
    log: 'trap 49\n',
  }
  const taken = (change: object): boolean =>
    schema.safeParse({ kind: 'frame', frame: { ...frame, ...change } }).success
  test('is accepted as it is', () => {
    expect(taken({})).toBe(true)
  })
  test.each<readonly [string, object]>([
    ['a log that is too long', { log: 'x'.repeat(0x40_0001) }],
    ['a log that is no text', { log: ['x'] }],
    ['an escape on the screen', { rows: Array(25).fill(`\x1b${' '.repeat(79)}`) }],
  ])('with %s is refused', (_what, change) => {
    expect(taken(change)).toBe(false)
  })
})
test('an image of another machine is no answer', () => {
  expect(schema.safeParse({ kind: 'image', image: final }).success).toBe(true)
  expect(schema.safeParse({ kind: 'image', image: { ...final, memoryBytes: 1 << 21 } }).success).toBe(false)
})
