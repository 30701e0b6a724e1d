// Repeated string instructions, many iterations at a time. An iteration is an instruction (builder.ts, "Control"); what
// runs here is what that many of them would have done.

import type { Mmu } from '../mmu/mmu.ts'
import { Access, RAM, type State } from './state.ts'

/** The instructions whose iterations may be run ahead; operand of the micro-operation `ahead`. */
export const StringRun = { move: 0, store: 1, compare: 2 } as const
export type StringRun = (typeof StringRun)[keyof typeof StringRun]

const RAX = 0
const RCX = 1
const RSI = 6
const RDI = 7
/** Iterations of one call are counted in 31 bits. */
const MANY = 0x7fff_ffff

/**
 * Run iterations of REP MOVS, REP STOS or REPE CMPS, upwards with 64-bit addresses, and move rSI, rDI and rCX with them.
 * All of them lie in one page per pointer. The last iteration, and for CMPS the first that differs, is left undone, since
 * the flags and the jump are its own.
 * @param bytes  of an element
 * @param limit  instructions that may retire
 * @returns iterations, or -1 after recording the fault that the next iteration has
 */
export function runAhead(
  state: State,
  mmu: Mmu,
  run: StringRun,
  bytes: number,
  limit: number,
  user: number,
): number {
  const { i32, u32, u64, u8 } = state
  const count = i32[RCX * 2 + 1] === 0 ? Math.min(u32[RCX * 2]!, MANY) : MANY
  if (count < 2 || limit < 1) return 0
  const hostOf = (register: number, access: Access): number =>
    mmu.translate(i32[register * 2]!, i32[register * 2 + 1]!, bytes, access, user)
  const elements = (register: number): number => Math.floor((4096 - (i32[register * 2]! & 0xfff)) / bytes)

  let n = Math.min(limit, count - 1, elements(RDI))
  let from = 0
  if (run !== StringRun.store) {
    from = hostOf(RSI, Access.read)
    if (from === 0) return -1
    n = Math.min(n, elements(RSI))
  }
  const to = hostOf(RDI, run === StringRun.compare ? Access.read : Access.write)
  if (to === 0) return -1
  // below RAM: code, nothing there, or across a page's border
  if (n === 0 || to < RAM || (run !== StringRun.store && from < RAM)) return 0

  if (run === StringRun.compare) n = Math.floor(equalBytes(state, from, to, n * bytes) / bytes)
  else if (run === StringRun.store) fill(u8, to, n * bytes, u8.subarray(RAX, RAX + bytes), bytes)
  else if (to > from && to < from + n * bytes)
    return 0 // each element may be read after it was written
  else u8.copyWithin(to, from, from + n * bytes)

  const moved = BigInt(n * bytes)
  if (run !== StringRun.store) u64[RSI] = u64[RSI]! + moved
  u64[RDI] = u64[RDI]! + moved
  u64[RCX] = u64[RCX]! - BigInt(n)
  return n
}

/** How many bytes are equal from both places on. */
function equalBytes({ u8, i32 }: State, a: number, b: number, length: number): number {
  let i = 0
  if (((a | b) & 3) === 0) {
    const words = length >> 2
    while (i < words && i32[(a >> 2) + i] === i32[(b >> 2) + i]) i++
    i *= 4
  }
  while (i < length && u8[a + i] === u8[b + i]) i++
  return i
}
function fill(u8: Uint8Array, to: number, length: number, element: Uint8Array, bytes: number): void {
  u8.set(element, to)
  for (let done = bytes; done < length; done *= 2)
    u8.copyWithin(to + done, to, to + Math.min(done, length - done))
}
