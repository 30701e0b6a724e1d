// What comes through a pipe is a frame of the key's holder, whole and in its turn, or an error.

import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { FrameError, FrameReader, FrameWriter, KEY_BYTES } from '../src/frames.ts'

const LIMIT = 1000
const key = randomBytes(KEY_BYTES)
const BODIES = ['first', 'x'.repeat(LIMIT), '\0'].map((text) => Buffer.from(text))

/** The frames of bodies, in order. */
const framed = (bodies: readonly Uint8Array[], writer = new FrameWriter(key)): Buffer[] =>
  bodies.map((body) => Buffer.concat([writer.head(body), body]))
/** The bodies that are found before anything is wrong, and what was wrong. */
function read(chunks: readonly Uint8Array[], reader = new FrameReader(LIMIT, key)) {
  const bodies: Buffer[] = []
  try {
    for (const chunk of chunks) for (const body of reader.push(chunk)) bodies.push(Buffer.from(body))
  } catch (error) {
    expect(error).toBeInstanceOf(FrameError)
    return { bodies, wrong: (error as Error).message }
  }
  return { bodies, wrong: '' }
}
const [first, second, third] = framed(BODIES) as [Buffer, Buffer, Buffer]
const all = Buffer.concat([first, second, third])

describe('what the writer has written', () => {
  test('is found again', () => {
    expect(read([first, second, third])).toEqual({ bodies: BODIES, wrong: '' })
  })
  test('is found again, wherever it is cut in two', () => {
    for (let at = 0; at <= all.length; at++)
      expect(read([all.subarray(0, at), all.subarray(at)])).toEqual({ bodies: BODIES, wrong: '' })
  })
  test('is found again if it comes byte by byte', () => {
    expect(read([...all].map((byte) => Uint8Array.of(byte)))).toEqual({ bodies: BODIES, wrong: '' })
  })
  test('is found again without a key, if neither has one', () => {
    const plain = Buffer.concat(framed(BODIES, new FrameWriter()))
    expect(read([plain], new FrameReader(LIMIT))).toEqual({ bodies: BODIES, wrong: '' })
  })
  test('is the reader’s: a chunk that is used again changes no body', () => {
    const chunk = Buffer.from(first)
    const [body] = [...new FrameReader(LIMIT, key).push(chunk)]
    chunk.fill(0)
    expect(body).toEqual(BODIES[0])
  })
})

describe('a frame that is not whole', () => {
  test('is no body, wherever it ends', () => {
    for (let at = 0; at < first.length; at++)
      expect(read([first.subarray(0, at)])).toEqual({ bodies: [], wrong: '' })
  })
})

describe('is no frame, and ends it', () => {
  const TAG = 'a frame with a wrong tag'
  const changed = (frame: Buffer, at: number): Buffer => {
    const copy = Buffer.from(frame)
    copy[at]! ^= 1
    return copy
  }
  const lengthOf = (length: number): Buffer => {
    const head = Buffer.alloc(4 + 32)
    head.writeUInt32LE(length)
    return head
  }
  test.each<readonly [string, readonly Uint8Array[], string, number]>([
    ['a frame that comes again', [first, first], TAG, 1],
    ['a frame that comes again later', [first, second, first], TAG, 2],
    ['frames in another order', [second, first], TAG, 0],
    ['a frame that is left out', [first, third], TAG, 1],
    ['another key', framed(BODIES, new FrameWriter(randomBytes(KEY_BYTES))), TAG, 0],
    ['no tag', framed([Buffer.alloc(50), Buffer.alloc(50)], new FrameWriter()), TAG, 0],
    ['a tag of zeros', [lengthOf(5), Buffer.from('first')], TAG, 0],
    ['a body that was changed', [first, changed(second, second.length - 1)], TAG, 1],
    ['a tag that was changed', [changed(first, 4)], TAG, 0],
    ['a byte between frames', [first, Buffer.from('\n'), second], 'a frame of 256010 bytes', 1],
    ['text between frames', [first, Buffer.alloc(100, 'points')], 'a frame of 1852403568 bytes', 1],
    ['a body that is too long', [lengthOf(LIMIT + 1)], 'a frame of 1001 bytes, where 1 to 1000 may be', 0],
    ['the longest length', [lengthOf(0xffff_ffff)], 'a frame of 4294967295 bytes', 0],
    ['a body of no bytes', [lengthOf(0)], 'a frame of 0 bytes', 0],
  ])('%s', (_what, chunks, wrong, before) => {
    const found = read(chunks)
    expect(found.wrong).toContain(wrong)
    expect(found.bodies).toEqual(BODIES.slice(0, before))
    // however it comes
    const bytes = [...Buffer.concat(chunks)].map((byte) => Uint8Array.of(byte))
    expect(read(bytes)).toEqual(found)
  })
  test('a length that was changed', () => {
    for (const at of [0, 1]) expect(read([changed(first, at), second, third]).bodies).toEqual([])
  })
  test('for good: what comes then is not looked at', () => {
    const reader = new FrameReader(LIMIT, key)
    expect(read([second], reader).wrong).toBe(TAG)
    expect(read([first], reader)).toEqual({ bodies: [], wrong: TAG })
  })
})
