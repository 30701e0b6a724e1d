// From a Meaning to micro-operations: what tier 0 executes (evaluate.ts).
//
// Micro-operations are numbers in one Int32Array: operation, operands. Every value lies in an 8-byte slot of the
// machine's memory, registers and temporaries and constants alike, so an operand is a slot. A slot holds its value
// zero-extended to 64 bits, which makes zext free; only a narrow view of a register is not extended ("raw").
// Memory is reached in two steps: `address` translates and sets the host address, loads and stores use it.

import { type FlagsWrite, isConst, type Meaning, type Place, type Value } from './builder.ts'
import { FLAG_BIT, recipeKind } from './flags.ts'
import { Access, Slot, STACK, TLB, TLB_BYTES, TLB_CLASS_BYTES } from './state.ts'

/**
 * The micro-operations and their operands. d, a, b, x, y, z: slots. d2, a2, b2, c2: the same as indices of 32-bit halves
 * (slot * 2), used where only the low half counts; a narrow result clears the high half. `last`: 1 if the store ends its
 * instruction. Each is numbered by its place here.
 */
const OPERANDS = {
  // These end a block: rip becomes the value of a slot.
  jump: 'a',
  jumpIf: 'c2 yes no',
  jumpEq32: 'a2 b2 yes no',
  jumpLtu32: 'a2 b2 yes no',
  jumpLts32: 'a2 b2 yes no shift',
  jumpEq64: 'a2 b2 yes no',
  jumpLtu64: 'a2 b2 yes no',
  jumpLts64: 'a2 b2 yes no',
  system: 'operation x y z next at',
  // Steps. skipUnless may end the block.
  trapIf: 'c2 vector error',
  trapUnlessCanonical: 'a2 vector error',
  skipUnless: 'c2 next',
  ahead: 'run bytes',
  address: 'a2 low high table bytes access',
  savePlace: 'd2',
  usePlace: 'a2',
  load8: 'd2',
  load16: 'd2',
  load32: 'd2',
  load64: 'd',
  store8: 'a2 last',
  store16: 'a2 last',
  store32: 'a2 last',
  store64: 'a last',
  // The end of an instruction that stores more than once.
  check: '',
  copy: 'd a',
  // Flags: from values; with the recipe in a slot; one of them or all six as bits, and the end of the code that gives them.
  flags: 'kind a b',
  flagsOf: 'a a b',
  flagBits: 'd which',
  flagReturn: '',
  // 64 bits. The shift of sext and lts is 32 less the width; the scale of addShifted is 1 to 3.
  call: 'd x y z helper',
  select64: 'd c2 a b',
  select32: 'd2 c2 a2 b2',
  add64: 'd a b',
  sub64: 'd a b',
  mul64: 'd a b',
  and64: 'd a b',
  or64: 'd a b',
  xor64: 'd a b',
  shl64: 'd2 a2 b2',
  shr64: 'd a b',
  sar64: 'd a b',
  divu64: 'd a b',
  remu64: 'd a b',
  divs64: 'd a b',
  rems64: 'd a b',
  sext64: 'd a2 shift',
  addShifted: 'd2 a2 b2 scale',
  // Of 64 bits, with a narrow result.
  eq64: 'd2 a2 b2',
  ltu64: 'd2 a2 b2',
  lts64: 'd2 a2 b2',
  canonical: 'd2 a2',
  clz64: 'd2 a2',
  ctz64: 'd2 a2',
  popcnt64: 'd2 a2',
  // Of at most 32 bits.
  add32: 'd2 a2 b2 mask',
  sub32: 'd2 a2 b2 mask',
  mul32: 'd2 a2 b2 mask',
  shl32: 'd2 a2 b2 mask',
  and32: 'd2 a2 b2',
  or32: 'd2 a2 b2',
  xor32: 'd2 a2 b2',
  shr32: 'd2 a2 b2',
  eq32: 'd2 a2 b2',
  ltu32: 'd2 a2 b2',
  lts32: 'd2 a2 b2 shift',
  sar32: 'd2 a2 b2 shift mask',
  sext32: 'd2 a2 shift mask',
  trunc32: 'd2 a2 mask',
  clz32: 'd2 a2',
  ctz32: 'd2 a2',
  popcnt32: 'd2 a2',
  // An operation with its flags, and flags alone.
  addFlags32: 'd2 a2 b2 kind',
  subFlags32: 'd2 a2 b2 kind',
  andFlags32: 'd2 a2 b2 kind',
  orFlags32: 'd2 a2 b2 kind',
  xorFlags32: 'd2 a2 b2 kind',
  addFlags64: 'd a b kind',
  subFlags64: 'd a b kind',
  andFlags64: 'd a b kind',
  orFlags64: 'd a b kind',
  xorFlags64: 'd a b kind',
  compare32: 'a2 b2 kind mask',
  test32: 'a2 b2 kind mask',
  compare64: 'a b kind',
  test64: 'a b kind',
} as const

export type MicroName = keyof typeof OPERANDS
const NAMES = Object.keys(OPERANDS) as MicroName[]
export const Micro: Readonly<Record<MicroName, number>> = Object.fromEntries(
  NAMES.map((name, i) => [name, i]),
) as Record<MicroName, number>
/** Every micro-operation, in the order of their numbers. */
export const microOperations: readonly { name: MicroName; operands: readonly string[] }[] = NAMES.map(
  (name) => ({
    name,
    operands: OPERANDS[name].split(' ').filter(Boolean),
  }),
)

/** What lowering needs of the evaluator. */
export interface Pool {
  /** The slot that holds a constant. */
  constant(value: bigint): number
}
/** Slots of the flag recipes, apart from those of the instruction that asks; the first one gets the six flags. */
export const FLAG_BITS = 4096
/** Operand of flagBits: one of the six, in the order of their bits, or all. */
export const ALL_SIX = 6
export const FLAG_CODES = 7
const FLAG_BITS_IN_ORDER = Object.values(FLAG_BIT)
const whichFlag = (bit: number): number => FLAG_BITS_IN_ORDER.indexOf(bit)
/** Registers and the CPU block lie below: what an instruction may still have to read there, a commit may change. */
const REGISTERS = 16

/** Computed by no operation: the low half of something wider, so not yet zero-extended. */
const isRaw = (v: Value): boolean => (v.op === 'trunc' && v.w === 32) || v.op === 'flagKind'
const isZextFree = (v: Value): boolean => v.op === 'zext' && !isRaw(v.args[0]!)
/** The record holds its values zero-extended from the width of its kind. */
const isFlagInput = (v: Value): boolean =>
  v.op === 'trunc' && v.w > 1 && (v.args[0]!.op === 'flagA' || v.args[0]!.op === 'flagB')
const IN_PLACE: ReadonlySet<string> = new Set(['const', 'reg', 'state', 'flagA', 'flagB'])
const WIDE: Readonly<Record<string, number>> = {
  add: Micro.add64,
  sub: Micro.sub64,
  mul: Micro.mul64,
  and: Micro.and64,
  or: Micro.or64,
  xor: Micro.xor64,
  shr: Micro.shr64,
  sar: Micro.sar64,
  divu: Micro.divu64,
  remu: Micro.remu64,
  divs: Micro.divs64,
  rems: Micro.rems64,
}
const WIDE_BY_HALVES: Readonly<Record<string, number>> = {
  shl: Micro.shl64,
  eq: Micro.eq64,
  ltu: Micro.ltu64,
  lts: Micro.lts64,
  canonical: Micro.canonical,
  clz: Micro.clz64,
  ctz: Micro.ctz64,
  popcnt: Micro.popcnt64,
}
const NARROW: Readonly<Record<string, number>> = {
  add: Micro.add32,
  sub: Micro.sub32,
  mul: Micro.mul32,
  and: Micro.and32,
  or: Micro.or32,
  xor: Micro.xor32,
  shl: Micro.shl32,
  shr: Micro.shr32,
  sar: Micro.sar32,
  eq: Micro.eq32,
  ltu: Micro.ltu32,
  lts: Micro.lts32,
  sext: Micro.sext32,
  trunc: Micro.trunc32,
  zext: Micro.trunc32,
  clz: Micro.clz32,
  ctz: Micro.ctz32,
  popcnt: Micro.popcnt32,
}
const LOAD: Readonly<Record<number, number>> = {
  8: Micro.load8,
  16: Micro.load16,
  32: Micro.load32,
  64: Micro.load64,
}
const STORE: Readonly<Record<number, number>> = {
  8: Micro.store8,
  16: Micro.store16,
  32: Micro.store32,
  64: Micro.store64,
}
const WITH_FLAGS: Readonly<Record<string, readonly [narrow: number, wide: number]>> = {
  add: [Micro.addFlags32, Micro.addFlags64],
  sub: [Micro.subFlags32, Micro.subFlags64],
  and: [Micro.andFlags32, Micro.andFlags64],
  or: [Micro.orFlags32, Micro.orFlags64],
  xor: [Micro.xorFlags32, Micro.xorFlags64],
}
const JUMPS: Readonly<Record<string, readonly [narrow: number, wide: number]>> = {
  eq: [Micro.jumpEq32, Micro.jumpEq64],
  ltu: [Micro.jumpLtu32, Micro.jumpLtu64],
  lts: [Micro.jumpLts32, Micro.jumpLts64],
}
const maskOf = (w: number): number => (w >= 32 ? -1 : (1 << w) - 1)

/** Appends the micro-operations of one instruction after another to `code`. */
export class Lowering {
  readonly code: number[] = []
  private readonly pool: Pool
  private readonly user: 0 | 1
  private readonly firstTemp: number
  private temp: number
  /** Where a computed value lies. */
  private slots = new Map<Value, number>()
  /** The slot with a place's host address; undefined: it is the current one. */
  private places = new Map<Place, number>()
  /** The place whose host address is the current one. */
  private current: Place | undefined

  constructor(pool: Pool, user: 0 | 1, temps: number = Slot.temps) {
    this.pool = pool
    this.user = user
    this.firstTemp = this.temp = temps
  }

  instruction(meaning: Meaning): void {
    this.temp = this.firstTemp
    if (this.slots.size > 0) this.slots = new Map()
    if (this.places.size > 0) this.places = new Map()
    this.current = undefined
    const several = meaning.steps.filter((s) => s.do === 'translate').length > 1
    const last = meaning.steps.at(-1)
    // A last load that only a register wants goes there directly: nothing has changed before it, nothing faults after it.
    const late =
      last?.do === 'load' && meaning.stores.length === 0 && last.value.uses > 1 ? last.value : undefined
    for (const step of meaning.steps) {
      if (step.do === 'translate') this.translate(step.place, several && step.place.write)
      else if (step.do === 'load') {
        if (step.value !== late) this.slot(step.value)
      } else if (step.do === 'ahead') this.emit(Micro.ahead, step.run, step.bytes)
      else if (step.do === 'trapIf') this.trapIf(step.cond, step.vector, step.error)
      else this.emit(Micro.skipUnless, this.slot(step.cond) * 2, this.pool.constant(meaning.next))
    }
    this.commit(meaning)
  }
  private emit(...words: number[]): void {
    this.code.push(...words)
  }
  private trapIf(cond: Value<1>, vector: number, error: number): void {
    const inner = cond.op === 'xor' && isConst(cond.args[1]!) ? cond.args[0]! : undefined
    if (inner?.op === 'canonical')
      this.emit(Micro.trapUnlessCanonical, this.slot(inner.args[0]!) * 2, vector, error)
    else this.emit(Micro.trapIf, this.slot(cond) * 2, vector, error)
  }

  /**
   * Registers and flags, then stores, then the jump. All new values are computed from old ones: a register may be
   * written as soon as no pending value reads it.
   */
  private commit(meaning: Meaning): void {
    if (this.withFlags(meaning)) return
    const { flags, jump, system } = meaning
    const stores = meaning.stores.map((p) => [p, this.narrowed(p.stored!)] as const)
    const compares = jump?.cond && meaning.regs.length === 0 && !flags && stores.length === 0
    if (compares && this.compareAndJump(jump.cond!, jump.target, meaning.next)) return
    const early = this.flagsFirst(meaning)
    if (early) this.flags(flags!)
    const late = early ? undefined : flags
    const others = [
      ...[late?.kind, late?.a, late?.b, jump?.cond, jump?.target],
      ...stores.map(([, value]) => value),
      ...(system?.operands ?? []),
    ].filter((v) => v !== undefined)
    const pending = [...meaning.regs].sort(
      (x, y) => Number(this.hasLoad(y.value)) - Number(this.hasLoad(x.value)),
    )
    const copies: [number, number][] = []
    while (pending.length) {
      const { n, value } = pending.shift()!
      const reads = [...others, ...pending.map((p) => p.value)].some((v) => this.reads(v, n, value))
      if (reads) copies.push([n, this.kept(value)])
      else this.into(value, n)
    }
    for (const v of others) if (!isConst(v)) this.slots.set(v, this.kept(v, copies))
    if (late) this.flags(late)
    for (const [n, from] of copies) this.emit(Micro.copy, n, from)
    this.stores(stores, jump !== undefined)
    this.jump(meaning)
    if (!system) return
    const operands = system.operands.map((v) => this.slot(v))
    const [next, at] = [this.pool.constant(meaning.next), this.pool.constant(meaning.at)]
    this.emit(Micro.system, system.op, ...operands, next, at)
  }
  private flags({ kind, a, b }: FlagsWrite): void {
    if (!isConst(kind)) return this.emit(Micro.flagsOf, this.slot(kind), this.slot(a), this.slot(b))
    const [x, y] = [this.flagValue(kind, a), this.flagValue(kind, b)]
    this.emit(Micro.flags, Number(kind.imm), this.slot(x), this.slot(y))
  }
  /** Of a record of 32 bits nobody looks at the high half. */
  private flagValue(kind: Value, v: Value): Value {
    return recipeKind(Number(kind.imm)).w === 32 ? unextended(v) : v
  }
  /** Can the record be written before the registers? Then their old values need not be kept for it. */
  private flagsFirst({ flags, regs, stores, jump }: Meaning): boolean {
    if (!flags || !isConst(flags.kind)) return false
    const ready = (v: Value): boolean => {
      const inner = this.flagValue(flags.kind, v)
      return (
        this.slots.has(inner) ||
        inner.op === 'const' ||
        inner.op === 'reg' ||
        (inner.op === 'trunc' && inner.w === 32 && inner.args[0]!.op === 'reg')
      )
    }
    const later = [...regs.map((r) => r.value), ...stores.map((p) => p.stored!), jump?.cond, jump?.target]
    return ready(flags.a) && ready(flags.b) && !later.some((v) => v && this.readsFlags(v))
  }
  private readsFlags(v: Value): boolean {
    return !this.slots.has(v) && (v.op.startsWith('flag') || v.args.some((a) => this.readsFlags(a)))
  }
  private stores(stores: readonly (readonly [Place, Value])[], jumps: boolean): void {
    for (const [place, v] of stores) {
      const value = this.slot(v)
      this.use(place)
      this.emit(STORE[place.w]!, place.w === 64 ? value : value * 2, stores.length === 1 && !jumps ? 1 : 0)
    }
    if (stores.length > 1 && !jumps) this.emit(Micro.check)
  }
  private jump({ jump, next }: Meaning): void {
    if (!jump) return
    const to = this.slot(jump.target)
    if (jump.cond) this.emit(Micro.jumpIf, this.slot(jump.cond) * 2, to, this.pool.constant(next))
    else this.emit(Micro.jump, to)
  }

  /**
   * The commonest shape: one operation, its result or none, its flags.
   * @returns false if the instruction is not of this shape; nothing has been emitted then
   */
  private withFlags({ regs, flags, jump, system, stores }: Meaning): boolean {
    if (!flags || !isConst(flags.kind) || jump || system || stores.length > 0 || regs.length > 1) return false
    const { name, w } = recipeKind(Number(flags.kind.imm))
    const [a, b] = [unextended(flags.a), unextended(flags.b)]
    const kind = Number(flags.kind.imm)
    if (regs.length === 0) {
      if (name === 'sub') return this.compare(w, a, b, kind)
      return name === 'logic' && this.test(w, a, kind)
    }
    const { n, value } = regs[0]!
    const result = unextended(value)
    const known = WITH_FLAGS[result.op]
    const [x, y] = result.args
    if (!known || w < 32 || result.w !== w) return false
    const adds = name === 'add' && result.op === 'add' && result === a && alike(y!, b)
    const subtracts = name === 'sub' && result.op === 'sub' && alike(x!, a) && alike(y!, b)
    const isLogic = name === 'logic' && result.op !== 'add' && result.op !== 'sub' && result === a
    if (!adds && !subtracts && !isLogic) return false
    const [p, q] = [this.slot(x!), this.slot(y!)]
    if (w === 64) this.emit(known[1], n, p, q, kind)
    else this.emit(known[0], n * 2, p * 2, q * 2, kind)
    return true
  }
  private compare(w: number, a: Value, b: Value, kind: number): boolean {
    const [p, q] = [this.narrowSlot(a), this.narrowSlot(b)]
    if (w === 64) this.emit(Micro.compare64, p, q, kind)
    else this.emit(Micro.compare32, p * 2, q * 2, kind, maskOf(w))
    return true
  }
  private test(w: number, a: Value, kind: number): boolean {
    const both = a.op === 'and' && !this.slots.has(a)
    const [p, q] = both
      ? [this.narrowSlot(a.args[0]!), this.narrowSlot(a.args[1]!)]
      : [this.narrowSlot(a), this.narrowSlot(a)]
    if (w === 64) this.emit(Micro.test64, p, q, kind)
    else this.emit(Micro.test32, p * 2, q * 2, kind, maskOf(w))
    return true
  }
  /** For what looks at the low bits only: those of a register need no operation of their own. */
  private narrowed(v: Value): Value {
    return v.op === 'trunc' && !this.slots.has(v) ? v.args[0]! : v
  }
  private narrowSlot(v: Value): number {
    return this.slot(this.narrowed(v))
  }
  /** @returns false if the condition is not just a comparison */
  private compareAndJump(cond: Value<1>, target: Value<64>, next: bigint): boolean {
    const negated = cond.op === 'xor' && isConst(cond.args[1]!)
    const c = negated ? cond.args[0]! : cond
    const ops = JUMPS[c.op]
    if (!ops) return false
    const w = c.args[0]!.w
    if (w === 1) return false
    const [a, b] = c.args.map((v) => this.slot(v) * 2)
    const [to, not] = [this.slot(target), this.pool.constant(next)]
    const [yes, no] = negated ? [not, to] : [to, not]
    if (w === 64) this.emit(ops[1], a!, b!, yes, no)
    else if (c.op === 'lts') this.emit(ops[0], a!, b!, yes, no, 32 - w)
    else this.emit(ops[0], a!, b!, yes, no)
    return true
  }

  private hasLoad(v: Value): boolean {
    return !this.slots.has(v) && (v.op === 'load' || v.args.some((a) => this.hasLoad(a)))
  }
  /** Does v, where not yet computed, still read register n (other than through `except`, which is computed now)? */
  private reads(v: Value, n: number, except: Value): boolean {
    const at = this.slots.get(v)
    if (at !== undefined) return at === n
    if (v === except) return false
    if (v.op === 'reg') return v.n === n
    return v.args.some((a) => this.reads(a, n, except))
  }
  /** The value in a slot that no register write touches. */
  private kept(v: Value, copies?: [number, number][]): number {
    const at = this.slot(v)
    if (at >= REGISTERS || (copies && !copies.some(([n]) => n === at))) return at
    const t = this.temp++
    this.emit(Micro.copy, t, at)
    return t
  }

  /** The slot where v lies, computing it if need be. */
  slot(v: Value): number {
    const known = this.slots.get(v)
    if (known !== undefined) return known
    switch (v.op) {
      case 'const':
        return this.pool.constant(v.imm)
      case 'reg':
      case 'state':
        return v.n
      case 'flagA':
        return Slot.flagA
      case 'flagB':
        return Slot.flagB
      case 'flagKind':
        return Slot.flagKind
    }
    const same = (v.op === 'trunc' && v.w === 32) || isZextFree(v) || isFlagInput(v) // the low half is in place
    return same ? this.slot(v.args[0]!) : this.into(v, this.temp++)
  }
  /** Compute v into slot d. */
  into(v: Value, d: number): number {
    let inner = v
    while (isZextFree(inner)) inner = inner.args[0]!
    const there = this.slots.has(inner) || IN_PLACE.has(inner.op) || isFlagInput(inner)
    if (there) this.emit(Micro.copy, d, this.slot(inner))
    else this.operation(inner, d)
    this.slots.set(v, d)
    this.slots.set(inner, d)
    return d
  }
  private operation(v: Value, d: number): void {
    if (v.op === 'load') {
      this.use(v.place!)
      return this.emit(LOAD[v.w]!, v.w === 64 ? d : d * 2)
    }
    if (v.op === 'flagBits') return this.emit(Micro.flagBits, d, ALL_SIX)
    if (v.op === 'flag') return this.emit(Micro.flagBits, d, whichFlag(v.n))
    if (this.addShifted(v, d)) return
    const at = v.args.map((a) => this.slot(a))
    const [a = 0, b = 0, c = 0] = at
    if (v.op === 'call') return this.emit(Micro.call, d, a, b, c, v.n)
    if (v.op === 'select')
      return v.w === 64
        ? this.emit(Micro.select64, d, a * 2, b, c)
        : this.emit(Micro.select32, d * 2, a * 2, b * 2, c * 2)
    const from = v.args[0]!.w
    const resized = v.op === 'zext' || v.op === 'trunc' // these look at the low half only
    if (v.op === 'sext' && v.w === 64) return this.emit(Micro.sext64, d, a * 2, 32 - from)
    const wide = from === 64 && !resized
    const op = (wide ? (WIDE[v.op] ?? WIDE_BY_HALVES[v.op]) : NARROW[v.op])!
    if (wide && WIDE[v.op] !== undefined) return this.emit(op, d, a, b)
    this.narrow(v, op, d * 2, a * 2, b * 2, resized ? Math.min(from, v.w) : from)
  }
  private narrow(v: Value, op: number, d2: number, a2: number, b2: number, from: number): void {
    switch (op) {
      case Micro.sar32:
        return this.emit(op, d2, a2, b2, 32 - from, maskOf(from))
      case Micro.sext32:
        return this.emit(op, d2, a2, 32 - from, maskOf(v.w))
      case Micro.trunc32:
        return this.emit(op, d2, a2, maskOf(from))
      case Micro.lts32:
        return this.emit(op, d2, a2, b2, 32 - from)
    }
    if (v.args.length === 1) this.emit(op, d2, a2)
    else if (op >= Micro.add32 && op <= Micro.shl32) this.emit(op, d2, a2, b2, maskOf(from))
    else this.emit(op, d2, a2, b2)
  }
  /** base + index * scale. */
  private addShifted(v: Value, d: number): boolean {
    const [x, y] = v.args
    if (v.op !== 'add' || v.w !== 64 || y!.op !== 'shl' || !isConst(y!.args[1]!) || this.slots.has(y!))
      return false
    const scale = Number(y!.args[1]!.imm)
    if (scale < 1 || scale > 3) return false
    this.emit(Micro.addShifted, d * 2, this.slot(x!) * 2, this.slot(y!.args[0]!) * 2, scale)
    return true
  }

  /** A displacement is added on the way; anything more gets operations of its own. */
  private translate(place: Place, save: boolean): void {
    const { addr, w, stack, write } = place
    const folded = addr.op === 'add' && !this.slots.has(addr) && isConst(addr.args[1]!)
    const base = this.slot(folded ? addr.args[0]! : addr)
    const disp = folded ? addr.args[1]!.imm : 0n
    const access = write ? Access.write : Access.read
    const table = TLB + this.user * TLB_CLASS_BYTES + access * TLB_BYTES
    const [lo, hi] = [Number(disp & 0xffff_ffffn) | 0, Number(disp >> 32n) | 0]
    this.emit(Micro.address, base * 2, lo, hi, table, w / 8, access | (stack ? STACK : 0))
    this.current = place
    if (!save) return
    this.places.set(place, this.temp)
    this.emit(Micro.savePlace, this.temp++ * 2)
  }
  /** Make `place` the current one. */
  private use(place: Place): void {
    if (this.current === place) return
    const saved = this.places.get(place)
    if (saved === undefined) throw new Error('lowering: the place has been left')
    this.emit(Micro.usePlace, saved * 2)
    this.current = place
  }
}
/** Constants of two widths are two nodes. */
const alike = (x: Value, y: Value): boolean => x === y || (isConst(x) && isConst(y) && x.imm === y.imm)
const unextended = (v: Value): Value => (v.op === 'zext' ? v.args[0]! : v)
