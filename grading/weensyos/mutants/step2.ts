// Mistakes in page tables of a process's own, and what of an earlier run a soft reboot finds.

import {
  ALREADY,
  edit,
  FREE_OWNED,
  GIVE,
  INIT,
  imports,
  KERNEL_LOOKUP,
  KERNEL_LOOP,
  KERNEL_MAPPED,
  type Mutant,
  NEW_PAGETABLE_DONE,
  PAGE_COUNT,
  PAGE_FREED,
  ROOT_ZEROED,
  SEARCH,
  SETUP,
  SETUP_DONE,
  SLOT_FREE,
  TABLE_PAGE,
  UNCOUNTED,
} from './kit.ts'

const KERNEL_FUNCTION = 'export function kernel(command: string | null): void {\n'

export const step2: readonly Mutant[] = [
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
    id: 'M2.1b',
    name: 'process 1 stays in the kernel’s tables',
    edits: [
      edit(
        SETUP,
        `  const pagetable = pid === 1 ? kernelPagetable : newPagetable(pid)
  if (pid === 1) pageinfo[PAGENUMBER(kernelPagetable.address)]!.refcount += 1
`,
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
    id: 'A2.1',
    name: 'page tables recorded as the kernel’s',
    edits: [edit(TABLE_PAGE, TABLE_PAGE.replace('(owner)', '(PO_KERNEL)'))],
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
      'stops',
      'processes-isolated',
      'foreign-access-stopped',
      'soft-reboot',
      'heap-pages-recorded',
      'fork-shares-nothing-writable',
      'fork-makes-four',
      'fork-pages-recorded',
      'fork-slots-run-out',
      'fork-copies-every-page',
      'shared-pages-counted',
      'code-write-stopped',
      'exit-frees',
    ],
  },
  {
    id: 'M2.9b',
    name: 'the whole kernel table copied, others’ memory to be read only',
    edits: [
      edit(KERNEL_LOOP, KERNEL_LOOP.replace('PROC_START_ADDR', 'MEMSIZE_PHYSICAL')),
      edit(
        KERNEL_MAPPED,
        KERNEL_MAPPED.replace('PAGESIZE, perm,', 'PAGESIZE, va < PROC_START_ADDR ? perm : PTE_P | PTE_U,'),
      ),
      edit(ALREADY, ''),
    ],
    mustFail: [
      'stops',
      'processes-isolated',
      'foreign-access-stopped',
      'soft-reboot',
      'heap-pages-recorded',
      'fork-returns-twice',
    ],
  },
  {
    id: 'A2.2',
    name: 'the whole kernel table copied without U, and taken by page_alloc for pages that are there',
    edits: [
      edit(KERNEL_LOOP, KERNEL_LOOP.replace('PROC_START_ADDR', 'MEMSIZE_PHYSICAL')),
      edit(
        KERNEL_MAPPED,
        KERNEL_MAPPED.replace('PAGESIZE, perm,', 'PAGESIZE, va < PROC_START_ADDR ? perm : PTE_P | PTE_W,'),
      ),
    ],
    mustFail: ['process-memory-works', 'page-alloc-any-page', 'exit-frees'],
  },
  {
    id: 'M2.11',
    name: 'console closed in the processes’ tables',
    edits: [edit(KERNEL_MAPPED, KERNEL_MAPPED.replace('PAGESIZE, perm,', 'PAGESIZE, PTE_P | PTE_W,'))],
    mustFail: ['console-open', 'fork-child-console'],
  },
  {
    id: 'A2.3',
    name: 'kernel pages mapped with U in the processes’ tables',
    edits: [
      edit(KERNEL_MAPPED, KERNEL_MAPPED.replace('PAGESIZE, perm,', 'PAGESIZE, PTE_P | PTE_W | PTE_U,')),
    ],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'A2.4',
    name: 'console forgotten in the processes’ tables: only the kernel’s half MiB is there',
    edits: [edit(KERNEL_LOOP, KERNEL_LOOP.replace('PROC_START_ADDR', '0x80000n'))],
    mustFail: ['console-open', 'fork-child-console'],
  },
  {
    id: 'A2.5',
    name: 'kernel’s stack not mapped in the processes’ tables',
    edits: [edit(KERNEL_LOOP, `${KERNEL_LOOP}\n    if (va === 0x7f000n) continue`)],
    mustFail: ['system-calls-answered'],
  },
  {
    id: 'A2.6',
    name: 'kernel mapped to be read only in the processes’ tables',
    edits: [
      edit(
        KERNEL_MAPPED,
        KERNEL_MAPPED.replace('PAGESIZE, perm,', 'PAGESIZE, va === CONSOLE_ADDR ? perm : PTE_P,'),
      ),
    ],
    mustFail: ['system-calls-answered'],
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
    mustFail: [
      'process-memory-works',
      'page-alloc-any-page',
      'fork-makes-four',
      'fork-pages-recorded',
      'fork-copies-every-page',
      'exit-frees',
    ],
  },
  {
    id: 'A2.8',
    name: 'one set of tables for all processes',
    edits: [edit(SETUP, '  const pagetable = pid === 1 ? newPagetable(pid) : processes[1]!.pagetable\n')],
    mustFail: ['system-calls-answered'],
  },
  {
    // from the top, for at 0x8000 there is what the boot loader has left: whose root that becomes would depend on the seed
    id: 'M7.25',
    name: 'root table not zeroed, pages taken from the top of memory',
    edits: [
      edit(ROOT_ZEROED, ''),
      edit(SEARCH, SEARCH.replace('pn = 0; pn < NPAGES; pn++', 'pn = NPAGES - 1; pn >= 0; pn--')),
    ],
    mustFail: ['soft-reboot', 'exit-frees'],
  },
  {
    id: 'A2.11',
    name: 'of the root table 512 bytes zeroed, not 512 entries',
    edits: [edit(ROOT_ZEROED, ROOT_ZEROED.replace('PAGESIZE', '512n'))],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A2.12',
    name: 'pageinfo set up at the first boot only',
    edits: [
      edit(KERNEL_FUNCTION, `let booted = false\n${KERNEL_FUNCTION}`),
      edit(INIT, '  if (!booted) pageinfoInit()\n  booted = true\n'),
    ],
    mustFail: ['soft-reboot', 'pages-conserved'],
  },
  {
    id: 'A2.13',
    name: 'reference counts of free pages taken to be 0 at boot',
    edits: [edit(PAGE_COUNT, '    if (owner !== PO_FREE) pageinfo[pn]!.refcount = 1\n')],
    mustFail: ['soft-reboot', 'pages-conserved'],
  },
  {
    id: 'A2.14',
    name: 'slots taken to be free at boot',
    edits: [edit(SLOT_FREE, '')],
    mustFail: ['soft-reboot-fork', 'pages-conserved'],
  },
  {
    id: 'A2.15',
    name: 'each process’s tables kept in a variable for the next boot',
    edits: [
      edit(KERNEL_FUNCTION, `const tablesOf: X8664Pagetable[] = []\n${KERNEL_FUNCTION}`),
      edit(SETUP, '  const pagetable = tablesOf[pid] ?? newPagetable(pid)\n'),
      edit(SETUP_DONE, `  tablesOf[pid] = pagetable\n${SETUP_DONE}`),
    ],
    mustFail: ['soft-reboot', 'pages-conserved'],
  },
  {
    id: 'A2.16',
    name: 'free pages listed in a variable at the first boot only',
    edits: [
      edit(KERNEL_FUNCTION, `let free: number[] | undefined\n${KERNEL_FUNCTION}`),
      edit(
        SEARCH,
        `  free ??= Array.from({ length: NPAGES }, (_, pn) => pn).filter((pn) => pageinfo[pn]!.refcount === 0)
  while (free.length > 0) {
    const addr = PAGEADDRESS(free.pop()!)
    if (assignPhysicalPage(addr, owner) === 0) return addr
  }
  return null
`,
      ),
      edit(PAGE_FREED, `${PAGE_FREED}  free?.push(PAGENUMBER(addr))\n`),
      edit(UNCOUNTED, `${UNCOUNTED}  if (page.refcount === 0) free?.push(pn)\n`),
      edit(
        FREE_OWNED,
        `  for (let pn = 0; pn < NPAGES; pn++)
    if (pageinfo[pn]!.owner === pid && pageinfo[pn]!.refcount > 0) freePage(PAGEADDRESS(pn))
`,
      ),
    ],
    mustFail: ['soft-reboot'],
  },
]
