// Bytes to rows, driven by the table: there is no second list of opcodes.
//
// The opcode maps are built once from the `enc` strings of isa.ts. Decoding one instruction is then: prefixes,
// one array access (two for a group), operands. SDM Vol. 2 ch. 2, Instruction Format.
//
// The mode is a parameter, but so far the table holds 64-bit mode only: every function here refuses another.

import { VECTOR_GP, VECTOR_UD } from '../x86-64.ts'
import {
  Builder,
  endsLine,
  finish,
  type Immediate,
  type IntWidth,
  type Meaning,
  type Memory,
  type Mode,
  type Operand,
  RAX,
  RCX,
  RDX,
} from './builder.ts'
import { type Details, isa, type Row } from './isa.ts'
import { Slot } from './state.ts'

export const MAX_LENGTH = 15

export interface Form {
  readonly row: Row
  readonly enc: string
  readonly operands: readonly { from: string; width: string }[]
  readonly modrm: boolean
  /** mod does not tell whether r/m is memory: it is a register. */
  readonly alwaysRegister: boolean
  readonly noPrefix: boolean
  readonly cc: number
}
export interface Decoded extends Details {
  readonly row: Row
  readonly operands: readonly Operand[]
  readonly lock: boolean
  readonly length: number
}
/** No instruction. `needed`: how many bytes tell so. */
export interface Undecoded {
  readonly vector: number
  readonly needed: number
}
export const isDecoded = (d: Decoded | Undecoded): d is Decoded => 'row' in d

// The maps: [prefix class][0F * 256 + opcode]. Where ModRM chooses the row, an entry is an array by ModRM byte.

const PREFIX_CLASSES = 3
const classOf = (rep: number): number => (rep === 0 ? 0 : rep === 0xf3 ? 1 : 2)
type Maps = (Form | (Form | undefined)[] | undefined)[][]
const maps: Maps = Array.from({ length: PREFIX_CLASSES }, () => new Array(512).fill(undefined))
/** How much an encoding says: a mandatory prefix and a fixed ModRM byte win over those that leave it open. */
const precision = new Map<number, number>()
const NO_MODRM = 256
const NONE: Immediate = { kind: 'imm', w: 8, value: 0n }

const ENCODING = /^(?:(NP|F2|F3) )?(0F)?([\dA-F]{2})([\dA-F]{2})?(\+|@cc)?(?:\/(\d))?(?: (.*))?$/i

/** Filled when the first instruction is decoded: it takes long, and who only looks at a machine decodes none. */
function filled(): Maps {
  if (precision.size === 0) for (const row of isa) for (const enc of row.enc.split('|')) enter(row, enc)
  return maps
}

function enter(row: Row, enc: string): void {
  const parts = ENCODING.exec(enc)
  if (!parts) throw new Error(`isa: '${enc}' of ${row.name} is no encoding`)
  const [, prefix, map, opcode, fixed, suffix, digit, list = ''] = parts
  const operands = list.split(',').filter(Boolean).map(operandSpec)
  const from = operands.map((o) => o.from)
  const chosen = fixed !== undefined || digit !== undefined || from.some((f) => 'MR'.includes(f))
  const modrm = chosen || from.some((f) => 'EGHSCD'.includes(f))
  const fits = (byte: number): boolean =>
    (fixed === undefined || byte === parseInt(fixed, 16)) &&
    (digit === undefined || ((byte >> 3) & 7) === Number(digit)) &&
    !(from.includes('M') && byte >= 0xc0) &&
    !(from.includes('R') && byte < 0xc0)
  const count = suffix === '+' ? 8 : suffix === '@cc' ? 16 : 1
  for (let i = 0; i < count; i++) {
    const form: Form = {
      row,
      enc,
      operands,
      modrm,
      alwaysRegister: from.includes('H'),
      noPrefix: prefix === 'NP',
      cc: i,
    }
    const rank = (prefix ? 2 : 0) + (fixed === undefined ? 0 : 1)
    for (const c of { NP: [0], F3: [1], F2: [2] }[prefix ?? ''] ?? [0, 1, 2])
      put(c, (map ? 256 : 0) + parseInt(opcode!, 16) + i, form, rank, chosen ? fits : undefined)
  }
}
function put(c: number, at: number, form: Form, rank: number, fits?: (modrm: number) => boolean): void {
  const wins = (modrm: number): boolean => {
    const key = (c * 512 + at) * 512 + modrm
    const before = precision.get(key) ?? -1
    if (before === rank) throw new Error(`isa: two rows have the encoding ${form.enc}`)
    if (before < rank) precision.set(key, rank)
    return before < rank
  }
  const map = maps[c]!
  if (!fits) {
    if (wins(NO_MODRM)) map[at] = form
    return
  }
  const group = (map[at] ??= new Array(256).fill(undefined)) as (Form | undefined)[]
  for (let modrm = 0; modrm < 256; modrm++) if (fits(modrm) && wins(modrm)) group[modrm] = form
}
function operandSpec(s: string): { from: string; width: string } {
  const named = { AL: 'b', CL: 'b', DX: 'w', rAX: 'v', eAX: 'z', '1': 'b' }[s]
  return named ? { from: s, width: named } : { from: s[0]!, width: s.slice(1) }
}

/** One way to write an instruction: for tests and listings. */
export interface Encoding {
  readonly form: Form
  /** F2 or F3 if it is mandatory, else 0. */
  readonly prefix: number
  readonly map: number
  readonly opcode: number
  /** ModRM bytes that choose this form; empty: it has none. */
  readonly modrm: readonly number[]
}
/** Every encoding of the table. */
export function encodings(): Encoding[] {
  const found = new Map<Form, Encoding & { modrm: number[] }>()
  const add = (form: Form, c: number, at: number, modrm: number[]): void => {
    const known = found.get(form)
    if (!known) found.set(form, { form, prefix: [0, 0xf3, 0xf2][c]!, map: at >> 8, opcode: at & 255, modrm })
    else if (known.prefix === [0, 0xf3, 0xf2][c]) known.modrm.push(...modrm)
  }
  const every = Array.from({ length: 256 }, (_, i) => i)
  for (const [c, map] of filled().entries())
    for (const [at, entry] of map.entries()) {
      if (Array.isArray(entry)) for (const [modrm, form] of entry.entries()) form && add(form, c, at, [modrm])
      else if (entry) add(entry, c, at, entry.modrm ? every : [])
    }
  return [...found.values()]
}

// The state of one decode. Module variables, not an object: this loop runs a million times a second.
let code: Uint8Array = new Uint8Array()
let at = 0
let rex = 0
let opsize16 = false
let a32 = false
let segment = 0
let modrm = 0
let memory: Memory | undefined

/**
 * Decode the instruction at `bytes[start]`.
 *
 * Reads at most 15 bytes, and beyond the end of the array zeros: compare `length` or `needed` with what was there.
 * Only LOCK, lengths and encodings are judged here; what else makes an instruction invalid is told by its row.
 * @param rip  its linear address, for relative targets
 * @param codeBits  only 64 is supported
 * @returns the instruction; or the vector, #UD if no row has this encoding, #GP if it is longer than 15 bytes
 */
export function decode(
  bytes: Uint8Array,
  start: number,
  rip: bigint,
  codeBits: Mode['code'] = 64,
): Decoded | Undecoded {
  if (codeBits !== 64) throw new RangeError(`decode: the mode must be 64 bits, got ${codeBits}`)
  code = bytes
  at = start
  const { rep, lock } = prefixes(start)
  let opcode = code[at - 1] ?? 0
  if (opcode === 0x0f) opcode = 256 + byte()
  const found = filled()[classOf(rep)]?.[opcode]
  const form = found && choose(found)
  const length = form ? 0 : at - start
  if (!form) return failed(VECTOR_UD, length)
  if (form.noPrefix && opsize16) return failed(VECTOR_UD, at - start)
  return finishDecoding(form, opcode, start, rip, rep, lock)
}
const failed = (vector: number, length: number): Undecoded =>
  length > MAX_LENGTH ? { vector: VECTOR_GP, needed: MAX_LENGTH } : { vector, needed: length }
const byte = (): number => code[at++] ?? 0

/** Up to and with the first opcode byte. Of F2 and F3 the last one counts, of FS and GS too, REX only just before the opcode. */
function prefixes(start: number): { rep: number; lock: boolean } {
  rex = 0
  segment = 0
  opsize16 = a32 = false
  let rep = 0
  let lock = false
  while (at - start < MAX_LENGTH) {
    const p = byte()
    if ((p & 0xf0) === 0x40) {
      rex = p
      continue
    }
    if (p === 0x66) opsize16 = true
    else if (p === 0x67) a32 = true
    else if (p === 0xf2 || p === 0xf3) rep = p
    else if (p === 0xf0) lock = true
    else if (p === 0x64) segment = Slot.fsBase
    else if (p === 0x65) segment = Slot.gsBase
    else if ((p & 0xe7) !== 0x26) return { rep, lock }
    rex = 0
  }
  at++ // nothing but prefixes: the instruction is too long, whatever follows
  return { rep, lock }
}
/** The form, with its ModRM byte and address read. */
function choose(found: Form | (Form | undefined)[]): Form | undefined {
  modrm = -1
  memory = undefined
  const group = Array.isArray(found)
  if (group || found.modrm) modrm = byte()
  const form = group ? found[modrm] : found
  if (form?.modrm && modrm < 0xc0 && !form.alwaysRegister) memory = readAddress()
  return form
}
function finishDecoding(
  form: Form,
  opcode: number,
  start: number,
  rip: bigint,
  rep: number,
  lock: boolean,
): Decoded | Undecoded {
  // 90 would be xchg eax, eax, but does not clear the upper half; with F3 it is PAUSE
  const nop = opcode === 0x90 && !(rex & 1)
  const operands = nop ? [] : form.operands.map((s) => readOperand(s.from, s.width, opcode))
  const length = at - start
  const first = operands[0]
  if (length > MAX_LENGTH) return failed(VECTOR_GP, length)
  if (lock && !(form.row.lock && first?.kind === 'mem')) return failed(VECTOR_UD, length)
  const spec = form.operands[0]
  if (spec?.from === 'J' && first?.kind === 'imm')
    first.value = BigInt.asUintN(64, rip + BigInt(length) + first.value)
  const w = spec ? widthOf(spec.width) : 32
  const row = nop ? NOP : form.row
  return { row, operands, w, rep, lock, cc: form.cc, a32, segment, length }
}
const NOP = isa.find((r) => r.name === 'nop')!

function widthOf(letter: string): IntWidth {
  switch (letter) {
    case 'b':
      return 8
    case 'w':
      return 16
    case 'z':
      return opsize16 && !(rex & 8) ? 16 : 32
    case 'y':
      return rex & 8 ? 64 : 32
    case 'q':
      return 64
    case 'x':
      return opsize16 && !(rex & 8) ? 16 : 64
    default:
      return rex & 8 ? 64 : opsize16 ? 16 : 32
  }
}
function readOperand(from: string, width: string, opcode: number): Operand {
  const w = widthOf(width)
  switch (from) {
    case ':':
      return NONE
    case 'E':
    case 'M':
    case 'R':
    case 'H':
      return memory ? sized(memory, w) : register((modrm & 7) | ((rex & 1) << 3), w)
    case 'G':
      return register(modrmReg(), w)
    case 'S':
      return { kind: 'imm', w: 8, value: BigInt((modrm >> 3) & 7) }
    case 'C':
    case 'D':
      return { kind: 'imm', w: 8, value: BigInt(modrmReg()) }
    case 'Z':
      return register((opcode & 7) | ((rex & 1) << 3), w)
    case 'AL':
    case 'rAX':
    case 'eAX':
      return { kind: 'reg', w, n: RAX, high: false }
    case 'CL':
      return { kind: 'reg', w, n: RCX, high: false }
    case 'DX':
      return { kind: 'reg', w, n: RDX, high: false }
    case '1':
      return { kind: 'imm', w: 8, value: 1n }
    case 'J':
      return { kind: 'imm', w: 64, value: signed(width === 'b' ? 1 : 4) }
    case 'O':
      return absolute(w)
    default:
      return immediate(width)
  }
}
const modrmReg = (): number => ((modrm >> 3) & 7) | ((rex & 4) << 1)
function sized(o: Memory, w: IntWidth): Operand {
  o.w = w
  return o
}
/** Without REX, byte registers 4..7 are ah, ch, dh, bh. SDM Vol. 1 §3.4.1.1, General-Purpose Registers in 64-Bit Mode. */
function register(n: number, w: IntWidth): Operand {
  const high = w === 8 && n > 3 && n < 8 && rex === 0
  return { kind: 'reg', w, n: high ? n - 4 : n, high }
}
function immediate(width: string): Operand {
  const w = widthOf(width === 'sx' ? 'x' : width === 's' || width === 'z' ? 'v' : width)
  const bytes = width[0] === 's' || w === 8 ? 1 : w === 16 ? 2 : w === 64 && width === 'v' ? 8 : 4
  return { kind: 'imm', w, value: BigInt.asUintN(w, signed(bytes)) }
}
function signed(bytes: number): bigint {
  if (bytes === 1) return BigInt((byte() << 24) >> 24)
  const low = byte() | (byte() << 8) // little-endian
  if (bytes === 2) return BigInt((low << 16) >> 16)
  const word = low | (byte() << 16) | (byte() << 24)
  return bytes === 4 ? BigInt(word) : (signed(4) << 32n) | BigInt(word >>> 0)
}
function absolute(w: IntWidth): Memory {
  const disp = BigInt.asUintN(a32 ? 32 : 64, signed(a32 ? 4 : 8))
  return { kind: 'mem', w, base: -1, index: -1, scale: 0, disp, rip: false, a32, segment }
}
/** ModRM, SIB and displacement. SDM Vol. 2 §2.1.5, Addressing-Mode Encoding; §2.2.1.6, RIP-Relative Addressing. */
function readAddress(): Memory {
  const mod = modrm >> 6
  let base = modrm & 7
  let index = -1
  let scale = 0
  let rip = false
  if (base === 4) {
    const sib = byte()
    base = sib & 7
    scale = sib >> 6
    index = ((sib >> 3) & 7) | ((rex & 2) << 2)
    if (index === 4) index = -1
  } else if (base === 5 && mod === 0) rip = true
  const disp = mod === 1 ? signed(1) : mod === 2 || (mod === 0 && base === 5) ? signed(4) : 0n
  base = mod === 0 && base === 5 ? -1 : base | ((rex & 1) << 3)
  return { kind: 'mem', w: 64, base, index, scale, disp, rip, a32, segment }
}

/** What a decoded instruction means; what is none means its exception. */
export function mean(b: Builder, i: Decoded | Undecoded, rip: bigint): Meaning {
  b.begin(rip, BigInt.asUintN(64, rip + BigInt(isDecoded(i) ? i.length : i.needed)))
  if (!isDecoded(i)) b.trap(i.vector)
  else i.row.sem(b, i.operands[0] ?? NONE, i.operands[1] ?? NONE, i.operands[2] ?? NONE, i)
  return b.end()
}

export interface Line {
  readonly meanings: readonly Meaning[]
  /** The first instruction needs bytes of the next page: nothing else is in the line. */
  readonly crosses: boolean
}
const LINE_LIMIT = 64

/**
 * The straight line of code at `bytes[start]`, which stands for linear address `rip`: up to `max` instructions, ending
 * behind a jump, a system instruction or a trap that always comes, or before an instruction that crosses into the next page.
 * @param second  the next page's bytes, wanted only if the first instruction crosses into it
 * @returns undefined if the first instruction crosses and `second` is missing
 */
export function readLine(
  bytes: Uint8Array,
  start: number,
  rip: bigint,
  mode: Mode,
  max: number = LINE_LIMIT,
  second?: Uint8Array,
): Line | undefined {
  const b = new Builder(mode)
  const meanings: Meaning[] = []
  let room = 4096 - Number(rip & 0xfffn)
  let next = rip
  let from = start
  while (meanings.length < max && room > 0) {
    const i = decode(bytes, from, next, mode.code)
    const length = isDecoded(i) ? i.length : i.needed
    if (length > room) {
      if (meanings.length > 0) break
      return second && crossing(b, bytes.subarray(from, from + room), second, next, mode)
    }
    const meaning = mean(b, i, next)
    meanings.push(meaning)
    next = meaning.next
    from += length
    room -= length
    if (endsLine(meaning)) break
  }
  finish(meanings)
  return { meanings, crosses: false }
}
function crossing(b: Builder, first: Uint8Array, second: Uint8Array, rip: bigint, mode: Mode): Line {
  const both = new Uint8Array(first.length + MAX_LENGTH)
  both.set(first)
  both.set(second.subarray(0, MAX_LENGTH), first.length)
  const meanings = [mean(b, decode(both, 0, rip, mode.code), rip)]
  finish(meanings)
  return { meanings, crosses: true }
}
