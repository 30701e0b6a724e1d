// From a Meaning to a few closures over slots: what tier 0 executes.
//
// Every value lives in an 8-byte slot of the machine's memory, registers and temporaries and constants alike, so
// a closure needs no arguments and returns no bigint: `S[d] = S[a] + S[b]` through a BigUint64Array is plain 64-bit
// code in V8, where a bigint handed from closure to closure would be allocated. A slot holds its value
// zero-extended to 64 bits, which makes zext free; only a narrow view of a register is not extended ("raw").
// Works where neither WebAssembly compilation nor eval is allowed.

import type { Mmu } from '../mmu/mmu.ts'
import { isConst, type Meaning, type Place, type Value } from './builder.ts'
import { helpers } from './helpers.ts'
import { Access, Leave, RAM, Slot, STACK, type State, TLB, TLB_BYTES, TLB_CLASS_BYTES } from './state.ts'

/** Returns 0 to go on, or: FAULT, nothing of this instruction has happened; DONE, it ends here; CODE, it wrote compiled code. */
export type Op = () => number
export const FAULT = 1
export const DONE = 2
export const CODE = 4

/** Where closures live: one machine, and the privilege that their accesses have. */
export interface Context {
  readonly state: State
  readonly mmu: Mmu
  readonly user: 0 | 1
  /** The slot that holds a constant. */
  readonly constant: (value: bigint) => number
  /** Per flags kind: all six flags into slot FLAG_BITS. */
  readonly flagBits: readonly Op[]
}
/** Slots of the flag recipes, apart from those of the instruction that asks. */
export const FLAG_BITS = 4096

/** Computed by no closure: the low half of something wider, so not yet zero-extended. */
const isRaw = (v: Value): boolean => (v.op === 'trunc' && v.w === 32) || v.op === 'flagKind'
const isZextFree = (v: Value): boolean => v.op === 'zext' && !isRaw(v.args[0]!)
const IN_PLACE: ReadonlySet<string> = new Set(['const', 'reg', 'state', 'flagA', 'flagB'])
/** The first of two slots after which no register or part of the CPU block lies that commits change. */
const REGISTERS = 16

/** The closures of one instruction. */
export class Closures {
  readonly ops: Op[] = []
  private readonly c: Context
  /** Where a computed value lies. */
  private readonly slots = new Map<Value, number>()
  /** The slot with a place's host address. */
  private readonly places = new Map<Place, number>()
  private temp: number

  constructor(context: Context, temps: number = Slot.temps) {
    this.c = context
    this.temp = temps
  }

  instruction(meaning: Meaning): Op[] {
    const { state } = this.c
    const last = meaning.steps.at(-1)
    // The last step may be one closure with the first commit: nothing has changed before it, nothing faults after it.
    // (A load that only dead flags want must still happen: it may fault.)
    const wanted = last?.do === 'load' && last.value.uses > 1 && meaning.stores.length === 0
    const late = wanted ? last.value : undefined
    const onlyStore = meaning.stores.length === 1 ? meaning.stores[0] : undefined
    const lateStore = last?.do === 'translate' && last.place === onlyStore ? onlyStore : undefined
    for (const step of meaning.steps) {
      if (step.do === 'translate') {
        if (step.place.write && step.place !== lateStore) this.translate(step.place)
      } else if (step.do === 'load') {
        if (step.value !== late) this.slot(step.value)
      } else if (step.do === 'trapIf') this.trapIf(step.cond, step.vector, step.error)
      else this.ops.push(skipUnless(state, this.slot(step.cond) * 2, this.c.constant(meaning.next)))
    }
    this.stores(meaning, lateStore)
    if (late && meaning.jump?.target === late) this.into(late, Slot.rip)
    this.commit(meaning)
    return this.ops
  }
  private trapIf(cond: Value<1>, vector: number, error: number): void {
    const inner = cond.op === 'xor' && isConst(cond.args[1]!) ? cond.args[0]! : undefined
    if (inner?.op === 'canonical')
      this.ops.push(trapUnlessCanonical(this.c.state, this.slot(inner.args[0]!) * 2, vector, error))
    else this.ops.push(trapIf(this.c.state, this.slot(cond) * 2, vector, error))
  }
  /** What is stored is computed first: a store may overwrite what another value is still to be loaded from. */
  private stores({ stores }: Meaning, late: Place | undefined): void {
    const values = stores.map((p) => this.slot(p.stored!))
    if (late) this.ops.push(store(this.c, values[0]!, this.at(late, Access.write)))
    else
      for (const [i, p] of stores.entries())
        this.ops.push(storeAt(this.c, values[i]!, this.places.get(p)! * 2, p.w / 8))
  }
  /** All new values are computed from old ones; a register may be written as soon as no pending value reads it. */
  private commit(meaning: Meaning): void {
    const { flags, jump, system } = meaning
    if (jump?.cond && meaning.regs.length === 0 && !flags) {
      const fused = this.fusedJump(jump.cond, jump.target, meaning.next)
      if (fused) return void this.ops.push(fused)
    }
    const others = [
      flags?.kind,
      flags?.a,
      flags?.b,
      jump?.cond,
      jump?.target,
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
    if (flags) this.flags(flags.kind, flags.a, flags.b)
    for (const [n, from] of copies) this.ops.push(copy(this.c.state, n, from))
    this.jump(meaning)
    if (!system) return
    const operands = system.operands.map((v) => this.slot(v))
    this.ops.push(leaveFor(this.c.state, system.op, operands, this.c.constant(meaning.next)))
  }
  private flags(kind: Value, a: Value, b: Value): void {
    const { state } = this.c
    if (isConst(kind)) this.ops.push(setFlags(state, Number(kind.imm), this.slot(a), this.slot(b)))
    else this.ops.push(setFlagsOf(state, this.slot(kind), this.slot(a), this.slot(b)))
  }
  private jump({ jump, next }: Meaning): void {
    if (!jump) return
    const { state, constant } = this.c
    const to = this.slot(jump.target)
    if (jump.cond) this.ops.push(jumpIf(state, this.slot(jump.cond) * 2, to, constant(next)))
    else if (to !== Slot.rip) this.ops.push(copy(state, Slot.rip, to))
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
    return (v.op === 'load' ? [v.place!.addr] : v.args).some((a) => this.reads(a, n, except))
  }
  /** The value in a slot that no register write touches. */
  private kept(v: Value, copies?: [number, number][]): number {
    const at = this.slot(v)
    if (at >= REGISTERS || (copies && !copies.some(([n]) => n === at))) return at
    const t = this.temp++
    this.ops.push(copy(this.c.state, t, at))
    return t
  }

  /** The slot where v lies, computing it if need be. */
  slot(v: Value): number {
    const known = this.slots.get(v)
    if (known !== undefined) return known
    switch (v.op) {
      case 'const':
        return this.c.constant(v.imm)
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
    const same = (v.op === 'trunc' && v.w === 32) || isZextFree(v) // the low half is in place
    return same ? this.slot(v.args[0]!) : this.into(v, this.temp++)
  }
  /** Compute v into slot d. */
  into(v: Value, d: number): number {
    const inner = isZextFree(v) ? v.args[0]! : v
    const there = this.slots.has(inner) || IN_PLACE.has(inner.op)
    this.ops.push(there ? copy(this.c.state, d, this.slot(inner)) : this.operation(inner, d))
    this.slots.set(v, d)
    this.slots.set(inner, d)
    return d
  }
  private operation(v: Value, d: number): Op {
    const { state } = this.c
    if (v.op === 'load') return this.load(v.place!, d)
    if (v.op === 'flagBits') return dynamicFlags(state, d, this.c.flagBits)
    const at = v.args.map((a) => this.slot(a))
    if (v.op === 'call') return call(state, d, at[0]!, at[1]!, at[2]!, v.n)
    if (v.op === 'select') return select(state, d, at[0]! * 2, at[1]!, at[2]!, v.w)
    const from = v.args[0]!.w
    const resized = v.op === 'zext' || v.op === 'trunc' // these look at the low half only
    const wide = (from === 64 || v.w === 64) && !resized
    const make = (
      wide ? wideOps(state, 32 - from) : narrowOps(state, resized ? Math.min(from, v.w) : from, v.w)
    )[v.op]
    if (!make) throw new Error(`closures: none for ${v.op} of width ${v.w}`)
    return wide ? make(d, at[0]!, at[1] ?? 0) : make(d * 2, at[0]! * 2, (at[1] ?? 0) * 2)
  }

  private translate(place: Place): void {
    const t = this.temp++
    const at = this.at(place, Access.write)
    this.places.set(place, t)
    this.ops.push(translate(this.c, t * 2, at))
  }
  /** A displacement is added on the way; anything more gets closures of its own. */
  private at({ addr, w, stack }: Place, access: Access): At {
    const folded = addr.op === 'add' && !this.slots.has(addr) && isConst(addr.args[1]!)
    const base = folded ? addr.args[0]! : addr
    const disp = folded ? addr.args[1]!.imm : 0n
    return accessAt(this.c, this.slot(base), disp, w / 8, access, stack)
  }
  private load(place: Place, d: number): Op {
    const t = this.places.get(place)
    if (t === undefined) return load(this.c, d, this.at(place, Access.read))
    return loadAt(this.c.state, d, t * 2, place.w / 8)
  }
  /** undefined: the condition is not just a comparison. */
  private fusedJump(cond: Value<1>, target: Value<64>, next: bigint): Op | undefined {
    const negated = cond.op === 'xor' && isConst(cond.args[1]!)
    const c = negated ? cond.args[0]! : cond
    if (c.op !== 'eq' && c.op !== 'ltu' && c.op !== 'lts') return undefined
    const [a, b] = c.args.map((v) => this.slot(v))
    const to = this.slot(target)
    const not = this.c.constant(next)
    const w = c.args[0]!.w
    const make = compareAndJump(
      this.c.state,
      w === 64 ? -1 : 32 - w,
      a!,
      b!,
      negated ? not : to,
      negated ? to : not,
    )
    return make[c.op]
  }
}

// One function per kind of closure. S, N: slots as unsigned and signed 64 bits; I, U: 32-bit halves, low half first.

export const copy =
  ({ u64: S }: State, d: number, a: number): Op =>
  () => {
    S[d] = S[a]!
    return 0
  }
const jumpIf =
  ({ i32: I, u64: S }: State, c: number, target: number, next: number): Op =>
  () => {
    S[Slot.rip] = I[c] !== 0 ? S[target]! : S[next]!
    return 0
  }
const setFlags =
  ({ u64: S, i32: I }: State, kind: number, a: number, b: number): Op =>
  () => {
    const y = S[b]! // may be the old flagA
    I[Slot.flagKind * 2] = kind
    S[Slot.flagA] = S[a]!
    S[Slot.flagB] = y
    return 0
  }
const setFlagsOf =
  ({ u64: S }: State, kind: number, a: number, b: number): Op =>
  () => {
    const y = S[b]!
    S[Slot.flagKind] = S[kind]!
    S[Slot.flagA] = S[a]!
    S[Slot.flagB] = y
    return 0
  }
const dynamicFlags =
  ({ i32: I, u64: S }: State, d: number, bits: readonly Op[]): Op =>
  () => {
    bits[I[Slot.flagKind * 2]!]!()
    S[d] = S[FLAG_BITS]!
    return 0
  }
const trapIf =
  (state: State, c: number, vector: number, error: number): Op =>
  () => {
    if (state.i32[c] === 0) return 0
    state.fault(vector, error)
    return FAULT
  }
const trapUnlessCanonical =
  (state: State, a: number, vector: number, error: number): Op =>
  () => {
    const top = state.i32[a + 1]! >> 15
    if (top === 0 || top === -1) return 0
    state.fault(vector, error)
    return FAULT
  }
const skipUnless =
  ({ i32: I, u64: S }: State, c: number, next: number): Op =>
  () => {
    if (I[c] !== 0) return 0
    S[Slot.rip] = S[next]!
    return DONE
  }
const leaveFor =
  ({ i32: I, u64: S }: State, op: number, operands: readonly number[], next: number): Op =>
  () => {
    I[Slot.leave * 2] = Leave.system
    I[Slot.sysOp * 2] = op
    S[Slot.sysA] = S[operands[0]!]!
    S[Slot.sysB] = S[operands[1]!]!
    S[Slot.sysC] = S[operands[2]!]!
    S[Slot.sysNext] = S[next]!
    return 0
  }
const call = ({ u64: S }: State, d: number, x: number, y: number, z: number, n: number): Op => {
  const f = helpers[n]!
  return () => {
    S[d] = f(S[x]!, S[y]!, S[z]!)
    return 0
  }
}
const select = ({ u64: S, i32: I }: State, d: number, c: number, x: number, y: number, w: number): Op =>
  w === 64
    ? () => {
        S[d] = I[c] !== 0 ? S[x]! : S[y]!
        return 0
      }
    : () => {
        I[d * 2] = I[c] !== 0 ? I[x * 2]! : I[y * 2]!
        I[d * 2 + 1] = 0
        return 0
      }

/** Where an access goes: the slot of a base and a displacement as two halves. */
interface At {
  readonly mmu: Mmu
  readonly a: number
  readonly lo: number
  readonly hi: number
  readonly tlb: number
  readonly bytes: number
  readonly access: number
  readonly user: number
}
const accessAt = (
  { mmu, user }: Context,
  slot: number,
  disp: bigint,
  bytes: number,
  access: Access,
  stack: boolean,
): At => ({
  mmu,
  a: slot * 2,
  lo: Number(disp & 0xffff_ffffn) | 0,
  hi: Number(disp >> 32n) | 0,
  tlb: TLB + user * TLB_CLASS_BYTES + access * TLB_BYTES,
  bytes,
  access: access | (stack ? STACK : 0),
  user,
})
/** The inlined TLB hit; everything else is Mmu.translate. @returns the host address; 0 is a fault */
const host = (I: Int32Array, at: At): number => {
  const dlo = at.lo
  const lo = (I[at.a]! + dlo) | 0
  const hi = (I[at.a + 1]! + at.hi + (lo >>> 0 < dlo >>> 0 ? 1 : 0)) | 0
  const e = (at.tlb + ((lo >>> 8) & 0x3ff0)) >> 2
  if (I[e] === (lo & ~0xfff) && I[e + 1] === hi && (lo & 0xfff) + at.bytes <= 4096)
    return (lo + I[e + 2]!) | 0
  return at.mmu.translate(lo, hi, at.bytes, at.access, at.user)
}
// The width is a captured constant, tested inside: a branch costs less than a call through one of four closures.
const get = (state: State, p: number, bytes: number): number =>
  bytes === 4 ? state.view.getInt32(p, true) : bytes === 1 ? state.u8[p]! : state.view.getUint16(p, true)
const put = (state: State, p: number, v: number, bytes: number): void => {
  const { u64: S, i32: I, u8, view } = state
  if (bytes === 8) view.setBigUint64(p, S[v]!, true)
  else if (bytes === 4) view.setInt32(p, I[v * 2]!, true)
  else if (bytes === 1) u8[p] = I[v * 2]!
  else view.setInt16(p, I[v * 2]!, true)
}
const translate = ({ state: { i32: I } }: Context, t: number, at: At): Op => {
  return () => {
    const p = host(I, at)
    I[t] = p
    return p === 0 ? FAULT : 0
  }
}
const load = ({ state }: Context, d: number, at: At): Op => {
  const { u64: S, i32: I, view } = state
  const { bytes } = at
  if (bytes === 8)
    return () => {
      const p = host(I, at)
      if (p === 0) return FAULT
      S[d] = view.getBigUint64(p, true)
      return 0
    }
  return () => {
    const p = host(I, at)
    if (p === 0) return FAULT
    I[d * 2] = get(state, p, bytes)
    I[d * 2 + 1] = 0
    return 0
  }
}
const loadAt = (state: State, d: number, p: number, bytes: number): Op => {
  const { u64: S, i32: I, view } = state
  return bytes === 8
    ? () => {
        S[d] = view.getBigUint64(I[p]!, true)
        return 0
      }
    : () => {
        I[d * 2] = get(state, I[p]!, bytes)
        I[d * 2 + 1] = 0
        return 0
      }
}
const store = ({ state, mmu }: Context, v: number, at: At): Op => {
  const { i32: I } = state
  const { bytes } = at
  return () => {
    const p = host(I, at)
    if (p === 0) return FAULT
    put(state, p, v, bytes)
    return p < RAM ? mmu.scatter(p) : 0
  }
}
const storeAt = ({ state, mmu }: Context, v: number, at: number, bytes: number): Op => {
  const { i32: I } = state
  return () => {
    const p = I[at]!
    put(state, p, v, bytes)
    return p < RAM ? mmu.scatter(p) : 0
  }
}

type Make = Partial<Record<string, (d: number, a: number, b: number) => Op>>
/** 64-bit operands. Comparisons go by halves: that is fast in every tier of V8. */
const wideOps = ({ u64: S, i64: N, i32: I, u32: U }: State, k: number): Make => ({
  add: (d, a, b) => () => {
    S[d] = S[a]! + S[b]!
    return 0
  },
  sub: (d, a, b) => () => {
    S[d] = S[a]! - S[b]!
    return 0
  },
  mul: (d, a, b) => () => {
    S[d] = S[a]! * S[b]!
    return 0
  },
  and: (d, a, b) => () => {
    S[d] = S[a]! & S[b]!
    return 0
  },
  or: (d, a, b) => () => {
    S[d] = S[a]! | S[b]!
    return 0
  },
  xor: (d, a, b) => () => {
    S[d] = S[a]! ^ S[b]!
    return 0
  },
  shl: (d, a, b) => () => {
    S[d] = S[a]! << S[b]!
    return 0
  },
  shr: (d, a, b) => () => {
    S[d] = S[a]! >> S[b]!
    return 0
  },
  sar: (d, a, b) => () => {
    N[d] = N[a]! >> N[b]!
    return 0
  },
  divu: (d, a, b) => () => {
    S[d] = S[a]! / S[b]!
    return 0
  },
  remu: (d, a, b) => () => {
    S[d] = S[a]! % S[b]!
    return 0
  },
  divs: (d, a, b) => () => {
    N[d] = N[a]! / N[b]!
    return 0
  },
  rems: (d, a, b) => () => {
    N[d] = N[a]! % N[b]!
    return 0
  },
  eq: (d, a, b) => () => narrow(I, d * 2, I[a * 2] === I[b * 2] && I[a * 2 + 1] === I[b * 2 + 1] ? 1 : 0),
  ltu: (d, a, b) => () => narrow(I, d * 2, below(U, U, a * 2, b * 2) ? 1 : 0),
  lts: (d, a, b) => () => narrow(I, d * 2, below(U, I, a * 2, b * 2) ? 1 : 0),
  canonical: (d, a) => () =>
    narrow(I, d * 2, I[a * 2 + 1]! >> 15 === 0 || I[a * 2 + 1]! >> 15 === -1 ? 1 : 0),
  sext: (d, a) => () => {
    N[d] = BigInt((I[a * 2]! << k) >> k)
    return 0
  },
  clz: (d, a) => () =>
    narrow(I, d * 2, I[a * 2 + 1] === 0 ? 32 + Math.clz32(I[a * 2]!) : Math.clz32(I[a * 2 + 1]!)),
  ctz: (d, a) => () =>
    narrow(I, d * 2, I[a * 2] === 0 ? 32 + trailingZeros(I[a * 2 + 1]!) : trailingZeros(I[a * 2]!)),
  popcnt: (d, a) => () => narrow(I, d * 2, ones(I[a * 2]!) + ones(I[a * 2 + 1]!)),
})
/** Module level, like `host` and `put`: V8 inlines what it knows to be one function. */
const narrow = (I: Int32Array, d: number, v: number): number => {
  I[d] = v
  I[d + 1] = 0
  return 0
}
/** `high`: the array that says whether the high half is signed. */
const below = (U: Uint32Array, high: Uint32Array | Int32Array, a: number, b: number): boolean =>
  U[a + 1] === U[b + 1] ? U[a]! < U[b]! : high[a + 1]! < high[b + 1]!
const trailingZeros = (x: number): number => (x === 0 ? 32 : 31 - Math.clz32(x & -x))
const ones = (x: number): number => {
  const pairs = x - ((x >>> 1) & 0x5555_5555)
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333)
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
/** Operands of `from` <= 32 bits, result of `to` <= 32 bits; indices are those of the low half. */
const narrowOps = ({ i32: I, u32: U }: State, from: number, to: number): Make => {
  const m = from === 32 ? -1 : (1 << from) - 1
  const mt = to >= 32 ? -1 : (1 << to) - 1
  const k = 32 - from
  return {
    add: (d, a, b) => () => narrow(I, d, (I[a]! + I[b]!) & m),
    sub: (d, a, b) => () => narrow(I, d, (I[a]! - I[b]!) & m),
    mul: (d, a, b) => () => narrow(I, d, Math.imul(I[a]!, I[b]!) & m),
    and: (d, a, b) => () => narrow(I, d, I[a]! & I[b]!),
    or: (d, a, b) => () => narrow(I, d, I[a]! | I[b]!),
    xor: (d, a, b) => () => narrow(I, d, I[a]! ^ I[b]!),
    shl: (d, a, b) => () => narrow(I, d, (I[a]! << I[b]!) & m),
    shr: (d, a, b) => () => narrow(I, d, I[a]! >>> I[b]!),
    sar: (d, a, b) => () => narrow(I, d, (((I[a]! << k) >> k) >> I[b]!) & m),
    eq: (d, a, b) => () => narrow(I, d, I[a] === I[b] ? 1 : 0),
    ltu: (d, a, b) => () => narrow(I, d, U[a]! < U[b]! ? 1 : 0),
    lts: (d, a, b) => () => narrow(I, d, I[a]! << k < I[b]! << k ? 1 : 0),
    sext: (d, a) => () => narrow(I, d, ((I[a]! << k) >> k) & mt),
    zext: (d, a) => () => narrow(I, d, I[a]! & m),
    trunc: (d, a) => () => narrow(I, d, I[a]! & mt),
    clz: (d, a) => () => narrow(I, d, Math.clz32(I[a]!)),
    ctz: (d, a) => () => narrow(I, d, trailingZeros(I[a]!)),
    popcnt: (d, a) => () => narrow(I, d, ones(I[a]!)),
  }
}
/** A comparison and the jump that wants it, in one closure. `k`: 32 - width; a and b are slots. */
const compareAndJump = (
  { u64: S, i32: I, u32: U }: State,
  k: number,
  a: number,
  b: number,
  yes: number,
  no: number,
): Record<'eq' | 'ltu' | 'lts', Op> => {
  const x = a * 2
  const y = b * 2
  const go = (c: boolean): number => {
    S[Slot.rip] = c ? S[yes]! : S[no]!
    return 0
  }
  if (k >= 0)
    return {
      eq: () => go(I[x] === I[y]),
      ltu: () => go(U[x]! < U[y]!),
      lts: () => go(I[x]! << k < I[y]! << k),
    }
  return {
    eq: () => go(I[x] === I[y] && I[x + 1] === I[y + 1]),
    ltu: () => go(below(U, U, x, y)),
    lts: () => go(below(U, I, x, y)),
  }
}
