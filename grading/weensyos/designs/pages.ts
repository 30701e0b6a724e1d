// Steps 3 and 4 done otherwise: which page is taken, what it holds, what page_alloc makes of a request, where the stack is.

import {
  ALLOCATE,
  ALREADY,
  edit,
  FREE_OWNED,
  GIVE_ANSWER,
  given,
  LIMITS,
  LOAD,
  PAGE_COUNT,
  PAGE_FREED,
  ROOT_ZEROED,
  SEARCH,
  STACK,
  TABLE_PAGE,
  UNCOUNTED,
  ZEROED,
} from '../mutants/kit.ts'
import { atBoot, type Design, FAULT, LOAD_SEGMENT, loadTo, patch } from './design.ts'

const TABLES = `  return () => {
${TABLE_PAGE}    return addr === null ? null : pagetableAt(addr)
  }
`
const FIRST_FIT = 'for (let pn = 0; pn < NPAGES; pn++)'
/** As FREE_OWNED, by freePage. */
const FREE_EACH = `  for (let pn = 0; pn < NPAGES; pn++)
    if (pageinfo[pn]!.owner === pid && pageinfo[pn]!.refcount > 0) freePage(PAGEADDRESS(pn))
`

export const pages: readonly Design[] = [
  patch(
    'D2.7 pages from the top of memory',
    edit(SEARCH, SEARCH.replace(FIRST_FIT, 'for (let pn = NPAGES - 1; pn >= 0; pn--)')),
  ),
  patch(
    'D2.7 tables from the top, other pages from the bottom',
    edit(
      TABLES,
      `  return () => {
    for (let pn = NPAGES - 1; pn > 0; pn--)
      if (assignPhysicalPage(PAGEADDRESS(pn), owner) === 0) return pagetableAt(PAGEADDRESS(pn))
    return null
  }
`,
    ),
  ),
  patch(
    'D2.7 tables from 0x80 to 0x9F as long as there are some',
    edit(
      TABLES,
      `  return () => {
    for (let addr = 0x80000n; addr < 0xa0000n; addr += PAGESIZE)
      if (assignPhysicalPage(addr, owner) === 0) return pagetableAt(addr)
    const addr = allocatePage(owner)
    return addr === null ? null : pagetableAt(addr)
  }
`,
    ),
  ),
  patch(
    'D2.7 tables from a stock that the kernel keeps, until memory runs out',
    edit(
      ALLOCATE,
      `/** Pages that were tables and will be again. They are the kernel's until then. */
let stock: u64[] = []
function fromStock(owner: number): u64 | null {
  const addr = stock.pop()
  if (addr === undefined) return null
  pageinfo[PAGENUMBER(addr)]!.owner = owner
  return addr
}
${ALLOCATE}`,
    ),
    edit(SEARCH, SEARCH.replace('return null', 'return fromStock(owner)')),
    edit(TABLES, TABLES.replace('allocatePage(owner)', 'fromStock(owner) ?? allocatePage(owner)')),
    edit(
      FREE_OWNED,
      `  for (let pn = 0; pn < NPAGES; pn++) {
    if (pageinfo[pn]!.owner !== pid || pageinfo[pn]!.refcount === 0) continue
    pageinfo[pn]!.owner = PO_KERNEL
    stock.push(PAGEADDRESS(pn))
  }
`,
    ),
    atBoot('stock = []'),
  ),
  patch(
    'D3.3 next fit',
    edit(ALLOCATE, `let cursor = 0\n${ALLOCATE}`),
    edit(
      SEARCH,
      SEARCH.replace(
        FIRST_FIT,
        'for (let i = 0, pn = cursor; i < NPAGES; i++, pn = (pn + 1) % NPAGES)',
      ).replace('      assign', '      cursor = pn\n      assign'),
    ),
    // or a table is put where a program is to be loaded
    atBoot('cursor = 0'),
  ),
  patch(
    'D3.5 a list of free pages, last in first out',
    edit(
      ALLOCATE,
      `let free: number[] = []
${ALLOCATE}`,
    ),
    edit(SEARCH, SEARCH.replace(FIRST_FIT, 'for (let pn = free.pop(); pn !== undefined; pn = free.pop())')),
    edit(PAGE_FREED, `${PAGE_FREED}  free.push(PAGENUMBER(addr))\n`),
    edit(UNCOUNTED, `${UNCOUNTED}  if (page.refcount === 0) free.push(pn)\n`),
    edit(FREE_OWNED, FREE_EACH),
    atBoot('free = []'),
    edit(PAGE_COUNT, `${PAGE_COUNT}    if (owner === PO_FREE) free.unshift(pn)\n`),
  ),
  patch(
    'pages in a scrambled order, programs loaded to any of them',
    edit(
      SEARCH,
      SEARCH.replace(FIRST_FIT, 'for (let i = 0, pn = 300; i < NPAGES; i++, pn = (pn + 197) % NPAGES)'),
    ),
    edit(LOAD_SEGMENT, loadTo('allocatePage')),
  ),
  patch('programs loaded to any page', edit(LOAD_SEGMENT, loadTo('allocatePage'))),
  patch(
    'programs loaded to the highest pages, which the search finds last',
    edit(
      LOAD_SEGMENT,
      `${loadTo('allocateHighest')}
function allocateHighest(owner: number): u64 | null {
  const pn = pageinfo.findLastIndex(({ refcount }) => refcount === 0)
  return pn >= 0 && assignPhysicalPage(PAGEADDRESS(pn), owner) === 0 ? PAGEADDRESS(pn) : null
}
`,
    ),
  ),
  patch('D3.7 heap pages not zeroed', edit(ZEROED, '')),
  patch(
    'D3.7 pages cleared when they are freed, and all of them at boot',
    edit(ZEROED, ''),
    edit(ROOT_ZEROED, ''),
    edit(PAGE_FREED, `${PAGE_FREED}  memset(addr, 0, PAGESIZE)\n`),
    edit(UNCOUNTED, `${UNCOUNTED}  if (page.refcount === 0) memset(PAGEADDRESS(pn), 0, PAGESIZE)\n`),
    edit(FREE_OWNED, FREE_EACH),
    edit(PAGE_COUNT, `${PAGE_COUNT}    if (owner === PO_FREE) memset(addr, 0, PAGESIZE)\n`),
  ),
  patch(
    'M3.11 page_alloc falls through into the timer',
    edit(
      GIVE_ANSWER,
      `${GIVE_ANSWER}      ticks.value += 1
      schedule()
      return
`,
    ),
  ),
  patch('M3.21 stack page assigned twice', edit(STACK, `${STACK}  assignPhysicalPage(mapped!, pid)\n`)),
  patch('D4.3 stack before code', edit(STACK, ''), edit(LOAD, STACK + LOAD)),
  patch(
    'D4.5 page_alloc refuses the stack page',
    edit(LIMITS, LIMITS.replace('MEMSIZE_VIRTUAL', 'MEMSIZE_VIRTUAL - PAGESIZE')),
  ),
  patch(
    'D4.7 page_alloc gives mapped addresses a new page',
    edit(ALREADY, '  const old = virtualMemoryLookup(current.pagetable, addr)\n'),
    given('if (page !== null && old.pn >= 0) letGo(old.pn, addr, current.pid)'),
  ),
  patch(
    'the stack grows by itself: a page when it is first touched',
    edit(
      FAULT,
      `      const growth = ring0.cr2 >= MEMSIZE_VIRTUAL - 16n * PAGESIZE && ring0.cr2 < MEMSIZE_VIRTUAL
      const asked = registers.err & PFERR_USER && !(registers.err & PFERR_PRESENT) && growth
      if (asked && mapNewPage(current.pagetable, ROUNDDOWN(ring0.cr2, PAGESIZE), current.pid) !== null) break
${FAULT}`,
    ),
  ),
]
