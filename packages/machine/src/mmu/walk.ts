// The page walk, once: the hardware's walk (mmu.ts) and the walk told in words (explain.ts) are this code.
//
// SDM Vol. 3 §4.5 "4-Level Paging and 5-Level Paging", §4.6 "Access Rights", §4.7 "Page-Fault Exceptions".
// Entries are handled as two 32-bit halves: no bigint is made on a TLB miss.

import { Access, RAM, Slot, type State } from '../cpu/state.ts'
import { PFERR_I, PFERR_P, PFERR_RSVD, PFERR_U, PFERR_W } from '../x86-64.ts'

/** Physical address width in bits, as CPUID tells it; the entry bits from here to 51 are reserved. */
export const MAXPHYADDR = 40
export const LEVELS: readonly ['PML4', 'PDPT', 'PD', 'PT'] = ['PML4', 'PDPT', 'PD', 'PT']
const SHIFTS = [39, 30, 21, 12] as const

// Flags in the low half of an entry.
export const P = 1
export const W = 2
export const U = 4
export const A = 0x20
export const D = 0x40
export const PS = 0x80
export const G = 0x100
/** NX in the high half. */
export const NX_HIGH: number = 0x8000_0000 | 0
const CR0_WP = 0x1_0000
const CR4_PGE = 0x80
const CR4_SMEP = 0x10_0000
const EFER_NXE = 0x800

/** One walk: the entries met, PML4E first, and what they add up to. Reused from walk to walk. */
export class Walk {
  /** Entries met, 1 to 4. */
  depth = 0
  /** Physical address of each entry, and its halves as read. */
  readonly at: Float64Array = new Float64Array(4)
  readonly low: Int32Array = new Int32Array(4)
  readonly high: Int32Array = new Int32Array(4)
  /** How it ended. `reserved`: the last entry met has a reserved bit set; `absent`: it has P clear. */
  end: 'leaf' | 'absent' | 'reserved' = 'absent'
  /** For a leaf: log2 of its size (12, 21, 30), its physical address, and the rights folded over the levels. */
  sizeBits = 12
  frame = 0
  writable = false
  user = false
  executable = false
  global = false
  dirty = false

  /** @returns an entry's index in its table */
  static index(lo: number, hi: number, level: number): number {
    const shift = SHIFTS[level]!
    return shift >= 32 ? (hi >>> (shift - 32)) & 0x1ff : ((lo >>> shift) | (hi << (32 - shift))) & 0x1ff
  }

  /**
   * Walk linear address hi:lo from the table at `root`. Reads memory, changes none.
   *
   * A table outside RAM reads as all ones, as an open bus does.
   * @param root  physical address of the PML4
   */
  run(state: State, root: number, lo: number, hi: number): void {
    const { i32, ramBytes } = state
    const nxe = (i32[Slot.efer * 2]! & EFER_NXE) !== 0
    let table = root
    let rights = W | U
    let nx = 0
    for (let level = 0; level < 4; level++) {
      const at = table + Walk.index(lo, hi, level) * 8
      const there = at < ramBytes
      const low = there ? i32[(RAM + at) >> 2]! : -1
      const high = there ? i32[(RAM + at + 4) >> 2]! : -1
      this.at[level] = at
      this.low[level] = low
      this.high[level] = high
      this.depth = level + 1
      if ((low & P) === 0) {
        this.end = 'absent'
        return
      }
      const leaf = level === 3 || (low & PS) !== 0
      if (hasReserved(level, low, high, nxe)) {
        this.end = 'reserved'
        return
      }
      rights &= low
      nx |= high
      table = (high & ((1 << (MAXPHYADDR - 32)) - 1)) * 2 ** 32 + ((low & ~0xfff) >>> 0)
      if (!leaf) continue
      this.end = 'leaf'
      this.sizeBits = SHIFTS[level]!
      this.frame = table - (table % 2 ** this.sizeBits)
      this.writable = (rights & W) !== 0
      this.user = (rights & U) !== 0
      this.executable = (nx & NX_HIGH) === 0
      this.global = (low & G) !== 0 && (i32[Slot.cr4 * 2]! & CR4_PGE) !== 0
      this.dirty = (low & D) !== 0
      return
    }
  }

  /** Set A on every entry used and, for a write, D on the leaf. */
  markUsed(state: State, write: boolean): void {
    for (let level = 0; level < this.depth; level++) {
      const bits = write && level === this.depth - 1 ? A | D : A
      const at = (RAM + this.at[level]!) >> 2
      if ((this.low[level]! & bits) !== bits) state.i32[at]! |= bits
    }
    if (write) this.dirty = true
  }

  /** The error code of the fault that this walk gives an access, or -1 if it is allowed. */
  judge(state: State, access: Access, user: number): number {
    if (this.end === 'absent') return faultBits(state, access, user)
    if (this.end === 'reserved') return faultBits(state, access, user) | PFERR_RSVD | PFERR_P
    if (allows(state, this, access, user)) return -1
    return faultBits(state, access, user) | PFERR_P
  }
}

/** What an access may do with a page: asked of a walk and of a TLB entry alike. */
export interface Rights {
  readonly writable: boolean
  readonly user: boolean
  readonly executable: boolean
}

/** SDM Vol. 3 §4.6.1, Determination of Access Rights. SMAP and protection keys are not modelled. */
export function allows(state: State, page: Rights, access: Access, user: number): boolean {
  if (user && !page.user) return false
  if (access === Access.write) return page.writable || (!user && (state.i32[Slot.cr0 * 2]! & CR0_WP) === 0)
  if (access !== Access.fetch) return true
  return page.executable && (user !== 0 || !page.user || (state.i32[Slot.cr4 * 2]! & CR4_SMEP) === 0)
}

/** W, U and I of an error code. I is set only where a fetch can be denied: EFER.NXE or CR4.SMEP. */
export function faultBits(state: State, access: Access, user: number): number {
  const { i32 } = state
  const tellsFetch = (i32[Slot.efer * 2]! & EFER_NXE) !== 0 || (i32[Slot.cr4 * 2]! & CR4_SMEP) !== 0
  const fetch = access === Access.fetch && tellsFetch ? PFERR_I : 0
  return (access === Access.write ? PFERR_W : 0) | (user ? PFERR_U : 0) | fetch
}

/** Address bits beyond MAXPHYADDR, NX without EFER.NXE, PS in a PML4E, low address bits of a large page. */
export function hasReserved(level: number, low: number, high: number, nxe: boolean): boolean {
  if ((high & 0xfffff) >>> (MAXPHYADDR - 32) !== 0) return true
  if (!nxe && (high & NX_HIGH) !== 0) return true
  if ((low & PS) === 0 || level === 3) return false
  if (level === 0) return true
  return (low & (level === 1 ? 0x3fff_e000 : 0x001f_e000)) !== 0
}
