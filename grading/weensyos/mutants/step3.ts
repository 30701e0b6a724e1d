// Mistakes in the allocation of any physical page for any virtual one.

import {
  ALLOCATE,
  ALREADY,
  edit,
  GIVE,
  GIVE_ANSWER,
  given,
  LIMITS,
  type Mutant,
  NEW_PAGE,
  OPEN,
  OUT_OF_MEMORY,
  SEARCH,
} from './kit.ts'

const EACH = 'for (let pn = 0; pn < NPAGES; pn++)'
const search = (loop: string): string => SEARCH.replace(EACH, loop)

export const step3: readonly Mutant[] = [
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
    id: 'A3.1',
    name: 'an address is refused if the physical page of its number is in use',
    edits: [edit(ALREADY, `${ALREADY}  if ((pageinfo[PAGENUMBER(addr)]?.refcount ?? 0) > 0) return -1\n`)],
    mustFail: ['page-alloc-any-page'],
  },
  {
    id: 'A3.2',
    name: 'a process gets pages of its own eighth of physical memory only',
    edits: [
      edit(
        GIVE,
        `  const window = 0x100 + 0x20 * ((current.pid - 1) % 8)
  let pn = window
  while (pn < window + 0x20 && pageinfo[pn]!.refcount > 0) pn++
  const full = pn === window + 0x20 || assignPhysicalPage(PAGEADDRESS(pn), current.pid) < 0
  if (full || virtualMemoryMap(current.pagetable, addr, PAGEADDRESS(pn), PAGESIZE, ${OPEN}, pagesFor(current.pid)) < 0) {
`,
      ),
    ],
    mustFail: ['memory-runs-out', 'heaps-fill-memory'],
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
      'soft-reboot',
      'heap-pages-recorded',
      'heap-pages-usable',
      'memory-runs-out',
      'whole-address-space',
      'heaps-fill-memory',
      'fork-shares-nothing-writable',
      'fork-pages-recorded',
      'fork-copies-every-page',
      'exit-frees',
    ],
  },
  {
    id: 'M3.5',
    name: 'owner recorded, reference count not',
    edits: [given('if (page !== null) pageinfo[PAGENUMBER(page)]!.refcount = 0')],
    mustFail: [
      'stops',
      'processes-isolated',
      'soft-reboot',
      'heap-pages-recorded',
      'heap-pages-usable',
      'memory-runs-out',
      'whole-address-space',
      'heaps-fill-memory',
      'fork-shares-nothing-writable',
      'fork-pages-recorded',
      'fork-copies-every-page',
    ],
  },
  {
    id: 'A3.3',
    name: 'reference count recorded, owner not',
    edits: [given('if (page !== null) pageinfo[PAGENUMBER(page)]!.owner = PO_FREE')],
    mustFail: ['system-calls-answered'],
  },
  {
    id: 'A3.4',
    name: 'heap pages counted twice: once by the search, once by page_alloc',
    edits: [given('if (page !== null) pageinfo[PAGENUMBER(page)]!.refcount += 1')],
    mustFail: ['stops', 'heap-pages-recorded', 'fork-pages-recorded'],
  },
  {
    id: 'M3.7',
    name: 'search for a free page without an end',
    edits: [edit(SEARCH, search('for (let pn = 0; ; pn++)'))],
    mustFail: ['stops'],
  },
  {
    id: 'M3.9',
    name: 'last physical page never found',
    edits: [edit(SEARCH, search('for (let pn = 0; pn < NPAGES - 1; pn++)'))],
    mustFail: ['memory-runs-out'],
  },
  {
    id: 'A3.5',
    name: 'heap and stack pages from PROC_START_ADDR on only: low pages are left for page tables',
    edits: [
      edit(SEARCH, SEARCH.replace(EACH, 'for (let pn = first; pn < NPAGES; pn++)')),
      edit(ALLOCATE, ALLOCATE.replace('owner: number', 'owner: number, first = 0')),
      edit(NEW_PAGE, NEW_PAGE.replace('allocatePage(pid)', 'allocatePage(pid, PAGENUMBER(PROC_START_ADDR))')),
    ],
    mustFail: ['memory-runs-out', 'heaps-fill-memory'],
  },
  {
    id: 'A3.6',
    name: 'search leaves out all from the kernel to the end of the hole: 0x80 to 0x9F are never used',
    edits: [edit(SEARCH, search(`${EACH}\n    if (pn >= 0x40 && pn < 0x100) continue\n    else`))],
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
    mustFail: [
      'process-memory-works',
      'page-alloc-any-page',
      'fork-makes-four',
      'fork-copies-every-page',
      'exit-frees',
    ],
  },
  {
    id: 'A3.7',
    name: 'heap page mapped without W',
    edits: [
      given(
        'if (page !== null) virtualMemoryMap(current.pagetable, addr, page, PAGESIZE, PTE_P | PTE_U, null)',
      ),
    ],
    mustFail: [
      'process-memory-works',
      'page-alloc-any-page',
      'fork-makes-four',
      'fork-copies-every-page',
      'exit-frees',
    ],
  },
  {
    id: 'M3.17',
    name: 'page_alloc returns the physical address',
    edits: [given('if (page !== null) return Number(page) as Status')],
    mustFail: ['page-alloc-returns-zero'],
  },
  {
    id: 'A3.8',
    name: 'page_alloc returns 1 for "done"',
    edits: [given('if (page !== null) return 1 as unknown as Status')],
    mustFail: ['page-alloc-returns-zero'],
  },
  {
    id: 'A3.9',
    name: 'rax set only if page_alloc fails',
    edits: [
      edit(
        GIVE_ANSWER,
        `      if (pageAlloc(current.registers.rdi) < 0) current.registers.rax = result(-1)\n`,
      ),
    ],
    mustFail: ['page-alloc-returns-zero'],
  },
  {
    id: 'A3.10',
    name: 'rax never set by page_alloc',
    edits: [edit(GIVE_ANSWER, '      pageAlloc(current.registers.rdi)\n')],
    mustFail: [
      'kernel-addresses-refused',
      'page-alloc-returns-zero',
      'odd-addresses-refused',
      'memory-runs-out',
      'heaps-fill-memory',
    ],
  },
  {
    id: 'M3.19',
    name: 'heap pages recorded for process 4',
    edits: [edit(GIVE, GIVE.replace('current.pid', '4'))],
    mustFail: [
      'heap-pages-recorded',
      'fork-makes-four',
      'fork-pages-recorded',
      'fork-without-memory',
      'fork-copies-every-page',
      'code-shared',
      'exit-frees',
    ],
  },
  {
    id: 'A3.11',
    name: 'heap pages recorded as the kernel’s',
    edits: [edit(GIVE, GIVE.replace('current.pid', 'PO_KERNEL'))],
    mustFail: ['heap-pages-recorded', 'fork-pages-recorded', 'exit-frees'],
  },
  {
    id: 'A3.12',
    name: 'a new page zeroed at its virtual address, while the kernel’s table is in force',
    edits: [given('if (page !== null && addr < MEMSIZE_PHYSICAL) memset(addr, 0, PAGESIZE)')],
    mustFail: ['whole-address-space', 'heaps-fill-memory', 'pages-conserved'],
  },
  {
    id: 'A3.13',
    name: 'addresses may be as large as they like',
    edits: [edit(LIMITS, LIMITS.replace(' || addr >= MEMSIZE_VIRTUAL', ''))],
    mustFail: ['odd-addresses-refused'],
  },
  {
    id: 'A3.14',
    name: 'the end of the address space taken for an address in it',
    edits: [edit(LIMITS, LIMITS.replace('addr >= MEMSIZE_VIRTUAL', 'addr > MEMSIZE_VIRTUAL'))],
    mustFail: ['odd-addresses-refused'],
  },
  {
    id: 'A3.15',
    name: 'address cut to 32 bits',
    edits: [
      edit(
        GIVE_ANSWER,
        GIVE_ANSWER.replace('current.registers.rdi', 'BigInt.asUintN(32, current.registers.rdi)'),
      ),
    ],
    mustFail: ['odd-addresses-refused'],
  },
  {
    id: 'A3.16',
    name: 'unaligned address rounded down',
    edits: [
      edit(
        GIVE_ANSWER,
        GIVE_ANSWER.replace('current.registers.rdi', 'ROUNDDOWN(current.registers.rdi, PAGESIZE)'),
      ),
    ],
    mustFail: ['odd-addresses-refused'],
  },
  {
    id: 'A3.17',
    name: 'a page that is there is replaced and lost',
    edits: [edit(ALREADY, '')],
    mustFail: ['mapped-address-kept'],
  },
  {
    id: 'A3.18',
    name: 'a page is taken before the address is looked at, and kept when it is refused',
    edits: [
      edit(
        ALREADY,
        ALREADY.replace('.pn >= 0) return', '.pn >= 0 && allocatePage(current.pid) !== null) return'),
      ),
    ],
    mustFail: ['mapped-address-kept'],
  },
  {
    id: 'A3.19',
    name: 'a page that is there is freed and stays mapped',
    edits: [
      edit(
        ALREADY,
        `  const { pa, pn } = virtualMemoryLookup(current.pagetable, addr)
  if (pn >= 0) {
    freePage(pa)
    return 0
  }
`,
      ),
    ],
    mustFail: ['mapped-address-kept'],
  },
  {
    id: 'A3.20',
    name: 'page 0 taken when none is free',
    edits: [edit(NEW_PAGE, '  const page = allocatePage(pid) ?? 0n\n')],
    mustFail: ['soft-reboot', 'memory-runs-out', 'heaps-fill-memory', 'pages-conserved'],
  },
  {
    id: 'A3.21',
    name: 'panic when memory is out',
    edits: [edit(OUT_OF_MEMORY, "    panic('Out of physical memory!\\n')\n    return -1\n")],
    mustFail: ['soft-reboot', 'memory-runs-out', 'heaps-fill-memory'],
  },
  {
    id: 'A3.22',
    name: 'who asks for a page when memory is out is stopped for ever',
    edits: [
      edit(OUT_OF_MEMORY, OUT_OF_MEMORY.replace('    return', '    current.state = P_BROKEN\n    return')),
    ],
    mustFail: ['memory-runs-out', 'heaps-fill-memory'],
  },
  {
    id: 'A3.23',
    name: 'a refused process waits for memory instead of being told',
    edits: [
      edit(
        GIVE_ANSWER,
        `      if (pageAlloc(current.registers.rdi) < 0) {
        schedule()
        return
      }
      current.registers.rax = 0n
`,
      ),
    ],
    mustFail: ['kernel-addresses-refused', 'odd-addresses-refused', 'memory-runs-out', 'heaps-fill-memory'],
  },
  {
    id: 'A3.24',
    name: 'no process gets more than 64 pages',
    edits: [
      edit(
        GIVE,
        `  const mine = Array.from(pageinfo).filter((page) => page.refcount > 0 && page.owner === current.pid)
  if (mine.length >= 64 || mapNewPage(current.pagetable, addr, current.pid) === null) {
`,
      ),
    ],
    mustFail: ['heaps-fill-memory'],
  },
  {
    id: 'A3.25',
    name: 'page tables come from 0x80000 to 0x9FFFF only',
    edits: [
      edit(
        ALLOCATE,
        `function tablePage(owner: number): u64 | null {
  for (let pn = 0x80; pn < 0xa0; pn++)
    if (assignPhysicalPage(PAGEADDRESS(pn), owner) === 0) return PAGEADDRESS(pn)
  return null
}
${ALLOCATE}`,
      ),
      edit('    const addr = allocatePage(owner)\n', '    const addr = tablePage(owner)\n'),
    ],
    mustFail: ['soft-reboot', 'memory-runs-out', 'fork-slots-run-out', 'exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A3.26',
    name: 'free pages known by their owner, which nobody resets',
    edits: [edit(SEARCH, SEARCH.replace('.refcount === 0', '.owner === PO_FREE'))],
    mustFail: ['memory-comes-back'],
  },
]
