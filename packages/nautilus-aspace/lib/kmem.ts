// The kernel's memory allocator: whole pages, first fit from the bottom. Handout: mm.h, kmem.c.
//
// What is in use can be read from guest memory: a map with a byte for each page, and counters. The allocator itself
// looks at a copy of the map: with it, an allocation is over before the first access to memory, which may fault and
// thereby allocate.

import type { u64 } from '@pagewalk/machine/x86-64'
import {
  KMEM_CONTINUED,
  KMEM_COUNTERS_ADDR,
  KMEM_FREE,
  KMEM_MAP_ADDR,
  KMEM_OTHER,
  KMEM_RESERVED,
  KMEM_START,
  KMEM_TABLE,
  MEMSIZE,
  PAGE_BYTES,
} from './layout.ts'
import { panic } from './panic.ts'
import { ring0 } from './ring0.ts'

const PAGES = Number(MEMSIZE) / PAGE_BYTES
const FIRST = KMEM_START / PAGE_BYTES

const map = new Uint8Array(PAGES)
const stats = { pagesInUse: 0, allocations: 0, allocs: 0, frees: 0 }
/** No page below it is free. */
let lowest = FIRST
let dirty = false

export interface KmemStats {
  readonly pagesInUse: number
  /** Live ones. */
  readonly allocations: number
  /** Ever. */
  readonly allocs: number
  readonly frees: number
}
/** All is free from KMEM_START on. @param fillDirty  hand out pages full of 0xa5, not as they happen to be */
export function kmemInit(fillDirty: boolean): void {
  map.fill(KMEM_FREE)
  map.fill(KMEM_RESERVED, 0, FIRST)
  Object.assign(stats, { pagesInUse: 0, allocations: 0, allocs: 0, frees: 0 })
  lowest = FIRST
  dirty = fillDirty
  ring0.writeBytes(KMEM_MAP_ADDR, map)
  tellCounters()
}
export const kmemStats = (): KmemStats => ({ ...stats })

/**
 * `malloc(n)`
 *
 * Memory in whole pages, aligned to a page. Does not zero it.
 *
 * @param lenBytes  how much
 * @param tag       what for, in kmem's map; a page table if it is exactly one page and nothing is said
 * @returns         its address, or 0 if there is none
 */
export function malloc(
  lenBytes: u64 | number,
  tag: number = Number(lenBytes) === PAGE_BYTES ? KMEM_TABLE : KMEM_OTHER,
): u64 {
  const pages = Math.max(1, Math.ceil(Number(lenBytes) / PAGE_BYTES))
  const page = pages === 1 ? map.indexOf(KMEM_FREE, lowest) : findRun(pages)
  if (page < 0) return 0n
  if (pages === 1) lowest = page + 1
  map.fill(KMEM_CONTINUED, page, page + pages)
  map[page] = tag
  stats.pagesInUse += pages
  stats.allocations++
  stats.allocs++
  tell(page, pages)
  const address = page * PAGE_BYTES
  if (dirty) ring0.fill(address, 0xa5, pages * PAGE_BYTES)
  return BigInt(address)
}
/** @returns the first of so many free pages in a row, or -1 */
function findRun(pages: number): number {
  let from = map.indexOf(KMEM_FREE, lowest)
  lowest = from < 0 ? PAGES : from
  while (from >= 0 && from + pages <= PAGES) {
    let free = 1
    while (free < pages && map[from + free] === KMEM_FREE) free++
    if (free === pages) return from
    from = map.indexOf(KMEM_FREE, from + free)
  }
  return -1
}
/** `free(addr)`: give memory back. Panics if nothing that begins at `addr` is in use. */
export function free(addr: u64): void {
  const address = Number(addr)
  const page = address / PAGE_BYTES
  const tag = Number.isInteger(page) && page >= FIRST ? (map[page] ?? KMEM_FREE) : KMEM_FREE
  if (tag === KMEM_FREE || tag === KMEM_CONTINUED)
    panic(
      `free: 0x${addr.toString(16)} must be the address of memory in use, as malloc gave it${again(page)}`,
    )
  let pages = 1
  while (map[page + pages] === KMEM_CONTINUED) pages++
  map.fill(KMEM_FREE, page, page + pages)
  lowest = Math.min(lowest, page)
  stats.pagesInUse -= pages
  stats.allocations--
  stats.frees++
  tell(page, pages)
}
const again = (page: number): string =>
  page >= FIRST && map[page] === KMEM_FREE ? ': it is free, so this is a double free or was never given' : ''

function tell(page: number, pages: number): void {
  if (pages === 1) ring0.write8(KMEM_MAP_ADDR + page, map[page]!)
  else ring0.writeBytes(KMEM_MAP_ADDR + page, map.subarray(page, page + pages))
  tellCounters()
}
function tellCounters(): void {
  const { pagesInUse, allocations, allocs, frees } = stats
  for (const [i, value] of [pagesInUse, allocations, allocs, frees].entries())
    ring0.write32(KMEM_COUNTERS_ADDR + i * 8, value)
}
