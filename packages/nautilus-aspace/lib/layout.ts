// Where the kernel's own things lie in physical memory, and what things cost.
//
//     0x000000  page 0: never used               0x0B8000  VGA text
//     0x001000  GDT                              0x100000  kernel text: stubs and routines
//     0x002000  IDT                              0x110000  kmem's map: a byte for each page
//     0x003000  CPUs, 0x200 bytes each           0x118000  kmem's counters, heads of lists
//     0x004000  boot page tables                 0x200000  what kmem gives out, up to
//     0x008000  boot stacks, a page for each CPU 0x4000000 end of memory

import type { u64 } from '@pagewalk/machine/x86-64'

/** Size of physical memory: 64 MiB. */
export const MEMSIZE = 0x400_0000n
/** The most CPUs that the kernel has room for. */
export const NK_MAX_CPUS = 8
export const PAGE_BYTES = 4096

export const GDT_ADDR = 0x1000
export const GDT: readonly u64[] = [0n, 0x00af_9a00_0000_ffffn, 0x00af_9200_0000_ffffn]
export const KERNEL_CS = 8n
export const KERNEL_SS = 16n
export const IDT_ADDR = 0x2000
export const CPUS_ADDR = 0x3000
export const CPU_BYTES = 0x200
export const BOOT_PML4_ADDR = 0x4000
export const BOOT_PDPT_ADDR = 0x5000
export const BOOT_PD_ADDR = 0x6000
/** CR3 of the default address space: physical memory at its own addresses. */
export const DEFAULT_CR3: u64 = BigInt(BOOT_PML4_ADDR)
export const BOOT_STACKS_ADDR = 0x8000
export const VGA_ADDR = 0xb_8000
export const TEXT_ADDR = 0x10_0000
export const TEXT_BYTES = 0x1_0000

/** kmem's map: 0 free, KMEM_CONTINUED, or the tag of the block that begins here. */
export const KMEM_MAP_ADDR = 0x11_0000
/** Four u64: pages in use, live allocations, allocations ever, frees ever. */
export const KMEM_COUNTERS_ADDR = 0x11_8000
/** Address of the first thread's control block; 0: none. */
export const FIRST_THREAD_ADDR = 0x11_8040
/** Address of the first nk_aspace; 0: none. */
export const FIRST_ASPACE_ADDR = 0x11_8048
/** u64: reads of files so far; and the offsets of the last 64 of them, the nth at n mod 64. */
export const FS_READS_ADDR = 0x11_8060
export const FS_OFFSETS_ADDR = 0x11_8080
export const FS_OFFSETS = 64
export const KMEM_START = 0x20_0000

// Tags of kmem's map.
export const KMEM_FREE = 0
export const KMEM_CONTINUED = 1
export const KMEM_OTHER = 2
export const KMEM_THREAD = 3
export const KMEM_STACK = 4
export const KMEM_TABLE = 5
export const KMEM_ASPACE = 6
export const KMEM_CONSOLE = 7
export const KMEM_RESERVED = 8

export const STACK_BYTES = 0x4000

// CR0: PG NE ET MP PE, and WP clear, as NK starts; CR4: PAE, OSFXSR, OSXMMEXCPT; EFER: LME, LMA, and, other than the
// original, NXE, so that a region without EXEC means what it says.
export const START_CR0 = 0x8000_0033n
export const START_CR4 = 0x620n
export const START_EFER = 0xd00n

// Interrupt vectors.
export const VECTOR_PIC = 0x20
export const VECTOR_KEYBOARD = 0x21
export const VECTOR_APIC_TIMER = 0xf0
export const VECTOR_XCALL = 0xf3
export const VECTOR_KICK = 0xfc
export const VECTOR_SPURIOUS = 0xff

// What things cost, in instructions of virtual time: all of the lab's timing is here.
export const INSTRUCTIONS_PER_SECOND = 50_000_000
/** Scheduling quanta in a second. */
export const HZ = 10
export const INSTRUCTIONS_PER_QUANTUM: number = INSTRUCTIONS_PER_SECOND / HZ
export const INSTRUCTIONS_PER_ACCESS = 1
export const INSTRUCTIONS_PER_ENTRY = 50
/** A call of the kernel that costs more is an endless loop. An eager region of all memory is some 100,000. */
export const INSTRUCTIONS_PER_CALL_LIMIT = 20_000_000
