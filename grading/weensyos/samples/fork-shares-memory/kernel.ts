// WeensyOS: the kernel. This is your file. Handout: kernel.c.
//
// Steps 1 to 5.
//
// A trap from a process comes in at exception(); run() says which process goes on.

import {
  assert,
  CONSOLE_ADDR,
  CPOS,
  CURSORPOS_ADDR,
  checkKeyboard,
  checkVirtualMemory,
  consoleClear,
  consolePrintf,
  consoleShowCursor,
  current,
  exceptionReturn,
  HZ,
  hardwareInit,
  INT_PAGEFAULT,
  INT_SYS_FORK,
  INT_SYS_GETPID,
  INT_SYS_PAGE_ALLOC,
  INT_SYS_PANIC,
  INT_SYS_YIELD,
  INT_TIMER,
  isKernelMemory,
  kernelPagetable,
  MEMSIZE_PHYSICAL,
  MEMSIZE_VIRTUAL,
  memset,
  memshowPhysical,
  memshowVirtualAnimate,
  NPAGES,
  NPROC,
  P_BROKEN,
  P_FREE,
  P_RUNNABLE,
  PAGEADDRESS,
  PAGENUMBER,
  PAGESIZE,
  PO_FREE,
  PO_KERNEL,
  PO_RESERVED,
  PROC_START_ADDR,
  type Proc,
  PTE_P,
  PTE_U,
  PTE_W,
  pageinfo,
  pagetableAt,
  panic,
  physicalMemoryIsreserved,
  processes,
  processInit,
  programLoad,
  ring0,
  type Status,
  scheduleAgain,
  setCurrent,
  setPagetable,
  ticks,
  timerInit,
  type u64,
  virtualMemoryLookup,
  virtualMemoryMap,
  type X8664Pagetable,
  type X8664Registers,
} from './lib/kernel.ts'

// Page-fault error code bits
const PFERR_PRESENT = 1n
const PFERR_WRITE = 2n
const PFERR_USER = 4n

/**
 * `kernel(command)`
 *
 * Set up the hardware and the processes, then run the first one.
 *
 * @param command  what the boot loader passed on: "fork" or "forkexit" run those programs, anything else the four allocators
 */
export function kernel(command: string | null): void {
  hardwareInit()
  pageinfoInit()
  consoleClear()
  timerInit(HZ)

  virtualMemoryMap(kernelPagetable, 0n, 0n, PROC_START_ADDR, PTE_P | PTE_W, null)
  virtualMemoryMap(kernelPagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, PTE_P | PTE_W | PTE_U, null)

  // Set up process descriptors
  for (let pid = 0; pid < NPROC; pid++) {
    processes[pid]!.pid = pid
    processes[pid]!.state = P_FREE
  }

  if (command === 'fork') processSetup(1, 4)
  else if (command === 'forkexit') processSetup(1, 5)
  else for (let pid = 1; pid <= 4; pid++) processSetup(pid, pid - 1)

  // Switch to the first process using run()
  run(processes[1]!)
}

/**
 * `process_setup(pid, program_number)`
 *
 * Load application program `programNumber` as process `pid`: its code and data at their addresses, one page of stack, and mark it
 * runnable.
 */
export function processSetup(pid: number, programNumber: number): void {
  const p = processes[pid]!
  processInit(p, 0)
  const pagetable = copyKernelMappings(pid)
  assert(pagetable !== null, 'pagetable')
  p.pagetable = pagetable
  const loaded = programLoad(p, programNumber, tableAllocator(pid))
  assert(loaded >= 0, 'r >= 0')
  p.registers.rsp = MEMSIZE_VIRTUAL
  const stackPage = findFreePage(pid)
  assert(stackPage >= 0, 'stackPage >= 0')
  const open = PTE_P | PTE_W | PTE_U
  virtualMemoryMap(
    p.pagetable,
    MEMSIZE_VIRTUAL - PAGESIZE,
    PAGEADDRESS(stackPage),
    PAGESIZE,
    open,
    tableAllocator(pid),
  )
  p.state = P_RUNNABLE
}

/** The number of a free physical page, now given to `owner`, or -1. */
function findFreePage(owner: number): number {
  for (let pn = 1; pn < NPAGES; pn++) {
    if (assignPhysicalPage(PAGEADDRESS(pn), owner) === 0) return pn
  }
  return -1
}

/** A copy of the current process. @returns its pid, or -1 */
function fork(): number {
  const pid = processes.findIndex((p, slot) => slot > 0 && p.state === P_FREE)
  if (pid < 0) return -1
  const pagetable = copyKernelMappings(pid)
  if (pagetable === null) return giveBack(pid)
  for (let va = PROC_START_ADDR; va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
    const vam = virtualMemoryLookup(current.pagetable, va)
    if (!(BigInt(vam.perm) & PTE_U)) continue
    if (virtualMemoryMap(pagetable, va, vam.pa, PAGESIZE, vam.perm, tableAllocator(pid)) < 0)
      return giveBack(pid)
    pageinfo[vam.pn]!.refcount += 1
  }
  const child = processes[pid]!
  child.pagetable = pagetable
  child.registers = current.registers
  child.registers.rax = 0n
  child.state = P_RUNNABLE
  return pid
}

/** All pages of a process that never was. */
function giveBack(pid: number): number {
  for (const page of pageinfo) if (page.owner === pid && page.refcount > 0) page.refcount = 0
  return -1
}

/** Any free physical page at `addr` in the current process, or -1. */
function pageAlloc(addr: u64): Status {
  if (virtualMemoryLookup(current.pagetable, addr).pn >= 0) return -1
  const pn = findFreePage(current.pid)
  if (pn < 0) return -1
  const allocator = tableAllocator(current.pid)
  if (
    virtualMemoryMap(current.pagetable, addr, PAGEADDRESS(pn), PAGESIZE, PTE_P | PTE_W | PTE_U, allocator) < 0
  ) {
    pageinfo[pn]!.refcount = 0
    return -1
  }
  return 0
}

/** For virtualMemoryMap: gives page tables that belong to `pid`. */
function tableAllocator(pid: number): () => X8664Pagetable | null {
  return () => {
    const pn = findFreePage(pid)
    return pn < 0 ? null : pagetableAt(PAGEADDRESS(pn))
  }
}

/** A new page table for `pid` with the kernel's part of the kernel's, or null. */
function copyKernelMappings(pid: number): X8664Pagetable | null {
  const allocator = tableAllocator(pid)
  const pagetable = allocator()
  if (pagetable === null) return null
  memset(pagetable.address, 0, PAGESIZE)
  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) {
    const vam = virtualMemoryLookup(kernelPagetable, va)
    if (vam.pn < 0) continue
    if (virtualMemoryMap(pagetable, va, vam.pa, PAGESIZE, vam.perm, allocator) < 0) return null
  }
  return pagetable
}

/**
 * `assign_physical_page(addr, owner)`
 *
 * Give the physical page at `addr` to `owner`. Used by the program loader.
 *
 * @param addr   physical address, page-aligned
 * @param owner  a process ID, or PO_KERNEL or PO_RESERVED
 * @returns      0, or -1 if `addr` is no page of memory or is already in use
 */
export function assignPhysicalPage(addr: u64, owner: number): Status {
  if (addr % PAGESIZE !== 0n || addr >= MEMSIZE_PHYSICAL) return -1
  const page = pageinfo[PAGENUMBER(addr)]!
  if (page.refcount !== 0) return -1
  page.refcount = 1
  page.owner = owner
  return 0
}

/**
 * `exception(reg)`
 *
 * Exception handler (for interrupts, traps, and faults). The CPU has saved the process's registers on the kernel's stack, and
 * interrupts are off. Call run() or schedule() to say who goes on.
 *
 * @param registers  the registers of what was interrupted; `intno` says by what
 */
export function exception(registers: X8664Registers): void {
  // Copy the saved registers into the `current` process descriptor and always use the kernel's page table.
  current.registers = registers
  setPagetable(kernelPagetable)

  // Show the current cursor location and memory state (unless this is a kernel fault).
  consoleShowCursor(ring0.readInt32(CURSORPOS_ADDR))
  const intno = Number(registers.intno)
  if (intno !== INT_PAGEFAULT || registers.err & PFERR_USER) {
    checkVirtualMemory()
    memshowPhysical()
    memshowVirtualAnimate()
  }

  // If a key was pressed: a, f, e, q
  checkKeyboard()

  switch (intno) {
    case INT_SYS_PANIC:
      panic(null) // does not return
      break

    case INT_SYS_GETPID:
      current.registers.rax = BigInt(current.pid)
      break

    case INT_SYS_YIELD:
      schedule()
      return // schedule() has chosen

    case INT_SYS_PAGE_ALLOC: {
      const addr = current.registers.rdi
      const allowed = addr >= PROC_START_ADDR && addr < MEMSIZE_VIRTUAL && addr % PAGESIZE === 0n
      const r = allowed ? pageAlloc(addr) : -1
      current.registers.rax = BigInt.asUintN(64, BigInt(r))
      break
    }

    case INT_SYS_FORK:
      current.registers.rax = BigInt.asUintN(64, BigInt(fork()))
      break

    case INT_TIMER:
      ticks.value += 1
      schedule()
      return // schedule() has chosen

    case INT_PAGEFAULT: {
      // Analyze the faulting address and access type
      const addr = ring0.cr2
      const operation = registers.err & PFERR_WRITE ? 'write' : 'read'
      const problem = registers.err & PFERR_PRESENT ? 'protection problem' : 'missing page'
      if (!(registers.err & PFERR_USER))
        panic('Kernel page fault for %p (%s %s, rip=%p)!\n', addr, operation, problem, registers.rip)
      const text = 'Process %d page fault for %p (%s %s, rip=%p)!\n'
      consolePrintf(CPOS(24, 0), 0x0c00, text, current.pid, addr, operation, problem, registers.rip)
      current.state = P_BROKEN
      break
    }

    default:
      panic('Unexpected exception %d!\n', intno)
  }

  // Return to the current process (or run something else).
  if (current.state === P_RUNNABLE) run(current)
  else schedule()
}

/**
 * `schedule()`
 *
 * Pick the next process to run, in turn, and run it. If nobody can run, look again later.
 */
export function schedule(): void {
  for (let i = 1; i <= NPROC; i++) {
    const p = processes[(current.pid + i) % NPROC]!
    if (p.state === P_RUNNABLE) return run(p)
  }
  scheduleAgain()
}

/**
 * `run(p)`
 *
 * Run process `p`: with its page table, from its registers, when this handler ends.
 *
 * @param p  must be runnable
 */
export function run(p: Proc): void {
  assert(p.state === P_RUNNABLE, 'p->p_state == P_RUNNABLE')
  setCurrent(p)
  setPagetable(p.pagetable)
  exceptionReturn(p)
}

/**
 * `pageinfo_init()`: who has which physical page when the kernel starts.
 */
export function pageinfoInit(): void {
  for (let pn = 0; pn < NPAGES; pn++) {
    const addr = PAGEADDRESS(pn)
    const owner = physicalMemoryIsreserved(addr) ? PO_RESERVED : isKernelMemory(addr) ? PO_KERNEL : PO_FREE
    pageinfo[pn]!.owner = owner
    pageinfo[pn]!.refcount = owner === PO_FREE ? 0 : 1
  }
}
