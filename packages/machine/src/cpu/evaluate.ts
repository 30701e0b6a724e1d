// Reader 1, tier 0: straight lines of instructions become blocks of closures (closures.ts), found again by where
// their bytes lie in physical memory.
//
// Nothing is remembered about translations: entering a block asks the fetch TLB, as the hardware's fetch does. A page
// that holds the bytes of a block is a code page (mmu.markCode); a store there drops its blocks and ends the run.

import type { Mmu } from '../mmu/mmu.ts'
import { Builder, finish, type Meaning, type Mode } from './builder.ts'
import { Closures, CODE, type Context, copy, FAULT, FLAG_BITS, type Op } from './closures.ts'
import { MAX_LENGTH, readLine } from './decode.ts'
import { BITS_KIND, flagBits, KINDS, recipeKind } from './flags.ts'
import {
  Access,
  Leave,
  POOL,
  POOL_END,
  RAM,
  Slot,
  type State,
  TLB,
  TLB_BYTES,
  TLB_CLASS_BYTES,
} from './state.ts'
import { VECTOR_UD } from '../x86-64.ts'

interface Block {
  /** Linear address of the first instruction; constants in the closures depend on it. */
  readonly lo: number
  readonly hi: number
  readonly mode: number
  /** Physical page; -1: dropped. */
  page: number
  /** Physical page of the other bytes if the block is one instruction that crosses pages, else -1. */
  readonly second: number
  readonly ops: readonly Op[]
  /** For each closure, the index of its instruction. */
  readonly owner: readonly number[]
  readonly line: readonly Meaning[]
  /** Instructions that retire: a system instruction at the end does not, the machine counts it. */
  readonly retires: number
}

// The mode as a number: bit 0 CPL 3, bit 1 DF.
const USER = 1
const DOWN = 2
const MODES = 4
const RFLAGS_DF = 0x400
const NEAR = 16384
const near = (lo: number): number => (lo ^ (lo >>> 10)) & (NEAR - 1)
/** Room for the constants of one more block. */
const POOL_RESERVE = 8192

const RIP = Slot.rip * 2
const LEAVE = Slot.leave * 2
const NOWHERE: Block = {
  lo: 0,
  hi: 0,
  mode: -1,
  page: -1,
  second: -1,
  ops: [],
  owner: [],
  line: [],
  retires: 0,
}

/** Blocks by physical address, for one limit of their length. */
class Blocks {
  /** Key: physical address * MODES + mode. A page may be mapped at several linear addresses. */
  private readonly byAddress = new Map<number, Block[]>()
  private readonly byPage = new Map<number, Set<number>>()

  find(key: number, lo: number, hi: number): Block | undefined {
    return this.byAddress.get(key)?.find((b) => b.lo === lo && b.hi === hi)
  }
  add(key: number, block: Block): void {
    const there = this.byAddress.get(key)
    if (there) there.push(block)
    else this.byAddress.set(key, [block])
    this.own(block.page, key)
    if (block.second >= 0) this.own(block.second, key)
  }
  private own(page: number, key: number): void {
    const keys = this.byPage.get(page)
    if (keys) keys.add(key)
    else this.byPage.set(page, new Set([key]))
  }
  dropPage(page: number): void {
    for (const key of this.byPage.get(page) ?? []) {
      for (const block of this.byAddress.get(key) ?? []) block.page = -1
      this.byAddress.delete(key)
    }
    this.byPage.delete(page)
  }
  clear(): void {
    this.byAddress.clear()
    this.byPage.clear()
  }
}

/** Tier 0. One evaluator per machine: its temporaries and constants lie in the machine's memory. */
export class Evaluator {
  private readonly state: State
  private readonly mmu: Mmu
  private readonly blocks = new Blocks()
  private readonly singles = new Blocks()
  private readonly near: Block[] = new Array<Block>(NEAR).fill(NOWHERE)
  private pool = new Map<bigint, number>()
  /** Constants of the flag recipes, which flush must not move. */
  private readonly fixed: ReadonlyMap<bigint, number>
  private readonly flagBits: Op[] = []
  private readonly contexts: readonly [Context, Context]
  private mode = 0

  constructor(state: State, mmu: Mmu) {
    this.state = state
    this.mmu = mmu
    const constant = (value: bigint): number => this.constant(value)
    const context = (user: 0 | 1): Context => ({ state, mmu, user, constant, flagBits: this.flagBits })
    this.contexts = [context(0), context(1)]
    for (let kind = 0; kind < KINDS; kind++) this.flagBits.push(this.flagsOf(kind))
    this.fixed = new Map(this.pool)
    mmu.onCodeWrite = (page) => this.dropPage(page)
    this.setFlags(0)
  }

  /**
   * Run until `budget` instructions have retired or Slot.leave says why not. A block runs only if it fits into what
   * is left of the budget, else instruction by instruction, so the count is exact.
   *
   * What a block may do depends on CPL and DF; both are read here once, since what changes them leaves.
   * @returns instructions retired
   */
  run(budget: number): number {
    const { i32, cpl } = this.state
    const { near: cache } = this
    const mode = (cpl === 3 ? USER : 0) | (i32[Slot.rflags * 2]! & RFLAGS_DF ? DOWN : 0)
    const fetch = TLB + (mode & USER) * TLB_CLASS_BYTES + Access.fetch * TLB_BYTES
    this.mode = mode
    i32[LEAVE] = Leave.none
    let left = budget
    while (left > 0) {
      const lo = i32[RIP]!
      const hi = i32[RIP + 1]!
      const e = (fetch + ((lo >>> 8) & 0x3ff0)) >> 2
      let block: Block | undefined = cache[near(lo)]!
      const known =
        block.lo === lo &&
        block.hi === hi &&
        block.mode === mode &&
        i32[e] === (lo & ~0xfff) &&
        i32[e + 1] === hi &&
        i32[e + 3] === block.page &&
        block.line.length <= left
      if (!known) block = this.find(lo, hi, left)
      if (!block) break
      left -= this.execute(block)
      if (i32[LEAVE] !== Leave.none) break
    }
    return budget - left
  }
  /** @returns instructions retired */
  private execute(block: Block): number {
    const { ops } = block
    const n = ops.length
    let i = 0
    let stopped = 0
    while (i < n) {
      stopped = ops[i++]!()
      if (stopped !== 0) return this.stop(block, i, stopped)
    }
    return block.retires
  }
  /** Closure `i - 1` of a block said why not to go on. */
  private stop(block: Block, i: number, why: number): number {
    const { state } = this
    const index = block.owner[i - 1]!
    if (why === FAULT) {
      state.u64[Slot.rip] = block.line[index]!.at
      return index
    }
    if (why !== CODE) return block.retires
    // the rest of an instruction is commits: it cannot fault
    const { at, next, jump } = block.line[index]!
    for (let rest = i; block.owner[rest] === index; rest++) block.ops[rest]!()
    if (!jump) state.u64[Slot.rip] = next
    if (state.i32[LEAVE] === Leave.none) state.i32[LEAVE] = Leave.code
    else state.u64[Slot.rip] = at // a system instruction that stores leaves as one
    return Math.min(index + 1, block.retires)
  }

  /** The block at hi:lo that fits into `left`, compiled if need be. @returns undefined after recording the fault of a fetch */
  private find(lo: number, hi: number, left: number): Block | undefined {
    const user = this.mode & USER
    const host = this.mmu.translate(lo, hi, 1, Access.fetch, user)
    if (host === 0) return undefined
    if (host < RAM) return void this.state.fault(VECTOR_UD, 0) // nothing is there: an open bus reads as FF FF
    const block = this.lookup(this.blocks, host, lo, hi)
    if (!block || block.line.length <= left) {
      // a crossing block has a second page to ask for, so it is found the long way
      if (block && block.second < 0) this.near[near(lo)] = block
      return block
    }
    return this.lookup(this.singles, host, lo, hi)
  }
  private lookup(cache: Blocks, host: number, lo: number, hi: number): Block | undefined {
    const key = (host - RAM) * MODES + this.mode
    const known = cache.find(key, lo, hi)
    if (known && known.second < 0) return known
    if (known) {
      const second = this.secondPage(lo, hi)
      if (second === 0) return undefined
      if ((second - RAM) >>> 12 === known.second) return known
      return this.compile(host, lo, hi, 1, second) // the same first page beside another second one: not kept
    }
    const block = this.compile(host, lo, hi, cache === this.singles ? 1 : undefined)
    if (block) cache.add(key, block)
    return block
  }
  /** The host address of the first byte of the page after that of hi:lo. @returns 0 after recording the fault */
  private secondPage(lo: number, hi: number): number {
    const next = ((lo & ~0xfff) + 0x1000) | 0
    return this.mmu.translate(next, (hi + (next === 0 ? 1 : 0)) | 0, 1, Access.fetch, this.mode & USER)
  }

  private compile(host: number, lo: number, hi: number, max?: number, known?: number): Block | undefined {
    const { state, mmu } = this
    const rip = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)
    const mode: Mode = { code: 64, user: (this.mode & USER) !== 0, down: (this.mode & DOWN) !== 0 }
    let line = readLine(state.u8, host, rip, mode, max)
    let second = -1
    if (!line) {
      const there = known ?? this.secondPage(lo, hi)
      if (there === 0) return undefined
      second = there < RAM ? -1 : (there - RAM) >>> 12
      line = readLine(state.u8, host, rip, mode, 1, state.u8.subarray(there, there + MAX_LENGTH))!
      if (there >= RAM) mmu.markCode(there)
    }
    if ((POOL >> 3) + this.pool.size + POOL_RESERVE > POOL_END >> 3) this.flush()
    mmu.markCode(host)
    const { meanings } = line
    const last = meanings.at(-1)!
    const retires = meanings.length - (last.system ? 1 : 0)
    const page = (host - RAM) >>> 12
    return { lo, hi, mode: this.mode, page, second, ...this.closures(meanings), line: meanings, retires }
  }
  private closures(line: readonly Meaning[]): { ops: Op[]; owner: number[] } {
    const context = this.contexts[this.mode & USER]!
    const ops: Op[] = []
    const owner: number[] = []
    const add = (index: number, more: readonly Op[]): void => {
      ops.push(...more)
      while (owner.length < ops.length) owner.push(index)
    }
    for (const [i, meaning] of line.entries()) add(i, new Closures(context).instruction(meaning))
    const last = line.at(-1)!
    const rip = last.system ? last.at : last.next
    if (!last.jump) add(line.length - 1, [copy(this.state, Slot.rip, this.constant(rip))])
    return { ops, owner }
  }

  /** Forget all code. Constants are never freed one by one; when they run out, everything goes. */
  flush(): void {
    this.blocks.clear()
    this.singles.clear()
    this.near.fill(NOWHERE)
    this.pool = new Map(this.fixed)
    for (const [value, slot] of this.fixed) this.state.u64[slot] = value
  }
  /** The bytes of a physical page have changed: forget what was compiled from them. */
  dropPage(page: number): void {
    this.blocks.dropPage(page)
    this.singles.dropPage(page)
  }
  private constant(value: bigint): number {
    const known = this.pool.get(value)
    if (known !== undefined) return known
    const slot = (POOL >> 3) + this.pool.size
    this.pool.set(value, slot)
    this.state.u64[slot] = value
    return slot
  }

  /** The six arithmetic flags as RFLAGS has them. */
  rflags(): number {
    this.flagBits[this.state.i32[Slot.flagKind * 2]!]!()
    return this.state.i32[FLAG_BITS * 2]!
  }
  setFlags(bits: number): void {
    const { u64 } = this.state
    u64[Slot.flagKind] = BigInt(BITS_KIND)
    u64[Slot.flagA] = BigInt(bits)
    u64[Slot.flagB] = 0n
  }
  private flagsOf(kind: number): Op {
    const builder = new Builder({ code: 64, user: false, down: false })
    builder.known = recipeKind(kind)
    builder.begin(0n, 0n)
    builder.setReg(0, flagBits(builder))
    const meaning = builder.end()
    finish([meaning])
    const closures = new Closures(this.contexts[0], FLAG_BITS + 1)
    closures.into(meaning.regs[0]!.value, FLAG_BITS)
    const { ops } = closures
    return () => {
      for (const op of ops) op()
      return 0
    }
  }
}
