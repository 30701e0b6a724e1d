// The invariants that the kernel keeps, checked at every trap. Handout: check_virtual_memory in kernel.c and k-hardware.c.

import { ENTRY_ADDR, ENTRY_W, lookupRange, readPageinfo, TableBuffer } from './bulk.ts'
import { assert as assertIn, consolePrintf } from './console.ts'
import {
  CPOS,
  KERNEL_STACK_TOP,
  KERNEL_START_ADDR,
  kernelEnd,
  NPAGES,
  NPROC,
  P_FREE,
  PAGENUMBER,
  PO_KERNEL,
  START_DATA,
} from './layout.ts'
import { kernelPagetable, processes } from './proc.ts'

const assert: (holds: boolean, expression: string) => asserts holds = (holds, expression) =>
  assertIn(holds, expression, 'check.ts')

const FIRST = PAGENUMBER(KERNEL_START_ADDR)
const KERNEL_PAGES = PAGENUMBER(kernelEnd - 1n) + 1 - FIRST
const STACK_PAGE = PAGENUMBER(KERNEL_STACK_TOP) - 1
const lookups = new Uint32Array(KERNEL_PAGES)
const levels = [new TableBuffer(), new TableBuffer(), new TableBuffer()] as const

/**
 * `check_virtual_memory()`
 *
 * Panic if an invariant of the kernel's virtual memory does not hold:
 *
 * - process slot 0 is never used;
 * - every page table maps the kernel's text, data and stack at their own addresses, data and stack writable;
 * - every page table belongs to its process alone (the kernel's: to the kernel, counted once more for each process that
 *   uses it), and so do the tables below it;
 * - a page in use belongs to the kernel, to the hardware, or to a process that exists.
 */
export function checkVirtualMemory(): void {
  const states = processes.map((p) => p.state)
  assert(states[0] === P_FREE, 'processes[0].p_state == P_FREE')
  const roots = processes.map((p, pid) => (states[pid] === P_FREE ? 0 : Number(p.pagetable.address)))
  const kernelRoot = Number(kernelPagetable.address)
  const kernelUsers = roots.filter((root) => root === kernelRoot).length

  const info = readPageinfo()
  checkPageTableMappings(kernelRoot)
  checkPageTableOwnership(info, kernelRoot, PO_KERNEL, kernelUsers + 1, 0)
  for (let pid = 0; pid < NPROC; pid++) {
    const root = roots[pid]!
    if (states[pid] === P_FREE || root === kernelRoot) continue
    checkPageTableMappings(root)
    checkPageTableOwnership(info, root, pid, 1, 0)
  }
  for (let pn = 0; pn < NPAGES; pn++) {
    const owner = info[pn * 2]!
    if (info[pn * 2 + 1]! > 0 && owner >= 0)
      assert(states[owner] !== P_FREE && owner < NPROC, 'processes[pageinfo[pn].owner].p_state != P_FREE')
  }
}

/** `check_page_table_mappings(pt)` */
function checkPageTableMappings(root: number): void {
  assert(root % 4096 === 0, 'PTE_ADDR(pt) == (uintptr_t) pt')
  lookupRange(root, FIRST, KERNEL_PAGES, lookups)
  for (let i = 0; i < KERNEL_PAGES; i++)
    checkIdentity(lookups[i]!, FIRST + i, FIRST + i >= PAGENUMBER(START_DATA))
  lookupRange(root, STACK_PAGE, 1, lookups)
  checkIdentity(lookups[0]!, STACK_PAGE, true)
}
function checkIdentity(found: number, page: number, writable: boolean): void {
  const va = page * 4096
  if ((found & ENTRY_ADDR) >>> 0 !== va || found === 0) {
    const pa = found === 0 ? -1n : BigInt((found & ENTRY_ADDR) >>> 0)
    consolePrintf(CPOS(22, 0), 0xc000, '%p vs %p\n', BigInt(va), pa)
    assert(false, 'vam.pa == va')
  }
  if (writable) assert((found & ENTRY_W) !== 0, 'vam.perm & PTE_W')
}

/** `check_page_table_ownership_level(pt, level, owner, refcount)`: the levels that hold tables, not the last. */
function checkPageTableOwnership(
  info: Int8Array,
  table: number,
  owner: number,
  refcount: number,
  level: number,
): void {
  const pn = table / 4096
  assert(pn < NPAGES, 'PAGENUMBER(pt) < NPAGES')
  assert(info[pn * 2] === owner, 'pageinfo[PAGENUMBER(pt)].owner == owner')
  assert(info[pn * 2 + 1] === refcount, 'pageinfo[PAGENUMBER(pt)].refcount == refcount')
  if (level === 3) return
  const words = levels[level]!.read(table)
  for (let i = 0; i < 1024; i += 2)
    if (words[i] !== 0 || words[i + 1] !== 0)
      checkPageTableOwnership(
        info,
        Math.floor(((words[i + 1]! & 0xfffff) * 2 ** 32 + words[i]!) / 4096) * 4096,
        owner,
        1,
        level + 1,
      )
}
