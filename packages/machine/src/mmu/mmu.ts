// The memory management unit: the slow path of every access.
//
// An access first looks into the fast TLB, inline in whoever makes it (evaluate.ts, host.ts). What is not there comes
// here: architectural TLB, else page walk. Whatever must be noticed is an absent entry of the fast TLB: a first write
// (D is still to be set), a page that holds compiled code, an address outside RAM.

import {
  Access,
  BOUNCE,
  BOUNCE_END,
  RAM,
  Slot,
  STACK,
  type State,
  TLB,
  TLB_BYTES,
  TLB_CLASS_BYTES,
  TLB_FILLED,
} from '../cpu/state.ts'
import { VECTOR_GP, VECTOR_PF, VECTOR_SS } from '../x86-64.ts'
import { Tlb } from './tlb.ts'
import { allows, faultBits, MAXPHYADDR, Walk } from './walk.ts'

/** Answer of `scatter`: compiled code has been overwritten, so leave after this instruction. */
const CODE = 4
const EMPTY = -1 // tags are page-aligned, so neither of these is one
const DROPPED = -2 // but still in the list of filled entries
const FILLED = TLB_FILLED >> 2
const SLOTS = (BOUNCE_END - BOUNCE) / 16
/** Where a page lies outside RAM: reads give ones, writes are lost. */
const OPEN_BUS = -1

export class Mmu {
  /** Of the CPU whose turn it is. */
  tlb: Tlb
  /** Told the physical page of compiled code that is being overwritten; drops what was compiled from it. */
  onCodeWrite: (page: number) => void = () => {}
  private readonly state: State
  private readonly walk = new Walk()
  private bounce = BOUNCE
  /** For each bounce slot, where its two halves belong: host address and length of each. */
  private readonly halves = new Int32Array(SLOTS * 4)

  constructor(state: State, tlb: Tlb = new Tlb(state)) {
    this.state = state
    this.tlb = tlb
    state.i32.fill(EMPTY, TLB >> 2, (TLB + 2 * TLB_CLASS_BYTES) >> 2)
  }

  /**
   * Translate `bytes` (1 to 16) at linear address hi:lo, 32-bit halves in either sign. Fills both TLBs.
   *
   * An access that crosses a page is translated twice before it is done once. It comes back as a bounce slot, already
   * gathered, and so does a write to compiled code: after storing there, call `scatter`.
   * @param access  an Access, plus STACK if it goes through SS
   * @param user  1 for an access with the rights of CPL 3
   * @returns index into state.u8, or 0 after recording the fault; nothing else has changed then
   */
  translate(lo: number, hi: number, bytes: number, access: number, user: number): number {
    const kind = (access & 3) as Access
    const first = this.page(lo, hi, kind, user, access & STACK)
    if (first === 0) return 0
    const room = 4096 - (lo & 0xfff)
    if (bytes > room) {
      const nextLo = (lo + room) | 0
      const nextHi = (hi + (nextLo === 0 ? 1 : 0)) | 0
      const second = this.page(nextLo, nextHi, kind, user, access & STACK)
      return second === 0 ? 0 : this.gather(first, room, second, bytes - room)
    }
    return first !== OPEN_BUS && !(kind === Access.write && this.holdsCode(first))
      ? first
      : this.gather(first, bytes, 0, 0)
  }

  /** Where the code byte at `va` lies, or 0. Records no fault, sets no A, fills no TLB: looking ahead is not executing. */
  peekCode(va: bigint, user: number): number {
    const lo = Number(va & 0xffff_ffffn) | 0
    const hi = Number(va >> 32n) | 0
    if (!canonical(hi)) return 0
    const page = this.tlb.lookup(lo, hi) ? this.tlb.found : this.walked(lo, hi)
    if (!page || !allows(this.state, page, Access.fetch, user)) return 0
    const pa = page.frame + offset(lo, page.sizeBits)
    return pa < this.state.ramBytes ? RAM + pa : 0
  }
  private walked(lo: number, hi: number): Walk | undefined {
    this.walk.run(this.state, this.root(), lo, hi)
    return this.walk.end === 'leaf' ? this.walk : undefined
  }

  /** The page of `host` holds compiled code from now on: stores to it must be noticed. */
  markCode(host: number): void {
    const { i32, codePages } = this.state
    const page = (host - RAM) >>> 12
    if (codePages[page] === 1) return
    codePages[page] = 1
    for (let i = 1; i <= i32[FILLED]!; i++) {
      const e = i32[FILLED + i]!
      if (i32[e + 3] === page && isWriteEntry(e)) i32[e] = DROPPED
    }
  }

  /** After a store to bounce slot `host`: put the bytes where they belong. @returns 0, or CODE */
  scatter(host: number): number {
    const at = ((host - BOUNCE) >> 4) * 4
    const { halves } = this
    const first = this.putHalf(halves[at]!, host, halves[at + 1]!)
    return this.putHalf(halves[at + 2]!, host + halves[at + 1]!, halves[at + 3]!) | first
  }
  private putHalf(to: number, from: number, length: number): number {
    if (length === 0 || to === OPEN_BUS) return 0
    this.state.u8.copyWithin(to, from, from + length)
    return this.wrote(to)
  }
  /** RAM at `host` was written without the fast TLB. @returns 0, or CODE */
  wrote(host: number): number {
    const page = (host - RAM) >>> 12
    this.state.written[page] = 1
    if (!this.holdsCode(host)) return 0
    this.state.codePages[page] = 0
    this.onCodeWrite(page)
    return CODE
  }

  /** It is another CPU's turn. */
  use(tlb: Tlb): void {
    this.tlb = tlb
    this.flushFast()
  }
  /** Drop every translation, global ones too (CR0.PG, CR4.PGE and the like changed). */
  flushAll(): void {
    this.tlb.flush(false)
    this.flushFast()
  }
  /** CR3 was loaded. SDM Vol. 3 §4.10.4.1, Operations that Invalidate TLBs and Paging-Structure Caches. */
  flushForCr3(): void {
    this.tlb.flush(true)
    this.flushFast()
  }
  invlpg(lo: number, hi: number): void {
    if (this.tlb.remove(lo, hi)) return this.flushFast() // a large page may be in many fast entries
    const index = (lo >>> 8) & 0x3ff0
    for (let bank = 0; bank < 6; bank++) {
      const e = (TLB + bank * TLB_BYTES + index) >> 2
      if (this.state.i32[e] === (lo & ~0xfff) && this.state.i32[e + 1] === hi) this.state.i32[e] = DROPPED
    }
  }
  /** Forget what makes accesses quick; what is true stays. For a change of CR0.WP and the like. */
  flushFast(): void {
    const { i32 } = this.state
    for (let i = i32[FILLED]!; i > 0; i--) i32[i32[FILLED + i]!] = EMPTY
    i32[FILLED] = 0
  }

  /** One page of an access. @returns host address of its byte at hi:lo, OPEN_BUS, or 0 after recording the fault */
  private page(lo: number, hi: number, access: Access, user: number, stack: number): number {
    const { state, tlb, walk } = this
    if (!canonical(hi)) return state.fault(stack ? VECTOR_SS : VECTOR_GP, 0)
    let page = tlb.lookup(lo, hi) ? tlb.found : undefined
    if (page && !allows(state, page, access, user)) return this.pageFault(lo, hi, access, user, 1)
    if (!page || (access === Access.write && !page.dirty)) {
      walk.run(state, this.root(), lo, hi)
      const error = walk.judge(state, access, user)
      if (error >= 0) return this.pageFault(lo, hi, access, user, error)
      walk.markUsed(state, access === Access.write)
      tlb.insert(lo, hi, walk)
      page = walk
    }
    const pa = page.frame + offset(lo, page.sizeBits)
    if (pa >= state.ramBytes) return OPEN_BUS
    const host = RAM + pa
    if (access !== Access.write || !this.holdsCode(host)) this.fill(lo, hi, host, access, user)
    return host
  }
  /** A page fault drops the address's translations. SDM Vol. 3 §4.10.4.1. @param error  1 or a whole error code */
  private pageFault(lo: number, hi: number, access: Access, user: number, error: number): 0 {
    this.invlpg(lo, hi)
    const address = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)
    return this.state.fault(VECTOR_PF, error | faultBits(this.state, access, user), address)
  }
  private fill(lo: number, hi: number, host: number, access: Access, user: number): void {
    const { i32, written } = this.state
    const e = (TLB + user * TLB_CLASS_BYTES + access * TLB_BYTES + ((lo >>> 8) & 0x3ff0)) >> 2
    if (access === Access.write) written[(host - RAM) >>> 12] = 1
    if (i32[e] === EMPTY) i32[FILLED + ++i32[FILLED]!] = e
    i32[e] = lo & ~0xfff
    i32[e + 1] = hi
    i32[e + 2] = (host - lo) | 0
    i32[e + 3] = (host - RAM) >>> 12
  }
  private gather(first: number, n: number, second: number, rest: number): number {
    const host = this.bounce // slots rotate: one instruction may hold several places at once
    this.bounce = host + 16 < BOUNCE_END ? host + 16 : BOUNCE
    this.getHalf(host, first, n)
    this.getHalf(host + n, second, rest)
    this.halves.set([first, n, second, rest], ((host - BOUNCE) >> 4) * 4)
    return host
  }
  private getHalf(to: number, from: number, length: number): void {
    if (from === OPEN_BUS) this.state.u8.fill(0xff, to, to + length)
    else this.state.u8.copyWithin(to, from, from + length)
  }
  private holdsCode(host: number): boolean {
    return this.state.codePages[(host - RAM) >>> 12] === 1
  }
  private root(): number {
    const { i32 } = this.state
    const low = i32[Slot.cr3 * 2]!
    return (i32[Slot.cr3 * 2 + 1]! & ((1 << (MAXPHYADDR - 32)) - 1)) * 2 ** 32 + ((low & ~0xfff) >>> 0)
  }
}

/** Bits 47 to 63 are equal. SDM Vol. 1 §3.3.7.1, Canonical Addressing. */
export const canonical = (hi: number): boolean => {
  const top = hi >> 15
  return top === 0 || top === -1
}
function isWriteEntry(e: number): boolean {
  return Math.floor(((e << 2) - TLB) / TLB_BYTES) % 3 === Access.write
}
/** The offset of an address in its page; pages are at most 1 GiB, so the low half tells. */
const offset = (lo: number, sizeBits: number): number => lo & ((1 << sizeBits) - 1)
