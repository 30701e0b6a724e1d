// Wrong kernels: each is the reference with one mistake that students make, and fails exactly the named checks; all
// others pass or are blocked. The ids are those of the list of mistakes that the grader must recognise.

import type { Edit } from '@pagewalk/grader'

export interface Mutant {
  readonly id: string
  readonly name: string
  readonly edits: readonly Edit[]
  readonly mustFail: readonly string[]
}

const edit = (find: string, replace: string): Edit => ({ find, replace })

const IMPORTS = "} from './lib/kernel.ts'"
const imports = (...names: string[]): Edit =>
  edit(IMPORTS, `${names.map((name) => `  ${name},\n`).join('')}${IMPORTS}`)

const KERNEL_CLOSED = '  virtualMemoryMap(kernelPagetable, 0n, 0n, PROC_START_ADDR, PTE_P | PTE_W, null)\n'
const CONSOLE_OPEN =
  '  virtualMemoryMap(kernelPagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, PTE_P | PTE_W | PTE_U, null)\n'
const SETUP = '  const pagetable = newPagetable(pid)\n'
const SETUP_DONE = '  p.state = P_RUNNABLE\n'
const NEW_PAGETABLE_DONE = '  return pagetable\n}\n'
const TABLE_PAGE = '    const addr = allocatePage(owner)\n'
const KERNEL_LOOKUP = 'virtualMemoryLookup(kernelPagetable, va)'
const KERNEL_LOOP = 'for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) {'
const SEARCH = 'for (let pn = 0; pn < NPAGES; pn++)\n    if (pageinfo[pn]!.refcount === 0) {'
const LIMITS = 'if (addr % PAGESIZE !== 0n || addr < PROC_START_ADDR || addr >= MEMSIZE_VIRTUAL) return -1\n'
const ALREADY = '  if (virtualMemoryLookup(current.pagetable, addr).pn >= 0) return -1\n'
const GIVE = '  if (mapNewPage(current.pagetable, addr, current.pid) === null) {\n'
const RSP = '  p.registers.rsp = MEMSIZE_VIRTUAL\n'
const STACK = '  const mapped = mapNewPage(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, pid)\n'
const COPY_LOOP = 'for (let va = PROC_START_ADDR; va < MEMSIZE_VIRTUAL; va += PAGESIZE) {'
const COPY = '    const copy = mapNewPage(to, va, pid)\n'
const COPIED = '    memcpy(copy, original.pa, PAGESIZE)\n'
const FORK_ANSWER = '      current.registers.rax = result(fork())\n'
const FORK_FAILS = `  if (!pagetable || copyPages(current.pagetable, pagetable, child.pid) < 0) {
    freePagesOf(child.pid)
    return -1
  }
`
const CHILD_REGISTERS = '  child.registers = current.registers\n'
const CHILD_RUNNABLE = '  child.state = P_RUNNABLE\n'
const OPEN = 'PTE_P | PTE_W | PTE_U'

/** page_alloc with something done to the page that it got. */
const given = (then: string): Edit =>
  edit(
    GIVE,
    `  const page = mapNewPage(current.pagetable, addr, current.pid)\n  ${then}\n  if (page === null) {\n`,
  )
/** Something done to each page of a child after its copying. */
const copied = (then: string): Edit => edit(COPIED, `${COPIED}    ${then}\n`)

export const mutants: readonly Mutant[] = [
  {
    id: 'M1.1',
    name: 'kernel left open',
    edits: [edit(KERNEL_CLOSED, '')],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'M1.3',
    name: 'console opened before the big range is closed',
    edits: [edit(KERNEL_CLOSED + CONSOLE_OPEN, CONSOLE_OPEN + KERNEL_CLOSED)],
    mustFail: ['console-open', 'fork-child-console'],
  },
  {
    id: 'M1.5',
    name: 'only kernel text, data and stack closed',
    edits: [
      edit(
        KERNEL_CLOSED,
        '  virtualMemoryMap(kernelPagetable, 0x40000n, 0x40000n, 0x40000n, PTE_P | PTE_W, null)\n',
      ),
    ],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'M1.7',
    name: 'closed from KERNEL_START_ADDR on',
    edits: [
      edit(
        KERNEL_CLOSED,
        '  virtualMemoryMap(kernelPagetable, 0x40000n, 0x40000n, 0xc0000n, PTE_P | PTE_W, null)\n',
      ),
    ],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'M1.9',
    name: 'kernel mapped without P',
    edits: [edit(KERNEL_CLOSED, KERNEL_CLOSED.replace('PTE_P | PTE_W', 'PTE_W'))],
    mustFail: ['boots'],
  },
  {
    id: 'M1.9b',
    name: 'kernel unmapped',
    edits: [edit(KERNEL_CLOSED, KERNEL_CLOSED.replace('PTE_P | PTE_W', '0'))],
    mustFail: ['boots'],
  },
  {
    id: 'M1.11',
    name: 'console of 4000 bytes',
    edits: [edit(CONSOLE_OPEN, CONSOLE_OPEN.replace('PAGESIZE', '4000n'))],
    mustFail: ['boots'],
  },
  {
    id: 'M1.15',
    name: 'page_alloc takes kernel addresses',
    edits: [edit('addr < PROC_START_ADDR || ', ''), edit(ALREADY, '')],
    mustFail: ['kernel-addresses-refused'],
  },
  {
    id: 'M1.17',
    name: 'page_alloc takes unaligned addresses',
    edits: [edit('addr % PAGESIZE !== 0n || addr < PROC', 'addr < PROC')],
    mustFail: ['odd-addresses-refused'],
  },
  {
    id: 'M1.19',
    name: 'every kernel page mapped to physical page 0',
    edits: [
      edit(
        KERNEL_CLOSED,
        '  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) virtualMemoryMap(kernelPagetable, va, 0n, PAGESIZE, PTE_P | PTE_W, null)\n',
      ),
    ],
    mustFail: ['boots'],
  },
  {
    id: 'M1.21',
    name: 'U cleared in the root instead of in the leaves',
    edits: [
      edit(KERNEL_CLOSED + CONSOLE_OPEN, '  kernelPagetable.entry[0] = kernelPagetable.entry[0]! & ~PTE_U\n'),
    ],
    mustFail: ['console-open', 'fork-child-console'],
  },
  {
    id: 'M2.1',
    name: 'all processes stay in the kernel’s tables',
    edits: [
      edit(
        SETUP,
        '  const pagetable: X8664Pagetable | null = kernelPagetable\n  pageinfo[PAGENUMBER(kernelPagetable.address)]!.refcount += 1\n',
      ),
    ],
    mustFail: ['own-page-tables'],
  },
  {
    id: 'M2.3',
    name: 'last level shared with the kernel',
    edits: [
      imports('PTE_ADDR'),
      edit(
        NEW_PAGETABLE_DONE,
        `  const l3 = (root: X8664Pagetable) => pagetableAt(pagetableAt(root.entry[0]! & PTE_ADDR).entry[0]! & PTE_ADDR)
  l3(pagetable).entry[0] = l3(kernelPagetable).entry[0]!
${NEW_PAGETABLE_DONE}`,
      ),
    ],
    mustFail: ['system-calls-answered'],
  },
  {
    id: 'M2.5',
    name: 'page tables allocated before their owner is known',
    edits: [edit(TABLE_PAGE, TABLE_PAGE.replace('(owner)', '(PO_FREE)'))],
    mustFail: ['system-calls-answered'],
  },
  {
    id: 'M2.7',
    name: 'reference count of a table raised twice',
    edits: [
      edit(TABLE_PAGE, `${TABLE_PAGE}    if (addr !== null) pageinfo[PAGENUMBER(addr)]!.refcount += 1\n`),
    ],
    mustFail: ['system-calls-answered'],
  },
  {
    id: 'M2.9',
    name: 'the whole kernel table copied, rights and all',
    edits: [edit(KERNEL_LOOP, KERNEL_LOOP.replace('PROC_START_ADDR', 'MEMSIZE_PHYSICAL')), edit(ALREADY, '')],
    mustFail: [
      'processes-isolated',
      'heap-pages-recorded',
      'fork-shares-nothing-writable',
      'fork-makes-four',
      'fork-pages-recorded',
      'fork-slots-run-out',
    ],
  },
  {
    id: 'M2.11',
    name: 'console closed in the processes’ tables',
    edits: [
      edit(
        '(pagetable, va, pa, PAGESIZE, perm, pagesFor',
        '(pagetable, va, pa, PAGESIZE, PTE_P | PTE_W, pagesFor',
      ),
    ],
    mustFail: ['console-open', 'fork-child-console'],
  },
  {
    id: 'M2.15',
    name: 'kernel table still counted for each process',
    edits: [edit(SETUP, `  pageinfo[PAGENUMBER(kernelPagetable.address)]!.refcount += 1\n${SETUP}`)],
    mustFail: ['system-calls-answered'],
  },
  {
    id: 'M2.17',
    name: 'root entry without U',
    edits: [edit(SETUP_DONE, `  pagetable.entry[0] = pagetable.entry[0]! & ~PTE_U\n${SETUP_DONE}`)],
    mustFail: ['system-calls-answered', 'console-open'],
  },
  {
    id: 'M2.19',
    name: 'root entry points one page too far',
    edits: [
      edit(
        NEW_PAGETABLE_DONE,
        `  pagetable.entry[0] = pagetable.entry[0]! + PAGESIZE\n${NEW_PAGETABLE_DONE}`,
      ),
    ],
    mustFail: ['boots'],
  },
  {
    id: 'M2.21',
    name: 'copied from a table address of another build',
    edits: [edit(KERNEL_LOOKUP, 'virtualMemoryLookup(pagetableAt(0x5a000n), va)')],
    mustFail: ['boots'],
  },
  {
    id: 'M2.23',
    name: 'page_alloc maps into the kernel’s table',
    edits: [edit(GIVE, GIVE.replace('current.pagetable', 'kernelPagetable'))],
    mustFail: ['process-memory-works', 'page-alloc-any-page', 'fork-returns-twice'],
  },
  {
    id: 'M3.1',
    name: 'physical page of the same number',
    edits: [
      edit(
        GIVE,
        `  if (assignPhysicalPage(addr, current.pid) < 0 || virtualMemoryMap(current.pagetable, addr, addr, PAGESIZE, ${OPEN}, pagesFor(current.pid)) < 0) {\n`,
      ),
    ],
    mustFail: ['page-alloc-any-page'],
  },
  {
    id: 'M3.3',
    name: 'page given, but not recorded',
    edits: [
      given(
        'if (page !== null) { pageinfo[PAGENUMBER(page)]!.refcount = 0; pageinfo[PAGENUMBER(page)]!.owner = PO_FREE }',
      ),
    ],
    mustFail: [
      'processes-isolated',
      'heap-pages-recorded',
      'heap-pages-usable',
      'memory-runs-out',
      'whole-address-space',
      'heaps-fill-memory',
      'fork-returns-twice',
    ],
  },
  {
    id: 'M3.5',
    name: 'owner recorded, reference count not',
    edits: [given('if (page !== null) pageinfo[PAGENUMBER(page)]!.refcount = 0')],
    mustFail: [
      'processes-isolated',
      'heap-pages-recorded',
      'heap-pages-usable',
      'memory-runs-out',
      'whole-address-space',
      'heaps-fill-memory',
      'fork-returns-twice',
    ],
  },
  {
    id: 'M3.7',
    name: 'search for a free page without an end',
    edits: [edit(SEARCH, 'for (let pn = 0; ; pn++)\n    if (pageinfo[pn]!.refcount === 0) {')],
    mustFail: ['stops'],
  },
  {
    id: 'M3.9',
    name: 'last physical page never found',
    edits: [edit(SEARCH, SEARCH.replace('pn < NPAGES', 'pn < NPAGES - 1'))],
    mustFail: ['memory-runs-out'],
  },
  {
    id: 'M3.15',
    name: 'heap page mapped without U',
    edits: [
      given(
        'if (page !== null) virtualMemoryMap(current.pagetable, addr, page, PAGESIZE, PTE_P | PTE_W, null)',
      ),
    ],
    mustFail: ['process-memory-works', 'page-alloc-any-page', 'fork-returns-twice'],
  },
  {
    id: 'M3.17',
    name: 'page_alloc returns the physical address',
    edits: [given('if (page !== null) return Number(page) as Status')],
    mustFail: ['page-alloc-returns-zero'],
  },
  {
    id: 'M3.19',
    name: 'heap pages recorded for process 4',
    edits: [edit(GIVE, GIVE.replace('current.pid', '4'))],
    mustFail: ['heap-pages-recorded', 'fork-returns-twice'],
  },
  {
    id: 'M4.1',
    name: 'stack left in the window',
    edits: [
      edit(RSP, '  p.registers.rsp = PROC_START_ADDR + 0x40000n * BigInt(pid)\n'),
      edit(STACK, STACK.replace('MEMSIZE_VIRTUAL', 'p.registers.rsp')),
    ],
    mustFail: ['stack-at-top'],
  },
  {
    id: 'M4.3',
    name: 'rsp one byte below the top',
    edits: [edit(RSP, '  p.registers.rsp = MEMSIZE_VIRTUAL - 1n\n')],
    mustFail: ['stack-aligned'],
  },
  {
    id: 'M4.5',
    name: 'stack at the physical page of its own number',
    edits: [
      edit(
        STACK,
        `  const mapped = MEMSIZE_VIRTUAL - PAGESIZE\n  virtualMemoryMap(pagetable, mapped, mapped, PAGESIZE, ${OPEN}, pagesFor(pid))\n`,
      ),
    ],
    mustFail: ['boots'],
  },
  {
    id: 'M4.7',
    name: 'stack mapped without an allocator for its table',
    edits: [
      edit(
        STACK,
        `  const mapped = allocatePage(pid)\n  virtualMemoryMap(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, mapped!, PAGESIZE, ${OPEN}, null)\n`,
      ),
    ],
    mustFail: ['kernel-addresses-refused', 'page-alloc-any-page', 'stack-at-top', 'fork-returns-twice'],
  },
  {
    id: 'M4.9',
    name: 'stack page recorded for process 1',
    edits: [edit(STACK, `${STACK}  pageinfo[PAGENUMBER(mapped!)]!.owner = 1\n`)],
    mustFail: ['stack-page-recorded'],
  },
  {
    id: 'M4.11',
    name: 'stack mapped one page too high',
    edits: [edit(STACK, STACK.replace('MEMSIZE_VIRTUAL - PAGESIZE', 'MEMSIZE_VIRTUAL'))],
    mustFail: ['kernel-addresses-refused', 'page-alloc-any-page', 'stack-at-top', 'fork-returns-twice'],
  },
  {
    id: 'M4.13',
    name: 'page_alloc says so and returns 0 when memory is out',
    edits: [
      edit("'Out of physical memory!\\n')\n    return -1", "'Out of physical memory!\\n')\n    return 0"),
    ],
    mustFail: ['memory-runs-out', 'heaps-fill-memory'],
  },
  {
    id: 'M4.15',
    name: 'virtual addresses end with physical memory',
    edits: [edit(LIMITS, LIMITS.replace('MEMSIZE_VIRTUAL', 'MEMSIZE_PHYSICAL'))],
    mustFail: ['whole-address-space'],
  },
  {
    id: 'M4.19',
    name: 'stack on the kernel’s stack page',
    edits: [
      edit(
        STACK,
        `  const mapped = 0x7f000n\n  virtualMemoryMap(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, mapped, PAGESIZE, ${OPEN}, pagesFor(pid))\n`,
      ),
    ],
    mustFail: [
      'kernel-memory-protected',
      'processes-isolated',
      'page-alloc-any-page',
      'stack-page-recorded',
      'fork-returns-twice',
    ],
  },
  {
    id: 'M5.1',
    name: 'fork not implemented',
    edits: [edit(`    case INT_SYS_FORK:\n${FORK_ANSWER}      break\n`, '')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.3',
    name: 'only the stack is copied, the rest is shared',
    edits: [
      edit(
        COPY,
        `    if (va < MEMSIZE_VIRTUAL - PAGESIZE) {
      virtualMemoryMap(to, va, original.pa, PAGESIZE, original.perm, pagesFor(pid))
      continue
    }
${COPY}`,
      ),
    ],
    mustFail: [
      'fork-copies-memory',
      'fork-shares-nothing-writable',
      'fork-makes-four',
      'fork-pages-recorded',
    ],
  },
  {
    id: 'M5.3b',
    name: 'the stack is shared, the rest is copied',
    edits: [
      edit(
        COPY,
        `    if (va === MEMSIZE_VIRTUAL - PAGESIZE) {
      virtualMemoryMap(to, va, original.pa, PAGESIZE, original.perm, pagesFor(pid))
      continue
    }
${COPY}`,
      ),
    ],
    mustFail: ['fork-shares-nothing-writable', 'fork-pages-recorded'],
  },
  {
    id: 'M5.5',
    name: 'registers not copied',
    edits: [edit(CHILD_REGISTERS, '')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.5b',
    name: 'only rip and rsp copied',
    edits: [
      edit(
        CHILD_REGISTERS,
        `  processInit(child, 0)
  child.registers.rip = current.registers.rip
  child.registers.rsp = current.registers.rsp
`,
      ),
    ],
    mustFail: ['fork-copies-registers'],
  },
  {
    id: 'M5.7',
    name: 'the parent gets 0, too',
    edits: [edit(FORK_ANSWER, '      fork()\n      current.registers.rax = 0n\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.7b',
    name: 'the parent’s rax stays as it was',
    edits: [edit(FORK_ANSWER, '      fork()\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.9',
    name: 'slot search begins at 0',
    edits: [edit('(p, pid) => pid > 0 && p.state', '(p) => p.state')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.11',
    name: 'the child has its parent’s process id',
    edits: [
      edit('  return child.pid\n', '  const pid = child.pid\n  child.pid = current.pid\n  return pid\n'),
    ],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.13',
    name: 'the child’s state is never set',
    edits: [edit(CHILD_RUNNABLE, '')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.13b',
    name: 'the child is never made runnable',
    edits: [imports('P_BLOCKED'), edit(CHILD_RUNNABLE, '  child.state = P_BLOCKED\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.15',
    name: 'the child’s pages recorded for the parent',
    edits: [copied('pageinfo[PAGENUMBER(copy)]!.owner = current.pid')],
    mustFail: ['fork-pages-recorded'],
  },
  {
    id: 'M5.17',
    name: 'copying ends with physical memory',
    edits: [edit(COPY_LOOP, COPY_LOOP.replace('MEMSIZE_VIRTUAL', 'MEMSIZE_PHYSICAL'))],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.19',
    name: 'the child’s pages mapped without W',
    edits: [copied('virtualMemoryMap(to, va, copy, PAGESIZE, PTE_P | PTE_U, null)')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.19b',
    name: 'the child’s pages mapped without U',
    edits: [copied('virtualMemoryMap(to, va, copy, PAGESIZE, PTE_P | PTE_W, null)')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.21',
    name: 'the copies go to the parent, the child gets the originals',
    edits: [
      copied(`virtualMemoryMap(from, va, copy, PAGESIZE, ${OPEN}, null)
    virtualMemoryMap(to, va, original.pa, PAGESIZE, ${OPEN}, null)`),
    ],
    mustFail: ['fork-pages-recorded'],
  },
  {
    id: 'M5.23',
    name: 'scheduled away before the parent’s rax is set',
    edits: [edit(`${FORK_ANSWER}      break\n`, '      fork()\n      schedule()\n      return\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.25',
    name: 'lack of memory not looked at',
    edits: [
      edit(FORK_FAILS, '  copyPages(current.pagetable, pagetable ?? pagetableAt(0n), child.pid)\n'),
      edit('  child.pagetable = pagetable\n', '  child.pagetable = pagetable ?? pagetableAt(0n)\n'),
    ],
    mustFail: ['fork-without-memory'],
  },
  {
    id: 'M5.27',
    name: 'the console page is copied, too',
    edits: [edit(COPY_LOOP, COPY_LOOP.replace('va = PROC_START_ADDR', 'va = 0n'))],
    mustFail: ['fork-child-console'],
  },
]
