// Reader 1, tier 0: straight lines of instructions become blocks of micro-operations (micro.ts), found again by where
// their bytes lie in physical memory, and interpreted by one loop.
//
// Nothing is remembered about translations: entering a block asks the fetch TLB, as the hardware's fetch does. A page
// that holds the bytes of a block is a code page (mmu.markCode); a store there drops its blocks and ends the run.

import type { Mmu } from '../mmu/mmu.ts'
import { VECTOR_UD } from '../x86-64.ts'
import { type Block, Blocks, NOWHERE } from './blocks.ts'
import { Builder, type Meaning, type Mode } from './builder.ts'
import { MAX_LENGTH, readLine } from './decode.ts'
import { FLAG_BIT, type Flag, flagBits, KINDS, recipeKind } from './flags.ts'
import { helpers } from './helpers.ts'
import { ALL_SIX, FLAG_BITS, FLAG_CODES, Lowering, Micro } from './micro.ts'
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
import { runAhead, type StringRun } from './strings.ts'
import { warmUp } from './warm-up.ts'

// The mode as a number: bit 0 CPL 3, bit 1 DF.
const USER = 1
const DOWN = 2
const MODES = 4
const RFLAGS_DF = 0x400
const NEAR = 16384
const near = (lo: number): number => (lo ^ (lo >>> 10)) & (NEAR - 1)
/** Instructions after which the loop returns once, because V8 exchanges code for better code where a function begins. */
const STRETCH = 1 << 17
/** A page of code that has been written to so often is compiled instruction by instruction: not much of it would last. */
const REWRITES = 16
/** Words of micro-code per machine, and constants: room for one more block is kept. */
const CODE_WORDS = 1 << 19
const CODE_RESERVE = 1 << 16
const POOL_RESERVE = 8192

const RIP = Slot.rip * 2
const LEAVE = Slot.leave * 2
const KIND = Slot.flagKind * 2
const A = Slot.flagA
const B = Slot.flagB
const A2 = A * 2
const B2 = B * 2
/** Tier 0. One evaluator per machine: its temporaries and constants lie in the machine's memory. */
export class Evaluator {
  private readonly state: State
  private readonly mmu: Mmu
  private readonly blocks = new Blocks()
  private readonly singles = new Blocks()
  /** Per physical page: how often what was compiled from it has been dropped, at most REWRITES. */
  private readonly rewrites: Uint8Array
  private readonly near: Block[] = new Array<Block>(NEAR).fill(NOWHERE)
  private readonly code = new Int32Array(CODE_WORDS)
  private codeEnd = 0
  private pool = new Map<bigint, number>()
  private readonly recipes: Recipes
  private readonly flagCode: readonly number[]
  private mode = 0

  constructor(state: State, mmu: Mmu) {
    this.state = state
    this.mmu = mmu
    this.rewrites = new Uint8Array(state.ramBytes / 4096)
    recipes ??= this.makeRecipes()
    this.recipes = recipes
    this.flagCode = recipes.flagCode
    this.code.set(recipes.code)
    for (const [value, slot] of recipes.pool) state.u64[slot] = value
    this.begin()
    mmu.onCodeWrite = (page) => this.dropPage(page)
    warmUp((scratch, unit) => new Evaluator(scratch, unit))
  }
  /** Behind the recipes, nothing is compiled yet. */
  private begin(): void {
    this.pool = new Map(this.recipes.pool)
    this.codeEnd = this.recipes.code.length
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
    this.mode = (cpl === 3 ? USER : 0) | (i32[Slot.rflags * 2]! & RFLAGS_DF ? DOWN : 0)
    i32[LEAVE] = Leave.none
    let left = budget
    while (left > 0 && i32[LEAVE] === Leave.none) left -= this.interpret(left, undefined)
    return budget - left
  }

  /**
   * The loop. Labels are literal numbers because V8 makes a jump table only of those; a test compares them with the
   * names behind them. `continue`: the next micro-operation; `break`: the block has ended.
   * @param only  run just this block
   * @returns instructions retired: at most `budget`, and less if Slot.leave says why or after a STRETCH
   */
  private interpret(budget: number, only: Block | undefined): number {
    const { state, mmu, code, mode, near: cache } = this
    // S, N: slots as unsigned and signed 64 bits; I, U: their halves, low half first
    const { u8, view, i32: I, u32: U, u64: S, i64: N } = state
    const user = mode & USER
    const fetch = TLB + user * TLB_CLASS_BYTES + Access.fetch * TLB_BYTES
    let left = budget
    let p = 0 // the host address that `address` has found
    let back = 0 // where flagReturn goes
    let wrote = false // compiled code has been written by an instruction that is not over
    const end = Math.max(0, budget - STRETCH)
    while (left > end) {
      const lo = I[RIP]!
      const hi = I[RIP + 1]!
      const entry = (fetch + ((lo >>> 8) & 0x3ff0)) >> 2
      let block: Block | undefined = cache[near(lo)]!
      const known =
        block.lo === lo &&
        block.hi === hi &&
        block.mode === mode &&
        I[entry] === (lo & ~0xfff) &&
        I[entry + 1] === hi &&
        I[entry + 3] === block.page &&
        block.length <= left
      if (only) block = only
      else if (!known) block = this.find(lo, hi, left)
      if (!block) break
      let pc = block.start
      for (;;) {
        switch (code[pc]) {
          case 0: // jump
            S[Slot.rip] = S[code[pc + 1]!]!
            break
          case 1: // jumpIf
            S[Slot.rip] = S[I[code[pc + 1]!] !== 0 ? code[pc + 2]! : code[pc + 3]!]!
            break
          case 2: // jumpEq32
            S[Slot.rip] = S[I[code[pc + 1]!] === I[code[pc + 2]!] ? code[pc + 3]! : code[pc + 4]!]!
            break
          case 3: // jumpLtu32
            S[Slot.rip] = S[U[code[pc + 1]!]! < U[code[pc + 2]!]! ? code[pc + 3]! : code[pc + 4]!]!
            break
          case 4: {
            // jumpLts32
            const k = code[pc + 5]!
            S[Slot.rip] = S[I[code[pc + 1]!]! << k < I[code[pc + 2]!]! << k ? code[pc + 3]! : code[pc + 4]!]!
            break
          }
          case 5: {
            // jumpEq64
            const a = code[pc + 1]!
            const b = code[pc + 2]!
            S[Slot.rip] = S[I[a] === I[b] && I[a + 1] === I[b + 1] ? code[pc + 3]! : code[pc + 4]!]!
            break
          }
          case 6: {
            // jumpLtu64
            const a = code[pc + 1]!
            const b = code[pc + 2]!
            const less = U[a + 1] === U[b + 1] ? U[a]! < U[b]! : U[a + 1]! < U[b + 1]!
            S[Slot.rip] = S[less ? code[pc + 3]! : code[pc + 4]!]!
            break
          }
          case 7: {
            // jumpLts64
            const a = code[pc + 1]!
            const b = code[pc + 2]!
            const less = I[a + 1] === I[b + 1] ? U[a]! < U[b]! : I[a + 1]! < I[b + 1]!
            S[Slot.rip] = S[less ? code[pc + 3]! : code[pc + 4]!]!
            break
          }
          case 8: // system
            I[LEAVE] = Leave.system
            I[Slot.sysOp * 2] = code[pc + 1]!
            S[Slot.sysA] = S[code[pc + 2]!]!
            S[Slot.sysB] = S[code[pc + 3]!]!
            S[Slot.sysC] = S[code[pc + 4]!]!
            S[Slot.sysNext] = S[code[pc + 5]!]!
            S[Slot.rip] = S[code[pc + 6]!]!
            return budget - left + block.retires
          case 9: // trapIf
            if (I[code[pc + 1]!] === 0) {
              pc += 4
              continue
            }
            state.fault(code[pc + 2]!, code[pc + 3]!)
            return budget - left + this.faulted(block, pc)
          case 10: {
            // trapUnlessCanonical
            const top = I[code[pc + 1]! + 1]! >> 15
            if (top === 0 || top === -1) {
              pc += 4
              continue
            }
            state.fault(code[pc + 2]!, code[pc + 3]!)
            return budget - left + this.faulted(block, pc)
          }
          case 11: // skipUnless
            if (I[code[pc + 1]!] !== 0) {
              pc += 3
              continue
            }
            S[Slot.rip] = S[code[pc + 2]!]!
            break
          case 12: {
            // ahead
            const n = runAhead(
              state,
              mmu,
              code[pc + 1]! as StringRun,
              code[pc + 2]!,
              left - block.length,
              user,
            )
            if (n < 0) return budget - left + this.faulted(block, pc)
            left -= n
            pc += 3
            continue
          }
          case 13: {
            // address
            const base = code[pc + 1]!
            const dlo = code[pc + 2]!
            const lo = (I[base]! + dlo) | 0
            const hi = (I[base + 1]! + code[pc + 3]! + (lo >>> 0 < dlo >>> 0 ? 1 : 0)) | 0
            const e = (code[pc + 4]! + ((lo >>> 8) & 0x3ff0)) >> 2
            if (I[e] === (lo & ~0xfff) && I[e + 1] === hi && (lo & 0xfff) + code[pc + 5]! <= 4096) {
              p = (lo + I[e + 2]!) | 0
              pc += 7
              continue
            }
            p = mmu.translate(lo, hi, code[pc + 5]!, code[pc + 6]!, user)
            if (p === 0) return budget - left + this.faulted(block, pc)
            pc += 7
            continue
          }
          case 14: // savePlace
            I[code[pc + 1]!] = p
            pc += 2
            continue
          case 15: // usePlace
            p = I[code[pc + 1]!]!
            pc += 2
            continue
          case 16: {
            // load8
            const d = code[pc + 1]!
            I[d] = u8[p]!
            I[d + 1] = 0
            pc += 2
            continue
          }
          case 17: {
            // load16
            const d = code[pc + 1]!
            I[d] = view.getUint16(p, true)
            I[d + 1] = 0
            pc += 2
            continue
          }
          case 18: {
            // load32
            const d = code[pc + 1]!
            I[d] = view.getInt32(p, true)
            I[d + 1] = 0
            pc += 2
            continue
          }
          case 19: // load64
            S[code[pc + 1]!] = view.getBigUint64(p, true)
            pc += 2
            continue
          case 20: // store8
            u8[p] = I[code[pc + 1]!]!
            pc += 3
            if (p >= RAM || mmu.scatter(p) === 0) continue
            if (code[pc - 1] !== 0) return budget - left + this.wroteCode(block, pc)
            wrote = true
            continue
          case 21: // store16
            view.setInt16(p, I[code[pc + 1]!]!, true)
            pc += 3
            if (p >= RAM || mmu.scatter(p) === 0) continue
            if (code[pc - 1] !== 0) return budget - left + this.wroteCode(block, pc)
            wrote = true
            continue
          case 22: // store32
            view.setInt32(p, I[code[pc + 1]!]!, true)
            pc += 3
            if (p >= RAM || mmu.scatter(p) === 0) continue
            if (code[pc - 1] !== 0) return budget - left + this.wroteCode(block, pc)
            wrote = true
            continue
          case 23: // store64
            view.setBigUint64(p, S[code[pc + 1]!]!, true)
            pc += 3
            if (p >= RAM || mmu.scatter(p) === 0) continue
            if (code[pc - 1] !== 0) return budget - left + this.wroteCode(block, pc)
            wrote = true
            continue
          case 24: // check
            pc += 1
            if (wrote) return budget - left + this.wroteCode(block, pc)
            continue
          case 25: // copy
            S[code[pc + 1]!] = S[code[pc + 2]!]!
            pc += 3
            continue
          case 26: {
            // flags
            const y = S[code[pc + 3]!]! // may be the old flagA
            I[KIND] = code[pc + 1]!
            S[A] = S[code[pc + 2]!]!
            S[B] = y
            pc += 4
            continue
          }
          case 27: {
            // flagsOf
            const y = S[code[pc + 3]!]!
            const x = S[code[pc + 2]!]!
            I[KIND] = I[code[pc + 1]! * 2]!
            S[A] = x
            S[B] = y
            pc += 4
            continue
          }
          case 28: // flagBits
            back = pc
            pc = this.flagCode[I[KIND]! * FLAG_CODES + code[pc + 2]!]!
            continue
          case 29: // flagReturn
            S[code[back + 1]!] = S[FLAG_BITS]!
            pc = back + 3
            continue
          case 30: // call
            S[code[pc + 1]!] = helpers[code[pc + 5]!]!(
              S[code[pc + 2]!]!,
              S[code[pc + 3]!]!,
              S[code[pc + 4]!]!,
            )
            pc += 6
            continue
          case 31: // select64
            S[code[pc + 1]!] = S[I[code[pc + 2]!] !== 0 ? code[pc + 3]! : code[pc + 4]!]!
            pc += 5
            continue
          case 32: {
            // select32
            const d = code[pc + 1]!
            I[d] = I[I[code[pc + 2]!] !== 0 ? code[pc + 3]! : code[pc + 4]!]!
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 33: // add64
            S[code[pc + 1]!] = S[code[pc + 2]!]! + S[code[pc + 3]!]!
            pc += 4
            continue
          case 34: // sub64
            S[code[pc + 1]!] = S[code[pc + 2]!]! - S[code[pc + 3]!]!
            pc += 4
            continue
          case 35: // mul64
            S[code[pc + 1]!] = S[code[pc + 2]!]! * S[code[pc + 3]!]!
            pc += 4
            continue
          case 36: // and64
            S[code[pc + 1]!] = S[code[pc + 2]!]! & S[code[pc + 3]!]!
            pc += 4
            continue
          case 37: // or64
            S[code[pc + 1]!] = S[code[pc + 2]!]! | S[code[pc + 3]!]!
            pc += 4
            continue
          case 38: // xor64
            S[code[pc + 1]!] = S[code[pc + 2]!]! ^ S[code[pc + 3]!]!
            pc += 4
            continue
          case 39: {
            // shl64, by halves: V8 has no machine code for << of bigints
            const d = code[pc + 1]!
            const lo = I[code[pc + 2]!]!
            const hi = I[code[pc + 2]! + 1]!
            const k = I[code[pc + 3]!]!
            I[d] = k < 32 ? lo << k : 0
            I[d + 1] = k === 0 ? hi : k < 32 ? (hi << k) | (lo >>> (32 - k)) : lo << (k - 32)
            pc += 4
            continue
          }
          case 40: // shr64
            S[code[pc + 1]!] = S[code[pc + 2]!]! >> S[code[pc + 3]!]!
            pc += 4
            continue
          case 41: // sar64
            N[code[pc + 1]!] = N[code[pc + 2]!]! >> N[code[pc + 3]!]!
            pc += 4
            continue
          case 42: // divu64
            S[code[pc + 1]!] = S[code[pc + 2]!]! / S[code[pc + 3]!]!
            pc += 4
            continue
          case 43: // remu64
            S[code[pc + 1]!] = S[code[pc + 2]!]! % S[code[pc + 3]!]!
            pc += 4
            continue
          case 44: // divs64
            N[code[pc + 1]!] = N[code[pc + 2]!]! / N[code[pc + 3]!]!
            pc += 4
            continue
          case 45: // rems64
            N[code[pc + 1]!] = N[code[pc + 2]!]! % N[code[pc + 3]!]!
            pc += 4
            continue
          case 46: {
            // sext64
            const k = code[pc + 3]!
            const x = (I[code[pc + 2]!]! << k) >> k
            const d = code[pc + 1]! * 2
            I[d] = x
            I[d + 1] = x >> 31
            pc += 4
            continue
          }
          case 47: {
            // addShifted
            const d = code[pc + 1]!
            const k = code[pc + 4]!
            const lo = I[code[pc + 3]!]! << k
            const hi = (I[code[pc + 3]! + 1]! << k) | (I[code[pc + 3]!]! >>> (32 - k))
            const sum = (I[code[pc + 2]!]! + lo) | 0
            I[d + 1] = (I[code[pc + 2]! + 1]! + hi + (sum >>> 0 < lo >>> 0 ? 1 : 0)) | 0
            I[d] = sum
            pc += 5
            continue
          }
          case 48: {
            // eq64
            const a = code[pc + 2]!
            const b = code[pc + 3]!
            const d = code[pc + 1]!
            I[d] = I[a] === I[b] && I[a + 1] === I[b + 1] ? 1 : 0
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 49: {
            // ltu64
            const a = code[pc + 2]!
            const b = code[pc + 3]!
            const d = code[pc + 1]!
            I[d] = (U[a + 1] === U[b + 1] ? U[a]! < U[b]! : U[a + 1]! < U[b + 1]!) ? 1 : 0
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 50: {
            // lts64
            const a = code[pc + 2]!
            const b = code[pc + 3]!
            const d = code[pc + 1]!
            I[d] = (I[a + 1] === I[b + 1] ? U[a]! < U[b]! : I[a + 1]! < I[b + 1]!) ? 1 : 0
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 51: {
            // canonical
            const d = code[pc + 1]!
            const top = I[code[pc + 2]! + 1]! >> 15
            I[d] = top === 0 || top === -1 ? 1 : 0
            I[d + 1] = 0
            pc += 3
            continue
          }
          case 52: {
            // clz64
            const d = code[pc + 1]!
            const a = code[pc + 2]!
            I[d] = I[a + 1] === 0 ? 32 + Math.clz32(I[a]!) : Math.clz32(I[a + 1]!)
            I[d + 1] = 0
            pc += 3
            continue
          }
          case 53: {
            // ctz64
            const d = code[pc + 1]!
            const a = code[pc + 2]!
            I[d] = I[a] === 0 ? 32 + trailingZeros(I[a + 1]!) : trailingZeros(I[a]!)
            I[d + 1] = 0
            pc += 3
            continue
          }
          case 54: {
            // popcnt64
            const d = code[pc + 1]!
            const a = code[pc + 2]!
            I[d] = ones(I[a]!) + ones(I[a + 1]!)
            I[d + 1] = 0
            pc += 3
            continue
          }
          case 55: {
            // add32
            const d = code[pc + 1]!
            I[d] = (I[code[pc + 2]!]! + I[code[pc + 3]!]!) & code[pc + 4]!
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 56: {
            // sub32
            const d = code[pc + 1]!
            I[d] = (I[code[pc + 2]!]! - I[code[pc + 3]!]!) & code[pc + 4]!
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 57: {
            // mul32
            const d = code[pc + 1]!
            I[d] = Math.imul(I[code[pc + 2]!]!, I[code[pc + 3]!]!) & code[pc + 4]!
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 58: {
            // shl32
            const d = code[pc + 1]!
            I[d] = (I[code[pc + 2]!]! << I[code[pc + 3]!]!) & code[pc + 4]!
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 59: {
            // and32
            const d = code[pc + 1]!
            I[d] = I[code[pc + 2]!]! & I[code[pc + 3]!]!
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 60: {
            // or32
            const d = code[pc + 1]!
            I[d] = I[code[pc + 2]!]! | I[code[pc + 3]!]!
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 61: {
            // xor32
            const d = code[pc + 1]!
            I[d] = I[code[pc + 2]!]! ^ I[code[pc + 3]!]!
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 62: {
            // shr32
            const d = code[pc + 1]!
            I[d] = I[code[pc + 2]!]! >>> I[code[pc + 3]!]!
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 63: {
            // eq32
            const d = code[pc + 1]!
            I[d] = I[code[pc + 2]!] === I[code[pc + 3]!] ? 1 : 0
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 64: {
            // ltu32
            const d = code[pc + 1]!
            I[d] = U[code[pc + 2]!]! < U[code[pc + 3]!]! ? 1 : 0
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 65: {
            // lts32
            const d = code[pc + 1]!
            const k = code[pc + 4]!
            I[d] = I[code[pc + 2]!]! << k < I[code[pc + 3]!]! << k ? 1 : 0
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 66: {
            // sar32
            const d = code[pc + 1]!
            const k = code[pc + 4]!
            I[d] = (((I[code[pc + 2]!]! << k) >> k) >> I[code[pc + 3]!]!) & code[pc + 5]!
            I[d + 1] = 0
            pc += 6
            continue
          }
          case 67: {
            // sext32
            const d = code[pc + 1]!
            const k = code[pc + 3]!
            I[d] = ((I[code[pc + 2]!]! << k) >> k) & code[pc + 4]!
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 68: {
            // trunc32
            const d = code[pc + 1]!
            I[d] = I[code[pc + 2]!]! & code[pc + 3]!
            I[d + 1] = 0
            pc += 4
            continue
          }
          case 69: {
            // clz32
            const d = code[pc + 1]!
            I[d] = Math.clz32(I[code[pc + 2]!]!)
            I[d + 1] = 0
            pc += 3
            continue
          }
          case 70: {
            // ctz32
            const d = code[pc + 1]!
            I[d] = trailingZeros(I[code[pc + 2]!]!)
            I[d + 1] = 0
            pc += 3
            continue
          }
          case 71: {
            // popcnt32
            const d = code[pc + 1]!
            I[d] = ones(I[code[pc + 2]!]!)
            I[d + 1] = 0
            pc += 3
            continue
          }
          case 72: {
            // addFlags32
            const d = code[pc + 1]!
            const y = I[code[pc + 3]!]!
            const r = (I[code[pc + 2]!]! + y) | 0
            I[KIND] = code[pc + 4]!
            I[A2] = r
            I[B2] = y
            I[d] = r
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 73: {
            // subFlags32
            const d = code[pc + 1]!
            const x = I[code[pc + 2]!]!
            const y = I[code[pc + 3]!]!
            I[KIND] = code[pc + 4]!
            I[A2] = x
            I[B2] = y
            I[d] = (x - y) | 0
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 74: {
            // andFlags32
            const d = code[pc + 1]!
            const r = I[code[pc + 2]!]! & I[code[pc + 3]!]!
            I[KIND] = code[pc + 4]!
            I[A2] = r
            I[d] = r
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 75: {
            // orFlags32
            const d = code[pc + 1]!
            const r = I[code[pc + 2]!]! | I[code[pc + 3]!]!
            I[KIND] = code[pc + 4]!
            I[A2] = r
            I[d] = r
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 76: {
            // xorFlags32
            const d = code[pc + 1]!
            const r = I[code[pc + 2]!]! ^ I[code[pc + 3]!]!
            I[KIND] = code[pc + 4]!
            I[A2] = r
            I[d] = r
            I[d + 1] = 0
            pc += 5
            continue
          }
          case 77: {
            // addFlags64
            const d = code[pc + 1]!
            I[KIND] = code[pc + 4]!
            S[B] = S[code[pc + 3]!]!
            S[d] = S[code[pc + 2]!]! + S[B]!
            S[A] = S[d]!
            pc += 5
            continue
          }
          case 78: {
            // subFlags64
            I[KIND] = code[pc + 4]!
            S[A] = S[code[pc + 2]!]!
            S[B] = S[code[pc + 3]!]!
            S[code[pc + 1]!] = S[A]! - S[B]!
            pc += 5
            continue
          }
          case 79: // andFlags64
            I[KIND] = code[pc + 4]!
            S[A] = S[code[pc + 2]!]! & S[code[pc + 3]!]!
            S[code[pc + 1]!] = S[A]!
            pc += 5
            continue
          case 80: // orFlags64
            I[KIND] = code[pc + 4]!
            S[A] = S[code[pc + 2]!]! | S[code[pc + 3]!]!
            S[code[pc + 1]!] = S[A]!
            pc += 5
            continue
          case 81: // xorFlags64
            I[KIND] = code[pc + 4]!
            S[A] = S[code[pc + 2]!]! ^ S[code[pc + 3]!]!
            S[code[pc + 1]!] = S[A]!
            pc += 5
            continue
          case 82: {
            // compare32
            const m = code[pc + 4]!
            const x = I[code[pc + 1]!]! & m
            const y = I[code[pc + 2]!]! & m
            I[KIND] = code[pc + 3]!
            I[A2] = x
            I[A2 + 1] = 0
            I[B2] = y
            I[B2 + 1] = 0
            pc += 5
            continue
          }
          case 83: // test32
            I[KIND] = code[pc + 3]!
            I[A2] = I[code[pc + 1]!]! & I[code[pc + 2]!]! & code[pc + 4]!
            I[A2 + 1] = 0
            pc += 5
            continue
          case 84: // compare64
            I[KIND] = code[pc + 3]!
            S[A] = S[code[pc + 1]!]!
            S[B] = S[code[pc + 2]!]!
            pc += 4
            continue
          case 85: // test64
            I[KIND] = code[pc + 3]!
            S[A] = S[code[pc + 1]!]! & S[code[pc + 2]!]!
            pc += 4
            continue
          default:
            throw new Error(`evaluate: there is no micro-operation ${code[pc]}`)
        }
        break
      }
      if (only) return 0
      left -= block.retires
      if (wrote) {
        I[LEAVE] = Leave.code
        break
      }
    }
    return budget - left
  }
  /** Which instruction of the block the micro-operation at `pc` belongs to. */
  private owner(block: Block, pc: number): number {
    let i = block.starts.length - 1
    while (block.starts[i]! > pc) i--
    return i
  }
  /** @returns instructions retired before it */
  private faulted(block: Block, pc: number): number {
    const index = this.owner(block, pc)
    this.state.u64[Slot.rip] = block.line[index]!.at
    return index
  }
  /** The instruction that ends before `pc` has overwritten compiled code. @returns instructions retired with it */
  private wroteCode(block: Block, pc: number): number {
    const index = this.owner(block, pc - 1)
    this.state.u64[Slot.rip] = block.line[index]!.next
    this.state.i32[LEAVE] = Leave.code
    return index + 1
  }

  /** Run micro-code that belongs to no instruction (warm-up.ts). It ends itself with a jump or by leaving. */
  runWords(words: readonly number[]): void {
    const start = this.append(words)
    const { meanings } = readLine(NOP, 0, 0n, { code: 64, user: false, down: false }, 1)!
    this.interpret(1, { ...NOWHERE, start, starts: [start], line: meanings })
    this.codeEnd = start
  }

  /** The block at hi:lo that fits into `left`, compiled if need be. @returns undefined after recording the fault of a fetch */
  private find(lo: number, hi: number, left: number): Block | undefined {
    const user = this.mode & USER
    const host = this.mmu.translate(lo, hi, 1, Access.fetch, user)
    if (host === 0) return undefined
    if (host < RAM) return void this.state.fault(VECTOR_UD, 0) // nothing is there: an open bus reads as FF FF
    if (this.rewrites[(host - RAM) >>> 12] === REWRITES) return this.lookup(this.singles, host, lo, hi)
    const block = this.lookup(this.blocks, host, lo, hi)
    if (!block || block.length <= left) {
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
    const former = cache.revive(key, lo, hi, this.state.u8, host, (host - RAM) >>> 12)
    if (former) {
      this.mmu.markCode(host)
      return former
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
      second = (there - RAM) >>> 12
      line = readLine(state.u8, host, rip, mode, 1, state.u8.subarray(there, there + MAX_LENGTH))!
      mmu.markCode(there)
    }
    if (this.full) this.flush()
    mmu.markCode(host)
    const { meanings } = line
    const page = (host - RAM) >>> 12
    const retires = meanings.length - (meanings.at(-1)!.system ? 1 : 0)
    const starts = this.lower(meanings)
    return {
      lo,
      hi,
      mode: this.mode,
      page,
      bytes: second < 0 ? state.u8.slice(host, host + Number(meanings.at(-1)!.next - rip)) : NOWHERE.bytes,
      second,
      start: starts[0]!,
      starts,
      line: meanings,
      length: meanings.length,
      retires,
    }
  }
  private get full(): boolean {
    return (
      (POOL >> 3) + this.pool.size + POOL_RESERVE > POOL_END >> 3 || this.codeEnd + CODE_RESERVE > CODE_WORDS
    )
  }
  /** @returns where the code of each instruction begins */
  private lower(line: readonly Meaning[]): number[] {
    const lowering = new Lowering(this, (this.mode & USER) as 0 | 1)
    const starts: number[] = []
    for (const meaning of line) {
      starts.push(this.codeEnd + lowering.code.length)
      lowering.instruction(meaning)
    }
    const last = line.at(-1)!
    if (!last.jump && !last.system) lowering.code.push(Micro.jump, this.constant(last.next))
    this.append(lowering.code)
    return starts
  }
  private append(words: readonly number[]): number {
    const start = this.codeEnd
    this.code.set(words, start)
    this.codeEnd += words.length
    return start
  }

  /** Forget all code. Constants are never freed one by one; when they or the code's words run out, everything goes. */
  flush(): void {
    this.blocks.clear()
    this.singles.clear()
    this.near.fill(NOWHERE)
    this.begin()
  }
  /** Memory has other contents now; what is there again later need not be compiled again. */
  dropAll(): void {
    this.blocks.dropAll()
    this.singles.dropAll()
    this.rewrites.fill(0)
    this.near.fill(NOWHERE)
  }
  /** The bytes of a physical page have changed: what was compiled from them does not hold any more. */
  dropPage(page: number): void {
    this.blocks.dropPage(page)
    this.singles.dropPage(page)
    if (this.rewrites[page]! < REWRITES) this.rewrites[page]! += 1
  }
  constant(value: bigint): number {
    const known = this.pool.get(value)
    if (known !== undefined) return known
    const slot = (POOL >> 3) + this.pool.size
    this.pool.set(value, slot)
    this.state.u64[slot] = value
    return slot
  }

  /** The six arithmetic flags as RFLAGS has them. */
  rflags(): number {
    this.interpret(1, this.recipes.allFlags)
    return this.state.i32[FLAG_BITS * 2]!
  }
  private makeRecipes(): Recipes {
    const flagCode: number[] = []
    for (let kind = 0; kind < KINDS; kind++) flagCode.push(...this.flagsOf(kind))
    const start = this.append([Micro.flagBits, FLAG_BITS, ALL_SIX, Micro.jump, Slot.rip])
    const { pool, codeEnd } = this
    return { pool, code: this.code.slice(0, codeEnd), flagCode, allFlags: { ...NOWHERE, start } }
  }
  private flagsOf(kind: number): number[] {
    const values = [...(Object.keys(FLAG_BIT) as Flag[]).map((f) => (b: Builder) => b.flag(f)), flagBits]
    return values.map((value) => {
      const builder = new Builder({ code: 64, user: false, down: false })
      builder.known = recipeKind(kind)
      builder.begin(0n, 0n)
      const lowering = new Lowering(this, 0, FLAG_BITS + 1)
      lowering.into(value(builder), FLAG_BITS)
      return this.append([...lowering.code, Micro.flagReturn])
    })
  }
}
/** What every evaluator's code and constants begin with, the same in all, made once. */
interface Recipes {
  readonly code: Int32Array
  readonly pool: ReadonlyMap<bigint, number>
  /** Per flags kind: where the code is that puts each of the six flags, and all six, into slot FLAG_BITS. */
  readonly flagCode: readonly number[]
  readonly allFlags: Block
}
let recipes: Recipes | undefined

const NOP = Uint8Array.of(0x90)
const trailingZeros = (x: number): number => (x === 0 ? 32 : 31 - Math.clz32(x & -x))
const ones = (x: number): number => {
  const pairs = x - ((x >>> 1) & 0x5555_5555)
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333)
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
