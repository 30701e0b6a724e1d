// Steps 5 and 6 done otherwise: which slot, who runs first, how a page comes to be read-only, who owns what is shared.

import type { Edit } from '@pagewalk/grader'
import {
  ALLOCATE,
  CHILD_TABLE,
  COPIED,
  COPY,
  COPY_FAILS,
  COUNTED,
  edit,
  FORK_ANSWER,
  FORK_TABLE,
  HAND_OVER_UNLESS,
  INHERIT_LOOP,
  imports,
  LOAD,
  SEGMENT_RIGHTS,
  SLOT,
  WRITABLE,
} from '../mutants/kit.ts'
import { atBoot, type Design, EACH_MAPPED, FAULT, FIND_HEIR, LOAD_SEGMENT, patch } from './design.ts'

const FORK = 'function fork(): number {\n'
const LOOKUP = '    const original = virtualMemoryLookup(from, va)\n'

/** Makes the pages of read-only segments the kernel's, with so many references beside those of processes. */
const kernelsCode = (references: number): readonly Edit[] => [
  edit(
    SEGMENT_RIGHTS,
    `  for (let at = start; !segment.writable && at < start + size; at += PAGESIZE) {
    pageinfo[PAGENUMBER(at)]!.owner = PO_KERNEL
    pageinfo[PAGENUMBER(at)]!.refcount += ${references}
  }
${SEGMENT_RIGHTS}`,
  ),
  // an owner that never exits needs no heir
  edit(HAND_OVER_UNLESS + FIND_HEIR, ''),
]

export const forks: readonly Design[] = [
  patch('D5.5 the highest free slot', edit(SLOT, SLOT.replace('find', 'findLast'))),
  patch(
    'D5.5 slots in turn',
    edit(FORK, `let lastSlot = 0\n${FORK}`),
    edit(
      SLOT,
      `  const turns = [...processes.slice(lastSlot + 1), ...processes.slice(1, lastSlot + 1)]
  const child = turns.find((p) => p.state === P_FREE)
`,
    ),
    edit(CHILD_TABLE, `  lastSlot = child.pid\n${CHILD_TABLE}`),
  ),
  patch(
    'the child runs first',
    edit(
      FORK_ANSWER,
      `${FORK_ANSWER}      if (Number(current.registers.rax) < NPROC) return run(processes[Number(current.registers.rax)]!)
`,
    ),
  ),
  patch(
    'fork copies from the highest address down',
    edit(
      `${INHERIT_LOOP}\n${LOOKUP}`,
      `for (let va = MEMSIZE_VIRTUAL - PAGESIZE; va >= PROC_START_ADDR; va -= PAGESIZE) {\n${LOOKUP}`,
    ),
  ),
  patch(
    'D6.3 rights as the program headers say, after loading',
    imports('RAMIMAGES'),
    edit(LOAD, `${LOAD.replace(', loadSegment', '')}  closeReadOnly(pagetable, programNumber)\n`),
    edit(
      LOAD_SEGMENT,
      `function closeReadOnly(pagetable: X8664Pagetable, programNumber: number): void {
  const image = Number(ring0.read64(RAMIMAGES + programNumber * 16))
  for (let i = 0; i < ring0.read16(image + 56); i++) {
    const header = image + Number(ring0.read64(image + 32)) + i * 56
    const loaded = ring0.read32(header) === 1
    const writable = (ring0.read32(header + 4) & 2) !== 0
    if (!loaded || writable) continue
    const va = ring0.read64(header + 16)
    for (let at = ROUNDDOWN(va, PAGESIZE); at < va + ring0.read64(header + 40); at += PAGESIZE)
      virtualMemoryMap(pagetable, at, at, PAGESIZE, PTE_P | PTE_U, null)
  }
}
`,
    ),
  ),
  patch(
    'D6.5 what is shared belongs to the youngest',
    edit(COUNTED, `${COUNTED}      pageinfo[original.pn]!.owner = pid\n`),
  ),
  patch('D7.5 shared code is the kernel’s, counted once for each process', ...kernelsCode(0)),
  patch('D7.5 shared code is the kernel’s, and stays when nobody runs it', ...kernelsCode(1)),
  patch(
    'copy on write, with a page set aside for each copy to come',
    imports('PAGEINDEX', 'PTE_ADDR'),
    edit(
      ALLOCATE,
      `/** A bit of an entry that the hardware leaves to the kernel: may be written, after a copy has been made. */
const COPY = 0x200n
/** Copies that sharers may still ask for: as many pages must stay free. */
let promised = 0
/** The last-level entry for \`va\`, 0 if there is none. */
function entryOf(pagetable: X8664Pagetable, va: u64): u64 {
  let entry = pagetable.address | PTE_P
  for (let level = 0; level < 4; level++) {
    if (!(entry & PTE_P)) return 0n
    entry = pagetableAt(entry & PTE_ADDR).entry[PAGEINDEX(va, level)]!
  }
  return entry
}
/** A write to a page that fork has left shared: a copy for the writer, or the page itself if nobody else has it any more. */
function copyOnWrite(va: u64): boolean {
  const entry = entryOf(current.pagetable, va)
  if (!(entry & COPY)) return false
  const old = entry & PTE_ADDR
  let page = old
  if (pageinfo[PAGENUMBER(old)]!.refcount > 1) {
    promised -= 1
    page = allocatePage(current.pid)!
    memcpy(page, old, PAGESIZE)
    letGo(PAGENUMBER(old), va, current.pid)
  }
  virtualMemoryMap(current.pagetable, va, page, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
  return true
}
${ALLOCATE}  if (pageinfo.filter(({ refcount }) => refcount === 0).length <= promised) return null
`,
    ),
    edit(LOOKUP, `${LOOKUP}    const entry = entryOf(from, va)\n`),
    edit(WRITABLE, '    if (entry & (PTE_W | COPY)) {\n'),
    edit(
      COPY + COPY_FAILS + COPIED,
      `      if (pageinfo.filter(({ refcount }) => refcount === 0).length <= promised) return -1
      promised += 1
      pageinfo[original.pn]!.refcount += 1
      const shared = PTE_P | PTE_U | COPY
      virtualMemoryMap(from, va, original.pa, PAGESIZE, shared, null)
      if (virtualMemoryMap(to, va, original.pa, PAGESIZE, shared, pagesFor(pid)) < 0) {
        promised -= 1
        pageinfo[original.pn]!.refcount -= 1
        return -1
      }
`,
    ),
    edit(
      EACH_MAPPED,
      `    const entry = entryOf(pagetable, va)
    if (entry & COPY && pageinfo[PAGENUMBER(entry & PTE_ADDR)]!.refcount > 1) promised -= 1
    if (entry & PTE_U) letGo(PAGENUMBER(entry & PTE_ADDR), va, pid)
`,
    ),
    edit(
      FAULT,
      `      const write = PFERR_PRESENT | PFERR_WRITE | PFERR_USER
      if (registers.err === write && copyOnWrite(ROUNDDOWN(ring0.cr2, PAGESIZE))) break
${FAULT}`,
    ),
    atBoot('promised = 0'),
  ),
  patch(
    'fork copies the tables as a tree, entry by entry',
    imports('PTE_ADDR'),
    edit(
      FORK_TABLE,
      `  const root = allocatePage(child.pid)
  const pagetable = root === null ? null : pagetableAt(root)
  if (pagetable) memset(pagetable.address, 0, PAGESIZE)
`,
    ),
    edit(
      'inherit(current.pagetable, pagetable, child.pid)',
      'copyTable(current.pagetable, pagetable, 0, 0n, child.pid)',
    ),
    edit(
      '/** Give `pid` what `from` maps',
      `/** Fill \`to\`, a table of \`level\` that begins at \`first\`, with what \`pid\` gets of \`from\`. */
function copyTable(from: X8664Pagetable, to: X8664Pagetable, level: number, first: u64, pid: number): Status {
  const span = 1n << BigInt(39 - 9 * level)
  for (let i = 0; i < 512; i++) {
    const entry = from.entry[i]!
    const va = first + span * BigInt(i)
    if (!(entry & PTE_P)) continue
    const whole = level === 3 && (va < PROC_START_ADDR || !(entry & PTE_W))
    const page = whole ? entry & PTE_ADDR : allocatePage(pid)
    if (page === null) return -1
    to.entry[i] = page | (entry & (PTE_P | PTE_W | PTE_U))
    if (level < 3) {
      memset(page, 0, PAGESIZE)
      if (copyTable(pagetableAt(entry & PTE_ADDR), pagetableAt(page), level + 1, va, pid) < 0) return -1
    } else if (!whole) memcpy(page, entry & PTE_ADDR, PAGESIZE)
    else if (va >= PROC_START_ADDR) pageinfo[PAGENUMBER(page)]!.refcount += 1
  }
  return 0
}
/** Give \`pid\` what \`from\` maps`,
    ),
  ),
]
