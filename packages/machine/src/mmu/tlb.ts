// The architectural TLB: which translations the CPU may still use. It keeps every one of them for as long as the
// architecture allows (SDM Vol. 3 §4.10, Caching Translation Information): until INVLPG, a page fault on the address,
// or a load of CR3 or CR4; global pages survive CR3. So a missing invalidation is seen always, not on unlucky days.
//
// Open addressing in the machine's memory, one entry per translation whatever its size:
//
//     i32[0] low 32 bits of the page number (at the entry's own size)     i32[2] physical frame number (4 KiB units)
//     i32[1] VALID | size code << 8 | high 4 bits of the page number      i32[3] rights and D, as the bits below

import type { State } from '../cpu/state.ts'
import type { Walk } from './walk.ts'

const VALID = 0x8000_0000 | 0
const WRITABLE = 1
const USER = 2
const EXECUTABLE = 4
const GLOBAL = 8
const DIRTY = 16
/** log2 of the size by size code. */
const SIZE_BITS = [12, 21, 30] as const
const ENTRY_BYTES = 16
const NOTHING = new Int32Array(0)

/** Room that a CPU gets, in entries: four times the pages of RAM. When three quarters are full, all are dropped. */
const entriesFor = (ramBytes: number): number => Math.max(4096, 2 ** Math.ceil(Math.log2(ramBytes / 1024)))
export const tlbBytes = (ramBytes: number): number => entriesFor(ramBytes) * ENTRY_BYTES

/** One translation found by `lookup`; reused from lookup to lookup. */
export class Translation {
  sizeBits = 12
  /** Physical address of the page's first byte. */
  frame = 0
  writable = false
  user = false
  executable = false
  global = false
  dirty = false
}

export class Tlb {
  readonly found: Translation = new Translation()
  private readonly state: State
  private readonly mask: number
  private readonly base: number // i32 index of entry 0
  private readonly count: [number, number, number] = [0, 0, 0] // entries by size code
  private mayHoldGlobal = false
  /** Every place filled since the last flush, some perhaps twice: so a flush costs what was filled. */
  private readonly filled: Int32Array
  private filledCount = 0

  /** @param cpu  whose it is: the TLBs lie one behind the other */
  constructor(state: State, cpu = 0) {
    this.state = state
    this.mask = entriesFor(state.ramBytes) - 1
    this.base = (state.tlbBase + cpu * tlbBytes(state.ramBytes)) >> 2
    this.filled = new Int32Array(this.mask + 1)
  }

  get size(): number {
    return this.count[0] + this.count[1] + this.count[2]
  }

  /** @returns true if a translation for hi:lo is held; it is in `found` */
  lookup(lo: number, hi: number): boolean {
    for (let code = 0; code < 3; code++) {
      if (this.count[code] === 0) continue
      const at = this.find(code, pageLow(lo, hi, code), pageHigh(hi, code))
      if (at < 0) continue
      this.read(at, this.found)
      return true
    }
    return false
  }

  /** Hold what `walk` found for hi:lo, in place of what was held. */
  insert(lo: number, hi: number, walk: Walk): void {
    const code = walk.sizeBits === 12 ? 0 : walk.sizeBits === 21 ? 1 : 2
    this.put(code, pageLow(lo, hi, code), pageHigh(hi, code), walk.frame / 4096, rightsOf(walk))
  }

  /** Drop every translation of hi:lo. @returns true if a large page was among them */
  remove(lo: number, hi: number): boolean {
    let large = false
    for (let code = 0; code < 3; code++) {
      if (this.count[code] === 0) continue
      const at = this.find(code, pageLow(lo, hi, code), pageHigh(hi, code))
      if (at < 0) continue
      this.removeAt(at)
      this.count[code]!--
      large ||= code > 0
    }
    return large
  }

  /** Drop all, or all that are not global. */
  flush(keepGlobal: boolean): void {
    if (this.size === 0) return
    const kept =
      keepGlobal && this.mayHoldGlobal
        ? this.raw().filter((_, i, all) => (all[i | 3]! & GLOBAL) !== 0)
        : NOTHING
    this.clear()
    this.count.fill(0)
    this.mayHoldGlobal = false
    this.load(kept)
  }

  private clear(): void {
    const { i32 } = this.state
    if (this.filledCount > this.mask) i32.fill(0, this.base, this.base + (this.mask + 1) * 4)
    else for (let i = 0; i < this.filledCount; i++) i32[this.filled[i]! + 1] = 0 // no tag, no entry
    this.filledCount = 0
  }

  /** All entries, four words each, in an order that depends only on what is held. */
  raw(): Int32Array {
    const { i32 } = this.state
    const keys = new Float64Array(this.size) // size code, then page number: 38 bits
    let count = 0
    for (let at = this.base; count < keys.length; at += 4) {
      const tag = i32[at + 1]!
      if ((tag & VALID) !== 0)
        keys[count++] = (((tag >> 4) & 0x30) | (tag & 0xf)) * 2 ** 32 + (i32[at]! >>> 0)
    }
    keys.sort()
    const words = new Int32Array(count * 4)
    for (let i = 0; i < count; i++) {
      const top = Math.floor(keys[i]! / 2 ** 32)
      const at = this.find(top >> 4, (keys[i]! % 2 ** 32) | 0, top & 0xf)
      for (let word = 0; word < 4; word++) words[i * 4 + word] = i32[at + word]!
    }
    return words
  }
  /** Add entries as `raw` gives them. */
  load(words: Int32Array): void {
    for (let i = 0; i + 3 < words.length; i += 4) {
      const tag = words[i + 1]!
      this.put((tag >> 8) & 3, words[i]!, tag & 0xf, words[i + 2]!, words[i + 3]!)
    }
  }

  /** Each translation held, lowest address first. */
  *entries(): Generator<{ va: bigint } & Translation> {
    const words = this.raw()
    for (let i = 0; i < words.length; i += 4) {
      const tag = words[i + 1]!
      const bits = SIZE_BITS[(tag >> 8) & 3]!
      const page = (BigInt(tag & 0xf) << 32n) | BigInt(words[i]! >>> 0)
      const entry = new Translation()
      decode(entry, bits, words[i + 2]!, words[i + 3]!)
      yield { va: BigInt.asUintN(64, BigInt.asIntN(48, page << BigInt(bits))), ...entry }
    }
  }

  private find(code: number, low: number, high: number): number {
    const { i32 } = this.state
    const tag = VALID | (code << 8) | high
    for (let i = this.hash(low, high); ; i = (i + 1) & this.mask) {
      const at = this.base + i * 4
      if (i32[at + 1] === 0) return -1
      if (i32[at] === low && i32[at + 1] === tag) return at
    }
  }
  private put(code: number, low: number, high: number, frame: number, rights: number): void {
    const { i32 } = this.state
    let at = this.find(code, low, high)
    if (at < 0) {
      if (this.size * 4 >= this.mask * 3) this.flush(false)
      let i = this.hash(low, high)
      while (i32[this.base + i * 4 + 1] !== 0) i = (i + 1) & this.mask
      at = this.base + i * 4
      this.count[code]!++
      if (this.filledCount <= this.mask) this.filled[this.filledCount++] = at
    }
    i32[at] = low
    i32[at + 1] = VALID | (code << 8) | high
    i32[at + 2] = frame
    i32[at + 3] = rights
    this.mayHoldGlobal ||= (rights & GLOBAL) !== 0
  }
  /** Empty a place and close the gap, so that searches still end at the first empty place. */
  private removeAt(at: number): void {
    const { i32 } = this.state
    let gap = (at - this.base) >> 2
    for (let i = (gap + 1) & this.mask; ; i = (i + 1) & this.mask) {
      const from = this.base + i * 4
      if (i32[from + 1] === 0) break
      const home = this.hash(i32[from]!, i32[from + 1]! & 0xf)
      if (((i - home) & this.mask) < ((i - gap) & this.mask)) continue // it does not reach back over the gap
      i32.copyWithin(this.base + gap * 4, from, from + 4)
      gap = i
    }
    i32.fill(0, this.base + gap * 4, this.base + gap * 4 + 4)
  }
  private hash(low: number, high: number): number {
    const mixed = Math.imul(low ^ (high << 28), 0x9e3779b1)
    return (mixed ^ (mixed >>> 15)) & this.mask
  }
  private read(at: number, into: Translation): void {
    const { i32 } = this.state
    decode(into, SIZE_BITS[(i32[at + 1]! >> 8) & 3]!, i32[at + 2]!, i32[at + 3]!)
  }
}

function decode(into: Translation, sizeBits: number, frame: number, rights: number): void {
  into.sizeBits = sizeBits
  into.frame = frame * 4096
  into.writable = (rights & WRITABLE) !== 0
  into.user = (rights & USER) !== 0
  into.executable = (rights & EXECUTABLE) !== 0
  into.global = (rights & GLOBAL) !== 0
  into.dirty = (rights & DIRTY) !== 0
}
const rightsOf = (walk: Walk): number =>
  (walk.writable ? WRITABLE : 0) |
  (walk.user ? USER : 0) |
  (walk.executable ? EXECUTABLE : 0) |
  (walk.global ? GLOBAL : 0) |
  (walk.dirty ? DIRTY : 0)
/** The page number of the 48-bit address hi:lo in units of the size: its low 32 bits and the four above. */
function pageLow(lo: number, hi: number, code: number): number {
  const bits = SIZE_BITS[code]!
  const high = hi & 0xffff
  return (high << (32 - bits)) | (lo >>> bits)
}
const pageHigh = (hi: number, code: number): number => (hi & 0xffff) >>> SIZE_BITS[code]!
