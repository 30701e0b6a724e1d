// Step 2: isolated address spaces.

import { type Check, fail, pass } from '@pagewalk/grader'
import { INT_SYS_PAGE_ALLOC } from '../layout.ts'
import { hex, list } from '../os.ts'
import { os, sharing, tableTrouble } from '../troubles.ts'

export const ownPageTables: Check = {
  id: 'own-page-tables',
  claim: 'Each process runs with page tables of its own, recorded as its own in pageinfo.',
  needs: ['system-calls-answered'],
  run(evidence) {
    const allocators = os(evidence, 'allocators')
    const expected = 'four processes with four sets of tables that share no page, each owned by its process'
    const hint = 'Which pages does the walk of one process pass through that the walk of another passes, too?'
    const pids = new Set(allocators.spaces.map((space) => space.pid))
    if (![1, 2, 3, 4].every((pid) => pids.has(pid))) {
      const roots = allocators.spaces.map((space) => hex(space.cr3))
      return fail({ expected, observed: `ring 3 ran with the tables at ${list(roots, 5)}`, hint })
    }
    const trouble = tableTrouble(allocators)
    return trouble === undefined ? pass : fail({ expected, observed: trouble, hint })
  },
}

export const processesIsolated: Check = {
  id: 'processes-isolated',
  claim: 'No process can reach memory that another one can write, nor any page table.',
  needs: ['own-page-tables'],
  run(evidence) {
    const trouble = sharing(os(evidence, 'allocators')) ?? sharing(os(evidence, 'requests'))
    if (trouble === undefined) return pass
    return fail({
      expected: 'no physical page but the console is open to two processes, unless both may only read it',
      observed: trouble,
      hint: 'What did you copy into the new tables, and with which rights? Which physical pages are behind it?',
    })
  },
}

export const processMemoryWorks: Check = {
  id: 'process-memory-works',
  claim: 'Each process is given memory by page_alloc that it can use in its own address space.',
  needs: ['own-page-tables'],
  run(evidence) {
    const allocators = os(evidence, 'allocators')
    const expected = 'page_alloc succeeds, the process writes to the page and makes its next system call'
    for (const space of allocators.spaces) {
      const asked = allocators.callsOf(space.cr3, INT_SYS_PAGE_ALLOC)[0]
      const name = allocators.name(space.cr3)
      const hint =
        'In whose tables is the page mapped, and with which rights? Whose tables are in CR3 afterwards?'
      if (asked?.result === undefined || asked.result < 0) {
        const answer = asked?.result === undefined ? 'got no answer' : `was refused with ${asked.result}`
        return fail({ expected, observed: `${name} ${answer}; ${allocators.ending}`, hint })
      }
      const later = allocators.calls.some((call) => call.cr3 === space.cr3 && call.time > asked.time)
      if (later) continue
      return fail({
        expected,
        observed: `${name} made no further call. ${allocators.walk(space, asked.argument)}`,
        hint,
      })
    }
    return pass
  },
}
