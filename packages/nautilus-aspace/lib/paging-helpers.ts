// Building and reading 4-level page tables. Handout: paging_helpers.h, paging_helpers.c. You may use these or write your own.
//
// A virtual address is five numbers: an index into a table of each level, and an offset in the page.
//
//     63        48 47      39 38      30 29      21 20      12 11        0
//     | as bit 47 |  PML4    |  PDPT    |   PD     |   PT     |  offset   |
//
// Tables lie in physical memory; every address space maps the kernel's memory at its own addresses, so a table is read
// at its physical address. An entry is a u64; the bits are PTE_P, PTE_W, ... of the machine's x86-64 door.
// Intel SDM Vol. 3 §4.5, 4-Level Paging; AMD Vol. 2 §5.3, Long-Mode Page Translation.

import {
  PTE_A,
  PTE_ADDR,
  PTE_D,
  PTE_NX,
  PTE_P,
  PTE_PS,
  PTE_U,
  PTE_W,
  type u64,
} from '@pagewalk/machine/x86-64'
import { free, malloc } from './kmem.ts'
import { DEFAULT_CR3, START_CR4 } from './layout.ts'
import { ring0 } from './ring0.ts'

type Status = 0 | -1

export const PAGE_SHIFT_4KB = 12n
export const PAGE_SHIFT_2MB = 21n
export const PAGE_SHIFT_1GB = 30n
export const PAGE_SHIFT_512GB = 39n
export const PAGE_SIZE_4KB: u64 = 1n << PAGE_SHIFT_4KB
export const PAGE_SIZE_2MB: u64 = 1n << PAGE_SHIFT_2MB
export const PAGE_SIZE_1GB: u64 = 1n << PAGE_SHIFT_1GB
export const PAGE_SIZE_512GB: u64 = 1n << PAGE_SHIFT_512GB
export const PAGE_MASK_4KB: u64 = PAGE_SIZE_4KB - 1n
export const PAGE_MASK_2MB: u64 = PAGE_SIZE_2MB - 1n
export const PAGE_MASK_1GB: u64 = PAGE_SIZE_1GB - 1n
/** Entries of a table of any level. */
export const NUM_TABLE_ENTRIES = 512

/** `ADDR_TO_PML4_INDEX(addr)` */
export const ADDR_TO_PML4_INDEX = (addr: u64): number => Number((addr >> 39n) & 0x1ffn)
/** `ADDR_TO_PDP_INDEX(addr)` */
export const ADDR_TO_PDP_INDEX = (addr: u64): number => Number((addr >> 30n) & 0x1ffn)
/** `ADDR_TO_PD_INDEX(addr)` */
export const ADDR_TO_PD_INDEX = (addr: u64): number => Number((addr >> 21n) & 0x1ffn)
/** `ADDR_TO_PT_INDEX(addr)` */
export const ADDR_TO_PT_INDEX = (addr: u64): number => Number((addr >> 12n) & 0x1ffn)
/** `ADDR_TO_OFFSET_4KB(addr)` */
export const ADDR_TO_OFFSET_4KB = (addr: u64): u64 => addr & PAGE_MASK_4KB
/** `ADDR_TO_PAGE_NUM_4KB(addr)` */
export const ADDR_TO_PAGE_NUM_4KB = (addr: u64): u64 => addr >> PAGE_SHIFT_4KB
/** `PAGE_NUM_TO_ADDR_4KB(num)` */
export const PAGE_NUM_TO_ADDR_4KB = (num: u64): u64 => num << PAGE_SHIFT_4KB

/** `ph_pf_access_t`: an access that is tried, or the rights that a page gives. Reading is always allowed. */
export interface PhPfAccess {
  readonly write: boolean
  /** At CPL 3. */
  readonly user: boolean
  /** An instruction fetch. */
  readonly ifetch: boolean
}
/** `ph_pf_error_t`: why a page fault happened. */
export interface PhPfError extends PhPfAccess {
  /** The page was present: a right was missing, or a reserved bit was set. */
  readonly present: boolean
  /** A reserved bit of an entry was set. `present` is set then, too. */
  readonly rsvdAccess: boolean
}
/** `ph_pf_error_t` from the error code that a page fault pushes. SDM Vol. 3 §4.7, Page-Fault Exceptions. */
export function phPfError(errorCode: u64): PhPfError {
  const bits = Number(errorCode)
  return {
    present: (bits & 1) !== 0,
    write: (bits & 2) !== 0,
    user: (bits & 4) !== 0,
    rsvdAccess: (bits & 8) !== 0,
    ifetch: (bits & 16) !== 0,
  }
}

/** `nk_paging_default_cr3()`: CR3 of the default address space. */
export const nkPagingDefaultCr3 = (): u64 => DEFAULT_CR3
/** `nk_paging_default_cr4()`: CR4 as the kernel has set it at boot. */
export const nkPagingDefaultCr4 = (): u64 => START_CR4

/** A new table, all zero. @returns its physical address, 0 if there is no memory */
function newTable(): number {
  const table = Number(malloc(4096))
  if (table !== 0) ring0.fill(table, 0, 4096)
  return table
}
const addressIn = (entry: u64): number => Number(entry & PTE_ADDR)

/**
 * `paging_helper_create(cr3)`
 *
 * Make an empty hierarchy: one PML4 that maps nothing.
 *
 * @returns  what CR3 must be for it; null if there is no memory
 */
export function pagingHelperCreate(): u64 | null {
  const pml4 = newTable()
  return pml4 === 0 ? null : BigInt(pml4)
}

/**
 * `paging_helper_free(cr3, free_data)`
 *
 * Give back all tables of a hierarchy, the PML4 too. Does not look whether a CPU still uses them.
 *
 * @param freeData  also free each page that a PTE maps: each must then be a page from malloc, mapped once. Large pages
 *                  are never freed.
 */
export function pagingHelperFree(cr3: u64, freeData: boolean): void {
  freeTable(addressIn(cr3), 1, freeData)
}
function freeTable(table: number, level: number, freeData: boolean): void {
  if (level < 4 || freeData)
    for (let i = 0; i < NUM_TABLE_ENTRIES; i++) {
      const entry = ring0.read64(table + i * 8)
      if ((entry & PTE_P) === 0n) continue
      if (level === 4) free(entry & PTE_ADDR)
      else if ((entry & PTE_PS) === 0n) freeTable(addressIn(entry), level + 1, freeData)
    }
  free(BigInt(table))
}

/**
 * `paging_helper_permissions_ok(entry, access)`
 *
 * Does this entry, of any level, allow the access? Does not ask whether it is present, nor about the other levels.
 */
export function pagingHelperPermissionsOk(entry: u64, access: PhPfAccess): boolean {
  if (access.write && !(entry & PTE_W)) return false
  if (access.user && !(entry & PTE_U)) return false
  return !(access.ifetch && entry & PTE_NX)
}
/** `paging_helper_set_permissions(entry, access)`: the entry with exactly these rights; its other bits stay. */
export function pagingHelperSetPermissions(entry: u64, access: PhPfAccess): u64 {
  return (entry & ~(PTE_W | PTE_U | PTE_NX)) | rightsOf(access)
}
/** `paging_helper_set_highest_permissions(entry)`: the entry with all rights, as all levels above the last should have. */
export function pagingHelperSetHighestPermissions(entry: u64): u64 {
  return (entry & ~PTE_NX) | PTE_W | PTE_U
}
function rightsOf({ write, user, ifetch }: PhPfAccess): u64 {
  return (write ? PTE_W : 0n) | (user ? PTE_U : 0n) | (ifetch ? 0n : PTE_NX)
}

/** Where a walk has ended. */
export interface PhWalk {
  /** 0: the page is there and every level allows the access; else the number of the level where the walk stopped, 1 to 4. */
  readonly result: 0 | 1 | 2 | 3 | 4
  /** The level of the last entry met: 1 PML4E, 2 PDPE, 3 PDE, 4 PTE. With result 0: 4, or 3 for a 2 MB page, 2 for 1 GB. */
  readonly level: 1 | 2 | 3 | 4
  /** The address of that entry. */
  readonly entry: u64
}

/**
 * `paging_helper_walk(cr3, vaddr, access, entry)`
 *
 * Walk the hierarchy for virtual address `vaddr` as the hardware does, from the tables in memory; the TLB is not asked.
 *
 * Stops at an entry that is not present or does not allow the access: the entry tells which. To find an entry whatever it
 * allows, ask with the least access. Changes nothing, not even A and D.
 *
 * @param vaddr   any address; need not be page-aligned
 * @returns       where it ended; `result` 0 if the access is allowed
 */
export function pagingHelperWalk(cr3: u64, vaddr: u64, access: PhPfAccess): PhWalk {
  const page = Number(BigInt.asUintN(64, vaddr) >> 12n)
  let table = addressIn(cr3)
  for (let level = 1 as 1 | 2 | 3 | 4; ; level++) {
    const at = table + indexOf(page, level) * 8
    const entry = ring0.read64(at)
    const stops = (entry & PTE_P) === 0n || !pagingHelperPermissionsOk(entry, access)
    if (stops || isLeaf(entry, level)) return { result: stops ? level : 0, level, entry: BigInt(at) }
    table = addressIn(entry)
  }
}
/** A page number's index into the table of a level. Numbers to 2^52 are exact, and quicker than a bigint's shifts. */
const indexOf = (page: number, level: number): number => Math.floor(page / SPAN[level]!) % NUM_TABLE_ENTRIES
/** Pages that an entry of a level covers. */
const SPAN = [0, 2 ** 27, 2 ** 18, 2 ** 9, 1]
const isLeaf = (entry: u64, level: number): boolean => level === 4 || (level > 1 && (entry & PTE_PS) !== 0n)

/**
 * `paging_helper_drill(cr3, vaddr, paddr, access)`
 *
 * Map the 4 KB page at `vaddr` to the one at `paddr`: make the tables that are missing on the way, and write the PTE.
 *
 * The PTE is written anew, whatever it was: present, with exactly the rights of `access`, A and D clear. Entries above it get
 * all rights. Does not touch the TLB, and does not know about regions: that is yours.
 *
 * @param vaddr   the low 12 bits are ignored, as are those of `paddr`
 * @returns       0; or -1 if there is no memory for a table, or a large page is in the way
 */
export function pagingHelperDrill(cr3: u64, vaddr: u64, paddr: u64, access: PhPfAccess): Status {
  const page = Number(BigInt.asUintN(64, vaddr) >> 12n)
  let table = addressIn(cr3)
  for (let level = 1; level < 4; level++) {
    table = tableBelow(table + indexOf(page, level) * 8)
    if (table === 0) return -1
  }
  ring0.write64(table + indexOf(page, 4) * 8, (paddr & PTE_ADDR) | PTE_P | rightsOf(access))
  return 0
}
/** The table that the entry at `at` points to, made if there is none. @returns 0 if it cannot be */
function tableBelow(at: number): number {
  const entry = ring0.read64(at)
  if ((entry & PTE_P) === 0n) {
    const table = newTable()
    if (table !== 0) ring0.write64(at, BigInt(table) | PTE_P | PTE_W | PTE_U)
    return table
  }
  if (entry & PTE_PS) return 0
  const open = pagingHelperSetHighestPermissions(entry)
  if (open !== entry) ring0.write64(at, open)
  return addressIn(entry)
}

/** What the walk of an entry shows beside its address, for printing: "P W U A D PS NX". */
export function phEntryText(entry: u64): string {
  const names: [u64, string][] = [
    [PTE_P, 'P'],
    [PTE_W, 'W'],
    [PTE_U, 'U'],
    [PTE_A, 'A'],
    [PTE_D, 'D'],
    [PTE_PS, 'PS'],
    [PTE_NX, 'NX'],
  ]
  return names.flatMap(([bit, name]) => (entry & bit ? [name] : [])).join(' ')
}
