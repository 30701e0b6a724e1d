// Vectors with what a CPU made of them, in a file: for hosts that are no x86-64 Linux with gcc.
//
//     node packages/machine/test/oracle/recorded.ts      records anew on this host
//
// The file is gzipped lines of JSON: the CPU's name, then arrays [name, code, registers, flags, trap, error, address,
// changed registers, flags, crc], all numbers in hex.

import { readFileSync, writeFileSync } from 'node:fs'
import { gunzipSync, gzipSync } from 'node:zlib'
import { openHost } from './host.ts'
import { type Outcome, Random, sequence, userEncodings, type Vector, vector } from './vectors.ts'

const FILE = new URL('../vectors/recorded.jsonl.gz', import.meta.url)
const PER_ENCODING = 12
const SEQUENCES = 500
const SEED = 4242

export interface Recorded {
  readonly cpu: string
  readonly vectors: readonly { readonly vector: Vector; readonly outcome: Outcome }[]
}
/** The same random vectors wherever and whenever they are made from this table. */
export function makeVectors(perEncoding: number, sequences: number, seed: number): Vector[] {
  const r = new Random(seed)
  const all = userEncodings()
  const single = all.flatMap((e) => Array.from({ length: perEncoding }, () => vector(e, r)))
  return [...single, ...Array.from({ length: sequences }, () => sequence(all, r))]
}

const hex = (x: bigint | number): string => x.toString(16)
const big = (s: string): bigint => BigInt(`0x${s}`)
function toLine({ vector: v, outcome: o }: Recorded['vectors'][number]): string {
  const code = v.code.map((b) => hex(b).padStart(2, '0')).join('')
  const changed = o.regs.flatMap((x, i) => (x === v.regs[i] ? [] : [`${i}=${hex(x)}`])).join(' ')
  const before = [v.name, code, v.regs.map(hex).join(' '), hex(v.flags)]
  return JSON.stringify([...before, o.trap, hex(o.error), hex(o.address), changed, hex(o.flags), hex(o.crc)])
}
function fromLine(line: string): Recorded['vectors'][number] {
  const [name, code, registers, flags, trap, ...rest] = JSON.parse(line) as [
    string,
    string,
    string,
    string,
    number,
    ...string[],
  ]
  const [error, address, changed, flagsAfter, crc] = rest as [string, string, string, string, string]
  const regs = registers.split(' ').map(big)
  const after = new Map(
    changed
      .split(' ')
      .filter(Boolean)
      .map((c) => [Number(c.split('=')[0]), big(c.split('=')[1]!)]),
  )
  const vector = {
    name,
    code: code.match(/../g)!.map((b) => parseInt(b, 16)),
    regs,
    flags: parseInt(flags, 16),
  }
  const outcome = {
    trap,
    error: parseInt(error, 16),
    address: big(address),
    regs: regs.map((x, i) => after.get(i) ?? x),
    flags: parseInt(flagsAfter, 16),
    crc: parseInt(crc, 16),
  }
  return { vector, outcome }
}
export function readRecorded(): Recorded {
  const [cpu, ...lines] = gunzipSync(readFileSync(FILE)).toString().trim().split('\n')
  return { cpu: JSON.parse(cpu!) as string, vectors: lines.map(fromLine) }
}

if (import.meta.main) {
  const host = openHost()
  if (!host) throw new Error('recorded: recording needs x86-64 Linux with gcc')
  const vectors = makeVectors(PER_ENCODING, SEQUENCES, SEED)
  const outcomes = host.run(vectors)
  host.close()
  const cpu = /model name\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown'
  const lines = vectors.map((vector, i) => toLine({ vector, outcome: outcomes[i]! }))
  writeFileSync(FILE, gzipSync([JSON.stringify(cpu), ...lines, ''].join('\n'), { level: 9 }))
  console.log(`${vectors.length} vectors of ${cpu} recorded`)
}
