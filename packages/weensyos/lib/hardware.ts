// Set-up of the processor and the devices, and what the kernel asks of them: page tables, keyboard, timer, power.
// Handout: k-hardware.c.

import {
  CR0_AM,
  CR0_MP,
  CR0_NE,
  CR0_PE,
  CR0_PG,
  CR0_WP,
  PTE_P,
  PTE_PS,
  PTE_U,
  PTE_W,
  type u64,
} from '@pagewalk/machine/x86-64'
import { assert as assertIn, memset } from './console.ts'
import {
  BOOT_PAGETABLES_ADDR,
  COMMAND_ADDR,
  ENTRY_FROM_BOOT,
  EXCEPTION_ENTRY,
  EXTPHYSMEM,
  GDT_ADDR,
  IDT_ADDR,
  INT_HARDWARE,
  INT_SYS_PANIC,
  IOPHYSMEM,
  KERNEL_PAGETABLE_ADDR,
  KERNEL_PAGETABLES_ADDR,
  KERNEL_STACK_TOP,
  KERNEL_START_ADDR,
  kernelEnd,
  MEMSIZE_PHYSICAL,
  PAGENUMBER,
  TSS_ADDR,
} from './layout.ts'
import { kernelPagetable, kernelPagetables, type Proc, type X8664Pagetable } from './proc.ts'
import { ring0 } from './ring0.ts'
import { EXCEPTION_RETURN, exceptionStub, IDLE } from './stubs.ts'

/** 0, or -1 for "could not". */
export type Status = 0 | -1
/** An empty page for a page table, all zero, or null if there is none. */
export type PagetableAllocator = () => X8664Pagetable | null

const PAGESIZE = 4096n
const assert: (holds: boolean, expression: string) => asserts holds = (holds, expression) =>
  assertIn(holds, expression, 'hardware.ts')

// Selectors and descriptors.
const SEGSEL_KERN_CODE = 0x8
const SEGSEL_APP_CODE = 0x10
const SEGSEL_APP_DATA = 0x20
const SEGSEL_TASKSTATE = 0x28
const APP_CODE: u64 = BigInt(SEGSEL_APP_CODE | 3)
const APP_DATA: u64 = BigInt(SEGSEL_APP_DATA | 3)
const EFLAGS_IF = 0x200n

/** `hardware_init()`: segments, interrupts, page tables; in that order. */
export function hardwareInit(): void {
  segmentsInit()
  interruptInit()
  virtualMemoryInit()
}

/** GDT, TSS and IDT in the kernel's memory. Gates 0 to 12 and 15 stay empty: such an exception is the end. */
function segmentsInit(): void {
  const tss = BigInt(TSS_ADDR)
  const gdt = [
    0n,
    0x0020_9800_0000_0000n, // kernel code: P, DPL 0, L
    0x0020_f800_0000_0000n, // process code: P, DPL 3, L
    0x0000_9200_0000_0000n, // kernel data
    0x0000_f200_0000_0000n, // process data
    0x67n | ((tss & 0xff_ffffn) << 16n) | (0x89n << 40n) | ((tss >> 24n) << 56n),
    tss >> 32n,
  ]
  for (const [i, descriptor] of gdt.entries()) ring0.write64(GDT_ADDR + i * 8, descriptor)
  ring0.fill(TSS_ADDR, 0, 0x68)
  ring0.write64(TSS_ADDR + 4, KERNEL_STACK_TOP) // every trap from ring 3 starts at the same stack top
  ring0.fill(IDT_ADDR, 0, 4096)
  for (let vector = 13; vector < 256; vector++) if (vector !== 15) setGate(vector)
  ring0.lgdt(GDT_ADDR, gdt.length * 8 - 1)
  ring0.lidt(IDT_ADDR, 4095)
  ring0.ltr(SEGSEL_TASKSTATE)
  ring0.setCr0(ring0.cr0 | CR0_PE | CR0_PG | CR0_WP | CR0_AM | CR0_MP | CR0_NE)
}
/** An interrupt gate; system calls may be made from ring 3. SDM Vol. 3 §6.14.1, 64-Bit Mode IDT. */
function setGate(vector: number): void {
  const handler = exceptionStub(vector)
  const dpl = vector >= INT_SYS_PANIC && vector < INT_SYS_PANIC + 16 ? 3n : 0n
  const type = 0x8en | (dpl << 5n)
  const low =
    (handler & 0xffffn) | (BigInt(SEGSEL_KERN_CODE) << 16n) | (type << 40n) | ((handler >> 16n) << 48n)
  ring0.write64(IDT_ADDR + vector * 16, low)
}

/** Both 8259s at vectors 32 and 40, everything masked; the first one ends interrupts by itself. */
function interruptInit(): void {
  const words: [number, number][] = [
    [0x20, 0x11],
    [0x21, INT_HARDWARE],
    [0x21, 4],
    [0x21, 3],
    [0xa0, 0x11],
    [0xa1, INT_HARDWARE + 8],
    [0xa1, 2],
    [0xa1, 1],
    [0x21, 0xff],
    [0xa1, 0xff],
  ]
  for (const [port, word] of words) ring0.out8(port, word)
}
/** `timer_init(rate)`: interrupt `rate` times a second; a negative rate: never. */
export function timerInit(rate: number): void {
  if (rate > 0) {
    const divisor = Math.floor((1193182 + rate / 2) / rate)
    ring0.out8(0x43, 0x34)
    ring0.out8(0x40, divisor & 0xff)
    ring0.out8(0x40, divisor >> 8)
  }
  ring0.out8(0x21, rate > 0 ? 0xfe : 0xff)
}

/** The kernel's page table: physical memory at its own addresses, everybody may do everything. */
function virtualMemoryInit(): void {
  memset(BigInt(KERNEL_PAGETABLES_ADDR), 0, 5 * 4096)
  const [l1, l2, l3] = kernelPagetables as [X8664Pagetable, X8664Pagetable, X8664Pagetable]
  const open = PTE_P | PTE_W | PTE_U
  l1.entry[0] = l2.address | open
  l2.entry[0] = l3.address | open
  l3.entry[0] = kernelPagetables[3]!.address | open
  l3.entry[1] = kernelPagetables[4]!.address | open
  ring0.write64(KERNEL_PAGETABLE_ADDR, kernelPagetable.address)
  virtualMemoryMap(kernelPagetable, 0n, 0n, MEMSIZE_PHYSICAL, Number(open), null)
  ring0.setCr3(kernelPagetable.address)
}

/**
 * `virtual_memory_map(pagetable, va, pa, sz, perm, allocator)`
 *
 * Map virtual addresses [va, va + sz) to physical addresses [pa, pa + sz) with rights `perm` in `pagetable`.
 *
 * Missing tables are made with `allocator`; each is entered with P, W and U. Rights of entries above the last level are never
 * changed, and the TLB is not told: the next load of CR3 does that.
 *
 * @param va         a multiple of 4096, as is `sz`
 * @param pa         a multiple of 4096, if `perm` has PTE_P; [pa, pa + sz) is physical memory
 * @param perm       PTE_P, PTE_W, PTE_U in any combination; 0 takes the mapping away
 * @param allocator  gives an empty page that belongs to the process, or null if there is none;
 *                   may itself be null if every table is there
 * @returns          0; or -1 if a table is missing and could not be made. Pages before it are then mapped.
 */
export function virtualMemoryMap(
  pagetable: X8664Pagetable,
  va: u64,
  pa: u64,
  sz: u64,
  perm: number | u64,
  allocator: PagetableAllocator | null,
): Status {
  const rights = BigInt(perm)
  assert(va % PAGESIZE === 0n, 'va % PAGESIZE == 0')
  assert(sz % PAGESIZE === 0n, 'sz % PAGESIZE == 0')
  assert(va + sz >= va && va + sz < 1n << 64n, 'va + sz >= va || va + sz == 0')
  if (rights & PTE_P) {
    assert(pa % PAGESIZE === 0n, 'pa % PAGESIZE == 0')
    assert(pa + sz >= pa, 'pa + sz >= pa')
    assert(pa + sz <= MEMSIZE_PHYSICAL, 'pa + sz <= MEMSIZE_PHYSICAL')
  }
  assert(rights >= 0n && rights < 0x1000n, 'perm >= 0 && perm < 0x1000')
  assert(pagetable.address % PAGESIZE === 0n, '(uintptr_t) pagetable % PAGESIZE == 0')

  const root = Number(pagetable.address)
  const first = PAGENUMBER(va)
  const count = PAGENUMBER(sz)
  const low = Number(rights)
  const present = (low & P) !== 0
  let table = -1
  for (let i = 0; i < count; i++) {
    const page = first + i
    if (i === 0 || page % 512 === 0) table = lookupL4pagetable(root, page, low, allocator)
    if (table >= 0) storeEntry(table + (page % 512) * 8, present ? Number(pa) + i * 4096 : 0, low)
    else if (present) return -1
  }
  return 0
}
/** @param address  below 2^32 */
function storeEntry(at: number, address: number, rights: number): void {
  ring0.writeHalves(at, (address | rights) >>> 0, 0)
}

/**
 * `lookup_l4pagetable(pagetable, va, perm, allocator)`
 *
 * The last-level page table for virtual page `page`, making the tables on the way to it if there is an `allocator` and
 * `perm` has PTE_P.
 *
 * @returns  its address; -1 if a table is missing
 */
function lookupL4pagetable(
  root: number,
  page: number,
  perm: number,
  allocator: PagetableAllocator | null,
): number {
  let table = root
  for (let level = 0; level <= 2; level++) {
    const at = table + indexOf(page, level) * 8
    ring0.readHalves(at, entry)
    if (!(entry[0]! & P)) {
      const made = perm & P && allocator ? allocator() : null
      if (!made) return -1
      assert(made.address % PAGESIZE === 0n, '(uintptr_t) new_pt % PAGESIZE == 0')
      const pe = made.address | PTE_P | PTE_W | PTE_U
      ring0.write64(at, pe)
      memset(made.address, 0, PAGESIZE)
      entry[0] = Number(pe & 0xffff_ffffn)
      entry[1] = Number(pe >> 32n)
    }
    assert(addressOf(entry) < MEMORY_END, 'PTE_ADDR(pe) < MEMSIZE_PHYSICAL')
    if (perm & W) assert((entry[0]! & W) !== 0, 'pe & PTE_W')
    if (perm & U) assert((entry[0]! & U) !== 0, 'pe & PTE_U')
    table = addressOf(entry)
  }
  return table
}

// What reads and writes many entries does so without bigints: an entry is its two halves, an address is below 2^53.
const [P, W, U] = [Number(PTE_P), Number(PTE_W), Number(PTE_U)] as const
const MEMORY_END = Number(MEMSIZE_PHYSICAL)
const entry = new Uint32Array(2)
const addressOf = (halves: Uint32Array): number =>
  (halves[1]! & 0xf_ffff) * 2 ** 32 + ((halves[0]! & ~0xfff) >>> 0)
const indexOf = (page: number, level: number): number => Math.floor(page / 512 ** (3 - level)) % 512

/** `vamapping`: what a virtual address is mapped to. */
export interface Vamapping {
  /** Physical page number, -1 if unmapped. */
  readonly pn: number
  /** Physical address; all ones if unmapped. */
  readonly pa: u64
  /** PTE_P, PTE_W, PTE_U as every level allows them; 0 if unmapped. */
  readonly perm: number
}
const UNMAPPED: Vamapping = Object.freeze({ pn: -1, pa: 0xffff_ffff_ffff_ffffn, perm: 0 })

/** `virtual_memory_lookup(pagetable, va)`: what `va` is mapped to in `pagetable`. Does not know pages larger than 4 KiB. */
export function virtualMemoryLookup(pagetable: X8664Pagetable, va: u64): Vamapping {
  const perm = walk(pagetable, PAGENUMBER(va))
  if (!(perm & P)) return UNMAPPED
  const address = addressOf(entry)
  return { pn: address / 4096, pa: BigInt(address) | (va & 0xfffn), perm }
}
/** Follow `page` down to the last level; its entry is then in `entry`. @returns the rights that all levels allow */
function walk(pagetable: X8664Pagetable, page: number): number {
  let table = Number(pagetable.address)
  let perm = P | W | U
  for (let level = 0; level <= 3 && perm & P; level++) {
    ring0.readHalves(table + indexOf(page, level) * 8, entry)
    perm &= entry[0]!
    table = addressOf(entry)
  }
  return perm
}

/**
 * `set_pagetable(pagetable)`: load CR3.
 *
 * Asserts that the kernel will still be where it is: its entry code and both page tables must be mapped at their own addresses.
 */
export function setPagetable(pagetable: X8664Pagetable): void {
  const identity = (table: X8664Pagetable, va: u64): boolean =>
    (walk(table, PAGENUMBER(va)) & P) !== 0 && addressOf(entry) === PAGENUMBER(va) * 4096
  assert(pagetable.address % PAGESIZE === 0n, 'PAGEOFFSET(pagetable) == 0')
  assert(
    identity(pagetable, EXCEPTION_ENTRY),
    'virtual_memory_lookup(pagetable, default_int_handler).pa == default_int_handler',
  )
  assert(
    identity(kernelPagetable, pagetable.address),
    'virtual_memory_lookup(kernel_pagetable, pagetable).pa == pagetable',
  )
  assert(
    identity(pagetable, kernelPagetable.address),
    'virtual_memory_lookup(pagetable, kernel_pagetable).pa == kernel_pagetable',
  )
  assert(
    identity(pagetable, KERNEL_START_ADDR),
    'virtual_memory_lookup(pagetable, virtual_memory_map).pa == virtual_memory_map',
  )
  ring0.setCr3(pagetable.address)
}

/** `physical_memory_isreserved(pa)`: the hardware has it: page 0, and the hole from 640 KiB to 1 MiB. */
export function physicalMemoryIsreserved(pa: u64): boolean {
  return pa < PAGESIZE || (pa >= IOPHYSMEM && pa < EXTPHYSMEM) || missing.has(PAGENUMBER(pa))
}
/** Page numbers of memory that this machine lacks. */
let missing: ReadonlySet<number> = new Set()
export function memoryLacks(pages: Iterable<number>): void {
  missing = new Set(pages)
}
/** The kernel's text, data or stack. @param pa  physical address, page-aligned */
export function isKernelMemory(pa: u64): boolean {
  return (pa >= KERNEL_START_ADDR && pa < kernelEnd) || pa === KERNEL_STACK_TOP - PAGESIZE
}

/** `process_init(p, flags)`: clear the process's registers and give it ring 3's segments, interrupts on. */
export function processInit(p: Proc, _flags: number): void {
  ring0.fill(p.registers.address, 0, 192)
  p.registers.cs = APP_CODE
  p.registers.fs = APP_DATA
  p.registers.gs = APP_DATA
  p.registers.ss = APP_DATA
  p.registers.rflags = EFLAGS_IF
}

/** `exception_return(registers)`: when the handler ends, the CPU goes on with these registers. Returns at once. */
export function exceptionReturn(p: Proc): void {
  ring0.resume(EXCEPTION_RETURN, p.registers.address)
}
/** Nobody can run: when the handler ends, the kernel looks again, and for keys, until somebody can. Returns at once. */
export function scheduleAgain(): void {
  ring0.resume(IDLE, KERNEL_STACK_TOP)
}

/** `console_show_cursor(cpos)`: move the hardware's cursor. */
export function consoleShowCursor(cpos: number): void {
  const at = cpos < 0 || cpos > 25 * 80 ? 0 : cpos
  ring0.out8(0x3d4, 14)
  ring0.out8(0x3d5, at >> 8)
  ring0.out8(0x3d4, 15)
  ring0.out8(0x3d5, at & 0xff)
}

// Keyboard: polled, never by interrupt. Scan code set 1.
const COMMANDS: Readonly<Record<number, string>> = { 30: 'allocator', 33: 'fork', 18: 'forkexit' }
const SCAN_Q = 0x10
const SCAN_C = 0x2e
const SCAN_CTRL = 0x1d
/** What check_keyboard found and afterException carries out. */
let rebootInto: string | undefined
let control = false

/**
 * `check_keyboard()`
 *
 * Look for keys: a, f, e start the kernel again with the allocators, fork, forkexit; q or Ctrl-C power off. The restart
 * happens when the handler ends.
 */
export function checkKeyboard(): void {
  while (ring0.in8(0x64) & 1) {
    const code = ring0.in8(0x60)
    if ((code & 0x7f) === SCAN_CTRL) control = code === SCAN_CTRL
    if (code === SCAN_Q || (code === SCAN_C && control)) poweroff()
    rebootInto = COMMANDS[code] ?? rebootInto
  }
}
/** `poweroff()`: turn the machine off. */
export function poweroff(): never {
  return ring0.powerOff()
}
/** No key has been pressed yet: a machine is about to boot. */
export function forgetKeys(): void {
  rebootInto = undefined
  control = false
}
/** What has to wait until the student's handler is done. */
export function afterException(): void {
  if (rebootInto === undefined) return
  const command = rebootInto
  rebootInto = undefined
  softReboot(command)
}
/** As the boot loader leaves the machine, but memory keeps its contents: boot tables, command, kernel entry. */
function softReboot(command: string): void {
  // the boot tables' pages may by now be a process's page tables, and those are in force after `run`
  ring0.setCr3(kernelPagetable.address)
  bootPagetables((at, entry) => ring0.write64(at, entry))
  ring0.writeBytes(
    COMMAND_ADDR,
    Uint8Array.from([...command, '\0'], (c) => c.charCodeAt(0)),
  )
  ring0.setReg(7, BigInt(COMMAND_ADDR))
  ring0.setCr3(BigInt(BOOT_PAGETABLES_ADDR))
  ring0.resume(ENTRY_FROM_BOOT, KERNEL_STACK_TOP)
}
/** Three tables at 0x8000: one 2 MiB page at address 0, open to all. */
export function bootPagetables(write: (at: number, entry: u64) => void): void {
  const open = PTE_P | PTE_W | PTE_U
  for (let at = 0; at < 3 * 4096; at += 8) write(BOOT_PAGETABLES_ADDR + at, 0n)
  write(BOOT_PAGETABLES_ADDR, BigInt(BOOT_PAGETABLES_ADDR + 0x1000) | open)
  write(BOOT_PAGETABLES_ADDR + 0x1000, BigInt(BOOT_PAGETABLES_ADDR + 0x2000) | open)
  write(BOOT_PAGETABLES_ADDR + 0x2000, open | PTE_PS)
}
