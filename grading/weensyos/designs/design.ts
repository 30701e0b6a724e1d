// How a design is written, and the places of the reference that several designs change.

import { readFileSync } from 'node:fs'
import type { Edit } from '@pagewalk/grader'
import { edit, HAND_OVER, HEIR, LET_GO, SEGMENT_LOAD, SEGMENT_RIGHTS, SEGMENT_SIZE } from '../mutants/kit.ts'
import { reference } from '../try-kernels.ts'

export interface Design {
  readonly name: string
  /** From the reference's kernel.ts to this design's. */
  readonly edits: readonly Edit[]
}

/** The reference with some texts replaced. */
export const patch = (name: string, ...edits: readonly Edit[]): Design => ({ name, edits })

/** A kernel of its own in the reference's place. @param file  in kernels/ */
export const whole = (name: string, file: string): Design => ({
  name,
  edits: [
    {
      find: reference,
      replace: readFileSync(new URL(`./kernels/${file}`, import.meta.url), 'utf8'),
    },
  ],
})

/** Runs at every boot, also after a key: what is kept in variables must be dropped there. */
const BOOT = 'export function pageinfoInit(): void {\n'
export const atBoot = (statement: string): Edit => edit(BOOT, `${BOOT}  ${statement}\n`)

/** The reference's own loader of segments, whole. */
export const LOAD_SEGMENT: string = `function loadSegment(p: Proc, segment: ProgramSegment, allocator: PagetableAllocator | null): Status {
${SEGMENT_LOAD}  const start = ROUNDDOWN(segment.va, PAGESIZE)
${SEGMENT_SIZE}${SEGMENT_RIGHTS}}
`
/**
 * Each page of a segment to a physical page that `allocate` gives; its bytes go there at the physical address, and it has its
 * rights from the start.
 */
export const loadTo = (
  allocate: string,
): string => `function loadSegment(p: Proc, segment: ProgramSegment, allocator: PagetableAllocator | null): Status {
  const { va, memorySize, fileSize, from, writable } = segment
  const rights = writable ? PTE_P | PTE_W | PTE_U : PTE_P | PTE_U
  for (let at = ROUNDDOWN(va, PAGESIZE); at < va + memorySize; at += PAGESIZE) {
    const page = ${allocate}(p.pid)
    if (page === null || virtualMemoryMap(p.pagetable, at, page, PAGESIZE, rights, allocator) < 0) return -1
    memset(page, 0, PAGESIZE)
    const begin = at > va ? at : va
    const end = at + PAGESIZE < va + fileSize ? at + PAGESIZE : va + fileSize
    if (begin < end) memcpy(page + begin - at, BigInt(from) + begin - va, end - begin)
  }
  return 0
}
`
/** What freeMemory does with each address of a process. */
export const EACH_MAPPED: string = `    const { pn, perm } = virtualMemoryLookup(pagetable, va)
${LET_GO}`
/** The end of letGo, which looks for an heir. */
export const FIND_HEIR: string = `  const maps = (p: Proc): boolean =>
${HEIR}${HAND_OVER}`
/** Where exception begins to tell of a page fault. */
export const FAULT = '      // Analyze the faulting address and access type\n'
