// Random instances of every encoding of the table that user mode may run: code, registers, flags.

import { Builder, type Operand } from '../../src/cpu/builder.ts'
import { decode, type Encoding, encodings, isDecoded, mean } from '../../src/cpu/decode.ts'

export const CODE = 0x1000_009bn // where natexec.c puts the sequence
export const DATA = 0x2000_0000n
export const DATA_BYTES = 0x2000
export const READ_ONLY = 0x2000_3000n
export const ARITHMETIC = 0x8d5
export const DF = 0x400

export interface Vector {
  readonly name: string
  readonly code: readonly number[]
  readonly regs: readonly bigint[]
  /** The arithmetic flags and DF. */
  readonly flags: number
}
export interface Outcome {
  /** The exception's vector, or -1. */
  readonly trap: number
  readonly error: number
  readonly address: bigint
  readonly regs: readonly bigint[]
  readonly flags: number
  readonly crc: number
}

/** The bytes that both sides fill the data with. */
export const pattern: Uint8Array = Uint8Array.from({ length: DATA_BYTES }, (_, i) => i * 37 + (i >> 8) * 11)

/** xorshift32: the same vectors on every host. */
export class Random {
  private seed: number
  constructor(seed: number) {
    this.seed = seed
  }
  /** @returns an integer in [0, n) */
  below(n: number): number {
    this.seed ^= this.seed << 13
    this.seed ^= this.seed >>> 17
    this.seed ^= this.seed << 5
    return (this.seed >>> 0) % n
  }
  /** True once in n times. */
  once(n: number): boolean {
    return this.below(n) === 0
  }
  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!
  }
  u64(): bigint {
    return (BigInt(this.below(2 ** 32)) << 32n) | BigInt(this.below(2 ** 32))
  }
  /** Where carries, signs and overflows lie, or anything. */
  edge(): bigint {
    return this.below(3) ? this.pick(EDGES) : this.u64()
  }
}
const around = (w: bigint): bigint[] => [0n, 1n, (1n << (w - 1n)) - 1n, 1n << (w - 1n), (1n << w) - 1n]
const EDGES = [2n, ...[8n, 16n, 32n, 64n].flatMap(around)]
const NON_CANONICAL = [0x8_0001_0000_0000n, (1n << 63n) | 0x1000n, 0x7fff_0000_0000_0000n]

export const bytes = (value: bigint, n: number): number[] =>
  Array.from({ length: n }, (_, i) => Number((value >> BigInt(i * 8)) & 255n))

// Instructions whose targets must stay in the sandbox are built here; the rest of the control rows has relative targets.
const INDIRECT: ReadonlySet<string> = new Set(['ret', 'jmp', 'call'])
const STRINGS: ReadonlySet<string> = new Set(['movs', 'stos', 'lods', 'cmps', 'scas'])
/** What they tell depends on the kernel, or is refused by UMIP. */
const HOST_SPECIFIC: ReadonlySet<string> = new Set(['smsw', 'sldt', 'str'])
const NO_OPERAND: Operand = { kind: 'imm', w: 8, value: 0n }

/** Every encoding that is no system instruction. */
export function userEncodings(): Encoding[] {
  return encodings().filter((e) => !HOST_SPECIFIC.has(e.form.row.name) && !isSystem(e))
}
function isSystem({ form }: Encoding): boolean {
  const b = new Builder({ code: 64, user: true, down: false })
  b.begin(0n, 0n)
  const register: Operand = { kind: 'reg', w: 64, n: 0, high: false }
  const memory: Operand = {
    kind: 'mem',
    w: 64,
    base: 0,
    index: -1,
    scale: 0,
    disp: 0n,
    rip: false,
    a32: false,
    segment: 0,
  }
  const operands = form.operands.map(({ from, width }): Operand => {
    const w = ({ b: 8, w: 16, z: 32 } as const)[width] ?? 64
    if ('IJSCD1:'.includes(from)) return { ...NO_OPERAND, w }
    return from === 'M' || from === 'O' ? { ...memory, w } : { ...register, w }
  })
  const [d = NO_OPERAND, s = NO_OPERAND, t = NO_OPERAND] = operands
  try {
    form.row.sem(b, d, s, t, { rep: 0, w: 64, cc: form.cc, a32: false, segment: 0 })
  } catch {
    return false // such widths do not occur; no system instruction looks at them
  }
  return b.end().system !== undefined
}

const SKIPPED = [0x4d, 0x8d, 0x7f, 0x01] // lea r15, [r15 + 1]: shows whether a jump was taken
const LEA_RAX = (over: number): number[] => [0x48, 0x8d, 0x05, ...bytes(BigInt(over), 4)]
const offset = (r: Random): number =>
  r.pick([
    r.below(DATA_BYTES),
    r.below(DATA_BYTES),
    0xff0 + r.below(16),
    DATA_BYTES - 8 + r.below(8),
    0x3000 + r.below(256),
  ])

export function vector(e: Encoding, r: Random): Vector {
  const regs = Array.from({ length: 16 }, () => r.edge())
  regs[4] = DATA + r.pick([0x1000n, 0x1003n, 0x1008n])
  regs[5] = DATA + 0x800n
  regs[6] = DATA
  regs[9] = BigInt(r.below(64))
  regs[14] = DATA + 0x1004n
  const flags = r.below(2) ? ARITHMETIC & r.below(0x1000) : 0
  const { name } = e.form.row
  const target = e.form.operands[0]
  const relative = target?.from === 'J'
  const code = INDIRECT.has(name) && !relative ? indirect(e, r, regs) : instance(e, r, regs)
  if (relative) code.push(...SKIPPED)
  prepare(name, r, regs, code)
  // now and then between add ebx, edx and cmp eax, ebx: the flags of the first are seen only if the second faults
  if (r.once(4) && name !== 'xlat' && !relative && !isRipRelative(code))
    code.splice(0, code.length, 0x01, 0xd3, ...code, 0x39, 0xd8)
  const down = STRINGS.has(name) && r.once(3) ? DF : 0
  return { name: `${name} (${e.form.enc})`, code, regs, flags: flags | down }
}
/** Values that make the instruction do something. */
function prepare(name: string, r: Random, regs: bigint[], code: number[]): void {
  if (STRINGS.has(name)) {
    regs[1] = BigInt(r.below(6)) | ((r.once(3) ? 0x1_0000_0000n : 0n) * BigInt(code.includes(0x67)))
    regs[6] = DATA + BigInt(r.pick([0x10, 0xffc, DATA_BYTES - 12, DATA_BYTES - 3, 0x3000]))
    regs[7] = DATA + BigInt(r.pick([0x400, 0xff9, DATA_BYTES - 9, 0x10, 0x3000]))
    if (name === 'scas' && r.once(2)) regs[0] = read(Number(regs[7] - DATA) + r.below(3))
  }
  if (name.startsWith('loop') || name === 'jrcxz') regs[1] = r.pick([0n, 1n, 2n, 1n << 32n, regs[1]!])
  if (name === 'xlat') regs[3] = DATA + BigInt(r.pick([0x100, 0xf80, DATA_BYTES - 0x80]))
  // of a source of 0, the manuals agree only for 64 bits
  if (name === 'bsf' || name === 'bsr')
    for (let i = 0; i < 16; i++) regs[i]! |= BigInt(i < 4 || i === 7 || i > 9 ? (r.once(8) ? 0 : 1) << 7 : 0)
  if (name === 'shld' || name === 'shrd') defineCount(r, regs, code)
  if (name.startsWith('cmpxchg')) compareValues(name, r, regs, code)
}
/** A 16-bit double shift by more than 16 is undefined, its result too. */
function defineCount(r: Random, regs: bigint[], code: number[]): void {
  const [d, , count] = isDecodedAt(code).operands
  if (d?.w !== 16) return
  const n = r.below(17)
  if (count?.kind === 'imm') code[code.length - 1] = n
  else regs[1] = (regs[1]! & ~0xffn) | BigInt(n)
}
/** Half of the compares should hit. */
function compareValues(name: string, r: Random, regs: bigint[], code: readonly number[]): void {
  if (r.once(2)) return
  const i = isDecodedAt(code)
  const [d] = i.operands
  if (d?.kind === 'reg') regs[0] = regs[d.n]!
  if (d?.kind !== 'mem' || d.base !== 6) return
  const at = Number(BigInt.asIntN(32, d.disp) + (d.index === 9 ? regs[9]! << BigInt(d.scale) : 0n))
  regs[0] = read(at)
  if (name === 'cmpxchg8b') regs[2] = read(at + (d.w === 64 ? 8 : 4))
}
const read = (at: number): bigint => {
  const eight = Uint8Array.from({ length: 8 }, (_, i) => pattern[at + i] ?? 0)
  return new DataView(eight.buffer).getBigUint64(0, true)
}
function isDecodedAt(code: readonly number[]): { operands: readonly Operand[]; length: number } {
  const i = decode(Uint8Array.from(code), 0, CODE)
  return isDecoded(i) ? i : { operands: [], length: 0 }
}
function isRipRelative(code: readonly number[]): boolean {
  return isDecodedAt(code).operands.some((o) => o.kind === 'mem' && o.rip)
}

/** One instruction: prefixes, registers or an address in the data, immediates. */
function instance(e: Encoding, r: Random, regs: bigint[]): number[] {
  const { form } = e
  const { name } = form.row
  const control = form.operands[0]?.from === 'J'
  const modrm = form.modrm ? r.pick(e.modrm) : 0
  const inMemory = form.modrm && modrm < 0xc0
  const memory = inMemory || form.operands.some((o) => o.from === 'O')
  const string = STRINGS.has(name)
  const code: number[] = []
  if (r.once(form.row.lock && inMemory ? 4 : 40)) code.push(0xf0)
  // 66, F2 and F3 before those that take none are other instructions, and before branches they differ between CPUs
  const strict = control || form.noPrefix
  const narrow = !strict && r.once(4) && !differsWithOpsize(e)
  if (narrow) code.push(0x66)
  const a32 = (memory || string || control) && r.once(10)
  if (a32) code.push(0x67)
  if (memory && r.once(12)) code.push(r.pick([0x65, 0x2e, 0x3e, 0x26])) // the host's GS base is 0
  if (e.prefix) code.push(e.prefix)
  else if (string ? r.below(3) : !strict && r.once(40)) code.push(r.pick([0xf2, 0xf3]))
  const wide = r.once(3) ? 8 : 0
  const place = inMemory ? address(r, regs, a32) : undefined
  const rex =
    wide |
    (bitString(name) && inMemory ? 0 : r.below(2) * 4) |
    (place?.rex ?? (inMemory || (e.map === 0 && form.operands.length === 0) ? 0 : r.below(2)))
  if (rex || r.once(3)) code.push(0x40 | rex)
  code.push(...(e.map ? [0x0f] : []), e.opcode)
  const reg =
    bitString(name) && inMemory && !e.form.operands.some((o) => o.from === 'I')
      ? bitIndex(r, regs) << 3
      : modrm & 0x38
  if (form.modrm)
    code.push(...(place ? [place.bytes[0]! | reg, ...place.bytes.slice(1)] : [(modrm & 0xc7) | reg]))
  const displacement = code.length
  const w = wide ? 64 : narrow ? 16 : 32
  for (const { from, width } of form.operands) code.push(...immediate(r, from, width, w, a32, name))
  if (place?.rip) code.splice(displacement - 4, 4, ...bytes(place.rip - CODE - BigInt(code.length), 4))
  return code
}
/** 66 63 reads 16 bits on Intel's CPUs, 32 on AMD's. */
const differsWithOpsize = (e: Encoding): boolean => e.map === 0 && e.opcode === 0x63
const bitString = (name: string): boolean => ['bt', 'bts', 'btr', 'btc'].includes(name)
/** A register that no address uses, with a bit number that stays around the data. */
function bitIndex(r: Random, regs: bigint[]): number {
  const n = r.pick([0, 1, 2, 7])
  regs[n] = BigInt.asUintN(64, BigInt(r.below(0x800) - 0x400))
  return n
}
function immediate(r: Random, from: string, width: string, w: number, a32: boolean, name: string): number[] {
  if (from === 'J') return bytes(BigInt(SKIPPED.length), width === 'b' ? 1 : 4)
  if (from === 'O') return bytes(DATA + BigInt(offset(r)), a32 ? 4 : 8)
  if (from !== 'I') return []
  if (name === 'enter') return width === 'w' ? bytes(BigInt(r.below(0x100)), 2) : [r.below(4)]
  const n =
    width === 'b' || width[0] === 's' ? 1 : width === 'w' ? 2 : width === 'v' ? w / 8 : Math.min(w, 32) / 8
  return bytes(r.edge(), n)
}
interface Address {
  /** ModRM with reg 0, then SIB and displacement. */
  readonly bytes: readonly number[]
  readonly rex: number
  /** RIP-relative: the address itself. */
  readonly rip?: bigint
}
function address(r: Random, regs: bigint[], a32: boolean): Address {
  const at = BigInt(offset(r))
  if (r.once(50)) {
    const n = r.pick([5, 6])
    regs[n] = r.pick(NON_CANONICAL)
  } else if (a32) regs[6]! |= BigInt(r.below(2 ** 32)) << 32n // the upper half does not count
  const small = BigInt(r.below(256))
  const scale = r.below(4)
  const ways: Address[] = [
    { bytes: [0x86, ...bytes(at, 4)], rex: 0 },
    { bytes: [0x86, ...bytes(at & ~15n, 4)], rex: 0 },
    { bytes: [0x45, ...bytes(small, 1)], rex: 0 },
    { bytes: [0x44, 0x24, ...bytes(small, 1)], rex: 0 },
    { bytes: [0x84, (scale << 6) | 0x0e, ...bytes(at, 4)], rex: 2 },
    { bytes: [0x05, 0, 0, 0, 0], rex: 0, rip: DATA + at },
    { bytes: [0x04, 0x25, ...bytes(DATA + at, 4)], rex: 0 },
    { bytes: [0x46, ...bytes(small, 1)], rex: 1 },
    { bytes: [0x06], rex: 0 },
  ]
  return r.pick(ways)
}

/** Jumps, calls and returns to an address that is in a register or in memory: behind SKIPPED, or nowhere. */
function indirect(e: Encoding, r: Random, regs: bigint[]): number[] {
  const { name, enc } =
    e.form.row.name === 'ret' ? { name: 'ret', enc: e.form.enc } : { name: e.form.row.name, enc: '' }
  const lost = r.once(8)
  const load = (over: number): number[] =>
    lost ? [0x48, 0xb8, ...bytes(r.pick(NON_CANONICAL), 8)] : LEA_RAX(over)
  if (name === 'ret') {
    const go = enc === 'C3' ? [0xc3] : [0xc2, ...bytes(BigInt(r.below(64)), 2)]
    return [...load(1 + go.length + SKIPPED.length), 0x50, ...go, ...SKIPPED]
  }
  const reg = name === 'call' ? 2 : 4
  if (r.once(2)) return [...load(2 + SKIPPED.length), 0xff, 0xc0 | (reg << 3), ...SKIPPED]
  const at = bytes(BigInt(r.pick([0x100, 0xffc, DATA_BYTES - 8])), 4)
  regs[6] = DATA
  const go = [0x48, 0x89, 0x86, ...at, 0xff, 0x86 | (reg << 3), ...at]
  return [...load(go.length + SKIPPED.length), ...go, ...SKIPPED]
}

// Sequences: flags and registers handed from instruction to instruction. None of these leaves a flag undefined but AF.
const PLAIN: ReadonlySet<string> = new Set([
  'add',
  'or',
  'adc',
  'sbb',
  'and',
  'sub',
  'xor',
  'cmp',
  'test',
  'inc',
  'dec',
  'not',
  'neg',
  'mov',
  'movzx',
  'movsx',
  'cdqe',
  'cqo',
  'xchg',
  'cmpxchg',
  'xadd',
  'set',
  'cmov',
  'clc',
  'stc',
  'cmc',
  'popcnt',
])
const FREE = [0, 1, 2, 3, 7]
export function sequence(all: readonly Encoding[], r: Random): Vector {
  const usable = all.filter(
    ({ form }) => PLAIN.has(form.row.name) && !form.operands.some((o) => 'SOZ'.includes(o.from)),
  )
  const code = Array.from({ length: 2 + r.below(4) }, () => plain(r.pick(usable), r)).flat()
  const regs = Array.from({ length: 16 }, () => r.edge())
  regs[4] = DATA + 0x1000n
  regs[6] = DATA
  return { name: 'a sequence', code, regs, flags: ARITHMETIC & r.below(0x1000) }
}
/** Registers but rSP, rBP, rSI, R12 to R14, or [rsi + disp32]. */
function plain(e: Encoding, r: Random): number[] {
  const { form } = e
  const memory = form.modrm && r.once(4)
  const wide = r.once(3) ? 8 : 0
  const narrow = r.once(5) && !differsWithOpsize(e)
  const digit = e.modrm.length < 256 && e.modrm.length > 0 ? r.pick(e.modrm) & 0x38 : r.pick(FREE) << 3
  const code = [
    ...(narrow ? [0x66] : []),
    ...(e.prefix ? [e.prefix] : []),
    ...(wide ? [0x48] : []),
    ...(e.map ? [0x0f] : []),
    e.opcode,
  ]
  if (form.modrm) code.push(memory ? 0x86 | digit : 0xc0 | digit | r.pick(FREE))
  if (memory) code.push(...bytes(BigInt(offset(r)), 4))
  const w = wide ? 64 : narrow ? 16 : 32
  for (const { from, width } of form.operands)
    code.push(...immediate(r, from, width, w, false, form.row.name))
  return code
}

/** For messages: what the first instruction of a vector means. */
export function meaningOf(v: Vector): ReturnType<typeof mean> {
  const mode = { code: 64, user: true, down: (v.flags & DF) !== 0 } as const
  return mean(
    new Builder(mode),
    decode(Uint8Array.from([...v.code, ...new Array<number>(15).fill(0)]), 0, CODE),
    CODE,
  )
}
