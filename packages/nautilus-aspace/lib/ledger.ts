// Which regions an address space has, by what its interface has answered: kept in the page of its nk_aspace, for whoever
// looks at memory. No kernel keeps such a list, so writing it costs nothing and goes past the MMU.
//
// nk_aspace + 72: how many regions; + 128: 124 of them at most, in no order, 32 bytes each: va, pa, length, flags.

import type { PhysicalMemory } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import type { NkAspaceRegion } from './aspace.ts'

const COUNT = 72
const FIRST = 128
const BYTES = 32
/** More are not kept. */
const MOST = 124

let memory: PhysicalMemory
export function ledgerUses(machineMemory: PhysicalMemory): void {
  memory = machineMemory
}

/** What a ledger tells of a region. */
export type LedgerRegion = Pick<NkAspaceRegion, 'vaStart' | 'paStart' | 'lenBytes'> & {
  readonly flags: number
}

/** The ledger of the nk_aspace at physical address `aspace`, lowest address first. */
export function ledgerOf(from: PhysicalMemory, aspace: u64): LedgerRegion[] {
  const count = Math.min(from.read32(Number(aspace) + COUNT), MOST)
  const regions = Array.from({ length: count }, (_, i) => {
    const at = entryAt(aspace, i)
    return {
      vaStart: from.read64(at),
      paStart: from.read64(at + 8),
      lenBytes: from.read64(at + 16),
      flags: from.read32(at + 24),
    }
  })
  return regions.sort((a, b) => (a.vaStart < b.vaStart ? -1 : 1))
}
const entryAt = (aspace: u64, index: number): number => Number(aspace) + FIRST + index * BYTES
const countOf = (aspace: u64): number => memory.read32(Number(aspace) + COUNT)
function find(aspace: u64, { vaStart, lenBytes }: NkAspaceRegion): number {
  const count = countOf(aspace)
  for (let i = 0; i < count; i++) {
    const at = entryAt(aspace, i)
    if (memory.read64(at) === vaStart && memory.read64(at + 16) === lenBytes) return i
  }
  return -1
}
function write(at: number, { vaStart, paStart, lenBytes, protect }: NkAspaceRegion): void {
  memory.write64(at, BigInt.asUintN(64, vaStart))
  memory.write64(at + 8, BigInt.asUintN(64, paStart))
  memory.write64(at + 16, BigInt.asUintN(64, lenBytes))
  memory.write32(at + 24, protect.flags)
}

export function ledgerAdd(aspace: u64, region: NkAspaceRegion): void {
  const count = countOf(aspace)
  if (count === MOST) return
  write(entryAt(aspace, count), region)
  memory.write32(Number(aspace) + COUNT, count + 1)
}
export function ledgerRemove(aspace: u64, region: NkAspaceRegion): void {
  const index = find(aspace, region)
  if (index < 0) return
  const last = countOf(aspace) - 1
  const from = entryAt(aspace, last)
  memory.writeBytes(entryAt(aspace, index), memory.bytes.slice(from, from + BYTES))
  memory.write32(Number(aspace) + COUNT, last)
}
/** The region is now what `after` says. */
export function ledgerChange(aspace: u64, before: NkAspaceRegion, after: NkAspaceRegion): void {
  const index = find(aspace, before)
  if (index >= 0) write(entryAt(aspace, index), after)
}
