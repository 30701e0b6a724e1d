// Whole pages at once: what runs at every trap reads page tables and pageinfo in blocks, through the MMU all the same.

import { NPAGES, PAGEINFO_ADDR } from './layout.ts'
import { ring0 } from './ring0.ts'

// Low halves of page-table entries: addresses here are far below 4 GiB.
export const ENTRY_P = 1
export const ENTRY_W = 2
export const ENTRY_U = 4
export const ENTRY_ADDR = 0xffff_f000

const pageinfoBytes = new Int8Array(NPAGES * 2)
const pageinfoAsBytes = new Uint8Array(pageinfoBytes.buffer)
/** pageinfo as it is now: owner at 2 * pn, refcount at 2 * pn + 1. The same array every time. */
export function readPageinfo(): Int8Array {
  ring0.readInto(PAGEINFO_ADDR, pageinfoAsBytes)
  return pageinfoBytes
}

/** A page table read whole: entry i is words[2 * i] (low half) and words[2 * i + 1]. */
export class TableBuffer {
  readonly words: Uint32Array = new Uint32Array(1024)
  private readonly bytes = new Uint8Array(this.words.buffer)
  read(address: number): Uint32Array {
    ring0.readInto(address, this.bytes)
    return this.words
  }
}

const [l1, l2, l3, l4] = [new TableBuffer(), new TableBuffer(), new TableBuffer(), new TableBuffer()]

/**
 * virtual_memory_lookup for pages [first, first + count) of the low 1 GiB, in one go.
 *
 * @param out  for each page 0 if it is unmapped, else its physical address with P, W, U as every level allows them
 */
export function lookupRange(root: number, first: number, count: number, out: Uint32Array): void {
  out.fill(0, 0, count)
  const e1 = l1.read(root)[0]!
  if (!(e1 & ENTRY_P)) return
  const e2 = l2.read((e1 & ENTRY_ADDR) >>> 0)[0]!
  if (!(e2 & ENTRY_P)) return
  const directory = l3.read((e2 & ENTRY_ADDR) >>> 0)
  for (let page = first; page < first + count; ) {
    const end = Math.min(first + count, (page | 511) + 1)
    const e3 = directory[(page >>> 9) * 2]!
    if (e3 & ENTRY_P) {
      const rights = e1 & e2 & e3
      const words = l4.read((e3 & ENTRY_ADDR) >>> 0)
      for (let p = page; p < end; p++) {
        const e4 = words[(p & 511) * 2]!
        if (e4 & ENTRY_P) out[p - first] = ((e4 & ENTRY_ADDR) | (e4 & rights & 7)) >>> 0
      }
    }
    page = end
  }
}
