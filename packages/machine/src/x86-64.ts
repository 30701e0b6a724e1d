// The architecture's constants, under the names the manuals give them. The one door, beside the face of the
// machine, that a student's kernel may use. Intel SDM, edition of machine/README.md.

/** A 64-bit machine quantity (register, address, page-table entry), always in [0, 2^64). */
export type u64 = bigint

// Paging. SDM Vol. 3 §4.5, 4-Level Paging and 5-Level Paging.
export const PAGESIZE = 4096n
export const PAGEOFFBITS = 12
export const PTE_P = 0x1n // Present
export const PTE_W = 0x2n // Writable
export const PTE_U = 0x4n // User-accessible
export const PTE_PWT = 0x8n // Page-level write-through
export const PTE_PCD = 0x10n // Page-level cache disable
export const PTE_A = 0x20n // Accessed
export const PTE_D = 0x40n // Dirty
export const PTE_PS = 0x80n // Page size: this entry maps a page, not a table
export const PTE_G = 0x100n // Global
export const PTE_NX = 0x8000_0000_0000_0000n // No execute
export const PTE_ADDR = 0x000f_ffff_ffff_f000n // bits 12..51: physical address of the next page

// Page-fault error code. SDM Vol. 3 §4.7, Page-Fault Exceptions.
export const PFERR_P = 0x1 // the page was present: a right was missing
export const PFERR_W = 0x2 // a write
export const PFERR_U = 0x4 // at CPL 3
export const PFERR_RSVD = 0x8 // a reserved bit was set
export const PFERR_I = 0x10 // an instruction fetch

// Control registers. SDM Vol. 3 §2.5, Control Registers.
export const CR0_PE = 0x1n
export const CR0_MP = 0x2n
export const CR0_EM = 0x4n
export const CR0_TS = 0x8n
export const CR0_ET = 0x10n
export const CR0_NE = 0x20n
export const CR0_WP = 0x1_0000n
export const CR0_AM = 0x4_0000n
export const CR0_NW = 0x2000_0000n
export const CR0_CD = 0x4000_0000n
export const CR0_PG = 0x8000_0000n
export const CR4_PSE = 0x10n
export const CR4_PAE = 0x20n
export const CR4_PGE = 0x80n
export const CR4_SMEP = 0x10_0000n
export const CR4_SMAP = 0x20_0000n

// Model-specific registers. SDM Vol. 4 §2.1, Architectural MSRs.
export const MSR_EFER = 0xc000_0080
export const MSR_STAR = 0xc000_0081
export const MSR_LSTAR = 0xc000_0082
export const MSR_CSTAR = 0xc000_0083
export const MSR_SFMASK = 0xc000_0084
export const MSR_FS_BASE = 0xc000_0100
export const MSR_GS_BASE = 0xc000_0101
export const MSR_KERNEL_GS_BASE = 0xc000_0102
export const EFER_SCE = 0x1n
export const EFER_LME = 0x100n
export const EFER_LMA = 0x400n
export const EFER_NXE = 0x800n

// RFLAGS. SDM Vol. 1 §3.4.3, EFLAGS Register.
export const FLAG_CF = 0x1n
export const FLAG_PF = 0x4n
export const FLAG_AF = 0x10n
export const FLAG_ZF = 0x40n
export const FLAG_SF = 0x80n
export const FLAG_TF = 0x100n
export const FLAG_IF = 0x200n
export const FLAG_DF = 0x400n
export const FLAG_OF = 0x800n
export const FLAG_IOPL = 0x3000n
export const FLAG_NT = 0x4000n
export const FLAG_RF = 0x1_0000n
export const FLAG_AC = 0x4_0000n
export const FLAG_ID = 0x20_0000n

// Exceptions. SDM Vol. 3 §6.3.1, External Interrupts, and §6.15, Exception and Interrupt Reference.
export const VECTOR_DE = 0 // Divide Error
export const VECTOR_DB = 1 // Debug
export const VECTOR_NMI = 2
export const VECTOR_BP = 3 // Breakpoint
export const VECTOR_OF = 4 // Overflow
export const VECTOR_BR = 5 // BOUND Range Exceeded
export const VECTOR_UD = 6 // Invalid Opcode
export const VECTOR_NM = 7 // Device Not Available
export const VECTOR_DF = 8 // Double Fault
export const VECTOR_TS = 10 // Invalid TSS
export const VECTOR_NP = 11 // Segment Not Present
export const VECTOR_SS = 12 // Stack-Segment Fault
export const VECTOR_GP = 13 // General Protection
export const VECTOR_PF = 14 // Page Fault
export const VECTOR_AC = 17 // Alignment Check
