// WeensyOS: a kernel with all seven steps done. Handout: kernel.c.
//
// Each process has page tables of its own. Below PROC_START_ADDR they map what the kernel's table maps, with the same rights; above,
// only the process's own pages, and such as it may only read: those a fork shares, and their reference count says how many
// processes map them. Everything else belongs to one process and is mapped once.

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
  INT_SYS_EXIT,
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
  memcpy,
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
  type PagetableAllocator,
  PO_FREE,
  PO_KERNEL,
  PO_RESERVED,
  PROC_START_ADDR,
  type Proc,
  type ProgramSegment,
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
  programLoadSegment,
  ROUNDDOWN,
  ROUNDUP,
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

  // Processes may use the console, and nothing else below PROC_START_ADDR
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
 * Load application program `programNumber` as process `pid`: page tables, code and data at their addresses, one page of stack at
 * the top of its address space, and mark it runnable.
 */
export function processSetup(pid: number, programNumber: number): void {
  const p = processes[pid]!
  processInit(p, 0)
  const pagetable = newPagetable(pid)
  assert(pagetable !== null, 'pagetable != NULL')
  p.pagetable = pagetable
  const loaded = programLoad(p, programNumber, pagesFor(pid), loadSegment)
  assert(loaded >= 0, 'r >= 0')
  p.registers.rsp = MEMSIZE_VIRTUAL
  const mapped = mapNewPage(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, pid)
  assert(mapped !== null, 'stack_page != NULL')
  p.state = P_RUNNABLE
}

/** As the lab's own, but what the program does not write is mapped without W once its bytes are there. */
function loadSegment(p: Proc, segment: ProgramSegment, allocator: PagetableAllocator | null): Status {
  if (programLoadSegment(p, segment, allocator) < 0) return -1
  const start = ROUNDDOWN(segment.va, PAGESIZE)
  const size = ROUNDUP(segment.va + segment.memorySize, PAGESIZE) - start
  return segment.writable ? 0 : virtualMemoryMap(p.pagetable, start, start, size, PTE_P | PTE_U, allocator)
}

/** Give `owner` a free physical page, whichever is the first. @returns its address, or null if none is free */
function allocatePage(owner: number): u64 | null {
  for (let pn = 0; pn < NPAGES; pn++)
    if (pageinfo[pn]!.refcount === 0) {
      assignPhysicalPage(PAGEADDRESS(pn), owner)
      return PAGEADDRESS(pn)
    }
  return null
}
function freePage(addr: u64): void {
  pageinfo[PAGENUMBER(addr)]!.refcount = 0
}
/** What virtualMemoryMap gets its tables from: pages that belong to `owner`. */
function pagesFor(owner: number): PagetableAllocator {
  return () => {
    const addr = allocatePage(owner)
    return addr === null ? null : pagetableAt(addr)
  }
}

/**
 * Page tables for process `pid` that map what the kernel's table maps below PROC_START_ADDR, and nothing above.
 *
 * @returns  the root, or null if memory ran out; `pid` then owns the pages that were taken
 */
function newPagetable(pid: number): X8664Pagetable | null {
  const pagetable = pagesFor(pid)()
  if (!pagetable) return null
  memset(pagetable.address, 0, PAGESIZE)
  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) {
    const { pa, perm } = virtualMemoryLookup(kernelPagetable, va)
    if (perm !== 0 && virtualMemoryMap(pagetable, va, pa, PAGESIZE, perm, pagesFor(pid)) < 0) return null
  }
  return pagetable
}

/**
 * Map a page of zeroes, writable, at `va` for its new owner `pid`.
 *
 * @returns  the page's physical address, or null if memory ran out. A page table made on the way stays: the process owns it.
 */
function mapNewPage(pagetable: X8664Pagetable, va: u64, pid: number): u64 | null {
  const page = allocatePage(pid)
  if (page === null) return null
  if (virtualMemoryMap(pagetable, va, page, PAGESIZE, PTE_P | PTE_W | PTE_U, pagesFor(pid)) < 0) {
    freePage(page)
    return null
  }
  memset(page, 0, PAGESIZE)
  return page
}

/**
 * The system call page_alloc: a new page at `addr` for the current process.
 *
 * @returns  0; or -1 if `addr` is no place for a page of a process's, has a page already, or memory has run out
 */
function pageAlloc(addr: u64): Status {
  if (addr % PAGESIZE !== 0n || addr < PROC_START_ADDR || addr >= MEMSIZE_VIRTUAL) return -1
  if (virtualMemoryLookup(current.pagetable, addr).pn >= 0) return -1
  if (mapNewPage(current.pagetable, addr, current.pid) === null) {
    consolePrintf(CPOS(24, 0), 0x0c00, 'Out of physical memory!\n')
    return -1
  }
  return 0
}

/**
 * The system call fork: a process with a copy of each page of the current one, and its registers.
 *
 * @returns  the child's ID, or -1 if there is no free slot or not enough memory; nothing has changed then
 */
function fork(): number {
  const child = processes.find((p, pid) => pid > 0 && p.state === P_FREE)
  if (!child) return -1
  const pagetable = newPagetable(child.pid)
  if (!pagetable || inherit(current.pagetable, pagetable, child.pid) < 0) {
    freeMemory(child.pid, pagetable)
    return -1
  }
  child.pagetable = pagetable
  child.registers = current.registers
  child.registers.rax = 0n
  child.state = P_RUNNABLE
  return child.pid
}
/** Give `pid` what `from` maps for processes above PROC_START_ADDR: copies of the pages that can be written, the others themselves. */
function inherit(from: X8664Pagetable, to: X8664Pagetable, pid: number): Status {
  for (let va = PROC_START_ADDR; va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
    const original = virtualMemoryLookup(from, va)
    const rights = BigInt(original.perm)
    if (!(rights & PTE_U)) continue
    if (rights & PTE_W) {
      const copy = mapNewPage(to, va, pid)
      if (copy === null) return -1
      memcpy(copy, original.pa, PAGESIZE)
    } else {
      if (virtualMemoryMap(to, va, original.pa, PAGESIZE, PTE_P | PTE_U, pagesFor(pid)) < 0) return -1
      pageinfo[original.pn]!.refcount += 1
    }
  }
  return 0
}

/** The system call exit: the current process is no more, and its memory is free. */
function exit(): void {
  freeMemory(current.pid, current.pagetable)
  current.state = P_FREE
}
/**
 * Take from process `pid` all that it has: the pages that its tables map for it, then the tables.
 *
 * @param pagetable  null if it has come to no more than some tables
 */
function freeMemory(pid: number, pagetable: X8664Pagetable | null): void {
  for (let va = PROC_START_ADDR; pagetable && va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
    const { pn, perm } = virtualMemoryLookup(pagetable, va)
    if (BigInt(perm) & PTE_U) letGo(pn, va, pid)
  }
  // what it still owns are its tables
  for (const page of pageinfo) if (page.owner === pid) page.refcount = 0
}
/** Process `pid` no longer maps page `pn` at `va`. If it was the owner and others remain, one of them is the owner now. */
function letGo(pn: number, va: u64, pid: number): void {
  const page = pageinfo[pn]!
  page.refcount -= 1
  if (page.refcount === 0 || page.owner !== pid) return
  const maps = (p: Proc): boolean =>
    p.pid !== pid && p.state !== P_FREE && virtualMemoryLookup(p.pagetable, va).pn === pn
  page.owner = processes.find(maps)!.pid
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

    case INT_SYS_PAGE_ALLOC:
      current.registers.rax = result(pageAlloc(current.registers.rdi))
      break

    case INT_SYS_FORK:
      current.registers.rax = result(fork())
      break

    case INT_SYS_EXIT:
      exit()
      schedule()
      return // schedule() has chosen

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

/** An int as a register holds it: -1 is all ones. */
const result = (value: number): u64 => BigInt.asUintN(64, BigInt(value))

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
