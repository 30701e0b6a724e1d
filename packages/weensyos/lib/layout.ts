// Constants of the lab: sizes, addresses, owners, states, system calls. Handout: kernel.h and lib.h.
//
//     0x000000  reserved page                     0x05B010  end of the kernel's data
//     0x040000  kernel text: entry stubs          0x07F000  kernel stack, one page
//     0x045020  program images                    0x0A0000  reserved (0x0B8000 console) up to
//     0x052000  current, ticks, processes,        0x100000  memory for processes, up to
//               pageinfo                          0x200000  end of physical memory
//     0x054000  GDT, TSS, IDT                     0x300000  end of virtual memory
//     0x056000  five page tables

import type { u64 } from '@pagewalk/machine/x86-64'

export const MEMSIZE_PHYSICAL = 0x20_0000n
export const MEMSIZE_VIRTUAL = 0x30_0000n
/** Number of physical pages. */
export const NPAGES = 512
export const KERNEL_START_ADDR = 0x4_0000n
export const KERNEL_STACK_TOP = 0x8_0000n
export const PROC_START_ADDR = 0x10_0000n
/** Size of a process's window in the handed-out kernel. */
export const PROC_SIZE = 0x4_0000n
/** Reserved physical memory: page 0, and [IOPHYSMEM, EXTPHYSMEM). */
export const IOPHYSMEM = 0xa_0000n
export const EXTPHYSMEM = 0x10_0000n
export const NPROC = 16

// Page owners: a process ID, or one of these. A page is free if its reference count is 0.
export const PO_FREE = 0
export const PO_RESERVED = -1
export const PO_KERNEL = -2

// Process states.
export const P_FREE = 0
export const P_RUNNABLE = 1
export const P_BLOCKED = 2
export const P_BROKEN = 3

// Interrupt numbers.
export const INT_GPF = 13
export const INT_PAGEFAULT = 14
export const INT_HARDWARE = 32
export const INT_TIMER = 32
export const INT_SYS_PANIC = 48
export const INT_SYS_GETPID = 49
export const INT_SYS_YIELD = 50
export const INT_SYS_PAGE_ALLOC = 51
export const INT_SYS_FORK = 52
export const INT_SYS_EXIT = 53

/** Timer interrupts in a second. */
export const HZ = 100

// What things cost, in instructions of virtual time: all of the lab's timing is here. The original spends nearly all its
// time in the kernel, nearly 30 traps in a tick.
export const INSTRUCTIONS_PER_SECOND = 33_000_000
export const INSTRUCTIONS_PER_TICK: number = INSTRUCTIONS_PER_SECOND / HZ
export const INSTRUCTIONS_PER_TRAP = 11_500
export const INSTRUCTIONS_PER_ACCESS = 1
/** A trap that costs more than this is an endless loop in the kernel: none that ends has been seen to need a sixth of it. */
export const INSTRUCTIONS_PER_TRAP_LIMIT = 3_000_000

/** `PAGENUMBER(ptr)`: number of the page that holds the address. */
export const PAGENUMBER = (ptr: u64): number => Number(ptr >> 12n)
/** `PAGEADDRESS(pn)`: address of the first byte of page `pn`. */
export const PAGEADDRESS = (pn: number): u64 => BigInt(pn) << 12n
/** `PAGEINDEX(addr, level)`: index of `addr` in its page table of `level`: 0 is the root (L1), 3 the last (L4). */
export const PAGEINDEX = (addr: u64, level: number): number =>
  Math.floor(PAGENUMBER(addr) / 512 ** (3 - level)) % 512
/** `ROUNDDOWN(a, n)`, `ROUNDUP(a, n)`: to a multiple of `n`. */
export const ROUNDDOWN = (a: u64, n: u64): u64 => a - (a % n)
export const ROUNDUP = (a: u64, n: u64): u64 => ROUNDDOWN(a + n - 1n, n)

// Where the kernel's own things are. `kernelEnd` is the linker's `end`.
export const ENTRY_FROM_BOOT = 0x4_0000n
export const EXCEPTION_ENTRY = 0x4_1000n
export const START_DATA = 0x4_5000n
export const RAMIMAGES = 0x4_5020
export const RAMIMAGES_END = 0x5_2000
export const CURRENT_ADDR = 0x5_2000
export const LAST_TICKS_ADDR = 0x5_2008
export const SHOWING_ADDR = 0x5_200c
export const PROCESSES_ADDR = 0x5_2020
export const PROC_BYTES = 216
export const TICKS_ADDR = 0x5_2da0
export const PAGEINFO_ADDR = 0x5_2dc0
export const KERNEL_PAGETABLE_ADDR = 0x5_4000
export const COMMAND_ADDR = 0x5_4100
export const GDT_ADDR = 0x5_4200
export const TSS_ADDR = 0x5_4280
export const IDT_ADDR = 0x5_5000
export const KERNEL_PAGETABLES_ADDR = 0x5_6000
export const kernelEnd = 0x5_b010n
/** Tables that are in force only until the kernel has its own: three pages. */
export const BOOT_PAGETABLES_ADDR = 0x8000

// The console. Handout: lib.h.
export const CONSOLE_ADDR = 0xb_8000n
export const CONSOLE_ROWS = 25
export const CONSOLE_COLUMNS = 80
/** The cursor's position, an int behind the visible cells: kernel and processes share it. */
export const CURSORPOS_ADDR = 0xb_8ffc
/** `CPOS(row, col)`: a console position. */
export const CPOS = (row: number, col: number): number => row * CONSOLE_COLUMNS + col
