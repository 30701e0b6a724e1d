// Mistakes in exit, in who has what remains of a process, and in what a fork that fails gives back.

import type { Edit } from '@pagewalk/grader'
import {
  ALLOCATE,
  CHILD_RAX,
  CHILD_RUNNABLE,
  EXIT_CALL,
  EXIT_FREES,
  EXIT_STATE,
  edit,
  FORK_FAILS,
  FORK_TABLE,
  FREE_LOOP,
  FREE_OWNED,
  HAND_OVER,
  HAND_OVER_UNLESS,
  HEIR,
  INIT,
  imports,
  LET_GO,
  type Mutant,
  PAGE_FREED,
  SEARCH,
  TABLE_PAGE,
  UNCOUNTED,
} from './kit.ts'

/** Tables freed by walking them, instead of by whose they are. */
const walked = (entries: string, root = '  freePage(table.address)\n'): Edit[] => [
  imports('PTE_ADDR'),
  edit(
    ALLOCATE,
    `function freeTables(table: X8664Pagetable, level = 0): void {
  for (let i = 0; level < 3 && i < ${entries}; i++)
    if (table.entry[i]! & PTE_P) freeTables(pagetableAt(table.entry[i]! & PTE_ADDR), level + 1)
${root}}
${ALLOCATE}`,
  ),
  edit(FREE_OWNED, '  if (pagetable) freeTables(pagetable)\n'),
]
/** What fork does when memory has run out. */
const rolledBack = (how: string): Edit =>
  edit(FORK_FAILS, FORK_FAILS.replace('    freeMemory(child.pid, pagetable)\n', how))

export const step7: readonly Mutant[] = [
  {
    id: 'M7.1',
    name: 'exit not implemented',
    edits: [edit(`    case INT_SYS_EXIT:\n${EXIT_CALL}`, '')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.1',
    name: 'exit stops the process and keeps what it has',
    edits: [edit(EXIT_FREES, ''), edit(EXIT_STATE, '  current.state = P_BROKEN\n')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'M7.3',
    name: 'pages freed, page tables not',
    edits: [edit(FREE_OWNED, '')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.2',
    name: 'page tables freed, pages not',
    edits: [edit(LET_GO, ''), ...walked('512')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'M7.5',
    name: 'all freed, state left as it was',
    edits: [edit(EXIT_STATE, '')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'M7.7',
    name: 'of the tables only the root freed',
    edits: [edit(FREE_OWNED, '  if (pagetable) freePage(pagetable.address)\n')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'M7.7b',
    name: 'inner tables not freed, but recorded as the kernel’s',
    edits: [
      edit(
        FREE_OWNED,
        `  for (const page of pageinfo) if (page.owner === pid && page.refcount > 0) page.owner = PO_KERNEL
  if (pagetable) freePage(pagetable.address)
`,
      ),
    ],
    mustFail: ['memory-comes-back'],
  },
  {
    id: 'A7.3',
    name: 'tables freed by a walk that knows one table of each level',
    edits: walked('1'),
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.4',
    name: 'tables freed by a walk that leaves out the root',
    edits: walked('512', '  if (level > 0) freePage(table.address)\n'),
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.5',
    name: 'pages freed up to the end of physical memory, and tables by a walk: the stack stays',
    edits: [edit(FREE_LOOP, FREE_LOOP.replace('MEMSIZE_VIRTUAL', 'MEMSIZE_PHYSICAL')), ...walked('512')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.6',
    name: 'tables freed by a walk from the root: those of a fork that had no memory for all are lost',
    edits: walked('512'),
    mustFail: ['fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'A7.7',
    name: 'owner of freed pages cleared, reference count not',
    edits: [edit(FREE_OWNED, FREE_OWNED.replace('page.refcount = 0', 'page.owner = PO_FREE'))],
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.8',
    name: 'freed pages counted down twice',
    edits: [edit(FREE_OWNED, FREE_OWNED.replace('page.refcount = 0', 'page.refcount -= 1'))],
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.9',
    name: 'exit frees what the process owns, and knows nothing of sharing',
    edits: [edit(LET_GO, '')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'M7.9',
    name: 'shared pages counted down by their owner only',
    edits: [edit(UNCOUNTED, '  if (page.owner === pid) page.refcount -= 1\n')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.10',
    name: 'shared pages counted down by all but their owner',
    edits: [edit(UNCOUNTED, '  if (page.owner !== pid || page.refcount === 1) page.refcount -= 1\n')],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A7.11',
    name: 'a shared page freed with the first who exits',
    edits: [edit(UNCOUNTED, '  page.refcount = 0\n')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'M7.11',
    name: 'console counted down',
    edits: [edit(FREE_LOOP, FREE_LOOP.replace('va = PROC_START_ADDR', 'va = 0n'))],
    mustFail: ['stops'],
  },
  {
    id: 'M7.13',
    name: 'virtual page numbers taken for physical ones',
    edits: [edit(LET_GO, LET_GO.replace('letGo(pn,', 'letGo(PAGENUMBER(va),'))],
    mustFail: ['stops'],
  },
  {
    id: 'M7.15',
    name: 'who has exited is run',
    edits: [edit(EXIT_CALL, '      exit()\n      run(current)\n      return\n')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.12',
    name: 'the next process is chosen first, and so it is the one that exits',
    edits: [edit(EXIT_CALL, '      schedule()\n      exit()\n      return\n')],
    mustFail: ['exit-frees'],
  },
  {
    id: 'A7.13',
    name: 'process 1 is not let go',
    edits: [edit(EXIT_CALL, EXIT_CALL.replace('exit()', 'if (current.pid > 1) exit()'))],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'M7.23',
    name: 'owner of a shared page exits, and so does the page',
    edits: [edit(HAND_OVER, '')],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'M7.23b',
    name: 'owner of a shared page exits, and nobody owns it',
    edits: [edit(HAND_OVER, '  page.owner = PO_FREE\n')],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A7.14',
    name: 'process 1 inherits shared pages',
    edits: [edit(HAND_OVER, '  page.owner = 1\n')],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A7.15',
    name: 'process 2 inherits shared pages',
    edits: [edit(HAND_OVER, '  page.owner = 2\n')],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A7.16',
    name: 'somebody inherits shared pages who may not map them',
    edits: [edit(HEIR, '    p.pid !== pid && p.state !== P_FREE && pn > 0\n')],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A7.17',
    name: 'shared pages inherited by whoever exits',
    edits: [edit(HEIR, HEIR.replace('p.pid !== pid && ', ''))],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A7.18',
    name: 'shared pages inherited by the dead',
    edits: [edit(HEIR, HEIR.replace('p.state !== P_FREE && ', 'p.pagetable.address > 0n && '))],
    mustFail: ['pages-conserved'],
  },
  {
    id: 'A7.19',
    name: 'ownership handed over when two are left, not when there are more',
    edits: [edit(HAND_OVER_UNLESS, HAND_OVER_UNLESS.replace('refcount === 0', 'refcount !== 1'))],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A7.20',
    name: 'freed pages are not found again: the search never goes back',
    edits: [
      edit(ALLOCATE, `let next = 0\n${ALLOCATE}`),
      edit(INIT, `${INIT}  next = 0\n`),
      edit(
        SEARCH,
        `  while (next < NPAGES) {
    const addr = PAGEADDRESS(next++)
    if (assignPhysicalPage(addr, owner) === 0) return addr
  }
  return null
`,
      ),
    ],
    mustFail: ['memory-comes-back'],
  },
  {
    id: 'A7.21',
    name: 'freed page tables kept in a variable, also across reboots',
    edits: [
      edit(ALLOCATE, `const spare: u64[] = []\n${ALLOCATE}`),
      edit(
        TABLE_PAGE,
        `    const old = spare.pop()
    if (old !== undefined) {
      pageinfo[PAGENUMBER(old)]!.owner = owner
      return pagetableAt(old)
    }
${TABLE_PAGE}`,
      ),
      edit(
        FREE_OWNED,
        `  for (let pn = 0; pn < NPAGES; pn++) {
    const page = pageinfo[pn]!
    if (page.owner !== pid || page.refcount === 0) continue
    page.owner = PO_KERNEL
    spare.push(PAGEADDRESS(pn))
  }
`,
      ),
    ],
    mustFail: ['pages-conserved'],
  },
  {
    id: 'A7.22',
    name: 'freed pages not entered in the list of free ones',
    edits: [
      edit(ALLOCATE, `let free: u64[] = []\n${ALLOCATE}`),
      edit(
        INIT,
        `${INIT}  free = []
  for (let pn = NPAGES - 1; pn >= 0; pn--) if (pageinfo[pn]!.refcount === 0) free.push(PAGEADDRESS(pn))
`,
      ),
      edit(
        SEARCH,
        `  for (let addr = free.pop(); addr !== undefined; addr = free.pop())
    if (assignPhysicalPage(addr, owner) === 0) return addr
  return null
`,
      ),
      edit(PAGE_FREED, `${PAGE_FREED}  free.push(addr)\n`),
    ],
    mustFail: ['memory-comes-back'],
  },
  {
    id: 'M7.17',
    name: 'roll-back frees pages, not page tables',
    edits: [
      rolledBack(`    for (let va = PROC_START_ADDR; pagetable && va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
      const { pn } = virtualMemoryLookup(pagetable, va)
      if (pn >= 0) letGo(pn, va, child.pid)
    }
`),
    ],
    mustFail: ['fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'M7.17b',
    name: 'roll-back frees the root table only',
    edits: [rolledBack('    if (pagetable) freePage(pagetable.address)\n')],
    mustFail: ['fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'A7.23',
    name: 'no roll-back at all',
    edits: [rolledBack('')],
    mustFail: ['fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'A7.24',
    name: 'roll-back frees what the child owns, and forgets what it shared',
    edits: [rolledBack('    for (const page of pageinfo) if (page.owner === child.pid) page.refcount = 0\n')],
    mustFail: ['fork-rolls-back'],
  },
  {
    id: 'A7.25',
    name: 'roll-back only if there was memory for the first tables',
    edits: [rolledBack('    if (pagetable) freeMemory(child.pid, pagetable)\n')],
    mustFail: ['fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'M7.19',
    name: 'roll-back frees the parent’s pages',
    edits: [rolledBack('    freeMemory(child.pid, current.pagetable)\n')],
    mustFail: ['fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'A7.26',
    name: 'roll-back takes the parent for the child',
    edits: [rolledBack('    freeMemory(current.pid, pagetable)\n')],
    mustFail: ['stops', 'fork-without-memory', 'pages-conserved'],
  },
  {
    id: 'A7.27',
    name: 'the slot is taken before there is memory, and not given back',
    edits: [edit(FORK_TABLE, `${CHILD_RUNNABLE}${FORK_TABLE}`), edit(CHILD_RAX + CHILD_RUNNABLE, CHILD_RAX)],
    mustFail: ['fork-without-memory', 'pages-conserved'],
  },
  {
    id: 'M7.27',
    name: 'a fork that was rolled back returns 0',
    edits: [edit(FORK_FAILS, FORK_FAILS.replace('return -1', 'return 0'))],
    mustFail: ['fork-without-memory'],
  },
  {
    id: 'M7.27b',
    name: 'a fork that was rolled back returns the child’s id',
    edits: [edit(FORK_FAILS, FORK_FAILS.replace('return -1', 'return child.pid'))],
    mustFail: ['fork-without-memory'],
  },
]
