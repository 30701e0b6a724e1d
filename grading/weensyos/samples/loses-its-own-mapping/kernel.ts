// WeensyOS: the kernel. This is your file. Handout: kernel.c.
//
// Step 1: kernel memory is taken away from the processes.
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
  INT_SYS_GETPID,
  INT_SYS_PAGE_ALLOC,
  INT_SYS_PANIC,
  INT_SYS_YIELD,
  INT_TIMER,
  isKernelMemory,
  kernelPagetable,
  MEMSIZE_PHYSICAL,
  MEMSIZE_VIRTUAL,
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
  PROC_SIZE,
  PROC_START_ADDR,
  type Proc,
  PTE_P,
  PTE_U,
  PTE_W,
  pageinfo,
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
  virtualMemoryMap,
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

  // processes must not reach the kernel's pages, but they need the console
  virtualMemoryMap(kernelPagetable, 0n, 0n, PROC_START_ADDR, PTE_W, null)
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
  p.pagetable = kernelPagetable
  pageinfo[PAGENUMBER(kernelPagetable.address)]!.refcount += 1
  const loaded = programLoad(p, programNumber, null)
  assert(loaded >= 0, 'r >= 0')
  p.registers.rsp = PROC_START_ADDR + PROC_SIZE * BigInt(pid)
  const stackPage = p.registers.rsp - PAGESIZE
  assignPhysicalPage(stackPage, pid)
  virtualMemoryMap(p.pagetable, stackPage, stackPage, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
  p.state = P_RUNNABLE
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
      const r = allowed ? assignPhysicalPage(addr, current.pid) : -1
      if (r >= 0) virtualMemoryMap(current.pagetable, addr, addr, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
      current.registers.rax = BigInt.asUintN(64, BigInt(r))
      break
    }

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
