// WeensyOS, all steps. Everything is a list: of addresses, of free pages, of what a process has. Nothing is ever freed by hand: when
// a process has gone, or a fork has failed, sweep() writes pageinfo anew from the page tables of those who are alive.

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

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const addresses = (from: u64, to: u64): u64[] => range(PAGENUMBER(from), PAGENUMBER(to)).map(PAGEADDRESS)
const ALL_PAGES = range(0, NPAGES)
const KERNEL_ADDRESSES = addresses(0n, PROC_START_ADDR)
const PROCESS_ADDRESSES = addresses(PROC_START_ADDR, MEMSIZE_VIRTUAL)
const STACK = MEMSIZE_VIRTUAL - PAGESIZE

const freePages = (): number[] => ALL_PAGES.filter((pn) => pageinfo[pn]!.refcount === 0)
const alive = (): Proc[] => processes.filter((p) => p.state !== P_FREE)

interface Mapped {
  readonly va: u64
  readonly pn: number
  readonly perm: bigint
}
/** The process's own pages. */
const mapped = (pagetable: X8664Pagetable): Mapped[] =>
  PROCESS_ADDRESSES.map((va) => ({ va, vam: virtualMemoryLookup(pagetable, va) }))
    .map(({ va, vam }) => ({ va, pn: vam.pn, perm: BigInt(vam.perm) }))
    .filter(({ perm }) => perm & PTE_U)

/** Numbers of the pages that a page table consists of. */
function tablePages(table: X8664Pagetable, level = 0): number[] {
  const entries = level === 3 ? [] : range(0, 512).map((i) => table.entry[i]!)
  const below = entries.filter((entry) => entry & PTE_P).map((entry) => pagetableAt(entry & PTE_ADDR))
  return [PAGENUMBER(table.address), ...below.flatMap((child) => tablePages(child, level + 1))]
}

/** Each page that is not the kernel's or reserved: as many references as there are uses by processes that exist, else free. */
function sweep(): void {
  const uses = alive().flatMap((p) =>
    [...tablePages(p.pagetable), ...mapped(p.pagetable).map(({ pn }) => pn)].map((pn) => ({
      pn,
      pid: p.pid,
    })),
  )
  const users = Map.groupBy(uses, ({ pn }) => pn)
  for (const pn of ALL_PAGES) {
    const page = pageinfo[pn]!
    if (page.owner < 0) continue
    const pids = (users.get(pn) ?? []).map(({ pid }) => pid)
    page.refcount = pids.length
    if (!pids.includes(page.owner)) page.owner = pids[0] ?? PO_FREE
  }
}

function take(owner: number): u64 | null {
  const [pn] = freePages()
  return pn !== undefined && assignPhysicalPage(PAGEADDRESS(pn), owner) === 0 ? PAGEADDRESS(pn) : null
}
function takeTable(owner: number): X8664Pagetable | null {
  const page = take(owner)
  if (page === null) return null
  memset(page, 0, PAGESIZE)
  return pagetableAt(page)
}
const tablesFor =
  (pid: number): PagetableAllocator =>
  () =>
    takeTable(pid)

/** A table with the kernel in it. @returns null if memory ran out: then sweep */
function kernelCopy(pid: number): X8664Pagetable | null {
  const pagetable = takeTable(pid)
  const copy = (va: u64): boolean => {
    const { perm } = virtualMemoryLookup(kernelPagetable, va)
    return virtualMemoryMap(pagetable!, va, va, PAGESIZE, perm, tablesFor(pid)) === 0
  }
  return pagetable && KERNEL_ADDRESSES.every(copy) ? pagetable : null
}
/** A new page of `pid`'s at `va`. @returns null if memory ran out: then sweep */
function give(pagetable: X8664Pagetable, va: u64, pid: number): u64 | null {
  const page = take(pid)
  if (page === null) return null
  memset(page, 0, PAGESIZE)
  return virtualMemoryMap(pagetable, va, page, PAGESIZE, PTE_P | PTE_W | PTE_U, tablesFor(pid)) < 0
    ? null
    : page
}

export function kernel(command: string | null): void {
  hardwareInit()
  pageinfoInit()
  consoleClear()
  timerInit(HZ)
  for (const va of KERNEL_ADDRESSES)
    virtualMemoryMap(
      kernelPagetable,
      va,
      va,
      PAGESIZE,
      PTE_P | PTE_W | (va === CONSOLE_ADDR ? PTE_U : 0n),
      null,
    )
  for (const [pid, p] of processes.entries()) {
    p.pid = pid
    p.state = P_FREE
  }
  const programs = command === 'fork' ? [4] : command === 'forkexit' ? [5] : [0, 1, 2, 3]
  for (const [i, program] of programs.entries()) processSetup(i + 1, program)
  run(processes[1]!)
}

function processSetup(pid: number, programNumber: number): void {
  const p = processes[pid]!
  processInit(p, 0)
  const pagetable = kernelCopy(pid)
  assert(pagetable !== null, 'pagetable != NULL')
  p.pagetable = pagetable
  assert(programLoad(p, programNumber, tablesFor(pid), loadSegment) >= 0, 'loaded')
  assert(give(pagetable, STACK, pid) !== null, 'stack')
  p.registers.rsp = MEMSIZE_VIRTUAL
  p.state = P_RUNNABLE
}
function loadSegment(p: Proc, segment: ProgramSegment, allocator: PagetableAllocator | null): Status {
  if (programLoadSegment(p, segment, allocator) < 0) return -1
  const pages = addresses(ROUNDDOWN(segment.va, PAGESIZE), segment.va + segment.memorySize + PAGESIZE - 1n)
  const constant = segment.writable ? [] : pages
  for (const va of constant) virtualMemoryMap(p.pagetable, va, va, PAGESIZE, PTE_P | PTE_U, null)
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

function pageAlloc(va: u64): Status {
  if (!PROCESS_ADDRESSES.includes(va) || virtualMemoryLookup(current.pagetable, va).pn >= 0) return -1
  if (give(current.pagetable, va, current.pid) !== null) return 0
  sweep()
  return -1
}

function fork(): number {
  const child = processes.slice(1).find((p) => p.state === P_FREE)
  if (child === undefined) return -1
  const pagetable = kernelCopy(child.pid)
  const inherit = ({ va, pn, perm }: Mapped): boolean => {
    if (!(perm & PTE_W))
      return virtualMemoryMap(pagetable!, va, PAGEADDRESS(pn), PAGESIZE, perm, tablesFor(child.pid)) === 0
    const copy = give(pagetable!, va, child.pid)
    if (copy !== null) memcpy(copy, PAGEADDRESS(pn), PAGESIZE)
    return copy !== null
  }
  const made = pagetable !== null && mapped(current.pagetable).every(inherit)
  if (made) {
    child.pagetable = pagetable
    child.registers = current.registers
    child.registers.rax = 0n
    child.state = P_RUNNABLE
  }
  sweep()
  return made ? child.pid : -1
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

  const handlers = new Map<number, () => void>([
    [INT_SYS_PANIC, () => panic(null)],
    [INT_SYS_GETPID, () => answer(current.pid)],
    [INT_SYS_YIELD, schedule],
    [INT_SYS_PAGE_ALLOC, () => answer(pageAlloc(current.registers.rdi))],
    [INT_SYS_FORK, () => answer(fork())],
    [INT_SYS_EXIT, exit],
    [INT_TIMER, tick],
    [INT_PAGEFAULT, () => pageFault(registers)],
  ])
  const handler = handlers.get(intno)
  if (!handler) panic('Unexpected exception %d!\n', intno)
  handler()
}
function answer(value: number): void {
  current.registers.rax = BigInt.asUintN(64, BigInt(value))
  run(current)
}
function exit(): void {
  current.state = P_FREE
  sweep()
  schedule()
}
function tick(): void {
  ticks.value += 1
  schedule()
}
function pageFault({ err, rip }: X8664Registers): void {
  const operation = err & PFERR_WRITE ? 'write' : 'read'
  const problem = err & PFERR_PRESENT ? 'protection problem' : 'missing page'
  if (!(err & PFERR_USER))
    panic('Kernel page fault for %p (%s %s, rip=%p)!\n', ring0.cr2, operation, problem, rip)
  const text = 'Process %d page fault for %p (%s %s, rip=%p)!\n'
  consolePrintf(CPOS(24, 0), 0x0c00, text, current.pid, ring0.cr2, operation, problem, rip)
  current.state = P_BROKEN
  schedule()
}

export function schedule(): void {
  const turns = range(1, NPROC + 1).map((i) => processes[(current.pid + i) % NPROC]!)
  const next = turns.find((p) => p.state === P_RUNNABLE)
  if (next) run(next)
  else scheduleAgain()
}

function run(p: Proc): void {
  assert(p.state === P_RUNNABLE, 'p->p_state == P_RUNNABLE')
  setCurrent(p)
  setPagetable(p.pagetable)
  exceptionReturn(p)
}

function pageinfoInit(): void {
  for (const pn of ALL_PAGES) {
    const addr = PAGEADDRESS(pn)
    const owner = physicalMemoryIsreserved(addr) ? PO_RESERVED : isKernelMemory(addr) ? PO_KERNEL : PO_FREE
    pageinfo[pn]!.owner = owner
    pageinfo[pn]!.refcount = owner === PO_FREE ? 0 : 1
  }
}
