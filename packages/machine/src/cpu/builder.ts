// The language in which every instruction is written once (isa.ts), and the data that every reader reads.
//
// A row's `sem(b, ...)` runs once per decoded instruction, not once per execution. It computes nothing: it
// records a Meaning, a small graph of values and effects. A reader turns a Meaning into micro-operations (micro.ts),
// or into a sentence about the instruction (describe, below); a translator to WebAssembly would be a third.
//
// Restartable by construction. A Meaning has two halves:
//
//     steps    translate, load, trap, skip                may fault; change nothing; run in the order written
//     commits  store, register, flags, jump, system       cannot fault; run after every step
//
// A store needs a Place, only translate() makes one, and translating is the step that faults. So an author
// cannot write an instruction that faults half done, whatever order the lines of sem() have. For the same
// reason every value read is the value from before the instruction: xchg needs no temporary.

import {
  conditions,
  FLAG_BIT,
  type Flag,
  flagBits,
  type RecipeName,
  recipeKind,
  recipeNumber,
  recipes,
} from './flags.ts'
import type { SystemOp } from './state.ts'
import type { StringRun } from './strings.ts'

/** Width in bits. A value of width w is always zero-extended in whatever carries it. Width 1 is a truth value. */
export type Width = 1 | 8 | 16 | 32 | 64
export type IntWidth = Exclude<Width, 1>

export type Op =
  // Leaves. `state`: 64 bits of the CPU block that no instruction but a system instruction changes.
  | ('const' | 'reg' | 'state' | 'load' | 'flagA' | 'flagB' | 'flagKind' | 'flag' | 'flagBits')
  // Both operands and the result have one width.
  | ('add' | 'sub' | 'mul' | 'and' | 'or' | 'xor' | 'shl' | 'shr' | 'sar')
  // The result has width 1. `canonical`: is this 64-bit number an address that exists?
  | ('eq' | 'ltu' | 'lts' | 'canonical')
  | ('zext' | 'sext' | 'trunc')
  // Widths 32 and 64. clz and ctz of 0 are the width.
  | ('clz' | 'ctz' | 'popcnt')
  // args: truth value, then, else
  | 'select'
  // 32 and 64 bits. The divisor must not be 0, nor the quotient overflow: trapIf first.
  | ('divu' | 'remu' | 'divs' | 'rems')
  // A helper of helpers.ts, by number; pure, 64 bits in and out; for what WebAssembly lacks.
  | 'call'

/** One value of the graph. `uses` counts the readers of the value, so that a reader knows when to keep it. */
export interface Value<W extends Width = Width> {
  readonly op: Op
  readonly w: W
  readonly args: readonly Value[]
  /** const: the value */
  readonly imm: bigint
  /** reg: its number; state: the slot; call: the helper's number; flag: its bit in RFLAGS */
  readonly n: number
  /** load */
  readonly place: Place | undefined
  uses: number
}

/** A translated linear address. `write`: translated for writing, so a later store cannot fault. */
export interface Place {
  readonly addr: Value<64>
  readonly w: IntWidth
  /** It goes through SS: a non-canonical address is #SS. */
  readonly stack: boolean
  write: boolean
  loaded: Value<IntWidth> | undefined
  stored: Value<IntWidth> | undefined
}

export type Step =
  | { do: 'translate'; place: Place }
  | { do: 'load'; value: Value }
  | { do: 'trapIf'; cond: Value<1>; vector: number; error: number }
  /** Else the instruction ends here, with nothing changed but rip. */
  | { do: 'skipUnless'; cond: Value<1> }
  /** A reader may run iterations of this repeated string instruction now, before the one that is written here. */
  | { do: 'ahead'; run: StringRun; bytes: number }

export interface FlagsWrite {
  kind: Value<32>
  a: Value<64>
  b: Value<64>
}
/** The machine takes over at this instruction, with these operands: Slot.sysOp, sysA, sysB, sysC. */
export interface SystemCall {
  readonly op: SystemOp
  readonly operands: readonly [a: Value<64>, b: Value<64>, c: Value<64>]
}

/** What one decoded instruction means. */
export interface Meaning {
  /** Its address, and the address after it. */
  readonly at: bigint
  readonly next: bigint
  readonly steps: Step[]
  readonly stores: Place[]
  /** Each register at most once. */
  readonly regs: { n: number; value: Value<64> }[]
  flags: FlagsWrite | undefined
  readsFlags: boolean
  /** cond undefined: always */
  jump: { cond: Value<1> | undefined; target: Value<64> } | undefined
  system: SystemCall | undefined
}

export interface Register {
  kind: 'reg'
  w: IntWidth
  n: number
  /** ah, ch, dh, bh */
  high: boolean
}
export interface Memory {
  kind: 'mem'
  w: IntWidth
  /** General registers, or -1: none. */
  base: number
  index: number
  /** The index is shifted left by this. */
  scale: number
  disp: bigint
  /** Relative to the address of the next instruction. */
  rip: boolean
  /** The effective address has 32 bits. */
  a32: boolean
  /** Slot of the segment base to add, or 0. */
  segment: number
}
export interface Immediate {
  kind: 'imm'
  w: IntWidth
  value: bigint
}
export type Operand = Register | Memory | Immediate

/** What the meaning of an instruction depends on beside its bytes. */
export interface Mode {
  /** Bits of an address by default. Only 64 is supported. */
  readonly code: 64
  /** CPL 3 */
  readonly user: boolean
  /** RFLAGS.DF: string instructions go down. */
  readonly down: boolean
}

export const RAX = 0
export const RCX = 1
export const RDX = 2
export const RBX = 3
export const RSP = 4
export const RBP = 5
export const RSI = 6
export const RDI = 7

export const mask = (w: Width): bigint => (1n << BigInt(w)) - 1n
export const isConst = (v: Value): boolean => v.op === 'const'
/** The recipe and width that a flags kind stands for; see flags.ts. */
export type KnownFlags = { name: RecipeName; w: IntWidth } | undefined

/** Records the meaning of one instruction after another of a straight line; knows which recipe last set the flags. */
export class Builder {
  readonly mode: Mode
  /** The flags' recipe here, if the line tells. */
  known: KnownFlags
  private m!: Meaning
  // one node per register and width, so that xor eax, eax is seen as 0
  private regs = new Map<number, Value>()
  private places = new Map<Operand, Place>()

  constructor(mode: Mode) {
    this.mode = mode
  }

  begin(at: bigint, next: bigint): void {
    this.m = {
      at,
      next,
      steps: [],
      stores: [],
      regs: [],
      flags: undefined,
      readsFlags: false,
      jump: undefined,
      system: undefined,
    }
    if (this.regs.size > 0) this.regs.clear()
    if (this.places.size > 0) this.places.clear()
  }

  /** Close the instruction. `known` moves only now: a condition read inside it means the flags before it. */
  end(): Meaning {
    const flags = this.m.flags
    if (flags) this.known = isConst(flags.kind) ? recipeKind(Number(flags.kind.imm)) : undefined
    return this.m
  }

  // Values. Equal widths are a type error where the types know them and an assertion where they do not.

  const<W extends Width>(w: W, value: bigint | number): Value<W> {
    return this.node('const', w, [], BigInt.asUintN(w, BigInt(value)))
  }
  reg<W extends IntWidth>(n: number, w: W): Value<W> {
    const key = n * 128 + w
    const known = this.regs.get(key)
    if (known) return known as Value<W>
    const v: Value = w === 64 ? this.node('reg', 64, [], 0n, n) : this.trunc(w, this.reg(n, 64))
    this.regs.set(key, v)
    return v as Value<W>
  }
  /** 64 bits of the CPU block: segment bases and selectors, control registers, RFLAGS without the arithmetic six. */
  state(slot: number): Value<64> {
    return this.node('state', 64, [], 0n, slot)
  }
  add<W extends IntWidth>(x: Value<W>, y: Value<NoInfer<W>>): Value<W> {
    return isConst(y) && y.imm === 0n ? x : this.binary('add', x, y)
  }
  sub<W extends IntWidth>(x: Value<W>, y: Value<NoInfer<W>>): Value<W> {
    return x === y ? this.const(x.w, 0) : this.binary('sub', x, y)
  }
  xor<W extends Width>(x: Value<W>, y: Value<NoInfer<W>>): Value<W> {
    return x === y ? this.const(x.w, 0) : this.binary('xor', x, y)
  }
  and<W extends Width>(x: Value<W>, y: Value<NoInfer<W>>): Value<W> {
    return x === y || (isConst(x) && x.imm === 0n) ? x : this.binary('and', x, y)
  }
  or<W extends Width>(x: Value<W>, y: Value<NoInfer<W>>): Value<W> {
    return x === y || (isConst(y) && y.imm === 0n) ? x : this.binary('or', x, y)
  }
  mul<W extends IntWidth>(x: Value<W>, y: Value<NoInfer<W>>): Value<W> {
    return this.binary('mul', x, y)
  }
  not<W extends Width>(x: Value<W>): Value<W> {
    return this.xor(x, this.const(x.w, -1) as Value<NoInfer<W>>)
  }
  /** Shifts want a count below 64 (width 64) or below 32 (narrower); a narrow shl by w or more gives 0. */
  shl<W extends IntWidth>(x: Value<W>, n: Value<NoInfer<W>>): Value<W> {
    return this.binary('shl', x, n)
  }
  shr<W extends IntWidth>(x: Value<W>, n: Value<NoInfer<W>>): Value<W> {
    return this.binary('shr', x, n)
  }
  sar<W extends IntWidth>(x: Value<W>, n: Value<NoInfer<W>>): Value<W> {
    return this.binary('sar', x, n)
  }
  shlBy<W extends IntWidth>(x: Value<W>, n: number): Value<W> {
    return n === 0 ? x : this.shl(x, this.const(x.w, n) as Value<NoInfer<W>>)
  }
  shrBy<W extends IntWidth>(x: Value<W>, n: number): Value<W> {
    return n === 0 ? x : this.shr(x, this.const(x.w, n) as Value<NoInfer<W>>)
  }
  eq<W extends Width>(x: Value<W>, y: Value<NoInfer<W>>): Value<1> {
    return this.binary('eq', x, y, 1)
  }
  ltu<W extends IntWidth>(x: Value<W>, y: Value<NoInfer<W>>): Value<1> {
    return this.binary('ltu', x, y, 1)
  }
  lts<W extends IntWidth>(x: Value<W>, y: Value<NoInfer<W>>): Value<1> {
    return this.binary('lts', x, y, 1)
  }
  isZero(x: Value): Value<1> {
    return this.eq(x, this.const(x.w, 0))
  }
  sign(x: Value<IntWidth>): Value<1> {
    return this.lts(x, this.const(x.w, 0))
  }
  bit(x: Value<IntWidth>, n: number): Value<1> {
    return this.trunc(1, this.shrBy(x, n))
  }
  /** Bits 47 to 63 are equal. SDM Vol. 1 §3.3.7.1, Canonical Addressing. */
  canonical(x: Value<64>): Value<1> {
    return isConst(x)
      ? this.const(1, BigInt.asUintN(64, BigInt.asIntN(48, x.imm)) === x.imm ? 1 : 0)
      : this.node('canonical', 1, [x])
  }
  unary<W extends IntWidth>(op: 'clz' | 'ctz' | 'popcnt', x: Value<W>): Value<W> {
    if (x.w < 32) throw new Error(`${op}: the width must be 32 or 64, got ${x.w}`)
    return this.node(op, x.w, [x])
  }
  div<W extends 32 | 64>(op: 'divu' | 'remu' | 'divs' | 'rems', x: Value<W>, y: Value<NoInfer<W>>): Value<W> {
    return this.binary(op, x, y)
  }
  select<W extends Width>(c: Value<1>, x: Value<W>, y: Value<NoInfer<W>>): Value<W> {
    same(x, y)
    if (isConst(c)) return c.imm ? x : y
    return this.node('select', x.w, [c, x, y])
  }
  call(helper: number, ...args: Value<64>[]): Value<64> {
    return this.node('call', 64, args, 0n, helper)
  }
  zext<W extends Width>(w: W, x: Value): Value<W> {
    return this.resize('zext', w, x)
  }
  sext<W extends Width>(w: W, x: Value): Value<W> {
    return this.resize('sext', w, x)
  }
  trunc<W extends Width>(w: W, x: Value): Value<W> {
    return this.resize('trunc', w, x)
  }
  /** The count operand of a shift, masked as the hardware masks it. */
  shiftCount<W extends IntWidth>(w: W, o: Operand): Value<W> {
    return this.and(this.zext(w, this.get(o)), this.const(w, w === 64 ? 63 : 31) as Value<NoInfer<W>>)
  }

  // Flags.

  /** One arithmetic flag before the instruction. */
  flag(f: Flag): Value<1> {
    this.m.readsFlags = true
    if (!this.known) return this.node('flag', 1, [], 0n, FLAG_BIT[f])
    return recipes[this.known.name][f](this, ...this.inputs(this.known.w))
  }
  /** Condition code `cc` (the low four bits of Jcc, SETcc, CMOVcc; SDM Vol. 1 App. B, EFLAGS Condition Codes). */
  condition(cc: number): Value<1> {
    const fused = this.known && recipes[this.known.name].fused?.[(cc & 14) as 6 | 12 | 14]
    if (fused) this.m.readsFlags = true
    const c = fused && this.known ? fused(this, ...this.inputs(this.known.w)) : conditions[cc >> 1]!(this)
    return cc & 1 ? this.not(c) : c
  }
  /** All six as RFLAGS has them; the other bits are 0. */
  allFlags(): Value<32> {
    this.m.readsFlags = true
    return this.known ? flagBits(this) : this.node('flagBits', 32, [])
  }
  /** Set all six to what `name` says of (x, y), unless `unless` holds. Which are undefined is a fact of the recipe. */
  flags(name: RecipeName, x: Value<IntWidth>, y: Value = this.const(64, 0), unless?: Value<1>): void {
    this.writeFlags(this.kind(name, x.w), x, y, unless)
  }
  /** The same with the recipe chosen when the instruction runs. */
  flagsOf(c: Value<1>, set: RecipeName, clear: RecipeName, x: Value<IntWidth>, y: Value): void {
    this.writeFlags(this.select(c, this.kind(set, x.w), this.kind(clear, x.w)), x, y)
  }
  /**
   * Change only the flags named. `name` is a recipe that holds bits; `y` and `w` (16 or more) are what its rule of
   * undefined flags looks at.
   */
  keepFlags(
    changes: Partial<Record<Flag, Value<1>>>,
    name: RecipeName = 'bits',
    y: Value = this.const(64, 0),
    { unless, w = 64 }: { unless?: Value<1> | undefined; w?: IntWidth } = {},
  ): void {
    const changed = new Map(Object.entries(changes))
    const kept = (Object.keys(FLAG_BIT) as Flag[]).filter((f) => !changed.has(f))
    const mask = kept.reduce((sum, f) => sum | (1 << FLAG_BIT[f]), 0)
    const place = (f: Flag, v: Value<1>): Value<32> => this.shlBy(this.zext(32, v), FLAG_BIT[f])
    const parts =
      this.known || kept.length < 2
        ? kept.map((f) => place(f, this.flag(f)))
        : [this.and(this.allFlags(), this.const(32, mask))]
    for (const [f, v] of Object.entries(changes)) parts.push(place(f as Flag, v))
    const bits = parts.reduce((x, y) => this.or(x, y))
    this.writeFlags(this.kind(name, w), bits, y, unless)
  }
  private kind(name: RecipeName, w: Width): Value<32> {
    return this.const(32, recipeNumber(name) * 4 + Math.log2(w) - 3)
  }
  private writeFlags(kind: Value<32>, x: Value, y: Value, unless: Value<1> = this.const(1, 0)): void {
    if (isConst(unless) && unless.imm) return
    const f: FlagsWrite = { kind, a: this.zext(64, x), b: this.zext(64, y) }
    this.m.flags = f
    if (isConst(unless)) return
    this.m.readsFlags = true
    f.kind = this.select(unless, this.node('flagKind', 32, []), f.kind)
    f.a = this.select(unless, this.node('flagA', 64, []), f.a)
    f.b = this.select(unless, this.node('flagB', 64, []), f.b)
  }
  private inputs(w: IntWidth): [Value<IntWidth>, Value<IntWidth>] {
    return [this.trunc(w, this.node('flagA', 64, [])), this.trunc(w, this.node('flagB', 64, []))]
  }

  // Memory: translate, then load or store. SDM Vol. 3 §4.6 "Access Rights", §4.7 "Page-Fault Exceptions".

  translate(w: IntWidth, addr: Value<64>, stack = false): Place {
    const place: Place = { addr, w, stack, write: false, loaded: undefined, stored: undefined }
    this.m.steps.push({ do: 'translate', place })
    return place
  }
  load<W extends IntWidth>(w: W, addr: Value<64>, stack = false): Value<W> {
    return this.loadAt(this.translate(w, addr, stack)) as Value<W>
  }
  store(addr: Value<64>, v: Value<IntWidth>, stack = false): void {
    this.storeAt(this.translate(v.w, addr, stack), v)
  }
  private loadAt(place: Place): Value<IntWidth> {
    const value = this.node('load', place.w, [], 0n, 0, place)
    place.loaded = value
    this.m.steps.push({ do: 'load', value })
    return value
  }
  /** A place that was loaded becomes a place to write: read-modify-write is seen, not declared, so its #PF has W = 1. */
  private storeAt(place: Place, v: Value<IntWidth>): void {
    same({ w: place.w }, v)
    place.write = true
    place.stored = v
    this.m.stores.push(place)
  }

  // Operands.

  get(o: Operand): Value<IntWidth> {
    if (o.kind === 'imm') return this.const(o.w, o.value)
    if (o.kind === 'mem') return this.place(o).loaded ?? this.loadAt(this.place(o))
    return o.high ? this.trunc(8, this.shrBy(this.reg(o.n, 64), 8)) : this.reg(o.n, o.w)
  }
  set(o: Operand, v: Value<IntWidth>): void {
    same(o, v)
    if (o.kind === 'mem') return this.storeAt(this.place(o), v)
    if (o.kind === 'imm') throw new Error('set: an immediate is no destination')
    this.setReg(o.n, v, o.high ? 8 : 0)
  }
  /** As `set` if `cond` holds. If not, a register keeps all its 64 bits; memory gets back what it held, so it must be writable. */
  setIf(cond: Value<1>, o: Operand, v: Value<IntWidth>): void {
    if (o.kind === 'reg') this.setRegIf(cond, o.n, v, o.high ? 8 : 0)
    else this.set(o, this.select(cond, v, this.get(o)))
  }
  /**
   * 64 and 32 bits replace the register (32 clears the upper half); 16 and 8 keep the rest. SDM Vol. 1 §3.4.1.1,
   * General-Purpose Registers in 64-Bit Mode.
   */
  setReg(n: number, v: Value<IntWidth>, shift: 0 | 8 = 0): void {
    this.replace(n, this.merged(n, v, shift))
  }
  setRegIf(cond: Value<1>, n: number, v: Value<IntWidth>, shift: 0 | 8 = 0): void {
    this.replace(n, this.select(cond, this.merged(n, v, shift), this.current(n)))
  }
  private replace(n: number, value: Value<64>): void {
    const before = this.m.regs.findIndex((r) => r.n === n)
    if (before >= 0) this.m.regs.splice(before, 1)
    this.m.regs.push({ n, value })
  }
  /** What the instruction has set it to so far: al and ah may both be written. */
  private current(n: number): Value<64> {
    return this.m.regs.find((r) => r.n === n)?.value ?? this.reg(n, 64)
  }
  private merged(n: number, v: Value<IntWidth>, shift: 0 | 8): Value<64> {
    const value = this.zext(64, v)
    if (v.w >= 32) return value
    const rest = this.and(this.current(n), this.const(64, ~(mask(v.w) << BigInt(shift))))
    return this.or(rest, this.shlBy(value, shift))
  }
  /** The effective address, without the segment's base. SDM Vol. 1 §3.7.5, Specifying an Offset. */
  effective(o: Operand): Value<64> {
    if (o.kind !== 'mem') throw new Error('effective: the operand must be memory')
    const disp = this.const(64, o.rip ? this.m.next + o.disp : o.disp)
    const index = o.index < 0 ? undefined : this.shlBy(this.reg(o.index, 64), o.scale)
    const base = o.base < 0 ? undefined : this.reg(o.base, 64)
    const sum = base && index ? this.add(base, index) : (base ?? index)
    const ea = sum ? this.add(sum, disp) : disp
    return o.a32 ? this.zext(64, this.trunc(32, ea)) : ea
  }
  /** The linear address of an offset; `segment` is the slot of a base, or 0. */
  linear(offset: Value<64>, segment: number): Value<64> {
    return segment ? this.add(this.state(segment), offset) : offset
  }
  address(o: Operand): Value<64> {
    return this.linear(this.effective(o), o.kind === 'mem' ? o.segment : 0)
  }
  /** The place `bytes` behind the start of a memory operand, in SS if its base register says so. */
  placeAt(o: Operand, w: IntWidth, bytes: Value<64> = this.const(64, 0)): Place {
    return this.translate(w, this.add(this.address(o), bytes), isStack(o))
  }
  /** Load from a place that may be stored to as well. */
  loadPlace(place: Place): Value<IntWidth> {
    return place.loaded ?? this.loadAt(place)
  }
  storePlace(place: Place, v: Value<IntWidth>): void {
    this.storeAt(place, v)
  }
  private place(o: Operand): Place {
    const known = this.places.get(o)
    if (known) return known
    const place = this.placeAt(o, o.w)
    this.places.set(o, place)
    return place
  }

  // Control. There is no loop: a repeated string instruction is one iteration that jumps to itself, so it can be
  // interrupted, faults with the registers of the finished iterations, and each iteration counts as retired.

  get here(): Value<64> {
    return this.const(64, this.m.at)
  }
  get next(): Value<64> {
    return this.const(64, this.m.next)
  }
  trapIf(cond: Value<1>, vector: number, error = 0): void {
    if (isConst(cond) && cond.imm === 0n) return
    this.m.steps.push({ do: 'trapIf', cond, vector, error })
  }
  trap(vector: number): void {
    this.trapIf(this.const(1, 1), vector)
  }
  skipUnless(cond: Value<1>): void {
    this.m.steps.push({ do: 'skipUnless', cond })
    this.m.jump ??= { cond: undefined, target: this.next }
  }
  /** Before any register is read whose value is still wanted. */
  ahead(run: StringRun, bytes: number): void {
    this.m.steps.push({ do: 'ahead', run, bytes })
  }
  jump(target: Value<64>, cond?: Value<1>): void {
    this.m.jump = { cond, target }
  }
  /** Hand the instruction over to the machine. rip stays at it. Registers set by it are committed before. */
  system(op: SystemOp, ...operands: (Value<IntWidth> | number)[]): void {
    const operand = (i: number): Value<64> => {
      const o = operands[i] ?? 0
      return typeof o === 'number' ? this.const(64, o) : this.zext(64, o)
    }
    this.m.system = { op, operands: [operand(0), operand(1), operand(2)] }
  }

  // Inside.

  private binary<W extends Width>(op: Op, x: Value, y: Value, w: W = x.w as W): Value<W> {
    same(x, y)
    const fold = isConst(x) && isConst(y) ? folds[op] : undefined
    return fold ? this.const(w, fold(x.imm, y.imm)) : this.node(op, w, [x, y])
  }
  private resize<W extends Width>(op: 'zext' | 'sext' | 'trunc', w: W, x: Value): Value<W> {
    if (x.w === w) return x as Value<W>
    if (isConst(x)) return this.const(w, op === 'sext' ? BigInt.asIntN(x.w, x.imm) : x.imm)
    return this.node(op, w, [x])
  }
  private node<W extends Width>(
    op: Op,
    w: W,
    args: readonly Value[],
    imm = 0n,
    n = 0,
    place?: Place,
  ): Value<W> {
    return { op, w, args, imm, n, place, uses: 0 }
  }
}

/** Folded because decoding makes such constants: displacements, masked shift counts, conditions on them. */
const folds: Partial<Record<Op, (x: bigint, y: bigint) => bigint>> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  and: (x, y) => x & y,
  or: (x, y) => x | y,
  xor: (x, y) => x ^ y,
  shl: (x, y) => x << y,
  shr: (x, y) => x >> y,
  eq: (x, y) => BigInt(x === y),
  ltu: (x, y) => BigInt(x < y),
  remu: (x, y) => x % y,
}

function same(x: { w: Width }, y: { w: Width }): void {
  if (x.w !== y.w) throw new Error(`isa: both widths must be equal, got ${x.w} and ${y.w}`)
}
/** Bases rsp and rbp default to SS; FS and GS override that. The other overrides count for nothing in 64-bit mode. */
const isStack = (o: Operand): boolean =>
  o.kind === 'mem' && o.segment === 0 && (o.base === RSP || o.base === RBP)

/** May the instruction end without its commits? Then whatever it overwrites must be right before it. */
export const mayFault = (m: Meaning): boolean => m.steps.length > 0
export const alwaysTraps = (m: Meaning): boolean =>
  m.steps.some((s) => s.do === 'trapIf' && isConst(s.cond) && s.cond.imm === 1n)
/** Nothing after it belongs to its straight line. */
export const endsLine = (m: Meaning): boolean =>
  m.jump !== undefined || m.system !== undefined || alwaysTraps(m)

/** What an instruction reads, writes and may raise, from its meaning: nobody lists it by hand. */
export function describe(m: Meaning): string {
  const access = (s: Step): string[] => {
    if (s.do === 'trapIf') return [`may raise vector ${s.vector}`]
    if (s.do !== 'translate') return []
    return [s.place.write ? (s.place.loaded ? 'reads and writes memory' : 'writes memory') : 'reads memory']
  }
  const kind = m.flags && isConst(m.flags.kind) ? recipeKind(Number(m.flags.kind.imm)).name : undefined
  const facts = [
    ...m.steps.flatMap(access),
    m.readsFlags && 'reads flags',
    m.flags && `flags by ${kind ?? 'a recipe chosen when it runs'}`,
    ...m.regs.map((r) => `sets r${r.n}`),
    m.jump && 'jumps',
    m.system && `is system operation ${m.system.op}`,
  ]
  return facts.filter(Boolean).join(', ')
}

/**
 * Drop flag writes that nobody can see: a later instruction of the same straight line overwrites them, and none
 * before it reads them, may fault, or may be the last one because it wrote to compiled code. Then count the uses that remain.
 */
export function finish(line: readonly Meaning[]): void {
  let seen = true // at the end of the line all flags are live
  for (let i = line.length - 1; i >= 0; i--) {
    const m = line[i]!
    const writes = m.flags !== undefined
    if (!seen && m.stores.length === 0) m.flags = undefined
    if (writes) seen = false
    if (m.readsFlags || mayFault(m) || m.system) seen = true
  }
  for (const m of line) countUses(m)
}

function countUses(m: Meaning): void {
  const use = (v: Value | undefined): void => {
    if (v && v.uses++ === 0) for (const a of v.args) use(a)
  }
  for (const s of m.steps) {
    if (s.do === 'translate') use(s.place.addr)
    else if (s.do === 'load') use(s.value)
    else if (s.do !== 'ahead') use(s.cond)
  }
  for (const p of m.stores) use(p.stored)
  for (const r of m.regs) use(r.value)
  if (m.flags) for (const v of [m.flags.kind, m.flags.a, m.flags.b]) use(v)
  use(m.jump?.cond)
  use(m.jump?.target)
  for (const v of m.system?.operands ?? []) use(v)
}
