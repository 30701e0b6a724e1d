import { expect, test } from 'vitest'
import { ElfError, PF_R, PF_X, PT_LOAD, readElf } from '../src/elf.ts'

const FILE = 0x2000

/** An executable with one loadable segment, a symbol table and its strings. */
function image(): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(FILE)
  const view = new DataView(bytes.buffer)
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1])
  view.setUint16(16, 2, true)
  view.setUint16(18, 62, true)
  view.setUint32(20, 1, true)
  view.setBigUint64(24, 0x100000n, true)
  view.setBigUint64(32, 64n, true)
  view.setBigUint64(40, 0x400n, true)
  for (const [at, value] of [
    [52, 64],
    [54, 56],
    [56, 1],
    [58, 64],
    [60, 3],
  ] as const)
    view.setUint16(at, value, true)
  segment(view, 64)
  section(view, 0x440, 2, 0x800n, 48n, 2)
  section(view, 0x480, 3, 0x900n, 6n, 0)
  view.setUint32(0x818, 1, true)
  view.setUint8(0x81c, 0x12)
  view.setBigUint64(0x820, 0x100010n, true)
  view.setBigUint64(0x828, 32n, true)
  bytes.set([0, 0x6d, 0x61, 0x69, 0x6e, 0], 0x900)
  return { bytes, view }
}

function segment(view: DataView, at: number): void {
  view.setUint32(at, PT_LOAD, true)
  view.setUint32(at + 4, PF_R | PF_X, true)
  view.setBigUint64(at + 8, 0x1000n, true)
  view.setBigUint64(at + 16, 0x100000n, true)
  view.setBigUint64(at + 24, 0x100000n, true)
  view.setBigUint64(at + 32, 0x800n, true)
  view.setBigUint64(at + 40, 0x3000n, true)
  view.setBigUint64(at + 48, 0x1000n, true)
}

function section(view: DataView, at: number, type: number, offset: bigint, size: bigint, link: number): void {
  view.setUint32(at + 4, type, true)
  view.setBigUint64(at + 24, offset, true)
  view.setBigUint64(at + 32, size, true)
  view.setUint32(at + 40, link, true)
}

test('an image tells its entry, segments and symbols', () => {
  expect(readElf(image().bytes)).toEqual({
    entry: 0x100000n,
    segments: [
      {
        type: PT_LOAD,
        flags: PF_R | PF_X,
        offset: 0x1000,
        va: 0x100000n,
        pa: 0x100000n,
        fileSize: 0x800,
        memorySize: 0x3000,
        align: 0x1000n,
      },
    ],
    symbols: [{ name: 'main', value: 0x100010n, size: 32n, type: 2 }],
  })
})

test('a stripped image has no symbols', () => {
  const { bytes, view } = image()
  view.setUint16(60, 0, true)
  expect('symbols' in readElf(bytes)).toBe(false)
})

test('an image may lie anywhere in a buffer', () => {
  const larger = new Uint8Array(FILE + 3)
  larger.set(image().bytes, 3)
  expect(readElf(larger.subarray(3)).entry).toBe(0x100000n)
})

test.each<[string, (view: DataView) => void, string]>([
  [
    'magic',
    (v) => v.setUint8(0, 0),
    'elf: header: the first four bytes must be 7F 45 4C 46 (0x464c457f), got 0x464c4500',
  ],
  ['32 bits', (v) => v.setUint8(4, 1), 'elf: header: class must be 2 (64 bits), got 0x1'],
  ['big-endian', (v) => v.setUint8(5, 2), 'elf: header: data encoding must be 1 (little-endian), got 0x2'],
  ['object file', (v) => v.setUint16(16, 1, true), 'elf: header: type must be 2 (executable) or 3'],
  ['AArch64', (v) => v.setUint16(18, 183, true), 'elf: header: machine must be 62 (x86-64), got 0xb7'],
  [
    'entry size',
    (v) => v.setUint16(54, 32, true),
    'elf: header: a program header must have 56 bytes, got 0x20',
  ],
  [
    'table outside',
    (v) => v.setBigUint64(32, 0xffff_ffff_ffff_fff0n, true),
    'elf: program headers: offset + size',
  ],
  ['extended count', (v) => v.setUint16(56, 0xffff, true), 'elf: header: the number of program headers'],
  [
    'data outside',
    (v) => v.setBigUint64(72, 0x1801n, true),
    'elf: program header 0: offset + size must be at most',
  ],
  [
    'shrinking',
    (v) => v.setBigUint64(104, 0x7ffn, true),
    'elf: program header 0: memory size must be at least',
  ],
  [
    'wrapping',
    (v) => v.setBigUint64(80, 0xffff_ffff_ffff_f000n, true),
    'elf: program header 0: the segment must end',
  ],
  ['endless', (v) => v.setBigUint64(104, 1n << 60n, true), 'elf: program header 0: the segment must end'],
  [
    'odd alignment',
    (v) => v.setBigUint64(112, 3n, true),
    'elf: program header 0: alignment must be 0 or a power',
  ],
  [
    'misaligned',
    (v) => v.setBigUint64(80, 0x100001n, true),
    'elf: program header 0: address and offset must agree',
  ],
  ['sections outside', (v) => v.setBigUint64(40, 0x1fffn, true), 'elf: section headers: offset + size'],
  [
    'wild link',
    (v) => v.setUint32(0x468, 9, true),
    'elf: section 1: its string table must be a section below 3',
  ],
  [
    'wild name',
    (v) => v.setUint32(0x818, 99, true),
    'elf: section 1: a name must end inside its string table',
  ],
  [
    'ragged symbols',
    (v) => v.setBigUint64(0x460, 47n, true),
    'elf: section 1: its size must be a multiple of 24',
  ],
])('an image is refused with a sentence: %s', (_name, spoil, message) => {
  const { bytes, view } = image()
  spoil(view)
  expect(() => readElf(bytes)).toThrow(ElfError)
  expect(() => readElf(bytes)).toThrow(message)
})

test('every truncation is read or refused, never a crash', () => {
  const { bytes } = image()
  for (let length = 0; length <= FILE; length += 7) {
    try {
      readElf(bytes.subarray(0, length))
    } catch (error) {
      expect(error).toBeInstanceOf(ElfError)
    }
  }
})
