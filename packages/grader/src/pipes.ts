// The capsule's end of its pipes: orders come on standard input, reports go out on standard output. It waits where it reads
// or writes: there is nothing else that it could do meanwhile.

import { readSync, writeSync } from 'node:fs'
import { deserialize, serialize } from 'node:v8'
import { FrameReader, FrameWriter } from './frames.ts'
import type { Job, Order, Report } from './protocol.ts'

const [STDIN, STDOUT] = [0, 1]
/** The grader is believed. */
const NO_LIMIT = 0xffff_ffff

export interface Pipes {
  readonly job: Job
  /** Ends when the grader is gone. */
  readonly orders: Iterable<Order>
  send(report: Report): void
}
/** The first frame is the key, which nobody else has and nothing else keeps; the second one is the job. */
export function openPipes(): Pipes {
  const frames = incoming()
  const next = (): Uint8Array => {
    const { value, done } = frames.next()
    if (done) throw new Error('this must be started by the grader: it has nobody to talk to')
    return value
  }
  const writer = new FrameWriter(next())
  const job = deserialize(next()) as Job
  return {
    job,
    orders: frames.map((body) => deserialize(body) as Order),
    send(report) {
      const body = serialize(report)
      writeAll(writer.head(body))
      writeAll(body)
    },
  }
}
function* incoming(): Generator<Uint8Array, void, void> {
  const reader = new FrameReader(NO_LIMIT)
  const chunk = Buffer.alloc(0x1_0000)
  for (let n = read(chunk); n > 0; n = read(chunk)) yield* reader.push(chunk.subarray(0, n))
}
/** @returns 0 at the end, which Windows has as an error */
function read(chunk: Uint8Array): number {
  try {
    return readSync(STDIN, chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EOF') return 0
    throw error
  }
}
function writeAll(bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length; ) from += writeSync(STDOUT, bytes, from)
}
