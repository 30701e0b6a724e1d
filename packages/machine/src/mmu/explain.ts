// A page walk told: which entry was read at each level, and what the access got and why. The same code as the
// hardware's walk (walk.ts), so the two cannot differ. Reads the tables, not the TLB; changes nothing.

import { Access, type State } from '../cpu/state.ts'
import { PTE_NX, PTE_P, PTE_PS, PTE_U, PTE_W, type u64, VECTOR_GP, VECTOR_PF } from '../x86-64.ts'
import { canonical } from './mmu.ts'
import { hasReserved, LEVELS, MAXPHYADDR, Walk } from './walk.ts'

export interface ExplainOptions {
  /** Root of the tables; default: the CPU's CR3. */
  readonly cr3?: u64
  readonly access?: keyof typeof Access
  /** With the rights of CPL 3; default: false. */
  readonly user?: boolean
}
export interface WalkStep {
  readonly level: (typeof LEVELS)[number]
  readonly index: number
  /** Physical address of the entry. */
  readonly address: u64
  readonly entry: u64
}
export interface Explanation {
  readonly va: u64
  readonly steps: readonly WalkStep[]
  /** Where the access goes, or the fault it raises with the reason in words. */
  readonly outcome:
    | {
        readonly physical: u64
        readonly size: number
        readonly writable: boolean
        readonly user: boolean
        readonly executable: boolean
      }
    | { readonly fault: { readonly vector: number; readonly error: number; readonly reason: string } }
  /** The walk in one line: `PML4[0] 0x1007 P W U -> PDPT[0] ... -> 0x40000`. */
  readonly words: string
}

export const hex = (value: u64 | number): string => `0x${value.toString(16)}`

/** The rights of an entry as letters: `P W U NX`, and `PS` above the last level. */
export function rights(entry: u64): string {
  const letters: [u64, string][] = [
    [PTE_P, 'P'],
    [PTE_W, 'W'],
    [PTE_U, 'U'],
    [PTE_NX, 'NX'],
  ]
  return letters.flatMap(([bit, letter]) => (entry & bit ? [letter] : [])).join(' ') || 'not present'
}

/** Walk `va` in words. @param root  CR3: physical address of the PML4 */
export function explain(state: State, root: u64, va: u64, access: Access, user: boolean): Explanation {
  const lo = Number(va & 0xffff_ffffn) | 0
  const hi = Number((va >> 32n) & 0xffff_ffffn) | 0
  if (!canonical(hi)) {
    const reason = `${hex(va)} is not canonical: bits 47 to 63 must be equal`
    return { va, steps: [], outcome: { fault: { vector: VECTOR_GP, error: 0, reason } }, words: reason }
  }
  const walk = new Walk()
  walk.run(state, Number(root & 0xff_ffff_f000n), lo, hi)
  return new Told(walk, va, { lo, hi, access, user, error: walk.judge(state, access, user ? 1 : 0) })
}
interface Asked {
  readonly lo: number
  readonly hi: number
  readonly access: Access
  readonly user: boolean
  /** Of the fault, or -1. */
  readonly error: number
}
/** Who asks for many walks wants few of them in words: they are made when they are asked for. */
class Told implements Explanation {
  readonly va: u64
  readonly outcome: Explanation['outcome']
  readonly #walk: Walk
  readonly #asked: Asked

  constructor(walk: Walk, va: u64, asked: Asked) {
    this.va = va
    this.#walk = walk
    this.#asked = asked
    this.outcome =
      asked.error >= 0
        ? { fault: { vector: VECTOR_PF, error: asked.error, reason: this.#reason() } }
        : this.#leaf(2 ** walk.sizeBits)
  }
  get steps(): readonly WalkStep[] {
    return stepsOf(this.#walk, this.#asked.lo, this.#asked.hi)
  }
  get words(): string {
    const path = this.steps
      .map((s) => `${s.level}[${s.index}] ${hex(s.entry)} ${rights(s.entry)}`)
      .join(' -> ')
    const { outcome } = this
    return 'fault' in outcome ? `${path}: ${outcome.fault.reason}` : `${path} -> ${hex(outcome.physical)}`
  }
  #reason(): string {
    const { access, user } = this.#asked
    return reasonOf(this.#walk, this.steps, access, user)
  }
  #leaf(size: number): Explanation['outcome'] {
    const { frame, writable, user, executable } = this.#walk
    return { physical: BigInt(frame) + (this.va & BigInt(size - 1)), size, writable, user, executable }
  }
}

function stepsOf(walk: Walk, lo: number, hi: number): WalkStep[] {
  return Array.from({ length: walk.depth }, (_, level) => ({
    level: LEVELS[level]!,
    index: Walk.index(lo, hi, level),
    address: BigInt(walk.at[level]!),
    entry: (BigInt(walk.high[level]! >>> 0) << 32n) | BigInt(walk.low[level]! >>> 0),
  }))
}
function reasonOf(walk: Walk, steps: readonly WalkStep[], access: Access, user: boolean): string {
  const last = steps.at(-1)!
  const where = `${last.level}[${last.index}]`
  if (walk.end === 'absent') return `${where} is not present`
  if (walk.end === 'reserved') return `${where} has a reserved bit set`
  const without = (bit: u64): string =>
    steps.flatMap((s) => (s.entry & bit ? [] : [`${s.level}[${s.index}]`])).join(', ')
  if (user && !walk.user) return `no U in ${without(PTE_U)}`
  if (access === Access.write) return `no W in ${without(PTE_W)}`
  const barred = steps.flatMap((s) => (s.entry & PTE_NX ? [`${s.level}[${s.index}]`] : []))
  return barred.length ? `NX in ${barred.join(', ')}` : 'a user page may not be executed at CPL 0 (CR4.SMEP)'
}

/** One present leaf of a set of page tables, with the rights folded over the levels. */
export interface Mapping {
  readonly va: u64
  readonly pa: u64
  /** In bytes: 4 KiB, 2 MiB or 1 GiB. */
  readonly size: number
  readonly writable: boolean
  readonly user: boolean
  readonly executable: boolean
  readonly global: boolean
  readonly accessed: boolean
  readonly dirty: boolean
}
/** More leaves than any sane tables of this machine's size: tables that point at themselves end here. */
export const MAPPINGS_LIMIT = 0x40000

/** Every present leaf below `root`, lowest address first, at most `limit`. Entries with reserved bits map nothing. */
export function mappings(
  memory: { read64(pa: number): u64; readonly bytes: Uint8Array },
  root: u64,
  nxe: boolean,
  limit: number = MAPPINGS_LIMIT,
): Mapping[] {
  const found: Mapping[] = []
  const visit = (
    table: number,
    level: number,
    base: u64,
    above: { w: boolean; u: boolean; x: boolean },
  ): void => {
    if (table + 4096 > memory.bytes.length) return
    for (let i = 0; i < 512 && found.length < limit; i++) {
      const entry = memory.read64(table + i * 8)
      const low = Number(entry & 0xffff_ffffn) | 0
      const high = Number(entry >> 32n) | 0
      if (!(entry & PTE_P) || hasReserved(level, low, high, nxe)) continue
      const shift = 39n - 9n * BigInt(level)
      const va = base | (BigInt(i) << shift)
      const rights = {
        w: above.w && (entry & PTE_W) !== 0n,
        u: above.u && (entry & PTE_U) !== 0n,
        x: above.x && !(entry & PTE_NX),
      }
      const address = entry & ((1n << BigInt(MAXPHYADDR)) - 1n)
      if (level < 3 && !(entry & PTE_PS)) visit(Number(address & ~0xfffn), level + 1, va, rights)
      else found.push(leaf(va, address, shift, rights, entry))
    }
  }
  visit(Number(root & 0xff_ffff_f000n), 0, 0n, { w: true, u: true, x: true })
  return found
}
function leaf(
  va: u64,
  address: u64,
  shift: u64,
  rights: { w: boolean; u: boolean; x: boolean },
  entry: u64,
): Mapping {
  return {
    va: BigInt.asUintN(64, BigInt.asIntN(48, va)),
    pa: (address >> shift) << shift,
    size: 2 ** Number(shift),
    writable: rights.w,
    user: rights.u,
    executable: rights.x,
    global: (entry & 0x100n) !== 0n,
    accessed: (entry & 0x20n) !== 0n,
    dirty: (entry & 0x40n) !== 0n,
  }
}
