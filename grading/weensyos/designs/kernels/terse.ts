// WeensyOS 1-7. Own page walker, no virtualMemoryMap; out of memory is an exception; fork clones the tree of tables.

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
  ring0,
  type Status,
  scheduleAgain,
  setCurrent,
  setPagetable,
  ticks,
  timerInit,
  type u64,
  type X8664Registers,
} from './lib/kernel.ts'

const PW = PTE_P | PTE_W
const PWU = PW | PTE_U
class OutOfMemory extends Error {}

const info = (pa: u64) => pageinfo[PAGENUMBER(pa)]!
const isPlace = (va: u64) => va % PAGESIZE === 0n && va >= PROC_START_ADDR && va < MEMSIZE_VIRTUAL
const min = (a: u64, b: u64) => (a < b ? a : b)

/** A page of zeroes. @throws OutOfMemory */
function page(owner: number): u64 {
  const pn = pageinfo.findIndex(({ refcount }) => refcount === 0)
  if (pn < 0) throw new OutOfMemory()
  assignPhysicalPage(PAGEADDRESS(pn), owner)
  memset(PAGEADDRESS(pn), 0, PAGESIZE)
  return PAGEADDRESS(pn)
}

// Tables are addresses. `at` is where the last-level entry for `va` is; missing tables are made for `owner`.
function at(root: u64, va: u64, owner: number): u64 {
  let table = root
  for (const shift of [39n, 30n, 21n]) {
    const slot = table + ((va >> shift) & 511n) * 8n
    if (!(ring0.read64(slot) & PTE_P)) ring0.write64(slot, page(owner) | PWU)
    table = ring0.read64(slot) & PTE_ADDR
  }
  return table + ((va >> 12n) & 511n) * 8n
}
const put = (root: u64, va: u64, entry: u64, owner: number) => ring0.write64(at(root, va, owner), entry)

/** Calls `leaf` for each page of a process's own, and `done` for each table, when what is below it is done. */
function walk(
  table: u64,
  leaf: (entry: u64, va: u64) => void,
  done: (table: u64) => void,
  shift = 39n,
  va = 0n,
): void {
  for (let i = 0n; i < 512n; i++) {
    const entry = ring0.read64(table + i * 8n)
    const first = va + (i << shift)
    if (!(entry & PTE_P)) continue
    if (shift > 12n) walk(entry & PTE_ADDR, leaf, done, shift - 9n, first)
    else if (first >= PROC_START_ADDR) leaf(entry, first)
  }
  done(table)
}
function free(pid: number, root: u64): void {
  const drop = (pa: u64) => {
    info(pa).refcount -= 1
  }
  walk(root, (entry) => drop(entry & PTE_ADDR), drop)
  adopt(pid)
}
/** Pages that are still counted belong to somebody who maps them. */
function adopt(from: number): void {
  for (const p of processes.filter(({ pid, state }) => pid !== from && state !== P_FREE))
    walk(
      p.pagetable.address,
      (entry) => {
        const shared = info(entry & PTE_ADDR)
        if (shared.owner === from) shared.owner = p.pid
      },
      () => {},
    )
}

/** Tables for `pid` with the kernel in them. If memory runs out, none of them is left. */
function space(pid: number): u64 {
  const root = page(pid)
  try {
    for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE)
      put(root, va, va | (va === CONSOLE_ADDR ? PWU : PW), pid)
    return root
  } catch (e) {
    free(pid, root)
    throw e
  }
}
/** -1 for what has run out of memory. */
function orNot(f: () => number): number {
  try {
    return f()
  } catch (e) {
    if (e instanceof OutOfMemory) return -1
    throw e
  }
}

export function kernel(command: string | null): void {
  hardwareInit()
  pageinfo.forEach((each, pn) => {
    const pa = PAGEADDRESS(pn)
    each.owner = physicalMemoryIsreserved(pa) ? PO_RESERVED : isKernelMemory(pa) ? PO_KERNEL : PO_FREE
    each.refcount = each.owner === PO_FREE ? 0 : 1
  })
  consoleClear()
  timerInit(HZ)
  const root = kernelPagetable.address
  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE)
    put(root, va, va | (va === CONSOLE_ADDR ? PWU : PW), PO_KERNEL)
  processes.forEach((p, pid) => {
    p.pid = pid
    p.state = P_FREE
  })
  const four = [0, 1, 2, 3]
  const programs = command === 'fork' ? [4] : command === 'forkexit' ? [5] : four
  programs.forEach((program, i) => {
    start(processes[i + 1]!, program)
  })
  run(processes[1]!)
}
function start(p: Proc, program: number): void {
  processInit(p, 0)
  const root = space(p.pid)
  p.pagetable = pagetableAt(root)
  assert(programLoad(p, program, null, load) === 0, 'loaded')
  put(root, MEMSIZE_VIRTUAL - PAGESIZE, page(p.pid) | PWU, p.pid)
  p.registers.rsp = MEMSIZE_VIRTUAL
  p.state = P_RUNNABLE
}
/** Anywhere. The images' segments begin at a page. */
function load(p: Proc, { va, memorySize, fileSize, from, writable }: ProgramSegment): Status {
  assert(va % PAGESIZE === 0n, 'segment begins at a page')
  for (let done = 0n; done < memorySize; done += PAGESIZE) {
    const pa = page(p.pid)
    if (done < fileSize) memcpy(pa, BigInt(from) + done, min(PAGESIZE, fileSize - done))
    put(p.pagetable.address, va + done, pa | (writable ? PWU : PTE_P | PTE_U), p.pid)
  }
  return 0
}

export function assignPhysicalPage(addr: u64, owner: number): Status {
  if (addr % PAGESIZE !== 0n || addr >= MEMSIZE_PHYSICAL || info(addr).refcount !== 0) return -1
  info(addr).refcount = 1
  info(addr).owner = owner
  return 0
}

function alloc(va: u64): number {
  const { pid, pagetable } = current
  if (!isPlace(va)) return -1
  const slot = at(pagetable.address, va, pid)
  if (ring0.read64(slot) & PTE_P) return -1
  ring0.write64(slot, page(pid) | PWU)
  return 0
}
function fork(): number {
  const child = processes.findLast(({ pid, state }) => pid > 0 && state === P_FREE)
  if (!child) return -1
  const { pid } = child
  const root = space(pid)
  try {
    walk(
      current.pagetable.address,
      (entry, va) => inherit(root, va, entry, pid),
      () => {},
    )
  } catch (e) {
    free(pid, root)
    throw e
  }
  child.pagetable = pagetableAt(root)
  child.registers = current.registers
  child.registers.rax = 0n
  child.state = P_RUNNABLE
  return pid
}
function inherit(root: u64, va: u64, entry: u64, pid: number): void {
  const slot = at(root, va, pid)
  const original = entry & PTE_ADDR
  const copy = entry & PTE_W ? page(pid) : original
  if (copy === original) info(original).refcount += 1
  else memcpy(copy, original, PAGESIZE)
  ring0.write64(slot, copy | (entry & PWU))
}

export function exception(registers: X8664Registers): void {
  current.registers = registers
  setPagetable(kernelPagetable)
  consoleShowCursor(ring0.readInt32(CURSORPOS_ADDR))
  const { intno, err, rip } = registers
  const vector = Number(intno)
  if (vector !== INT_PAGEFAULT || err & PTE_U) {
    checkVirtualMemory()
    memshowPhysical()
    memshowVirtualAnimate()
  }
  checkKeyboard()
  if (vector === INT_SYS_PANIC) panic(null)
  else if (vector === INT_SYS_GETPID) answer(current.pid)
  else if (vector === INT_SYS_PAGE_ALLOC) answer(orNot(() => alloc(current.registers.rdi)))
  else if (vector === INT_SYS_FORK) answer(orNot(fork))
  else if (vector === INT_SYS_EXIT) {
    free(current.pid, current.pagetable.address)
    current.state = P_FREE
  } else if (vector === INT_TIMER) ticks.value += 1
  else if (vector === INT_PAGEFAULT) {
    // the error code has the bits of an entry: P, W, U
    const how = `${err & PTE_W ? 'write' : 'read'} ${err & PTE_P ? 'protection problem' : 'missing page'}`
    if (!(err & PTE_U)) panic('Kernel page fault for %p (%s, rip=%p)!\n', ring0.cr2, how, rip)
    const text = 'Process %d page fault for %p (%s, rip=%p)!\n'
    consolePrintf(CPOS(24, 0), 0x0c00, text, current.pid, ring0.cr2, how, rip)
    current.state = P_BROKEN
  } else if (vector !== INT_SYS_YIELD) panic('Unexpected exception %d!\n', vector)
  const stays = [INT_SYS_GETPID, INT_SYS_PAGE_ALLOC, INT_SYS_FORK].includes(vector)
  if (stays) run(current)
  else schedule()
}
function answer(value: number): void {
  current.registers.rax = BigInt.asUintN(64, BigInt(value))
}

export function schedule(): void {
  const turns = [...processes.slice(current.pid + 1), ...processes.slice(0, current.pid + 1)]
  const next = turns.find(({ state }) => state === P_RUNNABLE)
  if (next) run(next)
  else scheduleAgain()
}
function run(p: Proc): void {
  setCurrent(p)
  setPagetable(p.pagetable)
  exceptionReturn(p)
}
