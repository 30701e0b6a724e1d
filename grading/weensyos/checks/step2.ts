// Step 2: isolated address spaces.

import { type Check, fail, pass } from '@pagewalk/grader'
import { INT_SYS_GETPID, INT_SYS_PAGE_ALLOC } from '../layout.ts'
import { hex, list } from '../os.ts'
import { stopped } from '../trespass.ts'
import { answers, os, rebooted, sharing, tableTrouble } from '../troubles.ts'

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
    return trouble === undefined ? pass : fail({ expected, hint, ...trouble })
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
      ...trouble,
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

export const foreignAccessStopped: Check = {
  id: 'foreign-access-stopped',
  claim:
    'A process that reads, writes or jumps to another one’s memory is stopped by a page fault; the others go on.',
  needs: ['own-page-tables'],
  run: (evidence) => stopped(evidence, 'trespass-foreign'),
}

export const softReboot: Check = {
  id: 'soft-reboot',
  claim:
    'After a soft reboot (key a) with memory full of old bytes, four isolated processes run as after the first boot.',
  needs: ['process-memory-works'],
  run(evidence) {
    const again = rebooted(evidence, 'reboot-a')
    const expected = 'four processes that are answered, with tables of their own, sharing nothing'
    const hint = 'What is in a page that somebody has used before? What of it do you take for yours?'
    const pids = answers(again, INT_SYS_GETPID)
    const pages = again.calls.filter(
      ({ vector, result = -1 }) => vector === INT_SYS_PAGE_ALLOC && result >= 0,
    )
    const served = [1, 2, 3, 4].every((pid) => pids.has(pid)) && pages.length > 0
    if (!served || again.run.stop.reason !== 'limit') {
      const who = list([...pids].map(String), 8) || 'nobody'
      const observed = `getpid answered ${who}, page_alloc gave ${pages.length} pages; ${again.ending}`
      return fail({ expected, observed, hint })
    }
    const trouble = tableTrouble(again) ?? sharing(again)
    return trouble === undefined ? pass : fail({ expected, hint, ...trouble })
  },
}
