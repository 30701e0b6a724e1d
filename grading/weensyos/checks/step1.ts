// Step 1: kernel isolation.

import { type Check, type Finding, fail, pass } from '@pagewalk/grader'
import type { TlbEntry } from '@pagewalk/machine'
import { asked } from '../cast.ts'
import { CONSOLE_ADDR, INT_SYS_GETPID, PROC_START_ADDR } from '../layout.ts'
import { hex, isConsole, list, type Os, userLeaves } from '../os.ts'
import { stopped } from '../trespass.ts'
import { answers, consoleTrouble, isForbidden, isKernels, os, refused } from '../troubles.ts'

export const boots: Check = {
  id: 'boots',
  claim: 'The kernel boots and enters a process in ring 3.',
  needs: [],
  run(evidence) {
    const allocators = os(evidence, 'allocators')
    if (allocators.spaces.length > 0) return pass
    return fail({
      expected: 'ring 3 is entered',
      observed: `it never was: ${allocators.ending}`,
      hint: 'What must every address space still hold at the moment when CR3 changes or a trap comes?',
    })
  },
}

export const systemCallsAnswered: Check = {
  id: 'system-calls-answered',
  claim: 'Each of the four processes runs and is told its own process id by getpid.',
  needs: ['boots'],
  run(evidence) {
    const allocators = os(evidence, 'allocators')
    const pids = answers(allocators, INT_SYS_GETPID)
    if ([1, 2, 3, 4].every((pid) => pids.has(pid))) return pass
    return fail({
      expected: 'getpid answers 1, 2, 3 and 4',
      observed: `getpid answered ${list([...pids].map(String), 8) || 'nobody'}; ${allocators.ending}`,
      hint: 'Which is the last thing that went well? What does the kernel check at each trap, and for whom?',
    })
  },
}

export const kernelMemoryProtected: Check = {
  id: 'kernel-memory-protected',
  claim: 'Below 0x100000 a process can reach no page but the console.',
  needs: ['boots'],
  run(evidence) {
    const allocators = os(evidence, 'allocators')
    for (const space of allocators.spaces) {
      const open = userLeaves(space).filter((leaf) => !isConsole(leaf) && isForbidden(leaf))
      const told = open.find((leaf) => isKernels(leaf)) ?? open[0]
      if (told === undefined) continue
      const { words } = allocators.machine.explain(told.va, { cr3: space.cr3, user: true })
      const who = space.pid === 0 ? 'every process' : `process ${space.pid}`
      const what = `${isKernels(told) ? 'kernel ' : ''}page ${hex(told.pa)}`
      return fail({
        expected: 'no U on the way to any page below 0x100000 or of the kernel; the console alone is open',
        observed: `${words}: ${who} can ${told.writable ? 'write' : 'read'} ${what}; so it is with ${open.length} pages`,
        hint: 'Which bit of a page table entry lets ring 3 in, and over which range do you clear it?',
        shows: allocators.show(space, ...open.map(({ va }) => va)),
      })
    }
    return staleTranslation(allocators) ?? pass
  },
}

/** The tables are right; a translation from before may still be in the TLB, and the CPU may use it. */
function staleTranslation({ machine }: Os): Finding | undefined {
  const open = (entry: TlbEntry): boolean =>
    entry.user && entry.va < PROC_START_ADDR && entry.va !== CONSOLE_ADDR
  const stale = machine.tlb().filter(open)
  if (stale.length === 0) return undefined
  const { va, pa } = stale[0]!
  const { words } = machine.explain(va, { user: true })
  return fail({
    expected: 'no translation in the TLB that lets ring 3 below 0x100000, as none in the page tables does',
    observed: `the TLB still holds ${hex(va)} -> ${hex(pa)} with U, and ${stale.length - 1} more; the tables say ${words}`,
    hint: 'The CPU remembers translations. What makes it forget them after you have changed an entry?',
  })
}

export const consoleOpen: Check = {
  id: 'console-open',
  claim: 'Every process can write to the console at 0xB8000.',
  needs: ['kernel-memory-protected'],
  run(evidence) {
    const allocators = os(evidence, 'allocators')
    return consoleTrouble(allocators, allocators.spaces) ?? pass
  },
}

export const kernelAddressesRefused: Check = {
  id: 'kernel-addresses-refused',
  claim: 'page_alloc refuses every address below 0x100000 with -1, and the kernel goes on.',
  needs: ['kernel-memory-protected', 'system-calls-answered'],
  run(evidence) {
    return (
      refused(os(evidence, 'kernel-addresses'), asked(evidence, 'kernel-addresses'), {
        expected: 'page_alloc returns -1 for an address of the kernel',
        hint: 'Who chooses the address that page_alloc gets? What could a process that means harm ask for?',
      }) ?? pass
    )
  },
}

export const kernelAccessStopped: Check = {
  id: 'kernel-access-stopped',
  claim:
    'A process that reads, writes or jumps to the kernel’s memory is stopped by a page fault; the others go on.',
  needs: ['kernel-memory-protected', 'system-calls-answered'],
  run: (evidence) => stopped(evidence, 'trespass-kernel'),
}
