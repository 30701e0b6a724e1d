// Step 7 done otherwise: how a process's pages are found, when they are freed, what fork does if there are too few.

import {
  ALLOCATE,
  CHILD_TABLE,
  COUNTED,
  EXIT_FREES,
  EXIT_STATE,
  edit,
  FORK_FAILS,
  FREE_LOOP,
  FREE_OWNED,
  imports,
  KERNEL_MAPPED,
  NO_SLOT,
  PAGE_FREED,
  UNCOUNTED,
} from '../mutants/kit.ts'
import { atBoot, type Design, EACH_MAPPED, FIND_HEIR, patch } from './design.ts'

const FREE_MEMORY = 'function freeMemory(pid: number, pagetable: X8664Pagetable | null): void {\n'
/** All that freeMemory does: pages, then tables. */
const FREE_ALL = `${FREE_LOOP}${EACH_MAPPED}  }
  // what it still owns are its tables
${FREE_OWNED}`
/** Pages that a child will take: a root, two tables below it, a table for each 2 MiB, and the copies. */
const NEEDED = `  let needed = 5
  for (let va = PROC_START_ADDR; va < MEMSIZE_VIRTUAL; va += PAGESIZE)
    if (BigInt(virtualMemoryLookup(current.pagetable, va).perm) & PTE_W) needed += 1
`
const FORK_TAKES = FORK_FAILS.slice(0, FORK_FAILS.indexOf('\n') + 1)
const SCHEDULE = 'export function schedule(): void {\n'
const TRAP = '  current.registers = registers\n  setPagetable(kernelPagetable)\n'
const ASSIGNED = '  page.owner = owner\n  return 0\n'
/** A process that has exited is P_BLOCKED, which nobody else ever is, until its memory is freed. */
const REAP = `function reap(): void {
  for (const p of processes) {
    if (p.state !== P_BLOCKED) continue
    freeMemory(p.pid, p.pagetable)
    p.state = P_FREE
  }
}
`
const ZOMBIE = '  current.state = P_BLOCKED\n'

export const exits: readonly Design[] = [
  patch(
    'D7.1 freed by a walk through the tables',
    imports('PTE_ADDR'),
    edit(FREE_ALL, '  if (pagetable) freeTable(pagetable, 0, 0n, pid)\n'),
    edit(
      KERNEL_MAPPED,
      KERNEL_MAPPED.replace(
        'return null\n',
        `{
      freeMemory(pid, pagetable)
      return null
    }
`,
      ),
    ),
    edit(
      '/** Process `pid` no longer maps page',
      `function freeTable(table: X8664Pagetable, level: number, first: u64, pid: number): void {
  for (let i = 0; i < 512; i++) {
    const entry = table.entry[i]!
    const va = first + (BigInt(i) << BigInt(39 - 9 * level))
    if (!(entry & PTE_P)) continue
    if (level < 3) freeTable(pagetableAt(entry & PTE_ADDR), level + 1, va, pid)
    else if (entry & PTE_U && va >= PROC_START_ADDR) letGo(PAGENUMBER(entry), va, pid)
  }
  freePage(table.address)
}
/** Process \`pid\` no longer maps page`,
    ),
  ),
  patch(
    'D7.3 fork counts the pages it needs before it takes one',
    edit(
      NO_SLOT,
      `${NO_SLOT}${NEEDED}  if (pageinfo.filter(({ refcount }) => refcount === 0).length < needed) return -1
`,
    ),
    edit(FORK_FAILS, `${FORK_TAKES}    panic('fork: counted wrong')\n  }\n`),
  ),
  patch(
    'D7.3 fork takes its pages first, then builds',
    edit(
      ALLOCATE,
      `/** Pages that a fork has put aside for itself. */
let aside: u64[] = []
${ALLOCATE}  const page = aside.pop()
  if (page !== undefined) {
    pageinfo[PAGENUMBER(page)]!.owner = owner
    return page
  }
`,
    ),
    edit(
      NO_SLOT,
      `${NO_SLOT}  const put: u64[] = []
${NEEDED}  for (let page = allocatePage(PO_KERNEL); page !== null; page = needed > put.length ? allocatePage(PO_KERNEL) : null)
    put.push(page)
  if (put.length < needed) {
    for (const page of put) freePage(page)
    return -1
  }
  aside = put
`,
    ),
    edit(FORK_FAILS, `${FORK_TAKES}    panic('fork: put too little aside')\n  }\n`),
    edit(CHILD_TABLE, `  for (const page of aside.splice(0)) freePage(page)\n${CHILD_TABLE}`),
  ),
  patch(
    'the memory of who has exited is freed by schedule',
    imports('P_BLOCKED'),
    edit(EXIT_FREES + EXIT_STATE, ZOMBIE),
    edit(SCHEDULE, `${REAP}${SCHEDULE}  reap()\n`),
  ),
  patch(
    'the memory of who has exited is freed when the next trap comes in',
    imports('P_BLOCKED'),
    edit(EXIT_FREES + EXIT_STATE, ZOMBIE),
    edit(TRAP, `${TRAP}  reap()\n`),
    edit(SCHEDULE, `${REAP}${SCHEDULE}`),
  ),
  patch(
    'the tables go first, the pages by a list made before',
    edit(
      FREE_ALL,
      `  const mapped: [number, u64][] = []
  for (let va = PROC_START_ADDR; pagetable && va < MEMSIZE_VIRTUAL; va += PAGESIZE) {
    const { pn, perm } = virtualMemoryLookup(pagetable, va)
    if (BigInt(perm) & PTE_U) mapped.push([pn, va])
  }
  const its = new Set(mapped.map(([pn]) => pn))
  for (let pn = 0; pn < NPAGES; pn++)
    if (pageinfo[pn]!.owner === pid && !its.has(pn)) pageinfo[pn]!.refcount = 0
  for (const [pn, va] of mapped) letGo(pn, va, pid)
`,
    ),
  ),
  patch(
    'a list of what each process has, tables and pages alike',
    edit(
      ALLOCATE,
      `/** Page numbers, by process; several have those that they share. */
let having: Set<number>[] = []
${ALLOCATE}`,
    ),
    atBoot('having = processes.map(() => new Set())'),
    edit(ASSIGNED, '  page.owner = owner\n  having[owner]?.add(PAGENUMBER(addr))\n  return 0\n'),
    edit(PAGE_FREED, `${PAGE_FREED}  for (const pages of having) pages.delete(PAGENUMBER(addr))\n`),
    edit(COUNTED, `${COUNTED}      having[pid]!.add(original.pn)\n`),
    edit(
      FREE_MEMORY + FREE_ALL,
      `function freeMemory(pid: number, _pagetable: X8664Pagetable | null): void {
  for (const pn of having[pid]!) letGo(pn, 0n, pid)
`,
    ),
    edit(
      FIND_HEIR,
      `  page.owner = having.findIndex((pages) => pages.has(pn))
`,
    ),
    edit(UNCOUNTED, `${UNCOUNTED}  having[pid]!.delete(pn)\n`),
  ),
]
