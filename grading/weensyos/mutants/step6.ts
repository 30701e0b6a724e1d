// Mistakes in read-only memory and in sharing it.

import {
  COPY,
  COUNTED,
  copied,
  edit,
  FAULT_BREAKS,
  type Mutant,
  SEGMENT_LOAD,
  SEGMENT_RIGHTS,
  SEGMENT_SIZE,
  SHARE,
  USERS_ONLY,
  WRITABLE,
} from './kit.ts'

/** Which pages are copied; `rights` are those of the copy. */
const copiedIf = (which: string, rights: string) => [
  edit(WRITABLE, `    if (${which}) {\n`),
  copied(`virtualMemoryMap(to, va, copy, PAGESIZE, ${rights}, null)`),
]

export const step6: readonly Mutant[] = [
  {
    id: 'M6.1',
    name: 'segments never made read-only',
    edits: [edit(SEGMENT_RIGHTS, '  return size >= 0n ? 0 : -1\n')],
    mustFail: ['code-read-only'],
  },
  {
    id: 'M6.3',
    name: 'writable segments made read-only, the others not',
    edits: [edit('segment.writable ? 0', '!segment.writable ? 0')],
    mustFail: ['process-memory-works', 'fork-returns-twice'],
  },
  {
    id: 'A6.1',
    name: 'all segments made read-only',
    edits: [edit('segment.writable ? 0 : ', '')],
    mustFail: ['process-memory-works', 'fork-returns-twice'],
  },
  {
    id: 'A6.2',
    name: 'of a read-only segment only the first page is read-only',
    edits: [edit(SEGMENT_RIGHTS, SEGMENT_RIGHTS.replace(' size,', ' PAGESIZE,'))],
    mustFail: ['code-read-only'],
  },
  {
    id: 'A6.3',
    name: 'last page of a read-only segment stays writable: its end is rounded down',
    edits: [edit(SEGMENT_SIZE, SEGMENT_SIZE.replace('ROUNDUP', 'ROUNDDOWN'))],
    mustFail: ['code-read-only'],
  },
  {
    id: 'A6.4',
    name: 'only the first segment of a program taken for read-only',
    edits: [edit('segment.writable ? 0', 'segment.writable || segment.va % 0x40000n !== 0n ? 0')],
    mustFail: ['code-read-only'],
  },
  {
    id: 'A6.5',
    name: 'read-only memory for process 1 only',
    edits: [edit('segment.writable ? 0', 'segment.writable || p.pid > 1 ? 0')],
    mustFail: ['code-read-only'],
  },
  {
    id: 'A6.7',
    name: 'pages made read-only before their bytes are there',
    edits: [
      edit(
        SEGMENT_LOAD,
        `  const end = ROUNDUP(segment.va + segment.memorySize, PAGESIZE)
  const rights = segment.writable ? PTE_P | PTE_W | PTE_U : PTE_P | PTE_U
  for (let va = ROUNDDOWN(segment.va, PAGESIZE); va < end; va += PAGESIZE)
    if (assignPhysicalPage(va, p.pid) < 0 || virtualMemoryMap(p.pagetable, va, va, PAGESIZE, rights, allocator) < 0) return -1
  setPagetable(p.pagetable)
  memcpy(segment.va, BigInt(segment.from), segment.fileSize)
  memset(segment.va + segment.fileSize, 0, segment.memorySize - segment.fileSize)
  setPagetable(kernelPagetable)
`,
      ),
    ],
    mustFail: ['boots'],
  },
  {
    id: 'M6.15',
    name: 'read-only pages for the kernel alone',
    edits: [edit(SEGMENT_RIGHTS, SEGMENT_RIGHTS.replace('PTE_P | PTE_U', 'PTE_P'))],
    mustFail: ['system-calls-answered'],
  },
  {
    id: 'A6.8',
    name: 'read-only pages copied for the child',
    edits: copiedIf('rights', 'rights'),
    mustFail: ['code-shared'],
  },
  {
    id: 'A6.9',
    name: 'read-only pages copied for the child, which may write them',
    edits: copiedIf('rights', 'PTE_P | PTE_W | PTE_U'),
    mustFail: ['code-read-only'],
  },
  {
    id: 'A6.10',
    name: 'only the first page of the address space shared',
    edits: copiedIf('va > PROC_START_ADDR', 'rights'),
    mustFail: ['code-shared'],
  },
  {
    id: 'A6.11',
    name: 'a page shared only if it is shared already',
    edits: copiedIf('rights & PTE_W || pageinfo[original.pn]!.refcount === 1', 'rights'),
    mustFail: ['code-shared'],
  },
  {
    id: 'A6.12',
    name: 'others’ pages shared, own ones copied',
    edits: copiedIf('rights & PTE_W || pageinfo[original.pn]!.owner === current.pid', 'rights'),
    mustFail: ['code-shared'],
  },
  {
    id: 'A6.13',
    name: 'all pages shared with the child, which may write none',
    edits: [edit(WRITABLE, '    if (rights === 0n) {\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M6.11',
    name: 'shared pages mapped with W in the child',
    edits: [edit(SHARE, SHARE.replace('PTE_P | PTE_U', 'PTE_P | PTE_W | PTE_U'))],
    mustFail: [
      'fork-shares-nothing-writable',
      'fork-pages-recorded',
      'code-read-only',
      'fork-rolls-back',
      'pages-conserved',
    ],
  },
  {
    id: 'A6.14',
    name: 'shared pages mapped without U in the child',
    edits: [edit(SHARE, SHARE.replace('PTE_P | PTE_U', 'PTE_P'))],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M6.5',
    name: 'sharing not counted',
    edits: [edit(COUNTED, '')],
    mustFail: ['shared-pages-counted', 'exit-frees'],
  },
  {
    id: 'M6.7',
    name: 'sharing counted twice',
    edits: [edit(COUNTED, COUNTED.replace('+= 1', '+= 2'))],
    mustFail: ['shared-pages-counted', 'exit-frees'],
  },
  {
    id: 'A6.15',
    name: 'count of a shared page set to 2, however many share it',
    edits: [edit(COUNTED, COUNTED.replace('+= 1', '= 2'))],
    mustFail: ['shared-pages-counted', 'exit-frees'],
  },
  {
    id: 'M6.9',
    name: 'copies counted as if they were shared',
    edits: [copied('pageinfo[PAGENUMBER(copy)]!.refcount += 1')],
    mustFail: ['stops', 'fork-pages-recorded'],
  },
  {
    id: 'M6.9b',
    name: 'pages that were copied counted as if they were shared',
    edits: [edit(COPY, `      pageinfo[original.pn]!.refcount += 1\n${COPY}`)],
    mustFail: ['stops', 'fork-pages-recorded', 'exit-frees'],
  },
  {
    id: 'M6.17',
    name: 'pageinfo asked about addresses that are not mapped',
    edits: [edit(USERS_ONLY, '    if (pageinfo[original.pn]!.owner <= 0) continue\n')],
    mustFail: ['stops'],
  },
  {
    id: 'A6.16',
    name: 'whoever writes to a read-only page gets a copy to write to',
    edits: [
      edit(
        FAULT_BREAKS,
        `      const page = ROUNDDOWN(addr, PAGESIZE)
      const { pa, pn } = virtualMemoryLookup(current.pagetable, page)
      if (operation === 'write' && problem === 'protection problem' && page >= PROC_START_ADDR) {
        if (pageinfo[pn]!.owner === current.pid) {
          virtualMemoryMap(current.pagetable, page, pa, PAGESIZE, PTE_P | PTE_W | PTE_U, null)
          break
        }
        const copy = mapNewPage(current.pagetable, page, current.pid)
        if (copy !== null) {
          memcpy(copy, pa, PAGESIZE)
          pageinfo[pn]!.refcount -= 1
          break
        }
      }
${FAULT_BREAKS}`,
      ),
    ],
    mustFail: ['code-write-stopped', 'pages-conserved'],
  },
]
