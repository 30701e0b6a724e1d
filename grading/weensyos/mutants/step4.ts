// Mistakes in the stack at the top of the address space, and in what lies above physical memory.

import { edit, GIVE, imports, LIMITS, type Mutant, OPEN, OUT_OF_MEMORY, RSP, STACK } from './kit.ts'

/** The stack page mapped by hand. */
const stackMapped = (page: string, rights = OPEN, allocator = 'pagesFor(pid)'): string =>
  `  const mapped: u64 | null = ${page}\n  virtualMemoryMap(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, mapped!, PAGESIZE, ${rights}, ${allocator})\n`

export const step4: readonly Mutant[] = [
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
    id: 'A4.1',
    name: 'stack at the end of physical memory',
    edits: [
      edit(RSP, RSP.replace('MEMSIZE_VIRTUAL', 'MEMSIZE_PHYSICAL')),
      edit(STACK, STACK.replace('MEMSIZE_VIRTUAL', 'MEMSIZE_PHYSICAL')),
    ],
    mustFail: ['stack-at-top'],
  },
  {
    id: 'A4.2',
    name: 'rsp at the start of the stack page',
    edits: [edit(RSP, '  p.registers.rsp = MEMSIZE_VIRTUAL - PAGESIZE\n')],
    mustFail: ['stack-at-top', 'fork-returns-twice'],
  },
  {
    id: 'M4.3',
    name: 'rsp one byte below the top',
    edits: [edit(RSP, '  p.registers.rsp = MEMSIZE_VIRTUAL - 1n\n')],
    mustFail: ['stack-aligned'],
  },
  {
    id: 'A4.3',
    name: 'rsp four bytes below the top, as on a 32-bit machine',
    edits: [edit(RSP, '  p.registers.rsp = MEMSIZE_VIRTUAL - 4n\n')],
    mustFail: ['stack-aligned'],
  },
  {
    id: 'M4.5',
    name: 'stack at the physical page of its own number',
    edits: [edit(STACK, stackMapped('MEMSIZE_VIRTUAL - PAGESIZE'))],
    mustFail: ['boots'],
  },
  {
    id: 'M4.7',
    name: 'stack mapped without an allocator for its table',
    edits: [edit(STACK, stackMapped('allocatePage(pid)', OPEN, 'null'))],
    mustFail: ['heap-pages-recorded', 'memory-runs-out', 'stack-at-top', 'fork-returns-twice'],
  },
  {
    id: 'A4.4',
    name: 'stack mapped without W',
    edits: [edit(STACK, stackMapped('allocatePage(pid)', 'PTE_P | PTE_U'))],
    mustFail: ['stack-at-top', 'fork-returns-twice'],
  },
  {
    id: 'A4.5',
    name: 'stack mapped without U',
    edits: [edit(STACK, stackMapped('allocatePage(pid)', 'PTE_P | PTE_W'))],
    mustFail: ['memory-runs-out', 'stack-at-top', 'fork-returns-twice'],
  },
  {
    id: 'M4.9',
    name: 'stack page recorded for process 1',
    edits: [edit(STACK, `${STACK}  pageinfo[PAGENUMBER(mapped!)]!.owner = 1\n`)],
    mustFail: ['stack-page-recorded', 'exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A4.6',
    name: 'stack page recorded as the kernel’s',
    edits: [edit(STACK, `${STACK}  pageinfo[PAGENUMBER(mapped!)]!.owner = PO_KERNEL\n`)],
    mustFail: ['stack-page-recorded', 'fork-pages-recorded', 'exit-frees'],
  },
  {
    id: 'A4.7',
    name: 'stack page recorded without a reference',
    edits: [edit(STACK, `${STACK}  pageinfo[PAGENUMBER(mapped!)]!.refcount = 0\n`)],
    mustFail: ['stops', 'processes-isolated', 'soft-reboot', 'stack-page-recorded', 'fork-returns-twice'],
  },
  {
    id: 'A4.8',
    name: 'stack page counted twice',
    edits: [edit(STACK, `${STACK}  pageinfo[PAGENUMBER(mapped!)]!.refcount += 1\n`)],
    mustFail: ['stops', 'stack-page-recorded', 'fork-pages-recorded', 'exit-frees'],
  },
  {
    id: 'A4.9',
    name: 'stack page mapped in the old place as well',
    edits: [
      edit(
        STACK,
        `${STACK}  virtualMemoryMap(pagetable, 0x13f000n, mapped!, PAGESIZE, ${OPEN}, pagesFor(pid))\n`,
      ),
    ],
    mustFail: ['stops', 'fork-copies-every-page', 'exit-frees'],
  },
  {
    id: 'A4.10',
    name: 'one stack page for all',
    edits: [
      edit(
        STACK,
        stackMapped(
          'pid === 1 ? allocatePage(pid) : virtualMemoryLookup(processes[1]!.pagetable, MEMSIZE_VIRTUAL - PAGESIZE).pa',
        ),
      ),
    ],
    mustFail: [
      'processes-isolated',
      'soft-reboot',
      'stack-page-recorded',
      'exit-any-order',
      'pages-conserved',
    ],
  },
  {
    id: 'M4.11',
    name: 'stack mapped one page too high',
    edits: [edit(STACK, STACK.replace('MEMSIZE_VIRTUAL - PAGESIZE', 'MEMSIZE_VIRTUAL'))],
    mustFail: ['stack-at-top', 'fork-returns-twice'],
  },
  {
    id: 'A4.11',
    name: 'two stack pages taken, one mapped',
    edits: [edit(STACK, `  allocatePage(pid)\n${STACK}`)],
    mustFail: ['heap-pages-recorded', 'memory-runs-out', 'fork-pages-recorded', 'exit-frees'],
  },
  {
    id: 'A4.12',
    name: 'stack pages at fixed places, whether they are free or not',
    edits: [
      edit(
        STACK,
        `  assignPhysicalPage(PAGEADDRESS(0x1b0 + pid), pid)\n${stackMapped('PAGEADDRESS(0x1b0 + pid)')}`,
      ),
    ],
    mustFail: ['exit-any-order', 'memory-comes-back', 'fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'M4.13',
    name: 'page_alloc says so and returns 0 when memory is out',
    edits: [edit(OUT_OF_MEMORY, OUT_OF_MEMORY.replace('return -1', 'return 0'))],
    mustFail: ['memory-runs-out', 'heaps-fill-memory'],
  },
  {
    id: 'M4.15',
    name: 'virtual addresses end with physical memory',
    edits: [edit(LIMITS, LIMITS.replace('MEMSIZE_VIRTUAL', 'MEMSIZE_PHYSICAL'))],
    mustFail: ['whole-address-space'],
  },
  {
    id: 'A4.13',
    name: 'page_alloc enters every page in the first last-level table',
    edits: [
      imports('PAGEINDEX'),
      edit(
        GIVE,
        `  const last = BigInt(PAGEINDEX(addr, 3)) * PAGESIZE
  if (mapNewPage(current.pagetable, addr < MEMSIZE_PHYSICAL ? addr : last, current.pid) === null) {
`,
      ),
    ],
    mustFail: ['whole-address-space', 'fork-copies-every-page', 'code-shared', 'fork-rolls-back'],
  },
  {
    id: 'M4.19',
    name: 'stack on the kernel’s stack page',
    edits: [edit(STACK, stackMapped('0x7f000n'))],
    mustFail: [
      'kernel-memory-protected',
      'processes-isolated',
      'soft-reboot',
      'stack-page-recorded',
      'fork-returns-twice',
    ],
  },
  {
    id: 'A4.14',
    name: 'last-level table of the stack shared by all processes',
    edits: [
      imports('PTE_ADDR'),
      edit(
        STACK,
        `${STACK}  const l3 = (root: X8664Pagetable) => pagetableAt(pagetableAt(root.entry[0]! & PTE_ADDR).entry[0]! & PTE_ADDR)
  if (pid > 1) l3(pagetable).entry[1] = l3(processes[1]!.pagetable).entry[1]!
`,
      ),
    ],
    mustFail: ['system-calls-answered'],
  },
]
