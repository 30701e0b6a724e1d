// Where the lab's kernel keeps its books, and the lab's numbers under the names of the handout.

import type { u64 } from '@pagewalk/machine/x86-64'
import {
  KERNEL_PAGETABLES_ADDR,
  MEMSIZE_VIRTUAL,
  PAGEINFO_ADDR,
  PROC_BYTES,
  PROCESSES_ADDR,
} from '@pagewalk/weensyos'

export {
  CONSOLE_ADDR,
  INSTRUCTIONS_PER_TICK,
  INT_SYS_EXIT,
  INT_SYS_FORK,
  INT_SYS_GETPID,
  INT_SYS_PAGE_ALLOC,
  INT_SYS_PANIC,
  KERNEL_STACK_TOP,
  KERNEL_START_ADDR,
  kernelEnd,
  LAST_TICKS_ADDR,
  MEMSIZE_VIRTUAL,
  NPAGES,
  NPROC,
  P_FREE,
  PAGENUMBER,
  PO_FREE,
  PO_KERNEL,
  PO_RESERVED,
  PROC_START_ADDR,
  SHOWING_ADDR,
} from '@pagewalk/weensyos'

/** The last page of the virtual address space. */
export const STACK_PAGE: u64 = MEMSIZE_VIRTUAL - 0x1000n
/** Root of the kernel's own page tables. */
export const KERNEL_ROOT: u64 = BigInt(KERNEL_PAGETABLES_ADDR)

/** Physical address of `pageinfo[pn]`: two bytes, owner and refcount. */
export const pageinfoAddress = (pn: number): number => PAGEINFO_ADDR + pn * 2
/** Physical address of `processes[pid]`. */
export const processAddress = (pid: number): number => PROCESSES_ADDR + pid * PROC_BYTES
/** In `struct proc`. */
export const PROC_STATE = 200
export const PROC_PAGETABLE = 208
