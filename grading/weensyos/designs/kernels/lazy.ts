// WeensyOS, all steps, as late as possible: page_alloc gives a page when it is first touched, fork copies one when it is first
// written. What has been promised is kept: as many pages stay free as promises are open.
//
// Of the bits that the hardware leaves to the kernel in an entry, two are used, in last-level tables only:
//     ZERO   no page yet (P = 0): a page of zeroes at the first access
//     COPY   not writable (W = 0): whoever writes gets a copy, the last one the page itself

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
  PAGEINDEX,
  PAGENUMBER,
  PAGESIZE,
  type PagetableAllocator,
  PO_FREE,
  PO_KERNEL,
  PO_RESERVED,
  PROC_START_ADDR,
  type Proc,
  type ProgramSegment,
  PTE_ADDR,
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

const PFERR_PRESENT = 1n
const PFERR_WRITE = 2n
const PFERR_USER = 4n

const ZERO = 0x200n
const COPY = 0x400n
const OWN = PTE_P | PTE_W | PTE_U

/** Pages that ZERO and COPY entries may still ask for. */
let promised = 0
const freePages = (): number => pageinfo.filter(({ refcount }) => refcount === 0).length
const promise = (): Status => {
  if (freePages() <= promised) return -1
  promised += 1
  return 0
}
/** A promise is kept: the page that was set aside for it. */
function redeem(pid: number): u64 {
  promised -= 1
  const page = allocate(pid)
  assert(page !== null, 'a page set aside')
  return page
}

function allocate(owner: number): u64 | null {
  if (freePages() <= promised) return null
  const pn = pageinfo.findIndex(({ refcount }) => refcount === 0)
  assignPhysicalPage(PAGEADDRESS(pn), owner)
  return PAGEADDRESS(pn)
}
const tablesFor =
  (pid: number): PagetableAllocator =>
  () => {
    const page = allocate(pid)
    return page === null ? null : pagetableAt(page)
  }

/** The table of pages for `va`. @param allocator  null: only if it is there */
function lastTable(
  root: X8664Pagetable,
  va: u64,
  allocator: PagetableAllocator | null,
): X8664Pagetable | null {
  let table = root
  for (let level = 0; level < 3; level++) {
    const index = PAGEINDEX(va, level)
    if (!(table.entry[index]! & PTE_P)) {
      const made = allocator?.()
      if (!made) return null
      memset(made.address, 0, PAGESIZE)
      table.entry[index] = made.address | OWN
    }
    table = pagetableAt(table.entry[index]! & PTE_ADDR)
  }
  return table
}
const entryAt = (root: X8664Pagetable, va: u64): u64 =>
  lastTable(root, va, null)?.entry[PAGEINDEX(va, 3)] ?? 0n
function setEntry(root: X8664Pagetable, va: u64, entry: u64, pid: number): Status {
  const table = lastTable(root, va, tablesFor(pid))
  if (table) table.entry[PAGEINDEX(va, 3)] = entry
  return table ? 0 : -1
}

function newPagetable(pid: number): X8664Pagetable | null {
  const root = tablesFor(pid)()
  if (!root) return null
  memset(root.address, 0, PAGESIZE)
  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE)
    if (setEntry(root, va, va | BigInt(virtualMemoryLookup(kernelPagetable, va).perm), pid) < 0) return null
  return root
}

export function kernel(command: string | null): void {
  hardwareInit()
  pageinfoInit()
  promised = 0
  consoleClear()
  timerInit(HZ)
  virtualMemoryMap(kernelPagetable, 0n, 0n, PROC_START_ADDR, PTE_P | PTE_W, null)
  virtualMemoryMap(kernelPagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, OWN, null)
  for (let pid = 0; pid < NPROC; pid++) {
    processes[pid]!.pid = pid
    processes[pid]!.state = P_FREE
  }
  if (command === 'fork') processSetup(1, 4)
  else if (command === 'forkexit') processSetup(1, 5)
  else for (let pid = 1; pid <= 4; pid++) processSetup(pid, pid - 1)
  run(processes[1]!)
}

function processSetup(pid: number, programNumber: number): void {
  const p = processes[pid]!
  processInit(p, 0)
  const pagetable = newPagetable(pid)
  assert(pagetable !== null, 'pagetable')
  p.pagetable = pagetable
  assert(programLoad(p, programNumber, tablesFor(pid), loadSegment) === 0, 'loaded')
  const stack = allocate(pid)
  assert(stack !== null && setEntry(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, stack | OWN, pid) === 0, 'stack')
  p.registers.rsp = MEMSIZE_VIRTUAL
  p.state = P_RUNNABLE
}
function loadSegment(p: Proc, segment: ProgramSegment, allocator: PagetableAllocator | null): Status {
  if (programLoadSegment(p, segment, allocator) < 0) return -1
  const { va, memorySize, writable } = segment
  for (let at = ROUNDDOWN(va, PAGESIZE); at < va + memorySize && !writable; at += PAGESIZE)
    setEntry(p.pagetable, at, at | PTE_P | PTE_U, p.pid)
  return 0
}

export function assignPhysicalPage(addr: u64, owner: number): Status {
  if (addr % PAGESIZE !== 0n || addr >= MEMSIZE_PHYSICAL) return -1
  const page = pageinfo[PAGENUMBER(addr)]!
  if (page.refcount !== 0) return -1
  page.refcount = 1
  page.owner = owner
  return 0
}

function pageAlloc(addr: u64): Status {
  if (addr % PAGESIZE !== 0n || addr < PROC_START_ADDR || addr >= MEMSIZE_VIRTUAL) return -1
  if (entryAt(current.pagetable, addr) !== 0n || promise() < 0) return -1
  if (setEntry(current.pagetable, addr, ZERO, current.pid) === 0) return 0
  promised -= 1
  return -1
}

/** Can this fault of the current process be mended? Then it is. */
function mended(addr: u64, err: u64): boolean {
  const { pid, pagetable } = current
  const va = ROUNDDOWN(addr, PAGESIZE)
  if (va < PROC_START_ADDR || va >= MEMSIZE_VIRTUAL) return false
  const entry = entryAt(pagetable, va)
  if (entry & ZERO) {
    const page = redeem(pid)
    memset(page, 0, PAGESIZE)
    return setEntry(pagetable, va, page | OWN, pid) === 0
  }
  if (!(entry & COPY) || !(err & PFERR_WRITE)) return false
  const original = entry & PTE_ADDR
  const last = pageinfo[PAGENUMBER(original)]!.refcount === 1
  const page = last ? original : redeem(pid)
  if (!last) {
    memcpy(page, original, PAGESIZE)
    drop(PAGENUMBER(original), va, pid)
  }
  return setEntry(pagetable, va, page | OWN, pid) === 0
}

function fork(): number {
  const child = processes.find((p, pid) => pid > 0 && p.state === P_FREE)
  if (!child) return -1
  const pagetable = newPagetable(child.pid)
  if (!pagetable || inherit(pagetable, child.pid) < 0) {
    freeMemory(child.pid, pagetable)
    return -1
  }
  child.pagetable = pagetable
  child.registers = current.registers
  child.registers.rax = 0n
  child.state = P_RUNNABLE
  return child.pid
}
function inherit(to: X8664Pagetable, pid: number): Status {
  for (let va = PROC_START_ADDR; va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
    const entry = entryAt(current.pagetable, va)
    const private_ = (entry & (PTE_W | COPY | ZERO)) !== 0n
    if (entry === 0n) continue
    if (private_ && promise() < 0) return -1
    const shared = entry & PTE_W ? (entry & PTE_ADDR) | PTE_P | PTE_U | COPY : entry
    if (setEntry(to, va, shared, pid) < 0) {
      if (private_) promised -= 1
      return -1
    }
    setEntry(current.pagetable, va, shared, current.pid)
    if (shared & PTE_P) pageinfo[PAGENUMBER(shared & PTE_ADDR)]!.refcount += 1
  }
  return 0
}

function freeMemory(pid: number, pagetable: X8664Pagetable | null): void {
  for (let va = PROC_START_ADDR; pagetable && va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
    const entry = entryAt(pagetable, va)
    const pn = PAGENUMBER(entry & PTE_ADDR)
    if (entry & ZERO || (entry & COPY && pageinfo[pn]!.refcount > 1)) promised -= 1
    if (entry & PTE_P) drop(pn, va, pid)
  }
  for (const page of pageinfo) if (page.owner === pid) page.refcount = 0
}
function drop(pn: number, va: u64, pid: number): void {
  const page = pageinfo[pn]!
  page.refcount -= 1
  if (page.refcount === 0 || page.owner !== pid) return
  for (const p of processes)
    if (p.pid !== pid && p.state !== P_FREE && virtualMemoryLookup(p.pagetable, va).pn === pn)
      page.owner = p.pid
}

export function exception(registers: X8664Registers): void {
  current.registers = registers
  setPagetable(kernelPagetable)
  consoleShowCursor(ring0.readInt32(CURSORPOS_ADDR))
  const intno = Number(registers.intno)
  if (intno !== INT_PAGEFAULT || registers.err & PFERR_USER) {
    checkVirtualMemory()
    memshowPhysical()
    memshowVirtualAnimate()
  }
  checkKeyboard()

  switch (intno) {
    case INT_SYS_PANIC:
      panic(null)
      break
    case INT_SYS_GETPID:
      current.registers.rax = BigInt(current.pid)
      break
    case INT_SYS_YIELD:
      schedule()
      return
    case INT_SYS_PAGE_ALLOC:
      current.registers.rax = BigInt.asUintN(64, BigInt(pageAlloc(current.registers.rdi)))
      break
    case INT_SYS_FORK:
      current.registers.rax = BigInt.asUintN(64, BigInt(fork()))
      break
    case INT_SYS_EXIT:
      freeMemory(current.pid, current.pagetable)
      current.state = P_FREE
      schedule()
      return
    case INT_TIMER:
      ticks.value += 1
      schedule()
      return
    case INT_PAGEFAULT: {
      const addr = ring0.cr2
      const operation = registers.err & PFERR_WRITE ? 'write' : 'read'
      const problem = registers.err & PFERR_PRESENT ? 'protection problem' : 'missing page'
      if (!(registers.err & PFERR_USER))
        panic('Kernel page fault for %p (%s %s, rip=%p)!\n', addr, operation, problem, registers.rip)
      if (mended(addr, registers.err)) break
      const text = 'Process %d page fault for %p (%s %s, rip=%p)!\n'
      consolePrintf(CPOS(24, 0), 0x0c00, text, current.pid, addr, operation, problem, registers.rip)
      current.state = P_BROKEN
      break
    }
    default:
      panic('Unexpected exception %d!\n', intno)
  }
  if (current.state === P_RUNNABLE) run(current)
  else schedule()
}

export function schedule(): void {
  for (let i = 1; i <= NPROC; i++) {
    const p = processes[(current.pid + i) % NPROC]!
    if (p.state === P_RUNNABLE) return run(p)
  }
  scheduleAgain()
}

function run(p: Proc): void {
  assert(p.state === P_RUNNABLE, 'p->p_state == P_RUNNABLE')
  setCurrent(p)
  setPagetable(p.pagetable)
  exceptionReturn(p)
}

function pageinfoInit(): void {
  for (let pn = 0; pn < NPAGES; pn++) {
    const addr = PAGEADDRESS(pn)
    const owner = physicalMemoryIsreserved(addr) ? PO_RESERVED : isKernelMemory(addr) ? PO_KERNEL : PO_FREE
    pageinfo[pn]!.owner = owner
    pageinfo[pn]!.refcount = owner === PO_FREE ? 0 : 1
  }
}
