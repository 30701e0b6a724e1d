// Kernels that differ from the reference and are right all the same: each must have full marks. Two mistakes that make
// no difference are among them.

import type { Edit } from '@pagewalk/grader'

export interface Design {
  readonly name: string
  readonly edits: readonly Edit[]
}

const edit = (find: string, replace: string): Edit => ({ find, replace })

const CLOSED = '  virtualMemoryMap(kernelPagetable, 0n, 0n, PROC_START_ADDR, PTE_P | PTE_W, null)\n'
const CONSOLE =
  '  virtualMemoryMap(kernelPagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, PTE_P | PTE_W | PTE_U, null)\n'
const SEARCH = 'for (let pn = 0; pn < NPAGES; pn++)\n    if (pageinfo[pn]!.refcount === 0) {'
const ALLOCATE = 'function allocatePage(owner: number): u64 | null {\n'
const SETUP = '  const loaded = programLoad(p, programNumber, pagesFor(pid))\n'
const RSP = '  p.registers.rsp = MEMSIZE_VIRTUAL\n'
const STACK = '  const mapped = mapNewPage(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, pid)\n'
const KERNEL_LOOP = 'for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) {'
const NEW_PAGETABLE_DONE = '  return pagetable\n}\n'
const SLOT = 'processes.find((p, pid) => pid > 0 && p.state === P_FREE)'
const COPY = '    const copy = mapNewPage(to, va, pid)\n'
const COPY_DONE = `    if (copy === null) return -1
    memcpy(copy, original.pa, PAGESIZE)
`
const FAULT = '      // Analyze the faulting address and access type\n'

export const designs: readonly Design[] = [
  {
    name: 'D1.3 page by page, with an if',
    edits: [
      edit(
        CLOSED + CONSOLE,
        `  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) {
    const rights = va === CONSOLE_ADDR ? PTE_P | PTE_W | PTE_U : PTE_P | PTE_W
    virtualMemoryMap(kernelPagetable, va, va, PAGESIZE, rights, null)
  }
`,
      ),
    ],
  },
  {
    name: 'D1.5 all of physical memory closed',
    edits: [edit(CLOSED, CLOSED.replace('PROC_START_ADDR', 'MEMSIZE_PHYSICAL'))],
  },
  {
    name: 'D1.7 page 0 unmapped',
    edits: [edit(CONSOLE, `${CONSOLE}  virtualMemoryMap(kernelPagetable, 0n, 0n, PAGESIZE, 0, null)\n`)],
  },
  {
    name: 'M1.13 one page too many closed',
    edits: [edit(CLOSED, CLOSED.replace('PROC_START_ADDR', 'PROC_START_ADDR + PAGESIZE'))],
  },
  {
    name: 'D2.1 both last-level tables made at once',
    edits: [
      edit(
        NEW_PAGETABLE_DONE,
        `  if (virtualMemoryMap(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, 0n, PAGESIZE, PTE_P, pagesFor(pid)) < 0) return null
  virtualMemoryMap(pagetable, MEMSIZE_VIRTUAL - PAGESIZE, 0n, PAGESIZE, 0, null)
${NEW_PAGETABLE_DONE}`,
      ),
    ],
  },
  {
    name: 'M2.13 only the kernel itself and the console mapped',
    edits: [
      edit(
        KERNEL_LOOP,
        `${KERNEL_LOOP}\n    if ((va < 0x40000n || va >= 0x80000n) && va !== CONSOLE_ADDR) continue`,
      ),
    ],
  },
  {
    name: 'D2.7 pages from the top of memory',
    edits: [edit(SEARCH, SEARCH.replace('pn = 0; pn < NPAGES; pn++', 'pn = NPAGES - 1; pn >= 0; pn--'))],
  },
  {
    name: 'D3.3 next fit',
    edits: [
      edit(ALLOCATE, `let cursor = 0\n${ALLOCATE}`),
      edit(
        SEARCH,
        'for (let i = 0, pn = cursor; i < NPAGES; i++, pn = (pn + 1) % NPAGES)\n    if (pageinfo[pn]!.refcount === 0) {\n      cursor = pn',
      ),
    ],
  },
  {
    name: 'D3.5 a list of free pages',
    edits: [
      edit(ALLOCATE, `const free: number[] = []\n${ALLOCATE}`),
      edit(
        SEARCH,
        'if (free.length === 0) for (let pn = 0; pn < NPAGES; pn++) if (pageinfo[pn]!.refcount === 0) free.push(pn)\n  for (let pn = free.pop() ?? -1; pn >= 0; pn = free.pop() ?? -1)\n    if (pageinfo[pn]!.refcount === 0) {',
      ),
    ],
  },
  { name: 'D3.7 heap pages not zeroed', edits: [edit('  memset(page, 0, PAGESIZE)\n', '')] },
  {
    name: 'M3.11 page_alloc falls through into the timer',
    edits: [
      edit(
        '      current.registers.rax = result(pageAlloc(current.registers.rdi))\n      break\n',
        '      current.registers.rax = result(pageAlloc(current.registers.rdi))\n      ticks.value += 1\n      schedule()\n      return\n',
      ),
    ],
  },
  {
    name: 'M3.21 stack page assigned twice',
    edits: [edit(STACK, `${STACK}  assignPhysicalPage(mapped!, pid)\n`)],
  },
  {
    name: 'D4.3 stack before code',
    edits: [edit(STACK, ''), edit(SETUP, `${STACK}${SETUP}`), edit(RSP, `${RSP}`)],
  },
  {
    name: 'D4.5 page_alloc refuses the stack page',
    edits: [edit('addr >= MEMSIZE_VIRTUAL) return -1', 'addr >= MEMSIZE_VIRTUAL - PAGESIZE) return -1')],
  },
  {
    name: 'D4.7 page_alloc gives mapped addresses a new page',
    edits: [
      edit(
        '  if (virtualMemoryLookup(current.pagetable, addr).pn >= 0) return -1\n',
        '  const old = virtualMemoryLookup(current.pagetable, addr)\n  if (old.pn >= 0) freePage(old.pa)\n',
      ),
    ],
  },
  { name: 'D5.5 the highest free slot', edits: [edit(SLOT, SLOT.replace('find', 'findLast'))] },
  {
    name: 'D5.5 slots in turn',
    edits: [
      edit('function fork(): number {\n', 'let lastSlot = 0\nfunction fork(): number {\n'),
      edit(
        SLOT,
        '[...processes.slice(lastSlot + 1), ...processes.slice(1, lastSlot + 1)].find((p) => p.state === P_FREE)',
      ),
      edit('  child.pagetable = pagetable\n', '  lastSlot = child.pid\n  child.pagetable = pagetable\n'),
    ],
  },
  {
    name: 'D6.3 code is read-only and shared by fork',
    edits: [
      edit(
        SETUP,
        `${SETUP}  const code = p.registers.rip & ~0xfffn\n  virtualMemoryMap(pagetable, code, code, PAGESIZE, PTE_P | PTE_U, null)\n`,
      ),
      edit(
        COPY,
        `    if (!(BigInt(original.perm) & PTE_W)) {
      if (virtualMemoryMap(to, va, original.pa, PAGESIZE, original.perm, pagesFor(pid)) < 0) return -1
      pageinfo[original.pn]!.refcount += 1
      continue
    }
${COPY}`,
      ),
    ],
  },
  {
    name: 'copy on write',
    edits: [
      edit(
        COPY + COPY_DONE,
        `    if (virtualMemoryMap(to, va, original.pa, PAGESIZE, PTE_P | PTE_U, pagesFor(pid)) < 0) return -1
    virtualMemoryMap(from, va, original.pa, PAGESIZE, PTE_P | PTE_U, null)
    pageinfo[original.pn]!.refcount += 1
`,
      ),
      edit(FAULT, `      if (copyOnWrite(registers.err, ring0.cr2 & ~0xfffn)) break\n${FAULT}`),
      edit(
        ALLOCATE,
        `/** A write to a page that fork left shared: a copy for the writer, or the page itself if nobody else has it. */
function copyOnWrite(err: u64, va: u64): boolean {
  if ((err & 7n) !== 7n || va < PROC_START_ADDR || va >= MEMSIZE_VIRTUAL) return false
  const { pn, pa } = virtualMemoryLookup(current.pagetable, va)
  const shared = pageinfo[pn]!.refcount > 1
  const page = shared ? allocatePage(current.pid) : pa
  if (page === null) return false
  if (shared) memcpy(page, pa, PAGESIZE)
  if (shared) pageinfo[pn]!.refcount -= 1
  pageinfo[PAGENUMBER(page)]!.owner = current.pid
  virtualMemoryMap(current.pagetable, va, page, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
  return true
}
${ALLOCATE}`,
      ),
    ],
  },
]
