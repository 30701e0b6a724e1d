// Every instruction, once. An encoding is written as in SDM Vol. 2 App. A, Opcode Map:
//
//   [prefix] [0F] opcode [modrm] [+] [@cc] [/digit] [operands]
//
//   prefix           F2, F3: mandatory. NP: neither these nor 66. Nothing: F2 and F3 mean nothing
//   modrm            two hexadecimal digits: exactly this ModRM byte
//   +                8 encodings, a register in the low opcode bits;  @cc  16, one per condition code
//   operands         E modrm r/m, M the same but memory only, R the same but a register only, H the same but a
//                    register whatever mod says, G modrm reg, S C D modrm reg as segment, control, debug register,
//                    Z low opcode bits, I immediate, J relative target, O an offset in place of ModRM, rAX AL CL DX 1:
//                    as they say, eAX: eAX or AX;  : no operand, only its width
//   width letters    b 8, w 16, q 64, v 16/32/64 by prefix, y 32/64, z 16/32 (an immediate: sign-extended to v),
//                    x 16/64 (stack), s and sx an immediate of 8 bits, sign-extended to v and x
//
// What an instruction reads, writes, leaves undefined and may raise is not listed: it follows from `sem` (describe).
// d, s, t are the first, second and third operand. Width letters make all operands of an arithmetic row equally wide.
//
// Not here, so #UD: x87, MMX, SSE and what follows them, VMX, SVM, CET, RDFSBASE and its kin, MONITOR, VERR, LAR, LSL,
// SYSENTER, RDPMC, and all that 64-bit mode has given up.

import { VECTOR_DE, VECTOR_GP, VECTOR_UD } from '../x86-64.ts'
import {
  type Builder,
  type IntWidth,
  type Operand,
  RAX,
  RBP,
  RBX,
  RCX,
  RDI,
  RDX,
  RSI,
  RSP,
  type Value,
} from './builder.ts'
import { FLAG_BIT, type Flag, ofResult } from './flags.ts'
import { Helper } from './helpers.ts'
import { Slot, SystemOp } from './state.ts'
import { StringRun } from './strings.ts'

/** What the decoder tells beside the operands. */
export interface Details {
  /** 0, or the last of the prefixes F2 and F3 */
  readonly rep: number
  /** The width that `:` stands for. */
  readonly w: IntWidth
  readonly cc: number
  readonly a32: boolean
  /** Slot of the base that a segment override names, or 0. */
  readonly segment: number
}
export type Sem = (b: Builder, d: Operand, s: Operand, t: Operand, i: Details) => void
export interface Row {
  readonly name: string
  readonly enc: string
  readonly sem: Sem
  /** LOCK is allowed if the first operand is memory. */
  readonly lock: boolean
}
type V = Value<IntWidth>

const row = (name: string, enc: string, sem: Sem): Row => ({ name, enc, sem, lock: false })
const lockable = (r: Row): Row => ({ ...r, lock: true })
const REPNE = 0xf2

// The shapes that rows share.

/** The eight arithmetic rows. SDM Vol. 2 App. A, rows 00-3F and group 1. */
const alu = (name: string, n: number, sem: Sem): Row => {
  const op = (k: number): string => (n * 8 + k).toString(16).padStart(2, '0')
  const two = `${op(0)} Eb,Gb|${op(1)} Ev,Gv|${op(2)} Gb,Eb|${op(3)} Gv,Ev|${op(4)} AL,Ib|${op(5)} rAX,Iz`
  return row(name, `${two}|80/${n} Eb,Ib|81/${n} Ev,Iz|83/${n} Ev,Is`, sem)
}
const group2 = (name: string, n: number, sem: Sem): Row =>
  row(name, `C0/${n} Eb,Ib|C1/${n} Ev,Ib|D0/${n} Eb,1|D1/${n} Ev,1|D2/${n} Eb,CL|D3/${n} Ev,CL`, sem)

const logic =
  (f: (b: Builder, x: V, y: V) => V): Sem =>
  (b, d, s) => {
    const r = f(b, b.get(d), b.get(s))
    b.set(d, r)
    b.flags('logic', r)
  }
/** add and adc, sub and sbb: the recipe depends on the carry in, so it is chosen when the instruction runs. */
const withCarry =
  (plus: boolean): Sem =>
  (b, d, s) => {
    const x = b.get(d)
    const y = b.get(s)
    const c = b.flag('C')
    const carry = b.zext(x.w, c)
    const r = plus ? b.add(b.add(x, y), carry) : b.sub(b.sub(x, y), carry)
    b.set(d, r)
    b.flagsOf(c, plus ? 'addCarry' : 'subBorrow', plus ? 'add' : 'sub', plus ? r : x, y)
  }
const incDec =
  (name: 'inc' | 'dec'): Sem =>
  (b, d) => {
    const x = b.get(d)
    const one = b.const(x.w, 1)
    const r = name === 'inc' ? b.add(x, one) : b.sub(x, one)
    b.set(d, r)
    b.flags(name, r, b.flag('C'))
  }

// Shifts and rotations. The count is masked to 5 bits (6 for 64-bit operands); a count of 0 changes no flag.

/** SDM Vol. 2 "SAL/SAR/SHL/SHR". */
const shift =
  (name: 'shl' | 'shr' | 'sar'): Sem =>
  (b, d, s) => {
    const x = b.get(d)
    const n = b.shiftCount(x.w, s)
    b.set(d, b[name](x, n))
    b.flags(name, x, n, b.isZero(n))
  }
/** Only C and, for a count of 1, O change. An 8- or 16-bit rotation takes the masked count modulo the width for its result. */
const rotate =
  (left: boolean): Sem =>
  (b, d, s) => {
    const x = b.get(d)
    const n = b.shiftCount(x.w, s)
    const low = b.const(x.w, x.w - 1)
    const k = b.and(n, low)
    const back = b.and(b.sub(b.const(x.w, 0), n), low)
    const r = left ? b.or(b.shl(x, k), b.shr(x, back)) : b.or(b.shr(x, k), b.shl(x, back))
    const top = b.sign(r)
    const c = left ? b.trunc(1, r) : top
    b.set(d, r)
    const o = left ? b.xor(top, c) : b.xor(top, b.sign(b.shlBy(r, 1)))
    b.keepFlags({ C: c, O: o }, 'rotate', n, { unless: b.isZero(n) })
  }
/** A rotation of w + 1 bits, the carry on top; the masked count counts modulo w + 1. */
const rotateCarry =
  (left: boolean): Sem =>
  (b, d, s) => {
    const x = b.get(d)
    const n = b.shiftCount(x.w, s)
    const carry = b.flag('C')
    const { r, c } =
      x.w === 64 ? rotate65(b, x as Value<64>, n as Value<64>, carry, left) : rotateIn64(b, x, n, carry, left)
    const top = b.sign(r)
    b.set(d, r)
    const o = left ? b.xor(top, c) : b.xor(top, b.sign(b.shlBy(r, 1)))
    b.keepFlags({ C: c, O: o }, 'rotate', n, { unless: b.isZero(n) })
  }
/** Up to 33 bits are rotated inside 64. */
const rotateIn64 = (b: Builder, x: V, n: V, carry: Value<1>, left: boolean): { r: V; c: Value<1> } => {
  const bits = x.w + 1
  const all = b.or(b.zext(64, x), b.shlBy(b.zext(64, carry), x.w))
  const k = b.div('remu', b.zext(64, n), b.const(64, bits))
  const back = b.sub(b.const(64, bits), k)
  const y = left ? b.or(b.shl(all, k), b.shr(all, back)) : b.or(b.shr(all, k), b.shl(all, back))
  return { r: b.trunc(x.w, y), c: b.bit(y, x.w) }
}
/** 65 bits do not fit: shift what is around the carry in two steps, so that no count reaches 64. */
const rotate65 = (
  b: Builder,
  x: Value<64>,
  n: Value<64>,
  carry: Value<1>,
  left: boolean,
): { r: Value<64>; c: Value<1> } => {
  const zero = b.isZero(n)
  const before = b.and(b.sub(n, b.const(64, 1)), b.const(64, 63))
  const rest = b.and(b.sub(b.const(64, 64), n), b.const(64, 63))
  const c = b.zext(64, carry)
  const there = left ? b.shl(x, n) : b.shr(x, n)
  const around = left ? b.shrBy(b.shr(x, rest), 1) : b.shlBy(b.shl(x, rest), 1)
  const inserted = left ? b.shl(c, before) : b.shl(c, rest)
  const out = b.trunc(1, b.shr(x, left ? rest : before))
  return { r: b.select(zero, x, b.or(b.or(there, around), inserted)), c: b.select(zero, carry, out) }
}
/** SHLD and SHRD. The manual leaves a 16-bit count above 16 undefined; here the bits of d:s:d are shifted. */
const doubleShift =
  (left: boolean): Sem =>
  (b, d, s, t) => {
    const x = b.get(d)
    const y = b.get(s)
    const n = b.shiftCount(x.w, t)
    const { r, c } = x.w === 16 ? double16(b, x, y, n, left) : doubleWide(b, x, y, n, left)
    b.set(d, r)
    const o = b.xor(b.sign(r), b.sign(x))
    const changes = { ...signs(b, r), A: b.const(1, 0), C: c, O: o }
    b.keepFlags(changes, 'doubleShift', n, { unless: b.isZero(n), w: x.w })
  }
const double16 = (b: Builder, x: V, y: V, n: V, left: boolean): { r: V; c: Value<1> } => {
  const part = (v: V, at: number): Value<64> => b.shlBy(b.zext(64, v), at)
  const all = b.or(b.or(part(x, left ? 32 : 0), part(y, 16)), part(x, left ? 0 : 32))
  const k = b.zext(64, n)
  // one bit more than needed at the end that is shifted out of: the carry
  const moved = left ? b.shrBy(b.shl(all, k), 32) : b.shr(b.shlBy(all, 1), k)
  return left
    ? { r: b.trunc(16, moved), c: b.bit(moved, 16) }
    : { r: b.trunc(16, b.shrBy(moved, 1)), c: b.trunc(1, moved) }
}
const doubleWide = (b: Builder, x: V, y: V, n: V, left: boolean): { r: V; c: Value<1> } => {
  const top = b.const(x.w, x.w - 1)
  const before = b.and(b.sub(n, b.const(x.w, 1)), top)
  const rest = b.and(b.sub(b.const(x.w, x.w), n), top)
  const moved = left ? b.or(b.shl(x, n), b.shr(y, rest)) : b.or(b.shr(x, n), b.shl(y, rest))
  const last = left ? b.sign(b.shl(x, before)) : b.trunc(1, b.shr(x, before))
  return { r: b.select(b.isZero(n), x, moved), c: last }
}
const signRules = ofResult((_, x) => x)
/** Z, S and P of a result, for flags that are written as bits. */
const signs = (b: Builder, r: V): Record<'Z' | 'S' | 'P', Value<1>> => ({
  Z: signRules.Z(b, r, r),
  S: signRules.S(b, r, r),
  P: signRules.P(b, r, r),
})

// Bits.

/** Undefined flags are cleared: to keep them would cost their computation. */
const cleared = (b: Builder, ...flags: Flag[]): Partial<Record<Flag, Value<1>>> =>
  Object.fromEntries(flags.map((f) => [f, b.const(1, 0)]))

/** A register as bit number reaches beyond a memory operand: it addresses a bit string. SDM Vol. 2 "BT", "Bit(BitBase, BitOffset)". */
const bitTest =
  (change?: (b: Builder, x: V, bit: V) => V): Sem =>
  (b, d, s) => {
    const w = d.w
    const n = b.and(b.zext(w, b.get(s)), b.const(w, w - 1))
    const string = d.kind === 'mem' && s.kind === 'reg'
    const words = string ? b.sar(b.sext(64, b.get(s)), b.const(64, Math.log2(w))) : undefined
    const place = words && b.placeAt(d, w, b.shlBy(words, Math.log2(w / 8)))
    const x = place ? b.loadPlace(place) : b.get(d)
    b.keepFlags({ C: b.trunc(1, b.shr(x, n)), ...cleared(b, 'P', 'A', 'S', 'O') }, 'bitTest')
    if (!change) return
    const r = change(b, x, b.shl(b.const(w, 1), n))
    if (place) b.storePlace(place, r)
    else b.set(d, r)
  }
/** clz and ctz want 32 or 64 bits. */
const wide = (b: Builder, x: V): V => (x.w === 64 ? x : b.zext(32, x))
/** With a source of 0 the destination keeps its value, as AMD documents and Intel's CPUs do. */
const bitScan =
  (reverse: boolean): Sem =>
  (b, d, s) => {
    const x = b.get(s)
    const y = wide(b, x)
    const first = reverse ? b.xor(b.unary('clz', y), b.const(y.w, y.w - 1)) : b.unary('ctz', y)
    b.setIf(b.not(b.isZero(x)), d, b.trunc(d.w, first))
    b.keepFlags({ Z: b.isZero(x), ...cleared(b, 'C', 'P', 'A', 'S', 'O') }, 'bitScan')
  }
const countZeros =
  (leading: boolean): Sem =>
  (b, d, s) => {
    const x = b.get(s)
    const y = wide(b, x)
    const guarded = x.w === 16 && !leading ? b.or(y, b.const(y.w, 0x1_0000)) : y
    const zeros = b.unary(leading ? 'clz' : 'ctz', guarded)
    const n = b.trunc(x.w, x.w === 16 && leading ? b.sub(zeros, b.const(y.w, 16)) : zeros)
    b.set(d, n)
    b.keepFlags({ C: b.isZero(x), Z: b.isZero(n), ...cleared(b, 'P', 'A', 'S', 'O') }, 'countZeros')
  }
/** Neighbours change places: bytes, then pairs, then halves. The 16-bit form is undefined in the manual; CPUs give 0. */
const byteSwap = (b: Builder, x: V): V => {
  if (x.w === 16) return b.const(16, 0)
  let r = x
  for (let n = 8; n < x.w; n *= 2) {
    let even = 0n
    for (let at = 0; at < x.w; at += n * 2) even |= ((1n << BigInt(n)) - 1n) << BigInt(at)
    const low = b.const(x.w, even)
    r = b.or(b.and(b.shrBy(r, n), low), b.shlBy(b.and(r, low), n))
  }
  return r
}

// The stack.

const push = (b: Builder, v: V): void => {
  const sp = b.sub(b.reg(RSP, 64), b.const(64, v.w / 8))
  b.store(sp, v, true)
  b.setReg(RSP, sp)
}
const pop = <W extends IntWidth>(b: Builder, w: W): Value<W> => {
  b.setReg(RSP, b.add(b.reg(RSP, 64), b.const(64, w / 8)))
  return b.load(w, b.reg(RSP, 64), true)
}
/** SDM Vol. 2 "ENTER". Copied frame pointers are those from before the instruction, even where the pushes overlap them. */
const enter: Sem = (b, _d, size, level, { w }) => {
  const depth = Number((level as { value: bigint }).value & 31n)
  const below = (n: number, from: number): Value<64> => b.sub(b.reg(from, 64), b.const(64, (n * w) / 8))
  const frame = below(1, RSP)
  b.store(frame, b.reg(RBP, w), true)
  for (let i = 1; i < depth; i++) b.store(below(i + 1, RSP), b.load(w, below(i, RBP), true), true)
  if (depth > 0) b.store(below(depth + 1, RSP), b.trunc(w, frame), true)
  const end = b.sub(below(depth + 1, RSP), b.zext(64, b.get(size)))
  if (w === 64) b.setReg(RBP, frame)
  else b.setReg(RBP, b.trunc(w, frame))
  b.setReg(RSP, end)
}
const pushSegment =
  (n: number): Sem =>
  (b, _d, _s, _t, { w }) =>
    push(b, b.trunc(w, b.state(Slot.es + n)))

// Multiplication and division.

/** rDX:rAX, or AX for bytes: the double-width operand of mul and div. */
const setPair = (b: Builder, low: V, high: V): void => {
  if (low.w === 8) return b.setReg(RAX, b.or(b.zext(16, low), b.shlBy(b.zext(16, high), 8)))
  b.setReg(RAX, low)
  b.setReg(RDX, high)
}
/** The high 64 bits of an unsigned product, from four 32-bit ones: WebAssembly has no such instruction. */
const mulHigh = (b: Builder, x: Value<64>, y: Value<64>): Value<64> => {
  const low = (v: Value<64>): Value<64> => b.and(v, b.const(64, 0xffff_ffff))
  const high = (v: Value<64>): Value<64> => b.shrBy(v, 32)
  const mid = b.add(b.mul(high(x), low(y)), high(b.mul(low(x), low(y))))
  const mid2 = b.add(b.mul(low(x), high(y)), low(mid))
  return b.add(b.add(b.mul(high(x), high(y)), high(mid)), high(mid2))
}
const mulHighSigned = (b: Builder, x: Value<64>, y: Value<64>): Value<64> => {
  const zero = b.const(64, 0)
  const corrected = b.sub(mulHigh(b, x, y), b.select(b.sign(x), y, zero))
  return b.sub(corrected, b.select(b.sign(y), x, zero))
}
/** Both halves of x * y, and whether the high one matters. */
const product = (b: Builder, x: V, y: V, signed: boolean): { low: V; high: V; wide: Value<1> } => {
  const low = b.mul(x, y)
  const fill = signed ? b.sar(low, b.const(x.w, x.w === 64 ? 63 : Math.min(31, x.w - 1))) : b.const(x.w, 0)
  const extended = (v: V): Value<64> => (signed ? b.sext(64, v) : b.zext(64, v))
  const high =
    x.w === 64
      ? (signed ? mulHighSigned : mulHigh)(b, x as Value<64>, y as Value<64>)
      : b.trunc(x.w, b.shrBy(b.mul(extended(x), extended(y)), x.w))
  return { low, high, wide: b.not(b.eq(high, fill)) }
}
const mul =
  (signed: boolean): Sem =>
  (b, d) => {
    const x = b.get(d)
    const { low, high, wide } = product(b, b.reg(RAX, x.w), x, signed)
    setPair(b, low, high)
    b.flags('mul', low, wide)
  }
const imul = (b: Builder, d: Operand, x: V, y: V): void => {
  const { low, wide } = product(b, x, y, true)
  b.set(d, low)
  b.flags('mul', low, wide)
}
/** #DE on a divisor of 0 or a quotient that does not fit. */
const div =
  (signed: boolean): Sem =>
  (b, d) => {
    const y = b.get(d)
    b.trapIf(b.isZero(y), VECTOR_DE)
    b.flags('unspecified', b.const(64, 0))
    if (y.w === 64) return div128(b, y as Value<64>, signed)
    const w = y.w
    const dividend =
      w === 8 ? b.reg(RAX, 16) : b.or(b.shlBy(b.zext(64, b.reg(RDX, w)), w), b.zext(64, b.reg(RAX, w)))
    const x = signed ? b.sext(64, b.trunc((w * 2) as IntWidth, dividend)) : b.zext(64, dividend)
    const z = signed ? b.sext(64, y) : b.zext(64, y)
    // -2^63 / -1 overflows even 64 bits, and traps in WebAssembly: ask before dividing
    if (signed && w === 32)
      b.trapIf(b.and(b.eq(x, b.const(64, 1n << 63n)), b.eq(z, b.const(64, -1))), VECTOR_DE)
    const quotient = b.div(signed ? 'divs' : 'divu', x, z)
    const low = b.trunc(w, quotient)
    b.trapIf(b.not(b.eq(signed ? b.sext(64, low) : b.zext(64, low), quotient)), VECTOR_DE)
    setPair(b, low, b.trunc(w, b.div(signed ? 'rems' : 'remu', x, z)))
  }
const div128 = (b: Builder, y: Value<64>, signed: boolean): void => {
  const of = (unsigned: number): Value<64> =>
    b.call(unsigned + (signed ? 1 : 0), b.reg(RDX, 64), b.reg(RAX, 64), y)
  b.trapIf(b.not(b.isZero(of(Helper.overflows))), VECTOR_DE)
  setPair(b, of(Helper.quotient), of(Helper.remainder))
}

// Strings. SDM Vol. 2 "REP/REPE/REPZ/REPNE/REPNZ".

const addressWidth = (i: Details): 32 | 64 => (i.a32 ? 32 : 64)
const pointer = (b: Builder, n: number, i: Details): Value<64> => b.zext(64, b.reg(n, addressWidth(i)))
/** What rSI points at; rDI is always in ES. */
const source = (b: Builder, i: Details): V => b.load(i.w, b.linear(pointer(b, RSI, i), i.segment))
const advance = (b: Builder, n: number, i: Details): void => {
  const w = addressWidth(i)
  b.setReg(n, b.add(b.reg(n, w), b.const(w, (b.mode.down ? -i.w : i.w) / 8)))
}
/** One iteration; with REP, count in rCX and come back until it is 0, or until `step` has found what ends it. */
const string =
  (step: (b: Builder, i: Details) => Value<1> | undefined, run?: StringRun): Sem =>
  (b, _d, _s, _t, i) => {
    const count = b.reg(RCX, addressWidth(i))
    if (i.rep) b.skipUnless(b.not(b.isZero(count)))
    const plain = i.rep && !i.a32 && i.segment === 0 && !b.mode.down
    if (run !== undefined && plain && !(run === StringRun.compare && i.rep === REPNE)) b.ahead(run, i.w / 8)
    const equal = step(b, i)
    if (!i.rep) return
    const left = b.sub(count, b.const(count.w, 1))
    b.setReg(RCX, left)
    const found = equal && (i.rep === REPNE ? equal : b.not(equal))
    b.jump(b.select(found ? b.or(b.isZero(left), found) : b.isZero(left), b.next, b.here))
  }
const moves = (to: readonly number[], move: (b: Builder, i: Details) => void, run?: StringRun): Sem =>
  string((b, i) => {
    move(b, i)
    for (const n of to) advance(b, n, i)
    return undefined
  }, run)
const compares = (to: readonly number[], x: (b: Builder, i: Details) => V, run?: StringRun): Sem =>
  string((b, i) => {
    const [first, second] = [x(b, i), b.load(i.w, pointer(b, RDI, i))]
    b.flags('sub', first, second)
    for (const n of to) advance(b, n, i)
    return b.eq(first, second)
  }, run)
const portString =
  (op: SystemOp, n: number): Sem =>
  (b, _d, _s, _t, i) => {
    const address = b.linear(pointer(b, n, i), n === RSI ? i.segment : 0)
    b.system(op, i.w, (i.rep ? 1 : 0) | (i.a32 ? 2 : 0), address)
  }

// Control.

/** A relative operand is the target itself (decode adds the address of the next instruction). */
const jumpTo = (b: Builder, target: Value<64>, cond?: Value<1>): void => {
  const bad = b.not(b.canonical(target))
  b.trapIf(cond ? b.and(bad, cond) : bad, VECTOR_GP)
  b.jump(target, cond)
}
const target = (b: Builder, o: Operand): Value<64> => b.get(o) as Value<64>
const loop =
  (wanted?: (b: Builder) => Value<1>): Sem =>
  (b, d, _s, _t, i) => {
    const w = addressWidth(i)
    const left = b.sub(b.reg(RCX, w), b.const(w, 1))
    const more = b.not(b.isZero(left))
    jumpTo(b, target(b, d), wanted ? b.and(more, wanted(b)) : more)
    b.setReg(RCX, left)
  }
const ret: Sem = (b, d) => {
  const to = b.load(64, b.reg(RSP, 64), true)
  const release = d.kind === 'imm' ? Number(d.value) : 0
  b.setReg(RSP, b.add(b.reg(RSP, 64), b.const(64, 8 + release)))
  jumpTo(b, to)
}

// Exchange.

const cmpxchg: Sem = (b, d, s) => {
  const old = b.get(d)
  const a = b.reg(RAX, old.w)
  const hit = b.eq(a, old)
  b.setRegIf(b.not(hit), RAX, old)
  b.setIf(hit, d, b.get(s))
  b.flags('sub', a, old)
}
/** CMPXCHG8B and, with REX.W, CMPXCHG16B: two words, or two doublewords in one. */
const cmpxchgPair: Sem = (b, d) => {
  const w = (d.w === 64 ? 64 : 32) as IntWidth
  if (w === 64) b.trapIf(b.not(b.isZero(b.and(b.address(d), b.const(64, 15)))), VECTOR_GP)
  const places = [b.placeAt(d, w), b.placeAt(d, w, b.const(64, w / 8))] as const
  const [low, high] = [b.loadPlace(places[0]), b.loadPlace(places[1])]
  const hit = b.and(b.eq(b.reg(RAX, w), low), b.eq(b.reg(RDX, w), high))
  b.storePlace(places[0], b.select(hit, b.reg(RBX, w), low))
  b.storePlace(places[1], b.select(hit, b.reg(RCX, w), high))
  b.setRegIf(b.not(hit), RAX, low)
  b.setRegIf(b.not(hit), RDX, high)
  b.keepFlags({ Z: hit })
}

// What the machine performs: operands here, the rest in system.ts.

const system =
  (op: SystemOp): Sem =>
  (b) =>
    b.system(op)
const addressOf =
  (op: SystemOp): Sem =>
  (b, d) =>
    b.system(op, b.address(d))
const operandOf =
  (op: SystemOp): Sem =>
  (b, d) =>
    b.system(op, b.get(d))
/** A 16-bit piece of the CPU block: all of a register is written, 16 bits of memory. */
const storeState =
  (slot: number): Sem =>
  (b, d) =>
    b.set(d, b.trunc(d.w, b.state(slot)))
const CONTROL_REGISTERS = [0, 2, 3, 4, 8]
const number = (o: Operand): number => (o.kind === 'imm' ? Number(o.value) : o.kind === 'reg' ? o.n : -1)
const controlRegister = (b: Builder, o: Operand): number => {
  if (!CONTROL_REGISTERS.includes(number(o))) b.trap(VECTOR_UD)
  return number(o)
}
const debugRegister = (b: Builder, o: Operand): number => {
  if (number(o) > 7) b.trap(VECTOR_UD)
  return number(o)
}
const segmentRegister = (b: Builder, o: Operand): number => {
  if (number(o) > 5) b.trap(VECTOR_UD)
  return number(o)
}
const NO_EFFECT: Sem = () => {}

export const isa: readonly Row[] = [
  lockable(
    alu('add', 0, (b, d, s) => {
      const y = b.get(s)
      const r = b.add(b.get(d), y)
      b.set(d, r)
      b.flags('add', r, y)
    }),
  ),
  lockable(
    alu(
      'or',
      1,
      logic((b, x, y) => b.or(x, y)),
    ),
  ),
  lockable(alu('adc', 2, withCarry(true))),
  lockable(alu('sbb', 3, withCarry(false))),
  lockable(
    alu(
      'and',
      4,
      logic((b, x, y) => b.and(x, y)),
    ),
  ),
  lockable(
    alu('sub', 5, (b, d, s) => {
      const [x, y] = [b.get(d), b.get(s)]
      b.set(d, b.sub(x, y))
      b.flags('sub', x, y)
    }),
  ),
  lockable(
    alu(
      'xor',
      6,
      logic((b, x, y) => b.xor(x, y)),
    ),
  ),
  alu('cmp', 7, (b, d, s) => b.flags('sub', b.get(d), b.get(s))),
  row('test', '84 Eb,Gb|85 Ev,Gv|A8 AL,Ib|A9 rAX,Iz|F6/0 Eb,Ib|F7/0 Ev,Iz|F6/1 Eb,Ib|F7/1 Ev,Iz', (b, d, s) =>
    b.flags('logic', b.and(b.get(d), b.get(s))),
  ),
  lockable(row('inc', 'FE/0 Eb|FF/0 Ev', incDec('inc'))),
  lockable(row('dec', 'FE/1 Eb|FF/1 Ev', incDec('dec'))),
  lockable(row('not', 'F6/2 Eb|F7/2 Ev', (b, d) => b.set(d, b.not(b.get(d))))),
  lockable(
    row('neg', 'F6/3 Eb|F7/3 Ev', (b, d) => {
      const x = b.get(d)
      const zero = b.const(x.w, 0)
      b.set(d, b.sub(zero, x))
      b.flags('sub', zero, x)
    }),
  ),
  row('mul', 'F6/4 Eb|F7/4 Ev', mul(false)),
  row('imul', 'F6/5 Eb|F7/5 Ev', mul(true)),
  row('imul', '0FAF Gv,Ev', (b, d, s) => imul(b, d, b.get(d), b.get(s))),
  row('imul', '69 Gv,Ev,Iz|6B Gv,Ev,Is', (b, d, s, t) => imul(b, d, b.get(s), b.get(t))),
  row('div', 'F6/6 Eb|F7/6 Ev', div(false)),
  row('idiv', 'F6/7 Eb|F7/7 Ev', div(true)),

  group2('rol', 0, rotate(true)),
  group2('ror', 1, rotate(false)),
  group2('rcl', 2, rotateCarry(true)),
  group2('rcr', 3, rotateCarry(false)),
  group2('shl', 4, shift('shl')),
  group2('shr', 5, shift('shr')),
  group2('shl', 6, shift('shl')),
  group2('sar', 7, shift('sar')),
  row('shld', '0FA4 Ev,Gv,Ib|0FA5 Ev,Gv,CL', doubleShift(true)),
  row('shrd', '0FAC Ev,Gv,Ib|0FAD Ev,Gv,CL', doubleShift(false)),

  row('bt', '0FA3 Ev,Gv|0FBA/4 Ev,Ib', bitTest()),
  lockable(
    row(
      'bts',
      '0FAB Ev,Gv|0FBA/5 Ev,Ib',
      bitTest((b, x, bit) => b.or(x, bit)),
    ),
  ),
  lockable(
    row(
      'btr',
      '0FB3 Ev,Gv|0FBA/6 Ev,Ib',
      bitTest((b, x, bit) => b.and(x, b.not(bit))),
    ),
  ),
  lockable(
    row(
      'btc',
      '0FBB Ev,Gv|0FBA/7 Ev,Ib',
      bitTest((b, x, bit) => b.xor(x, bit)),
    ),
  ),
  row('bsf', '0FBC Gv,Ev', bitScan(false)),
  row('bsr', '0FBD Gv,Ev', bitScan(true)),
  row('tzcnt', 'F3 0FBC Gv,Ev', countZeros(false)),
  row('lzcnt', 'F3 0FBD Gv,Ev', countZeros(true)),
  row('popcnt', 'F3 0FB8 Gv,Ev', (b, d, s) => {
    const x = b.get(s)
    b.set(d, b.trunc(d.w, b.unary('popcnt', wide(b, x))))
    b.flags('bits', b.shlBy(b.zext(32, b.isZero(x)), FLAG_BIT.Z))
  }),
  row('bswap', '0FC8+ Zv', (b, d) => b.set(d, byteSwap(b, b.get(d)))),

  row(
    'mov',
    '88 Eb,Gb|89 Ev,Gv|8A Gb,Eb|8B Gv,Ev|B0+ Zb,Ib|B8+ Zv,Iv|C6/0 Eb,Ib|C7/0 Ev,Iz|A0 AL,Ob|A1 rAX,Ov|A2 Ob,AL|A3 Ov,rAX',
    (b, d, s) => b.set(d, b.get(s)),
  ),
  row('movnti', 'NP 0FC3 My,Gy', (b, d, s) => b.set(d, b.get(s))),
  row('movzx', '0FB6 Gv,Eb|0FB7 Gv,Ew', (b, d, s) => b.set(d, b.zext(d.w, b.get(s)))),
  row('movsx', '0FBE Gv,Eb|0FBF Gv,Ew|63 Gv,Ez', (b, d, s) => b.set(d, b.sext(d.w, b.get(s)))),
  row('cdqe', '98 rAX', (b, d) => b.set(d, b.sext(d.w, b.reg(RAX, (d.w / 2) as IntWidth)))), // and cbw, cwde
  row('cqo', '99 rAX', (b, d) =>
    b.setReg(RDX, b.sar(b.reg(RAX, d.w), b.const(d.w, d.w === 64 ? 63 : Math.min(31, d.w - 1)))),
  ), // and cwd, cdq
  row('lea', '8D Gv,M', (b, d, s) => b.set(d, b.trunc(d.w, b.effective(s)))),
  row('xlat', 'D7', (b, _d, _s, _t, i) => {
    const w = addressWidth(i)
    const offset = b.add(b.reg(RBX, w), b.zext(w, b.reg(RAX, 8)))
    b.setReg(RAX, b.load(8, b.linear(b.zext(64, offset), i.segment)))
  }),
  lockable(
    row('xchg', '86 Eb,Gb|87 Ev,Gv|90+ Zv,rAX', (b, d, s) => {
      const [x, y] = [b.get(d), b.get(s)]
      b.set(d, y)
      b.set(s, x)
    }),
  ),
  lockable(row('cmpxchg', '0FB0 Eb,Gb|0FB1 Ev,Gv', cmpxchg)),
  lockable(row('cmpxchg8b', '0FC7/1 Mv', cmpxchgPair)),
  lockable(
    row('xadd', '0FC0 Eb,Gb|0FC1 Ev,Gv', (b, d, s) => {
      const [x, y] = [b.get(d), b.get(s)]
      const r = b.add(x, y)
      b.set(s, x)
      b.set(d, r)
      b.flags('add', r, y)
    }),
  ),

  row('push', '50+ Zx|68 Ix|6A Isx|FF/6 Ex', (b, d) => push(b, b.get(d))),
  row('push', '0FA0 :x', pushSegment(4)),
  row('push', '0FA8 :x', pushSegment(5)),
  row('pop', '58+ Zx', (b, d) => b.set(d, pop(b, d.w))),
  // an address that uses rSP uses the new one
  row('pop', '8F/0 Ex', (b, d) => {
    const v = pop(b, d.w)
    b.set(d.kind === 'mem' && d.base === RSP ? { ...d, disp: d.disp + BigInt(d.w / 8) } : d, v)
  }),
  row('pop', '0FA1 :x', (b, _d, _s, _t, { w }) => b.system(SystemOp.popSeg, 4, w)),
  row('pop', '0FA9 :x', (b, _d, _s, _t, { w }) => b.system(SystemOp.popSeg, 5, w)),
  row('pushf', '9C :x', (b, _d, _s, _t, { w }) =>
    push(b, b.trunc(w, b.or(b.state(Slot.rflags), b.zext(64, b.allFlags())))),
  ),
  row('popf', '9D :x', (b, _d, _s, _t, { w }) => b.system(SystemOp.popf, pop(b, w), w)),
  row('enter', 'C8 :x,Iw,Ib', enter),
  row('leave', 'C9 :x', (b, _d, _s, _t, { w }) => {
    b.setReg(RSP, b.add(b.reg(RBP, 64), b.const(64, w / 8)))
    b.setReg(RBP, b.load(w, b.reg(RBP, 64), true))
  }),

  row('call', 'E8 Jz|FF/2 Eq', (b, d) => {
    const to = target(b, d)
    jumpTo(b, to)
    push(b, b.next)
  }),
  row('ret', 'C3|C2 Iw', ret),
  row('jmp', 'E9 Jz|EB Jb|FF/4 Eq', (b, d) => jumpTo(b, target(b, d))),
  row('j', '70@cc Jb|0F80@cc Jz', (b, d, _s, _t, { cc }) => jumpTo(b, target(b, d), b.condition(cc))),
  row(
    'loopne',
    'E0 Jb',
    loop((b) => b.not(b.flag('Z'))),
  ),
  row(
    'loope',
    'E1 Jb',
    loop((b) => b.flag('Z')),
  ),
  row('loop', 'E2 Jb', loop()),
  row('jrcxz', 'E3 Jb', (b, d, _s, _t, i) => jumpTo(b, target(b, d), b.isZero(b.reg(RCX, addressWidth(i))))),
  row('set', '0F90@cc Eb', (b, d, _s, _t, { cc }) => b.set(d, b.zext(8, b.condition(cc)))),
  // the load happens always
  row('cmov', '0F40@cc Gv,Ev', (b, d, s, _t, { cc }) =>
    b.set(d, b.select(b.condition(cc), b.get(s), b.get(d))),
  ),

  row(
    'movs',
    'A4 :b|A5 :v',
    moves([RSI, RDI], (b, i) => b.store(pointer(b, RDI, i), source(b, i)), StringRun.move),
  ),
  row(
    'stos',
    'AA :b|AB :v',
    moves([RDI], (b, i) => b.store(pointer(b, RDI, i), b.reg(RAX, i.w)), StringRun.store),
  ),
  row(
    'lods',
    'AC :b|AD :v',
    moves([RSI], (b, i) => b.setReg(RAX, source(b, i))),
  ),
  row('cmps', 'A6 :b|A7 :v', compares([RSI, RDI], source, StringRun.compare)),
  row(
    'scas',
    'AE :b|AF :v',
    compares([RDI], (b, i) => b.reg(RAX, i.w)),
  ),

  row('clc', 'F8', (b) => b.keepFlags({ C: b.const(1, 0) })),
  row('stc', 'F9', (b) => b.keepFlags({ C: b.const(1, 1) })),
  row('cmc', 'F5', (b) => b.keepFlags({ C: b.not(b.flag('C')) })),
  row('lahf', '9F', (b) =>
    b.setReg(RAX, b.trunc(8, b.or(b.and(b.allFlags(), b.const(32, 0xd5)), b.const(32, 2))), 8),
  ),
  row('sahf', '9E', (b) => {
    const ah = b.shrBy(b.reg(RAX, 64), 8)
    const flag = (f: Flag): Value<1> => b.bit(ah, FLAG_BIT[f])
    b.keepFlags({ S: flag('S'), Z: flag('Z'), A: flag('A'), P: flag('P'), C: flag('C') })
  }),

  // 90 is one too, PAUSE with it (decode.ts). 0F1E with F3 is ENDBR64 or RDSSP, 0F18 and 0F0D are prefetches
  row('nop', '0F0D M|0F18 Ev|0F19 Ev|0F1A Ev|0F1B Ev|0F1C Ev|0F1D Ev|0F1E Ev|0F1F Ev', NO_EFFECT),
  row('lfence', 'NP 0FAE/5 Rv', NO_EFFECT),
  row('mfence', 'NP 0FAE/6 Rv', NO_EFFECT),
  row('sfence', 'NP 0FAE/7 Rv', NO_EFFECT),
  row('clflush', 'NP 0FAE/7 Mb', (b, d) => void b.get(d)), // faults as a load does
  row('ud0', '0FFF Gv,Ev', (b) => b.trap(VECTOR_UD)),
  row('ud1', '0FB9 Gv,Ev', (b) => b.trap(VECTOR_UD)),
  row('ud2', '0F0B', (b) => b.trap(VECTOR_UD)),

  row('int', 'CD Ib', (b, d) => b.system(SystemOp.int, b.get(d), 0)),
  row('int3', 'CC', (b) => b.system(SystemOp.int, 3, 1)),
  row('int1', 'F1', (b) => b.system(SystemOp.int, 1, 2)),
  row('iret', 'CF :v', (b, _d, _s, _t, { w }) => b.system(SystemOp.iret, w)),
  row('syscall', '0F05', system(SystemOp.syscall)),
  row('sysret', '0F07 :v', (b, _d, _s, _t, { w }) => b.system(SystemOp.sysret, w)),
  row('retf', 'CB :v|CA :v,Iw', (b, _d, s, _t, { w }) => b.system(SystemOp.farReturn, w, b.get(s))),
  row('jmpf', 'FF/5 Mv', (b, d) => b.system(SystemOp.farJump, b.address(d), d.w, 0)),
  row('callf', 'FF/3 Mv', (b, d) => b.system(SystemOp.farJump, b.address(d), d.w, 1)),
  row('hlt', 'F4', system(SystemOp.hlt)),
  row('cli', 'FA', system(SystemOp.cli)),
  row('sti', 'FB', system(SystemOp.sti)),
  row('cld', 'FC', system(SystemOp.cld)),
  row('std', 'FD', system(SystemOp.std)),
  row('in', 'E4 AL,Ib|E5 eAX,Ib|EC AL,DX|ED eAX,DX', (b, d, s) => b.system(SystemOp.in, b.get(s), d.w)),
  row('out', 'E6 Ib,AL|E7 Ib,eAX|EE DX,AL|EF DX,eAX', (b, d, s) =>
    b.system(SystemOp.out, b.get(d), s.w, b.get(s)),
  ),
  row('ins', '6C :b|6D :z', portString(SystemOp.ins, RDI)),
  row('outs', '6E :b|6F :z', portString(SystemOp.outs, RSI)),

  row('mov', '8C Mw,Sw|8C Rv,Sw', (b, d, s) => {
    const n = segmentRegister(b, s)
    b.set(d, b.trunc(d.w, b.state(Slot.es + n)))
  }),
  row('mov', '8E Sw,Ew', (b, d, s) => {
    const n = segmentRegister(b, d)
    if (n === 1) b.trap(VECTOR_UD)
    b.system(SystemOp.movToSeg, n, b.get(s))
  }),
  row('mov', '0F20 Hq,C', (b, d, s) => b.system(SystemOp.movFromCr, controlRegister(b, s), number(d))),
  row('mov', '0F22 C,Hq', (b, d, s) => b.system(SystemOp.movToCr, controlRegister(b, d), b.get(s))),
  row('mov', '0F21 Hq,D', (b, d, s) => b.system(SystemOp.movFromDr, debugRegister(b, s), number(d))),
  row('mov', '0F23 D,Hq', (b, d, s) => b.system(SystemOp.movToDr, debugRegister(b, d), b.get(s))),
  row('sldt', '0F00/0 Mw|0F00/0 Rv', storeState(Slot.ldtr)),
  row('str', '0F00/1 Mw|0F00/1 Rv', storeState(Slot.tr)),
  row('lldt', '0F00/2 Ew', operandOf(SystemOp.lldt)),
  row('ltr', '0F00/3 Ew', operandOf(SystemOp.ltr)),
  row('sgdt', '0F01/0 M', addressOf(SystemOp.sgdt)),
  row('sidt', '0F01/1 M', addressOf(SystemOp.sidt)),
  row('lgdt', '0F01/2 M', addressOf(SystemOp.lgdt)),
  row('lidt', '0F01/3 M', addressOf(SystemOp.lidt)),
  row('smsw', '0F01/4 Mw|0F01/4 Rv', storeState(Slot.cr0)),
  row('lmsw', '0F01/6 Ew', operandOf(SystemOp.lmsw)),
  row('invlpg', '0F01/7 M', addressOf(SystemOp.invlpg)),
  row('swapgs', '0F01F8', system(SystemOp.swapgs)),
  row('rdtscp', '0F01F9', system(SystemOp.rdtscp)),
  row('clts', '0F06', system(SystemOp.clts)),
  row('invd', '0F08', system(SystemOp.wbinvd)),
  row('wbinvd', '0F09', system(SystemOp.wbinvd)),
  row('wrmsr', '0F30', system(SystemOp.wrmsr)),
  row('rdtsc', '0F31', system(SystemOp.rdtsc)),
  row('rdmsr', '0F32', system(SystemOp.rdmsr)),
  row('cpuid', '0FA2', system(SystemOp.cpuid)),
  // reserved by this machine: ring 0's way into the hosted kernel (host.ts)
  row('gate', '0F3F Iw', (b, d) => (b.mode.user ? b.trap(VECTOR_UD) : b.system(SystemOp.gate, b.get(d)))),
]
