// Kernels that are complete to step 1, 2, ... 7 and no further, each the one before with a student's next edits. The
// first one grows out of the handed-out kernel.

import type { Edit } from '@pagewalk/grader'

const IMPORTS = "} from './lib/kernel.ts'"

/** Edits from step n - 1 to step n, in order; stage 0 is the kernel as handed out. */
export const STAGES: readonly (readonly Edit[])[] = [
  [
    { find: IMPORTS, replace: `  CONSOLE_ADDR,\n  MEMSIZE_VIRTUAL,\n${IMPORTS}` },
    {
      find: '  timerInit(HZ)\n',
      replace: `  timerInit(HZ)

  virtualMemoryMap(kernelPagetable, 0n, 0n, PROC_START_ADDR, PTE_P | PTE_W, null)
  virtualMemoryMap(kernelPagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
`,
    },
    {
      find: 'const r = assignPhysicalPage(addr, current.pid)',
      replace: `const allowed = addr >= PROC_START_ADDR && addr < MEMSIZE_VIRTUAL && addr % PAGESIZE === 0n
      const r = allowed ? assignPhysicalPage(addr, current.pid) : -1`,
    },
  ],
  [
    {
      find: IMPORTS,
      replace: `  memset,\n  pagetableAt,\n  virtualMemoryLookup,\n  type X8664Pagetable,\n${IMPORTS}`,
    },
    {
      find: `  p.pagetable = kernelPagetable
  pageinfo[PAGENUMBER(kernelPagetable.address)]!.refcount += 1
  const loaded = programLoad(p, programNumber, null)`,
      replace: `  const pagetable = copyKernelMappings(pid)
  assert(pagetable !== null, 'pagetable')
  p.pagetable = pagetable
  const loaded = programLoad(p, programNumber, tableAllocator(pid))`,
    },
    {
      find: 'virtualMemoryMap(p.pagetable, stackPage, stackPage, PAGESIZE, PTE_P | PTE_W | PTE_U, null)',
      replace:
        'virtualMemoryMap(p.pagetable, stackPage, stackPage, PAGESIZE, PTE_P | PTE_W | PTE_U, tableAllocator(pid))',
    },
    {
      find: `/**
 * \`assign_physical_page(addr, owner)\``,
      replace: `/** The number of a free physical page, now given to \`owner\`, or -1. */
function findFreePage(owner: number): number {
  for (let pn = 1; pn < NPAGES; pn++) {
    if (assignPhysicalPage(PAGEADDRESS(pn), owner) === 0) return pn
  }
  return -1
}

/** For virtualMemoryMap: gives page tables that belong to \`pid\`. */
function tableAllocator(pid: number): () => X8664Pagetable | null {
  return () => {
    const pn = findFreePage(pid)
    return pn < 0 ? null : pagetableAt(PAGEADDRESS(pn))
  }
}

/** A new page table for \`pid\` with the kernel's part of the kernel's, or null. */
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
 * \`assign_physical_page(addr, owner)\``,
    },
  ],
  [
    {
      find: `      const r = allowed ? assignPhysicalPage(addr, current.pid) : -1
      if (r >= 0) virtualMemoryMap(current.pagetable, addr, addr, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
      current.registers.rax = BigInt.asUintN(64, BigInt(r))
`,
      replace: `      const r = allowed ? pageAlloc(addr) : -1
      current.registers.rax = BigInt.asUintN(64, BigInt(r))
`,
    },
    {
      find: '/** For virtualMemoryMap: gives page tables',
      replace: `/** Any free physical page at \`addr\` in the current process, or -1. */
function pageAlloc(addr: u64): Status {
  if (virtualMemoryLookup(current.pagetable, addr).pn >= 0) return -1
  const pn = findFreePage(current.pid)
  if (pn < 0) return -1
  const allocator = tableAllocator(current.pid)
  if (virtualMemoryMap(current.pagetable, addr, PAGEADDRESS(pn), PAGESIZE, PTE_P | PTE_W | PTE_U, allocator) < 0) {
    pageinfo[pn]!.refcount = 0
    return -1
  }
  return 0
}

/** For virtualMemoryMap: gives page tables`,
    },
  ],
  [
    {
      find: `  p.registers.rsp = PROC_START_ADDR + PROC_SIZE * BigInt(pid)
  const stackPage = p.registers.rsp - PAGESIZE
  assignPhysicalPage(stackPage, pid)
  virtualMemoryMap(p.pagetable, stackPage, stackPage, PAGESIZE, PTE_P | PTE_W | PTE_U, tableAllocator(pid))`,
      replace: `  p.registers.rsp = MEMSIZE_VIRTUAL
  const stackPage = findFreePage(pid)
  assert(stackPage >= 0, 'stackPage >= 0')
  const open = PTE_P | PTE_W | PTE_U
  virtualMemoryMap(p.pagetable, MEMSIZE_VIRTUAL - PAGESIZE, PAGEADDRESS(stackPage), PAGESIZE, open, tableAllocator(pid))`,
    },
    { find: '  PROC_SIZE,\n', replace: '' },
  ],
  [
    { find: IMPORTS, replace: `  INT_SYS_FORK,\n  memcpy,\n${IMPORTS}` },
    {
      find: '    case INT_TIMER:',
      replace: `    case INT_SYS_FORK:
      current.registers.rax = BigInt.asUintN(64, BigInt(fork()))
      break

    case INT_TIMER:`,
    },
    {
      find: '/** Any free physical page at `addr` in the current process',
      replace: `/** A copy of the current process. @returns its pid, or -1 */
function fork(): number {
  const pid = processes.findIndex((p, slot) => slot > 0 && p.state === P_FREE)
  if (pid < 0) return -1
  const pagetable = copyKernelMappings(pid)
  if (pagetable === null) return giveBack(pid)
  for (let va = PROC_START_ADDR; va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
    const vam = virtualMemoryLookup(current.pagetable, va)
    if (!(BigInt(vam.perm) & PTE_U)) continue
    const pn = findFreePage(pid)
    if (pn < 0) return giveBack(pid)
    memcpy(PAGEADDRESS(pn), vam.pa, PAGESIZE)
    if (virtualMemoryMap(pagetable, va, PAGEADDRESS(pn), PAGESIZE, vam.perm, tableAllocator(pid)) < 0) return giveBack(pid)
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

/** Any free physical page at \`addr\` in the current process`,
    },
  ],
  [
    {
      find: IMPORTS,
      replace: `  type PagetableAllocator,\n  type ProgramSegment,\n  programLoadSegment,\n  ROUNDUP,\n${IMPORTS}`,
    },
    {
      find: 'programLoad(p, programNumber, tableAllocator(pid))',
      replace: 'programLoad(p, programNumber, tableAllocator(pid), loadSegment)',
    },
    {
      find: '/** The number of a free physical page, now given',
      replace: `/** Loads as ever, then takes W from what the program does not write. */
function loadSegment(p: Proc, segment: ProgramSegment, allocator: PagetableAllocator | null): Status {
  const loaded = programLoadSegment(p, segment, allocator)
  if (loaded < 0 || segment.writable) return loaded
  const { va, memorySize } = segment
  return virtualMemoryMap(p.pagetable, va, va, ROUNDUP(memorySize, PAGESIZE), PTE_P | PTE_U, allocator)
}

/** The number of a free physical page, now given`,
    },
    {
      find: '    const pn = findFreePage(pid)\n    if (pn < 0) return giveBack(pid)\n    memcpy',
      replace: `    if (!(BigInt(vam.perm) & PTE_W)) {
      if (virtualMemoryMap(pagetable, va, vam.pa, PAGESIZE, vam.perm, tableAllocator(pid)) < 0) return giveBack(pid, pagetable)
      pageinfo[vam.pn]!.refcount += 1
      continue
    }
    const pn = findFreePage(pid)
    if (pn < 0) return giveBack(pid, pagetable)
    memcpy`,
    },
    {
      find: 'function giveBack(pid: number): number {',
      replace: 'function giveBack(pid: number, _pagetable: X8664Pagetable | null = null): number {',
    },
  ],
  [
    { find: IMPORTS, replace: `  INT_SYS_EXIT,\n${IMPORTS}` },
    {
      find: '    case INT_TIMER:',
      replace: `    case INT_SYS_EXIT:
      giveBack(current.pid, current.pagetable)
      current.state = P_FREE
      schedule()
      return

    case INT_TIMER:`,
    },
    {
      find: 'vam.perm, tableAllocator(pid)) < 0) return giveBack(pid)\n',
      replace: 'vam.perm, tableAllocator(pid)) < 0) return giveBack(pid, pagetable)\n',
    },
    {
      find: `/** All pages of a process that never was. */
function giveBack(pid: number, _pagetable: X8664Pagetable | null = null): number {
`,
      replace: `/** All pages of a process that is no more or never was. A shared page gets another owner. */
function giveBack(pid: number, pagetable: X8664Pagetable | null = null): number {
  for (let va = PROC_START_ADDR; pagetable && va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
    const { pn, perm } = virtualMemoryLookup(pagetable, va)
    if (!(BigInt(perm) & PTE_U) || pageinfo[pn]!.refcount === 1) continue
    pageinfo[pn]!.refcount -= 1
    if (pageinfo[pn]!.owner !== pid) continue
    for (const p of processes)
      if (p.pid !== pid && p.state !== P_FREE && virtualMemoryLookup(p.pagetable, va).pn === pn)
        pageinfo[pn]!.owner = p.pid
  }
`,
    },
  ],
]
