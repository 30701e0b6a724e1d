// How mutants are written: the reference with one mistake each, by replacing text that occurs in it once.

import type { Edit } from '@pagewalk/grader'

export interface Mutant {
  /** M and a number: of the list of mistakes that the grader must recognise (a letter behind it: another form of the same). A: our own. */
  readonly id: string
  readonly name: string
  readonly edits: readonly Edit[]
  /**
   * Ids of the checks that must see it; no other may fail. `stops` is there where the kernel's own code throws or does not end.
   * What needs a check that fails is blocked, and not named.
   */
  readonly mustFail: readonly string[]
}

export const edit = (find: string, replace: string): Edit => ({ find, replace })

const IMPORTS = "} from './lib/kernel.ts'"
/** Names of the library that the reference does without. */
export const imports = (...names: string[]): Edit =>
  edit(IMPORTS, `${names.map((name) => `  ${name},\n`).join('')}${IMPORTS}`)

// Pieces of reference/kernel.ts that mutants and designs change.
export const OPEN = 'PTE_P | PTE_W | PTE_U'

export const INIT = '  pageinfoInit()\n'
export const KERNEL_CLOSED =
  '  virtualMemoryMap(kernelPagetable, 0n, 0n, PROC_START_ADDR, PTE_P | PTE_W, null)\n'
export const CONSOLE_OPEN: string = `  virtualMemoryMap(kernelPagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, ${OPEN}, null)\n`
export const SLOT_FREE = '    processes[pid]!.state = P_FREE\n'

export const SETUP = '  const pagetable = newPagetable(pid)\n'
export const LOAD = '  const loaded = programLoad(p, programNumber, pagesFor(pid), loadSegment)\n'
export const RSP = '  p.registers.rsp = MEMSIZE_VIRTUAL\n'
export const STACK = '  const mapped = mapNewPage(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, pid)\n'
export const SETUP_DONE = '  p.state = P_RUNNABLE\n'
export const SEGMENT_LOAD = '  if (programLoadSegment(p, segment, allocator) < 0) return -1\n'
export const SEGMENT_SIZE = '  const size = ROUNDUP(segment.va + segment.memorySize, PAGESIZE) - start\n'
export const SEGMENT_RIGHTS =
  '  return segment.writable ? 0 : virtualMemoryMap(p.pagetable, start, start, size, PTE_P | PTE_U, allocator)\n'

export const ALLOCATE = 'function allocatePage(owner: number): u64 | null {\n'
export const SEARCH = `  for (let pn = 0; pn < NPAGES; pn++)
    if (pageinfo[pn]!.refcount === 0) {
      assignPhysicalPage(PAGEADDRESS(pn), owner)
      return PAGEADDRESS(pn)
    }
  return null
`
export const PAGE_FREED = '  pageinfo[PAGENUMBER(addr)]!.refcount = 0\n'
export const TABLE_PAGE = '    const addr = allocatePage(owner)\n'
export const ROOT_ZEROED = '  memset(pagetable.address, 0, PAGESIZE)\n'
export const KERNEL_LOOP = 'for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) {'
export const KERNEL_LOOKUP = 'virtualMemoryLookup(kernelPagetable, va)'
export const KERNEL_MAPPED =
  '    if (perm !== 0 && virtualMemoryMap(pagetable, va, pa, PAGESIZE, perm, pagesFor(pid)) < 0) return null\n'
export const NEW_PAGETABLE_DONE = '  return pagetable\n}\n'
export const NEW_PAGE = '  const page = allocatePage(pid)\n  if (page === null) return null\n'
export const NEW_PAGE_MAPPED: string = `  if (virtualMemoryMap(pagetable, va, page, PAGESIZE, ${OPEN}, pagesFor(pid)) < 0) {\n`
export const ZEROED = '  memset(page, 0, PAGESIZE)\n'

export const LIMITS =
  '  if (addr % PAGESIZE !== 0n || addr < PROC_START_ADDR || addr >= MEMSIZE_VIRTUAL) return -1\n'
export const ALREADY = '  if (virtualMemoryLookup(current.pagetable, addr).pn >= 0) return -1\n'
export const GIVE = '  if (mapNewPage(current.pagetable, addr, current.pid) === null) {\n'
export const OUT_OF_MEMORY =
  "    consolePrintf(CPOS(24, 0), 0x0c00, 'Out of physical memory!\\n')\n    return -1\n"
export const GIVE_ANSWER = '      current.registers.rax = result(pageAlloc(current.registers.rdi))\n'

export const SLOT = '  const child = processes.find((p, pid) => pid > 0 && p.state === P_FREE)\n'
export const NO_SLOT = '  if (!child) return -1\n'
export const FORK_TABLE = '  const pagetable = newPagetable(child.pid)\n'
export const FORK_FAILS = `  if (!pagetable || inherit(current.pagetable, pagetable, child.pid) < 0) {
    freeMemory(child.pid, pagetable)
    return -1
  }
`
export const CHILD_TABLE = '  child.pagetable = pagetable\n'
export const CHILD_REGISTERS = '  child.registers = current.registers\n'
export const CHILD_RAX = '  child.registers.rax = 0n\n'
export const CHILD_RUNNABLE = '  child.state = P_RUNNABLE\n'
export const FORK_DONE = '  return child.pid\n'
export const FORK_ANSWER = '      current.registers.rax = result(fork())\n'
export const INHERIT_LOOP = 'for (let va = PROC_START_ADDR; va < MEMSIZE_VIRTUAL; va += PAGESIZE) {'
export const USERS_ONLY = '    if (!(rights & PTE_U)) continue\n'
export const WRITABLE = '    if (rights & PTE_W) {\n'
export const COPY = '      const copy = mapNewPage(to, va, pid)\n'
export const COPY_FAILS = '      if (copy === null) return -1\n'
export const COPIED = '      memcpy(copy, original.pa, PAGESIZE)\n'
export const SHARE =
  '      if (virtualMemoryMap(to, va, original.pa, PAGESIZE, PTE_P | PTE_U, pagesFor(pid)) < 0) return -1\n'
export const COUNTED = '      pageinfo[original.pn]!.refcount += 1\n'

export const EXIT_FREES = '  freeMemory(current.pid, current.pagetable)\n'
export const EXIT_STATE = '  current.state = P_FREE\n'
export const EXIT_CALL = '      exit()\n      schedule()\n      return // schedule() has chosen\n'
export const FREE_LOOP =
  '  for (let va = PROC_START_ADDR; pagetable && va < MEMSIZE_VIRTUAL; va += PAGESIZE) {\n'
export const LET_GO = '    if (BigInt(perm) & PTE_U) letGo(pn, va, pid)\n'
export const FREE_OWNED = '  for (const page of pageinfo) if (page.owner === pid) page.refcount = 0\n'
export const UNCOUNTED = '  page.refcount -= 1\n'
export const HAND_OVER_UNLESS = '  if (page.refcount === 0 || page.owner !== pid) return\n'
export const HEIR = `    p.pid !== pid && p.state !== P_FREE && virtualMemoryLookup(p.pagetable, va).pn === pn
`
export const HAND_OVER = '  page.owner = processes.find(maps)!.pid\n'

export const FAULT_BREAKS = '      current.state = P_BROKEN\n'
export const SCHEDULE_TEST = '    if (p.state === P_RUNNABLE) return run(p)\n'
export const PAGE_COUNT = '    pageinfo[pn]!.refcount = owner === PO_FREE ? 0 : 1\n'

/** page_alloc with something done to the page that it got. */
export const given = (then: string): Edit =>
  edit(
    GIVE,
    `  const page = mapNewPage(current.pagetable, addr, current.pid)\n  ${then}\n  if (page === null) {\n`,
  )
/** Something done to each page of a child after its copying. */
export const copied = (then: string): Edit => edit(COPIED, `${COPIED}      ${then}\n`)
