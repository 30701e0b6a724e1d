// The six arithmetic flags, lazily: an instruction leaves a recipe and two values, not six bits.
//
// A recipe says once how each flag follows from its two values x and y, over the same builder as the
// instructions. Where the recipe is known when code is made, a condition costs one comparison (cmp; jl is one
// `lts`); where it is not (first use in a block) a reader evaluates all six bits from the record (kind, x, y)
// that the CPU block holds. kind = recipe number * 4 + log2(width / 8). SDM Vol. 1 §3.4.3.1, Status Flags.

import type { Builder, IntWidth, KnownFlags, Value } from './builder.ts'

export type Flag = 'C' | 'P' | 'A' | 'Z' | 'S' | 'O'
/** Bit number in RFLAGS. */
export const FLAG_BIT: Readonly<Record<Flag, number>> = { C: 0, P: 2, A: 4, Z: 6, S: 7, O: 11 }
const C = 1 << FLAG_BIT.C
const P = 1 << FLAG_BIT.P
const A = 1 << FLAG_BIT.A
const Z = 1 << FLAG_BIT.Z
const S = 1 << FLAG_BIT.S
const O = 1 << FLAG_BIT.O
export const ALL_FLAGS: number = C | P | A | Z | S | O

type V = Value<IntWidth>
type Rule = (b: Builder, x: V, y: V) => Value<1>
type Arithmetic = (b: Builder, x: V, y: V) => V

export interface Recipe extends Record<Flag, Rule> {
  /** Conditions that are cheaper than their flags: 6 below-or-equal, 12 less, 14 less-or-equal. */
  fused?: { 6?: Rule; 12?: Rule; 14?: Rule }
  /** Flags the manual leaves undefined, as a mask, for the width w (bits) and the y of this execution. */
  undefined?: (w: number, y: number) => number
}

const no: Rule = (b) => b.const(1, 0)
const one = (b: Builder, x: V): V => b.const(x.w, 1)
const signBit = (b: Builder, x: V): V => b.const(x.w, 1n << BigInt(x.w - 1))
const low4 = (b: Builder, x: V): V => b.and(x, b.const(x.w, 15))
/** Even parity of the low byte: fold it to 4 bits, then look the 16 answers up in a constant. */
const parity = (b: Builder, r: V): Value<1> => {
  const byte = b.zext(32, b.trunc(8, r))
  const folded = b.and(b.xor(byte, b.shrBy(byte, 4)), b.const(32, 15))
  return b.trunc(1, b.shr(b.const(32, 0x9669), folded))
}
/** Z, S and P follow from the result alone, whatever the operation. */
export const ofResult = (r: Arithmetic): Record<'Z' | 'S' | 'P', Rule> => ({
  Z: (b, x, y) => b.isZero(r(b, x, y)),
  S: (b, x, y) => b.sign(r(b, x, y)),
  P: (b, x, y) => parity(b, r(b, x, y)),
})
/** x and y are the sum and the second addend; `addend` gives the first back. x ^ y ^ sum are the carries into each bit. */
const ofSum = (addend: Arithmetic): Record<'A' | 'O', Rule> => ({
  A: (b, r, y) => b.bit(b.xor(b.xor(addend(b, r, y), y), r), 4),
  O: (b, r, y) => b.sign(b.and(b.xor(addend(b, r, y), r), b.xor(y, r))),
})
const ofDifference = (r: Arithmetic): Record<'A' | 'O', Rule> => ({
  A: (b, x, y) => b.bit(b.xor(b.xor(x, y), r(b, x, y)), 4),
  O: (b, x, y) => b.sign(b.and(b.xor(x, y), b.xor(x, r(b, x, y)))),
})
const leu: Rule = (b, x, y) => b.not(b.ltu(y, x))
const les: Rule = (b, x, y) => b.not(b.lts(y, x))
const itself: Arithmetic = (_, x) => x
const minus: Arithmetic = (b, x, y) => b.sub(x, y)
const minusBorrow: Arithmetic = (b, x, y) => b.sub(b.sub(x, y), one(b, x))
const shl: Arithmetic = (b, x, n) => b.shl(x, n)
const shr: Arithmetic = (b, x, n) => b.shr(x, n)
const sar: Arithmetic = (b, x, n) => b.sar(x, n)
/** The last bit shifted out is still in. */
const justBefore =
  (shift: Arithmetic): Arithmetic =>
  (b, x, n) =>
    shift(b, x, b.sub(n, one(b, n)))
const shiftUndefined = (w: number, n: number): number => A | (n > 1 ? O : 0) | (n >= w ? C : 0)
const fromBits =
  (f: Flag): Rule =>
  (b, x) =>
    b.bit(x, FLAG_BIT[f])
const asBits: Record<Flag, Rule> = {
  C: fromBits('C'),
  P: fromBits('P'),
  A: fromBits('A'),
  Z: fromBits('Z'),
  S: fromBits('S'),
  O: fromBits('O'),
}

export type RecipeName =
  | ('bits' | 'add' | 'addCarry' | 'sub' | 'subBorrow' | 'logic' | 'inc' | 'dec' | 'shl' | 'shr' | 'sar')
  | ('mul' | 'rotate' | 'doubleShift' | 'bitTest' | 'bitScan' | 'countZeros' | 'unspecified')

export const recipes: Record<RecipeName, Recipe> = {
  /** x: the six flags as RFLAGS has them */
  bits: asBits,
  /** x: sum, y: second addend */
  add: { C: (b, r, y) => b.ltu(r, y), ...ofResult(itself), ...ofSum(minus) },
  /** the same with a carry in of 1 */
  addCarry: { C: leu, ...ofResult(itself), ...ofSum(minusBorrow) },
  /** x: minuend, y: subtrahend */
  sub: {
    ...ofResult(minus),
    ...ofDifference(minus),
    C: (b, x, y) => b.ltu(x, y),
    Z: (b, x, y) => b.eq(x, y),
    fused: { 6: leu, 12: (b, x, y) => b.lts(x, y), 14: les },
  },
  /** the same with a borrow in of 1 */
  subBorrow: { C: leu, ...ofResult(minusBorrow), ...ofDifference(minusBorrow) },
  /** x: result */
  logic: {
    C: no,
    O: no,
    A: no,
    ...ofResult(itself),
    undefined: () => A,
    fused: {
      6: (b, x) => b.isZero(x),
      12: (b, x) => b.sign(x),
      14: (b, x) => b.lts(x, one(b, x)),
    },
  },
  /** x: result, y: the C of before, which stays */
  inc: {
    C: (b, _, y) => b.trunc(1, y),
    ...ofResult(itself),
    O: (b, x) => b.eq(x, signBit(b, x)),
    A: (b, x) => b.isZero(low4(b, x)),
  },
  dec: {
    C: (b, _, y) => b.trunc(1, y),
    ...ofResult(itself),
    O: (b, x) => b.eq(x, b.sub(signBit(b, x), one(b, x))),
    A: (b, x) => b.eq(low4(b, x), b.const(x.w, 15)),
  },
  /** x: what was shifted, y: masked count, not 0 */
  shl: {
    C: (b, x, n) => b.sign(justBefore(shl)(b, x, n)),
    ...ofResult(shl),
    A: no,
    O: (b, x, n) => b.xor(b.sign(shl(b, x, n)), b.sign(justBefore(shl)(b, x, n))),
    undefined: shiftUndefined,
  },
  shr: {
    C: (b, x, n) => b.bit(justBefore(shr)(b, x, n), 0),
    ...ofResult(shr),
    A: no,
    O: (b, x) => b.sign(x),
    undefined: shiftUndefined,
  },
  sar: {
    C: (b, x, n) => b.bit(justBefore(sar)(b, x, n), 0),
    ...ofResult(sar),
    A: no,
    O: no,
    undefined: (_, n) => A | (n > 1 ? O : 0),
  },
  /** x: low half of the product, y: 1 if the high half matters */
  mul: {
    C: (b, _, y) => b.trunc(1, y),
    O: (b, _, y) => b.trunc(1, y),
    ...ofResult(itself),
    A: no,
    undefined: () => S | Z | A | P,
  },
  // From here on x holds bits; the recipe tells only what the manual leaves undefined.
  /** after a rotation by y, the masked count */
  rotate: { ...asBits, undefined: (_, n) => (n > 1 ? O : 0) },
  /** SHLD and SHRD by y; a count beyond the width leaves everything undefined */
  doubleShift: { ...asBits, undefined: (w, n) => (n > w ? ALL_FLAGS : A | (n > 1 ? O : 0)) },
  bitTest: { ...asBits, undefined: () => O | S | A | P },
  bitScan: { ...asBits, undefined: () => C | O | S | A | P },
  countZeros: { ...asBits, undefined: () => O | S | A | P },
  /** all six are undefined: they stay what they were */
  unspecified: { ...asBits, undefined: () => ALL_FLAGS },
}

const names = Object.keys(recipes) as RecipeName[]
const numbers = new Map(names.map((name, i) => [name, i]))
/** The kind whose x holds the bits themselves. */
export const BITS_KIND = 3
export const KINDS: number = names.length * 4

export const recipeNumber = (name: RecipeName): number => numbers.get(name)!
export const recipeKind = (kind: number): NonNullable<KnownFlags> => ({
  name: names[kind >> 2]!,
  w: (8 << (kind & 3)) as IntWidth,
})
/** Which flags the manual leaves undefined in the state (kind, y). */
export const undefinedFlags = (kind: number, y: bigint): number =>
  recipes[names[kind >> 2]!].undefined?.(8 << (kind & 3), Number(y)) ?? 0

/** The eight conditions with an even number, by cc >> 1: O, C, Z, C|Z, S, P, S^O, Z|(S^O). */
export const conditions: readonly ((b: Builder) => Value<1>)[] = [
  (b) => b.flag('O'),
  (b) => b.flag('C'),
  (b) => b.flag('Z'),
  (b) => b.or(b.flag('C'), b.flag('Z')),
  (b) => b.flag('S'),
  (b) => b.flag('P'),
  (b) => b.xor(b.flag('S'), b.flag('O')),
  (b) => b.or(b.flag('Z'), b.xor(b.flag('S'), b.flag('O'))),
]

/** All six flags as RFLAGS has them, from the record as it stands. */
export function flagBits(b: Builder): Value<32> {
  const flags = Object.entries(FLAG_BIT) as [Flag, number][]
  return flags.map(([f, n]) => b.shlBy(b.zext(32, b.flag(f)), n)).reduce((x, y) => b.or(x, y))
}
