// Frames: how grader and capsule put messages on a pipe, one behind the other.
//
//     length of the body    4 bytes, little-endian
//     tag                   32 bytes, only where the pipe has a key
//     body
//
// The tag is HMAC-SHA256 (RFC 2104) over the frame's number on this pipe, 8 bytes, little-endian, and the body. A frame that is
// cut, changed, sent again or out of its turn is thus as wrong as one that was made without the key.

import { createHmac, timingSafeEqual } from 'node:crypto'

export const KEY_BYTES = 32
const LENGTH_BYTES = 4
const TAG_BYTES = 32

/** What stands before each body; frames are numbered in the order in which it is asked for. */
export class FrameWriter {
  readonly #key: Uint8Array | undefined
  #number = 0n

  /** @param key  absent: the frames have no tag */
  constructor(key?: Uint8Array) {
    this.#key = key
  }
  /** The head of the frame that is next. */
  head(body: Uint8Array): Uint8Array {
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt32LE(body.length)
    return this.#key ? Buffer.concat([length, tagOf(this.#key, this.#number++, body)]) : length
  }
}

/** The bytes are no frames that the holder of the key has written. */
export class FrameError extends Error {}

/** Finds the bodies in what comes, in pieces of any size. Believes no length and keeps no more than one body. */
export class FrameReader {
  readonly #limit: number
  readonly #key: Uint8Array | undefined
  #number = 0n
  #head: Buffer
  /** Absent while the head is not whole. */
  #body: Buffer | undefined
  /** Bytes of the head or, if there is one, of the body that have come. */
  #filled = 0
  #broken: FrameError | undefined

  /** @param limit  the longest body, in bytes; @param key  as the writer's */
  constructor(limit: number, key?: Uint8Array) {
    this.#limit = limit
    this.#key = key
    this.#head = Buffer.alloc(LENGTH_BYTES + (key ? TAG_BYTES : 0))
  }
  /**
   * @returns the bodies that are whole now, each as soon as it is asked for; they are the caller's
   * @throws FrameError at the first frame that is not right, and ever after
   */
  *push(chunk: Uint8Array): Generator<Uint8Array> {
    if (this.#broken) throw this.#broken
    for (let from = 0; from < chunk.length; ) {
      const target = this.#body ?? this.#head
      const n = Math.min(target.length - this.#filled, chunk.length - from)
      target.set(chunk.subarray(from, from + n), this.#filled)
      this.#filled += n
      from += n
      if (this.#filled < target.length) return
      this.#filled = 0
      if (target === this.#head) this.#body = this.#bodyOf(this.#head.readUInt32LE())
      else yield this.#checked(target)
    }
  }
  #bodyOf(length: number): Buffer {
    if (length === 0 || length > this.#limit)
      throw this.#breaks(`a frame of ${length} bytes, where 1 to ${this.#limit} may be`)
    return Buffer.allocUnsafeSlow(length) // the host gives memory as it is filled
  }
  #checked(body: Buffer): Buffer {
    this.#body = undefined
    const tag = this.#head.subarray(LENGTH_BYTES)
    if (this.#key && !timingSafeEqual(tag, tagOf(this.#key, this.#number++, body)))
      throw this.#breaks('a frame with a wrong tag')
    return body
  }
  #breaks(what: string): FrameError {
    this.#broken = new FrameError(what)
    return this.#broken
  }
}

function tagOf(key: Uint8Array, number: bigint, body: Uint8Array): Buffer {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64LE(number)
  return createHmac('sha256', key).update(counter).update(body).digest()
}
