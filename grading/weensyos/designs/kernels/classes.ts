// WeensyOS, all steps. A class for physical memory and one for an address space; code that processes share belongs to the kernel,
// which counts who maps it.

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
const TABLE_SIZE = PAGESIZE * 512n

/** Physical memory by page numbers: a stack of free ones, filled at every boot. */
class Frames {
  #free: number[] = []

  init(): void {
    this.#free = []
    for (let pn = NPAGES - 1; pn >= 0; pn--) {
      const addr = PAGEADDRESS(pn)
      const page = pageinfo[pn]!
      page.owner = physicalMemoryIsreserved(addr) ? PO_RESERVED : isKernelMemory(addr) ? PO_KERNEL : PO_FREE
      page.refcount = page.owner === PO_FREE ? 0 : 1
      if (page.owner === PO_FREE) this.#free.push(pn)
    }
  }
  get count(): number {
    return this.#free.length
  }
  /** A page of zeroes. Whoever asks has looked at `count`. */
  take(owner: number): u64 {
    const pn = this.#free.pop()
    if (pn === undefined) panic('out of memory\n')
    const addr = PAGEADDRESS(pn)
    assert(assignPhysicalPage(addr, owner) === 0, 'a free page')
    memset(addr, 0, PAGESIZE)
    return addr
  }
  /** One more who maps the page. */
  share(addr: u64): void {
    pageinfo[PAGENUMBER(addr)]!.refcount += 1
  }
  /** One less. */
  drop(addr: u64): void {
    const pn = PAGENUMBER(addr)
    pageinfo[pn]!.refcount -= 1
    if (pageinfo[pn]!.refcount === 0) this.#free.push(pn)
  }
}
const frames = new Frames()

interface Mapping {
  readonly va: u64
  readonly pa: u64
  readonly writable: boolean
}

class AddressSpace {
  readonly #pid: number
  readonly root: X8664Pagetable

  constructor(pid: number, root: X8664Pagetable) {
    this.#pid = pid
    this.root = root
  }
  static of(p: Proc): AddressSpace {
    return new AddressSpace(p.pid, p.pagetable)
  }
  /** With the kernel in it, and tables for all addresses of a process. @returns null if there are too few pages */
  static make(pid: number): AddressSpace | null {
    if (frames.count < AddressSpace.TABLES) return null
    const space = new AddressSpace(pid, pagetableAt(frames.take(pid)))
    space.#map(0n, 0n, PROC_START_ADDR, PTE_P | PTE_W)
    space.#map(CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, PTE_P | PTE_W | PTE_U)
    for (let va = 0n; va < MEMSIZE_VIRTUAL; va += TABLE_SIZE) space.#makeTable(va + TABLE_SIZE - PAGESIZE)
    return space
  }
  /** A root, one table on each of the next two levels, one for each 2 MiB. */
  static readonly TABLES: number = 3 + Math.ceil(Number(MEMSIZE_VIRTUAL) / Number(TABLE_SIZE))

  #map(va: u64, pa: u64, size: u64, rights: u64): void {
    const table = (): X8664Pagetable => pagetableAt(frames.take(this.#pid))
    assert(virtualMemoryMap(this.root, va, pa, size, rights, table) === 0, 'mapped')
  }
  /** Mapping a page makes the table; then the page goes again. */
  #makeTable(va: u64): void {
    this.#map(va, 0n, PAGESIZE, PTE_P)
    virtualMemoryMap(this.root, va, 0n, PAGESIZE, 0, null)
  }
  has(va: u64): boolean {
    return virtualMemoryLookup(this.root, va).pn >= 0
  }
  /** A new page at `va`. @returns its physical address */
  add(va: u64): u64 {
    const page = frames.take(this.#pid)
    this.#map(va, page, PAGESIZE, PTE_P | PTE_W | PTE_U)
    return page
  }
  /** A page that is only read, which others may have as well. */
  addShared(va: u64, page: u64): void {
    this.#map(va, page, PAGESIZE, PTE_P | PTE_U)
  }
  /** The process's own pages. */
  *mappings(): Generator<Mapping> {
    for (let va = PROC_START_ADDR; va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
      const { pa, perm } = virtualMemoryLookup(this.root, va)
      if (BigInt(perm) & PTE_U) yield { va, pa, writable: (BigInt(perm) & PTE_W) !== 0n }
    }
  }
  /** @returns null if there are too few pages; then nothing has been taken */
  copyFor(pid: number): AddressSpace | null {
    const mappings = [...this.mappings()]
    const copies = mappings.filter(({ writable }) => writable).length
    if (frames.count < AddressSpace.TABLES + copies) return null
    const space = AddressSpace.make(pid)
    for (const { va, pa, writable } of space ? mappings : [])
      if (writable) memcpy(space!.add(va), pa, PAGESIZE)
      else {
        space!.addShared(va, pa)
        frames.share(pa)
      }
    return space
  }
  destroy(): void {
    for (const { pa } of this.mappings()) frames.drop(pa)
    this.#dropTables(this.root, 0)
  }
  #dropTables(table: X8664Pagetable, level: number): void {
    for (let i = 0; level < 3 && i < 512; i++) {
      const entry = table.entry[i]!
      if (entry & PTE_P) this.#dropTables(pagetableAt(entry & PTE_ADDR), level + 1)
    }
    frames.drop(table.address)
  }
}

export function kernel(command: string | null): void {
  hardwareInit()
  frames.init()
  consoleClear()
  timerInit(HZ)
  virtualMemoryMap(kernelPagetable, 0n, 0n, MEMSIZE_PHYSICAL, PTE_P | PTE_W, null)
  virtualMemoryMap(kernelPagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
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
  const space = AddressSpace.make(pid)
  assert(space !== null, 'space')
  p.pagetable = space.root
  assert(programLoad(p, programNumber, null, loadSegment) === 0, 'loaded')
  space.add(MEMSIZE_VIRTUAL - PAGESIZE)
  p.registers.rsp = MEMSIZE_VIRTUAL
  p.state = P_RUNNABLE
}
/** To whichever pages are free. What is only read becomes the kernel's. */
function loadSegment(p: Proc, { va, memorySize, fileSize, from, writable }: ProgramSegment): Status {
  const space = AddressSpace.of(p)
  for (let at = ROUNDDOWN(va, PAGESIZE); at < va + memorySize; at += PAGESIZE) {
    const page = writable ? space.add(at) : frames.take(PO_KERNEL)
    if (!writable) space.addShared(at, page)
    for (let i = 0n; i < PAGESIZE; i += 1n) {
      const offset = at + i - va
      if (offset >= 0n && offset < fileSize) ring0.write8(page + i, ring0.read8(from + Number(offset)))
    }
  }
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
  const space = AddressSpace.of(current)
  if (addr % PAGESIZE !== 0n || addr < PROC_START_ADDR || addr >= MEMSIZE_VIRTUAL) return -1
  if (frames.count === 0 || space.has(addr)) return -1
  space.add(addr)
  return 0
}
function fork(): number {
  const child = processes.find((p) => p.pid > 0 && p.state === P_FREE)
  const space = child && AddressSpace.of(current).copyFor(child.pid)
  if (!child || !space) return -1
  child.pagetable = space.root
  child.registers = current.registers
  child.registers.rax = 0n
  child.state = P_RUNNABLE
  return child.pid
}
function exit(): void {
  AddressSpace.of(current).destroy()
  current.state = P_FREE
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
      answer(current.pid)
      break
    case INT_SYS_YIELD:
      return schedule()
    case INT_SYS_PAGE_ALLOC:
      answer(pageAlloc(current.registers.rdi))
      break
    case INT_SYS_FORK:
      answer(fork())
      break
    case INT_SYS_EXIT:
      exit()
      return schedule()
    case INT_TIMER:
      ticks.value += 1
      return schedule()
    case INT_PAGEFAULT: {
      const addr = ring0.cr2
      const operation = registers.err & PFERR_WRITE ? 'write' : 'read'
      const problem = registers.err & PFERR_PRESENT ? 'protection problem' : 'missing page'
      if (!(registers.err & PFERR_USER))
        panic('Kernel page fault for %p (%s %s, rip=%p)!\n', addr, operation, problem, registers.rip)
      const text = 'Process %d page fault for %p (%s %s, rip=%p)!\n'
      consolePrintf(CPOS(24, 0), 0x0c00, text, current.pid, addr, operation, problem, registers.rip)
      current.state = P_BROKEN
      return schedule()
    }
    default:
      panic('Unexpected exception %d!\n', intno)
  }
  run(current)
}
function answer(value: number): void {
  current.registers.rax = BigInt.asUintN(64, BigInt(value))
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
