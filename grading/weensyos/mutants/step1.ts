// Mistakes in kernel isolation, and in what becomes of a process that goes where it may not.

import {
  ALREADY,
  CONSOLE_OPEN,
  edit,
  FAULT_BREAKS,
  KERNEL_CLOSED,
  KERNEL_MAPPED,
  LIMITS,
  type Mutant,
  OPEN,
  SCHEDULE_TEST,
} from './kit.ts'

/** Kernel addresses that are mapped are refused only where a process has a page. */
const ALREADY_OWN = edit(
  ALREADY,
  '  if (BigInt(virtualMemoryLookup(current.pagetable, addr).perm) & PTE_U) return -1\n',
)
const closed = (from: string, size: string): string =>
  `  virtualMemoryMap(kernelPagetable, ${from}, ${from}, ${size}, PTE_P | PTE_W, null)\n`

export const step1: readonly Mutant[] = [
  {
    id: 'M1.1',
    name: 'kernel left open',
    edits: [edit(KERNEL_CLOSED, '')],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'M1.3',
    name: 'console opened before the big range is closed',
    edits: [edit(KERNEL_CLOSED + CONSOLE_OPEN, CONSOLE_OPEN + KERNEL_CLOSED)],
    mustFail: ['console-open', 'fork-child-console'],
  },
  {
    id: 'M1.5',
    name: 'only kernel text, data and stack closed',
    edits: [edit(KERNEL_CLOSED, closed('0x40000n', '0x40000n'))],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'M1.7',
    name: 'closed from KERNEL_START_ADDR on',
    edits: [edit(KERNEL_CLOSED, closed('0x40000n', '0xc0000n'))],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'A1.1',
    name: 'closed up to the hole at 640 KiB',
    edits: [edit(KERNEL_CLOSED, closed('0n', '0xa0000n'))],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'A1.2',
    name: 'last page below PROC_START_ADDR left open',
    edits: [edit(KERNEL_CLOSED, closed('0n', 'PROC_START_ADDR - PAGESIZE'))],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'M1.9',
    name: 'kernel mapped without P',
    edits: [edit(KERNEL_CLOSED, KERNEL_CLOSED.replace('PTE_P | PTE_W', 'PTE_W'))],
    mustFail: ['boots'],
  },
  {
    id: 'M1.9b',
    name: 'kernel unmapped',
    edits: [edit(KERNEL_CLOSED, KERNEL_CLOSED.replace('PTE_P | PTE_W', '0'))],
    mustFail: ['boots'],
  },
  {
    id: 'A1.3',
    name: 'W taken away with U: the kernel cannot write its own data',
    edits: [edit(KERNEL_CLOSED, KERNEL_CLOSED.replace('PTE_P | PTE_W', 'PTE_P'))],
    mustFail: ['boots'],
  },
  {
    id: 'M1.11',
    name: 'console of 4000 bytes',
    edits: [edit(CONSOLE_OPEN, CONSOLE_OPEN.replace('PAGESIZE', '4000n'))],
    mustFail: ['boots'],
  },
  {
    id: 'A1.4',
    name: 'two pages opened for the console',
    edits: [edit(CONSOLE_OPEN, CONSOLE_OPEN.replace('PAGESIZE', '2n * PAGESIZE'))],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'A1.5',
    name: 'console opened where VGA memory begins, at 0xA0000',
    edits: [edit(CONSOLE_OPEN, CONSOLE_OPEN.replaceAll('CONSOLE_ADDR', '0xa0000n'))],
    mustFail: ['kernel-memory-protected', 'fork-child-console'],
  },
  {
    id: 'A1.6',
    name: 'console to be read only in the processes’ tables',
    edits: [
      edit(
        KERNEL_MAPPED,
        KERNEL_MAPPED.replace('PAGESIZE, perm,', 'PAGESIZE, va === CONSOLE_ADDR ? PTE_P | PTE_U : perm,'),
      ),
    ],
    mustFail: ['console-open', 'fork-child-console'],
  },
  {
    id: 'M1.15',
    name: 'page_alloc takes kernel addresses',
    edits: [edit('addr < PROC_START_ADDR || ', ''), ALREADY_OWN],
    mustFail: ['kernel-addresses-refused'],
  },
  {
    id: 'A1.7',
    name: 'page_alloc refuses the kernel’s pages by pageinfo, and takes free ones below 0x100000',
    edits: [
      edit(
        LIMITS,
        `  if (addr % PAGESIZE !== 0n || addr >= MEMSIZE_VIRTUAL) return -1
  if (addr < PROC_START_ADDR && pageinfo[PAGENUMBER(addr)]!.owner < 0) return -1
`,
      ),
      ALREADY_OWN,
    ],
    mustFail: ['kernel-addresses-refused'],
  },
  {
    id: 'A1.8',
    name: 'page_alloc refuses what lies below the kernel’s stack only',
    edits: [edit('addr < PROC_START_ADDR || ', 'addr < 0x80000n || '), ALREADY_OWN],
    mustFail: ['kernel-addresses-refused'],
  },
  {
    id: 'M1.17',
    name: 'page_alloc takes unaligned addresses',
    edits: [edit('addr % PAGESIZE !== 0n || addr < PROC', 'addr < PROC')],
    mustFail: ['odd-addresses-refused'],
  },
  {
    id: 'M1.19',
    name: 'every kernel page mapped to physical page 0',
    edits: [
      edit(
        KERNEL_CLOSED,
        '  for (let va = 0n; va < PROC_START_ADDR; va += PAGESIZE) virtualMemoryMap(kernelPagetable, va, 0n, PAGESIZE, PTE_P | PTE_W, null)\n',
      ),
    ],
    mustFail: ['boots'],
  },
  {
    id: 'M1.21',
    name: 'U cleared in the root instead of in the leaves',
    edits: [
      edit(KERNEL_CLOSED + CONSOLE_OPEN, '  kernelPagetable.entry[0] = kernelPagetable.entry[0]! & ~PTE_U\n'),
    ],
    mustFail: ['console-open', 'fork-child-console'],
  },
  {
    id: 'A1.9',
    name: 'kernel closed when the processes already have their copies',
    edits: [
      edit(KERNEL_CLOSED + CONSOLE_OPEN, ''),
      edit('  run(processes[1]!)\n', `${KERNEL_CLOSED}${CONSOLE_OPEN}  run(processes[1]!)\n`),
    ],
    mustFail: ['kernel-memory-protected'],
  },
  {
    id: 'A1.10',
    name: 'who has faulted runs again',
    edits: [edit(FAULT_BREAKS, '')],
    mustFail: ['kernel-access-stopped', 'foreign-access-stopped', 'code-write-stopped'],
  },
  {
    id: 'A1.11',
    name: 'a fault of one process is the end of all',
    edits: [edit(FAULT_BREAKS, "      panic('Process %d page fault for %p!\\n', current.pid, addr)\n")],
    mustFail: ['kernel-access-stopped', 'foreign-access-stopped', 'code-write-stopped'],
  },
  {
    id: 'A1.12',
    name: 'who has faulted gets a free slot’s state and keeps its memory',
    edits: [edit(FAULT_BREAKS, FAULT_BREAKS.replace('P_BROKEN', 'P_FREE'))],
    mustFail: ['kernel-access-stopped', 'foreign-access-stopped', 'code-write-stopped', 'pages-conserved'],
  },
  {
    id: 'A1.13',
    name: 'schedule picks whoever is not free',
    edits: [edit(SCHEDULE_TEST, SCHEDULE_TEST.replace('=== P_RUNNABLE', '!== P_FREE'))],
    mustFail: ['kernel-access-stopped', 'foreign-access-stopped', 'code-write-stopped'],
  },
  {
    id: 'A1.14',
    name: 'a fault opens the page where it happened',
    edits: [
      edit(
        FAULT_BREAKS,
        `      const { pn, pa } = virtualMemoryLookup(current.pagetable, ROUNDDOWN(addr, PAGESIZE))
      if (pn >= 0) virtualMemoryMap(current.pagetable, ROUNDDOWN(addr, PAGESIZE), pa, PAGESIZE, ${OPEN}, null)
      else current.state = P_BROKEN
`,
      ),
    ],
    mustFail: ['kernel-access-stopped', 'code-write-stopped', 'pages-conserved'],
  },
  {
    id: 'A1.15',
    name: 'a write where nothing is mapped gets a page, as a stack would that grows',
    edits: [
      edit(
        FAULT_BREAKS,
        `      const grows = operation === 'write' && problem === 'missing page'
      const page = grows ? mapNewPage(current.pagetable, ROUNDDOWN(addr, PAGESIZE), current.pid) : null
      if (page === null) current.state = P_BROKEN
`,
      ),
    ],
    mustFail: ['foreign-access-stopped'],
  },
]
