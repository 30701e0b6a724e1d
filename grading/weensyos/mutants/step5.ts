// Mistakes in fork, but for what it shares (step 6) and what it gives back (step 7).

import {
  ALLOCATE,
  CHILD_RAX,
  CHILD_REGISTERS,
  CHILD_RUNNABLE,
  CHILD_TABLE,
  COPIED,
  COPY,
  COPY_FAILS,
  COUNTED,
  copied,
  EXIT_FREES,
  edit,
  FORK_ANSWER,
  FORK_DONE,
  FORK_FAILS,
  FORK_TABLE,
  INHERIT_LOOP,
  imports,
  type Mutant,
  NEW_PAGE_MAPPED,
  NO_SLOT,
  OPEN,
  SEGMENT_SIZE,
  SLOT,
  USERS_ONLY,
  ZEROED,
} from './kit.ts'

/** Pages at some addresses are shared as they are, the others copied. */
const sharedWhere = (which: string): string =>
  `      if (${which}) {
        virtualMemoryMap(to, va, original.pa, PAGESIZE, rights, pagesFor(pid))
        continue
      }
${COPY}`
const FORK_FUNCTION = 'function fork(): number {\n'

export const step5: readonly Mutant[] = [
  {
    id: 'M5.1',
    name: 'fork not implemented',
    edits: [edit(`    case INT_SYS_FORK:\n${FORK_ANSWER}      break\n`, '')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.3',
    name: 'only the stack is copied, the rest is shared',
    edits: [edit(COPY, sharedWhere('va < MEMSIZE_VIRTUAL - PAGESIZE'))],
    mustFail: [
      'stops',
      'fork-copies-memory',
      'fork-shares-nothing-writable',
      'fork-makes-four',
      'fork-pages-recorded',
      'exit-frees',
    ],
  },
  {
    id: 'M5.3b',
    name: 'the stack is shared, the rest is copied',
    edits: [edit(COPY, sharedWhere('va === MEMSIZE_VIRTUAL - PAGESIZE'))],
    mustFail: ['stops', 'fork-shares-nothing-writable', 'fork-pages-recorded'],
  },
  {
    id: 'A5.1',
    name: 'heap pages are shared, program and stack are copied',
    edits: [edit(COPY, sharedWhere('va >= 0x110000n && va < MEMSIZE_VIRTUAL - PAGESIZE'))],
    mustFail: ['fork-shares-nothing-writable', 'fork-pages-recorded', 'exit-frees'],
  },
  {
    id: 'A5.2',
    name: 'the child has its parent’s page tables',
    edits: [edit(CHILD_TABLE, '  child.pagetable = current.pagetable\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.5',
    name: 'registers not copied',
    edits: [edit(CHILD_REGISTERS, '')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.5b',
    name: 'only rip and rsp copied',
    edits: [
      edit(
        CHILD_REGISTERS,
        `  processInit(child, 0)
  child.registers.rip = current.registers.rip
  child.registers.rsp = current.registers.rsp
`,
      ),
    ],
    mustFail: ['fork-copies-registers', 'code-write-stopped', 'exit-frees'],
  },
  {
    id: 'A5.3',
    name: 'r8 to r15 not copied',
    edits: [
      edit(
        CHILD_REGISTERS,
        `  processInit(child, 0)
  for (const name of ['rcx', 'rdx', 'rbx', 'rbp', 'rsi', 'rdi', 'rip', 'rflags', 'rsp'] as const)
    child.registers[name] = current.registers[name]
`,
      ),
    ],
    mustFail: ['fork-copies-registers'],
  },
  {
    id: 'M5.7',
    name: 'the parent gets 0, too',
    edits: [edit(FORK_ANSWER, '      fork()\n      current.registers.rax = 0n\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.7b',
    name: 'the parent’s rax stays as it was',
    edits: [edit(FORK_ANSWER, '      fork()\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.4',
    name: 'the child’s rax stays as it was',
    edits: [edit(CHILD_RAX, '')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.5',
    name: 'the child gets its own id',
    edits: [edit(CHILD_RAX, '  child.registers.rax = BigInt(child.pid)\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.6',
    name: 'the parent is told its own id',
    edits: [edit(FORK_DONE, '  return current.pid\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.9',
    name: 'slot search begins at 0',
    edits: [edit('(p, pid) => pid > 0 && p.state', '(p) => p.state')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.7',
    name: 'last slot never used',
    edits: [edit('pid > 0 &&', 'pid > 0 && pid < NPROC - 1 &&')],
    mustFail: ['fork-slots-run-out'],
  },
  {
    id: 'A5.8',
    name: 'lack of a slot not looked at',
    edits: [edit(NO_SLOT, '')],
    mustFail: ['stops'],
  },
  {
    id: 'A5.9',
    name: 'fork returns 0 when there is no slot',
    edits: [edit(NO_SLOT, NO_SLOT.replace('-1', '0'))],
    mustFail: ['fork-slots-run-out'],
  },
  {
    id: 'A5.10',
    name: 'the child gets the slot behind its parent’s, used or not',
    edits: [edit(SLOT, '  const child = processes[current.pid + 1]\n')],
    mustFail: [
      'stops',
      'fork-makes-four',
      'fork-pages-recorded',
      'fork-slots-run-out',
      'shared-pages-counted',
      'exit-frees',
    ],
  },
  {
    id: 'A5.11',
    name: 'the child may get the slot of a process that was stopped',
    edits: [edit(SLOT, SLOT.replace('=== P_FREE', '!== P_RUNNABLE'))],
    mustFail: ['pages-conserved'],
  },
  {
    id: 'A5.12',
    name: 'slots are counted through once, also across reboots',
    edits: [
      edit(FORK_FUNCTION, `let slots = 1\n${FORK_FUNCTION}`),
      edit(SLOT, '  const child = processes[++slots]\n'),
    ],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'M5.11',
    name: 'the child has its parent’s process id',
    edits: [edit(FORK_DONE, '  const pid = child.pid\n  child.pid = current.pid\n  return pid\n')],
    mustFail: ['stops', 'fork-returns-twice'],
  },
  {
    id: 'M5.13',
    name: 'the child’s state is never set',
    edits: [edit(CHILD_RUNNABLE, '')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.13b',
    name: 'the child is never made runnable',
    edits: [imports('P_BLOCKED'), edit(CHILD_RUNNABLE, '  child.state = P_BLOCKED\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.15',
    name: 'the child’s pages recorded for the parent',
    edits: [copied('pageinfo[PAGENUMBER(copy)]!.owner = current.pid')],
    mustFail: ['fork-pages-recorded', 'exit-any-order', 'fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'A5.13',
    name: 'the child’s page tables recorded for the parent',
    edits: [edit(FORK_TABLE, '  const pagetable = newPagetable(current.pid)\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.14',
    name: 'a table made while pages are copied is recorded for the parent',
    edits: [edit(NEW_PAGE_MAPPED, NEW_PAGE_MAPPED.replace('pagesFor(pid)', 'pagesFor(current.pid)'))],
    mustFail: ['system-calls-answered'],
  },
  {
    id: 'A5.15',
    name: 'one page too many taken for the child',
    edits: [edit(FORK_TABLE, `  allocatePage(child.pid)\n${FORK_TABLE}`)],
    mustFail: ['fork-pages-recorded', 'exit-any-order', 'fork-rolls-back', 'pages-conserved'],
  },
  {
    id: 'M5.17',
    name: 'copying ends with physical memory',
    edits: [edit(INHERIT_LOOP, INHERIT_LOOP.replace('MEMSIZE_VIRTUAL', 'MEMSIZE_PHYSICAL'))],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.16',
    name: 'above physical memory only the stack is copied',
    edits: [
      edit(
        USERS_ONLY,
        `    if (va >= MEMSIZE_PHYSICAL && va < MEMSIZE_VIRTUAL - PAGESIZE) continue\n${USERS_ONLY}`,
      ),
    ],
    mustFail: ['fork-copies-every-page'],
  },
  {
    id: 'A5.17',
    name: 'copying begins behind the first page',
    edits: [edit(INHERIT_LOOP, INHERIT_LOOP.replace('PROC_START_ADDR', 'PROC_START_ADDR + PAGESIZE'))],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.18',
    name: 'copying ends with the first page that is not mapped',
    edits: [edit(USERS_ONLY, USERS_ONLY.replace('continue', 'break'))],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.19',
    name: 'between the first page that is not mapped and the stack nothing is copied',
    edits: [
      edit(
        USERS_ONLY,
        `    if (!(rights & PTE_U)) {
      va = MEMSIZE_VIRTUAL - 2n * PAGESIZE
      continue
    }
`,
      ),
    ],
    mustFail: ['fork-copies-every-page', 'exit-any-order'],
  },
  {
    id: 'A5.20',
    name: 'at most ten pages are copied',
    edits: [
      edit(INHERIT_LOOP, `let pages = 0\n  ${INHERIT_LOOP}`),
      edit(USERS_ONLY, `${USERS_ONLY}    if (++pages > 10) break\n`),
    ],
    mustFail: ['fork-copies-every-page'],
  },
  {
    id: 'A5.21',
    name: 'only pages that the parent owns are inherited',
    edits: [
      edit(USERS_ONLY, `${USERS_ONLY}    if (pageinfo[original.pn]!.owner !== current.pid) continue\n`),
    ],
    mustFail: ['fork-makes-four', 'code-shared', 'pages-conserved'],
  },
  {
    id: 'A5.22',
    name: 'last byte of each page not copied',
    edits: [edit(COPIED, COPIED.replace('PAGESIZE', 'PAGESIZE - 1n'))],
    mustFail: ['fork-copies-memory', 'exit-any-order'],
  },
  {
    id: 'A5.23',
    name: 'of each page 512 bytes copied, not 512 words',
    edits: [edit(COPIED, COPIED.replace('PAGESIZE', '512n'))],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.24',
    name: 'pages are never copied: the child’s are all zeroes',
    edits: [edit(COPIED, '')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.25',
    name: 'copied from the new page to the old one',
    edits: [edit(COPIED, '      memcpy(original.pa, copy, PAGESIZE)\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.26',
    name: 'copied from the virtual address, while the kernel’s table is in force',
    edits: [edit(COPIED, '      memcpy(copy, va, PAGESIZE)\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'A5.27',
    name: 'the memory of process 1 copied, whoever forks',
    edits: [edit('inherit(current.pagetable, ', 'inherit(processes[1]!.pagetable, ')],
    mustFail: ['exit-any-order', 'pages-conserved'],
  },
  {
    id: 'A5.28',
    name: 'the registers of process 1 copied, whoever forks',
    edits: [edit(CHILD_REGISTERS, '  child.registers = processes[1]!.registers\n')],
    mustFail: ['fork-makes-four', 'exit-any-order', 'pages-conserved'],
  },
  {
    id: 'M5.19',
    name: 'the child’s pages mapped without W',
    edits: [copied('virtualMemoryMap(to, va, copy, PAGESIZE, PTE_P | PTE_U, null)')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.19b',
    name: 'the child’s pages mapped without U',
    edits: [copied('virtualMemoryMap(to, va, copy, PAGESIZE, PTE_P | PTE_W, null)')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.21',
    name: 'the copies go to the parent, the child gets the originals',
    edits: [
      copied(`virtualMemoryMap(from, va, copy, PAGESIZE, ${OPEN}, null)
      virtualMemoryMap(to, va, original.pa, PAGESIZE, ${OPEN}, null)`),
    ],
    mustFail: ['stops', 'fork-pages-recorded'],
  },
  {
    id: 'M5.23',
    name: 'scheduled away before the parent’s rax is set',
    edits: [edit(`${FORK_ANSWER}      break\n`, '      fork()\n      schedule()\n      return\n')],
    mustFail: ['fork-returns-twice'],
  },
  {
    id: 'M5.25',
    name: 'lack of memory not looked at',
    edits: [
      edit(FORK_FAILS, '  inherit(current.pagetable, pagetable ?? pagetableAt(0n), child.pid)\n'),
      edit(CHILD_TABLE, '  child.pagetable = pagetable ?? pagetableAt(0n)\n'),
    ],
    mustFail: ['fork-without-memory', 'pages-conserved'],
  },
  {
    id: 'M5.25b',
    name: 'a page for which there is no memory is shared instead',
    edits: [
      edit(
        COPY_FAILS,
        `      if (copy === null) {
        if (virtualMemoryMap(to, va, original.pa, PAGESIZE, rights, pagesFor(pid)) < 0) return -1
        continue
      }
`,
      ),
    ],
    mustFail: ['fork-rolls-back'],
  },
  {
    id: 'A5.29',
    name: 'a child without memory is an assertion’s matter',
    edits: [edit(FORK_TABLE, `${FORK_TABLE}  assert(pagetable !== null, 'child_pagetable != NULL')\n`)],
    mustFail: ['fork-without-memory', 'pages-conserved'],
  },
  {
    id: 'M5.27',
    name: 'the console page is copied, too',
    edits: [edit(INHERIT_LOOP, INHERIT_LOOP.replace('va = PROC_START_ADDR', 'va = 0n'))],
    mustFail: ['fork-child-console'],
  },
  {
    id: 'A5.30',
    name: 'the child’s tables have the kernel’s part without the console',
    edits: [
      edit(
        CHILD_TABLE,
        `  virtualMemoryMap(pagetable, CONSOLE_ADDR, CONSOLE_ADDR, PAGESIZE, PTE_P | PTE_W, null)\n${CHILD_TABLE}`,
      ),
    ],
    mustFail: ['fork-child-console'],
  },
  {
    id: 'A5.31',
    name: 'fork goes by a list of pages kept in a variable, which no boot clears',
    edits: [
      edit(
        ALLOCATE,
        `const pagesOf = new Map<number, u64[]>()
const has = (pid: number, va: u64): void => void pagesOf.set(pid, [...(pagesOf.get(pid) ?? []), va])
${ALLOCATE}`,
      ),
      edit(
        SEGMENT_SIZE,
        `${SEGMENT_SIZE}  for (let va = start; va < start + size; va += PAGESIZE) has(p.pid, va)\n`,
      ),
      edit(ZEROED, `${ZEROED}  has(pid, va)\n`),
      edit(COUNTED, `${COUNTED}      has(pid, va)\n`),
      edit(INHERIT_LOOP, 'for (const va of pagesOf.get(current.pid) ?? []) {'),
      edit(USERS_ONLY, ''),
      edit(FORK_FAILS, `${FORK_FAILS.replace('    return', '    pagesOf.delete(child.pid)\n    return')}`),
      edit(EXIT_FREES, `${EXIT_FREES}  pagesOf.delete(current.pid)\n`),
    ],
    mustFail: ['soft-reboot-fork', 'pages-conserved'],
  },
]
