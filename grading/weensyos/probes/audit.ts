// The books of physical memory against the page tables, for the machine as it is: each page is reserved, the kernel's, a page
// of one process, read-only to several, a page table, or free; and pageinfo says which. Reads bytes, runs nothing.

import { PTE_ADDR, PTE_P, PTE_U, PTE_W } from '@pagewalk/machine/x86-64'
import {
  KERNEL_PAGETABLES_ADDR,
  NPAGES,
  NPROC,
  P_FREE,
  PAGEINFO_ADDR,
  PO_KERNEL,
  PO_RESERVED,
  PROC_BYTES,
  PROC_START_ADDR,
  PROCESSES_ADDR,
} from '@pagewalk/weensyos/lib/layout.ts'

/** What is wrong with a page, each with the page's number, owner and refcount, and how many uses the tables show. */
export const WRONG = {
  /** Owned by a process that neither maps it nor walks through it. */
  lost: 1,
  /** In use, and free by the books. */
  free: 2,
  /** The reference count is not the number of its uses. */
  count: 3,
  /** Its owner is none of those who use it. */
  owner: 4,
  /** Open to two, and one of them can write. */
  shared: 5,
  /** A process can reach it although it is a page table, or the kernel's and can be written. */
  open: 6,
} as const
export type Wrong = readonly [wrong: number, page: number, owner: number, refcount: number, uses: number]

const STATE = 200
const PAGETABLE = 208
const KERNEL_ROOT = KERNEL_PAGETABLES_ADDR
const FIRST_OWN_PAGE = Number(PROC_START_ADDR) / 4096
const [P, W, U, ADDR] = [PTE_P, PTE_W, PTE_U, PTE_ADDR].map((bits) => Number(bits & 0xffff_ffffn)) as [
  number,
  number,
  number,
  number,
]

/** Uses of all physical pages; the same arrays every time. */
const uses = new Uint16Array(NPAGES)
const tables = new Uint8Array(NPAGES)
const written = new Uint8Array(NPAGES)
/** Bit n: process n uses it. */
const users = new Uint32Array(NPAGES)

/** The first page with which something is wrong; undefined if every page is accounted for. */
export function audit(memory: Uint8Array): Wrong | undefined {
  for (const counts of [uses, tables, written, users]) counts.fill(0)
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
  const words = new Uint32Array(memory.buffer, memory.byteOffset, memory.byteLength >> 2)
  for (let pid = 0; pid < NPROC; pid++) {
    const at = PROCESSES_ADDR + pid * PROC_BYTES
    const root = view.getUint32(at + PAGETABLE, true)
    if (view.getInt32(at + STATE, true) !== P_FREE && root !== KERNEL_ROOT)
      walk(words, root, 3, 0, P | W | U, pid)
  }
  for (let pn = 0; pn < NPAGES; pn++) {
    const at = PAGEINFO_ADDR + pn * 2
    const [owner, refcount] = [view.getInt8(at), view.getInt8(at + 1)]
    const wrong = judge(pn, owner, refcount)
    if (wrong) return [wrong, pn, owner, refcount, uses[pn]!]
  }
  return undefined
}

/** @param level  3 for the root, 0 for a table of pages; @param first  number of the virtual page that it begins with */
function walk(
  words: Uint32Array,
  table: number,
  level: number,
  first: number,
  rights: number,
  pid: number,
): void {
  const pn = table >>> 12
  if (pn >= NPAGES) return
  use(pn, pid)
  if (tables[pn]) return // reached twice, which is wrong enough
  tables[pn] = 1
  const span = 512 ** level
  for (let i = 0; i < 512; i++) {
    const entry = words[(table >> 2) + i * 2]!
    if (!(entry & P)) continue
    if (level > 0) walk(words, (entry & ADDR) >>> 0, level - 1, first + i * span, rights & entry, pid)
    else page((entry & ADDR) >>> 12, first + i, rights & entry, pid)
  }
}
/** What lies below the processes' own part of the address space is step 1's matter. */
function page(pn: number, virtual: number, rights: number, pid: number): void {
  if (pn >= NPAGES || virtual < FIRST_OWN_PAGE) return
  use(pn, pid)
  if (rights & W) written[pn] = 1
}
function use(pn: number, pid: number): void {
  uses[pn]! += 1
  users[pn]! |= 1 << pid
}

function judge(pn: number, owner: number, refcount: number): number {
  const used = uses[pn]!
  if (refcount === 0) return used > 0 ? WRONG.free : 0
  if (owner === PO_RESERVED || owner === PO_KERNEL) {
    // a kernel may keep as its own what several processes read
    if (used === 0) return 0
    return written[pn] || tables[pn] ? WRONG.open : refcount < used ? WRONG.count : 0
  }
  if (used === 0) return WRONG.lost
  if (tables[pn] && used > 1) return WRONG.open
  if (used > 1 && written[pn]) return WRONG.shared
  if (refcount !== used) return WRONG.count
  return users[pn]! & (1 << owner) ? 0 : WRONG.owner
}
