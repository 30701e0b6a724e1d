// Step 7: freeing memory.

import { type Check, type Failure, type Finding, fail, pass } from '@pagewalk/grader'
import { bookTrouble, eventTrouble } from '../books.ts'
import { INT_SYS_EXIT, INT_SYS_FORK, INT_SYS_PAGE_ALLOC, INT_SYS_PANIC, P_FREE } from '../layout.ts'
import { list, type Os } from '../os.ts'
import { AFTER_EXIT, EXITS_INHERITED, pattern, SWEEPS } from '../scenarios.ts'
import { isRefused, os, rebooted, type Seen, same } from '../troubles.ts'

/** The run did not come to its end, or somebody came back from exit. */
function unfinished(run: Os): Seen | undefined {
  if (run.calls.some(({ vector, argument }) => vector === INT_SYS_PAGE_ALLOC && argument === AFTER_EXIT))
    return { observed: 'exit returned to the process that had called it' }
  if (!run.finished || run.faults.length > 0) return { observed: run.ending }
  return undefined
}
const judged = (trouble: Seen | undefined, told: Omit<Failure, keyof Seen>): Finding =>
  trouble === undefined ? pass : fail({ ...told, ...trouble })

export const exitFrees: Check = {
  id: 'exit-frees',
  claim: 'exit ends the process for good: its slot, its pages and its page tables are free.',
  needs: ['fork-returns-twice', 'fork-child-console'], // the probe's processes wait for each other in the console's page
  run(evidence) {
    const run = os(evidence, 'exits-children-first')
    const left = run.processes.filter(({ state }) => state !== P_FREE).map(({ pid }) => `process ${pid}`)
    const slots: Seen | undefined =
      left.length === 1 ? undefined : { observed: `at the end there are ${list(left, 8) || 'no processes'}` }
    return judged(unfinished(run) ?? slots ?? bookTrouble(run), {
      expected:
        'when all but one have exited, there is one process, and every page is its own, the kernel’s or free',
      hint: 'What all does a process have, beside what it has asked for?',
    })
  },
}

export const exitAnyOrder: Check = {
  id: 'exit-any-order',
  claim: 'Processes may exit in any order: whoever lives on has all memory that was theirs, shared or not.',
  needs: ['exit-frees'],
  run(evidence) {
    const run = os(evidence, 'exits-owner-first')
    const { cr3 } = run.calls.findLast(({ vector }) => vector === INT_SYS_PANIC) ?? {}
    const last = run.living.find((space) => space.cr3 === cr3)
    const given = run.calls.some(({ argument, result = -1 }) => argument === EXITS_INHERITED && result >= 0)
    const lost = last && given && !same(run.bytes(last, EXITS_INHERITED, 4096), pattern(4096, 80))
    const contents: Seen | undefined = lost
      ? {
          observed: `${run.name(last.cr3)} has other bytes at its heap than it had before the others exited`,
          shows: run.show(last, EXITS_INHERITED),
        }
      : undefined
    return judged(unfinished(run) ?? contents ?? bookTrouble(run), {
      expected:
        'the parent exits first, the others one by one; the last one still runs, forks, and finds its memory',
      hint: 'Whose is a page that several have, when the one who owns it goes?',
    })
  },
}

export const memoryComesBack: Check = {
  id: 'memory-comes-back',
  claim:
    'When memory has run out and a process exits, the next one gets as much as that one had, again and again.',
  needs: ['exit-frees', 'memory-runs-out'],
  run(evidence) {
    const run = os(evidence, 'recover')
    const grants = run.children.map((child) => run.grants(child))
    const same = grants.length === 5 && grants.every((count) => count === grants[0] && count > 0)
    const rounds: Seen | undefined = same
      ? undefined
      : { observed: `${grants.length} children got ${grants.join(', ') || 'nothing'} pages` }
    return judged(unfinished(run) ?? rounds ?? bookTrouble(run), {
      expected:
        'five children, one after the other, get the same number of pages each before they are refused',
      hint: 'What is missing after each round, and since when?',
    })
  },
}

const AUDITED = ['exits-children-first', 'exits-owner-first', 'recover', 'forkexit', 'code-writer'] as const
export const pagesConserved: Check = {
  id: 'pages-conserved',
  claim:
    'After every event each of the 512 pages is reserved, the kernel’s, in use as pageinfo says, or free.',
  needs: ['exit-frees'],
  run(evidence) {
    const told = {
      expected:
        '512 = reserved + kernel + pages of processes, each counted as often as mapped + page tables + free',
      hint: 'Which of your functions changes the one and forgets the other?',
    }
    for (const scenario of AUDITED) {
      const trouble = eventTrouble(evidence.run(scenario))
      if (trouble) return fail({ ...told, ...trouble })
    }
    const forkexit = os(evidence, 'forkexit')
    const exits = forkexit.calls.some(({ vector }) => vector === INT_SYS_EXIT)
    const alive = exits && forkexit.faults.length === 0 && forkexit.run.stop.reason === 'limit'
    if (!alive) return fail({ ...told, observed: `p-forkexit: ${forkexit.ending}` })
    const again = rebooted(evidence, 'reboot-e')
    return judged(unfinished(again) ?? eventTrouble(evidence.run('reboot-e')) ?? bookTrouble(again), told)
  },
}

export const forkRollsBack: Check = {
  id: 'fork-rolls-back',
  claim: 'At whatever page memory runs out in fork, it returns -1 and has taken nothing.',
  needs: ['exit-frees', 'fork-without-memory'],
  run(evidence) {
    const told = {
      expected: 'with so few pages free, fork returns -1, and every page is as it was',
      hint: 'What has fork already taken at each point where it may fail, and who gives it back?',
    }
    const answers = new Set<'made' | 'refused'>()
    for (const scenario of SWEEPS) {
      const run = os(evidence, scenario)
      const call = run.calls.find(({ vector }) => vector === INT_SYS_FORK)
      if (call === undefined && run.spaces.length === 0) continue // not even the first process had room
      if (call?.result === undefined || !run.finished || run.faults.length > 0)
        return fail({ ...told, observed: `${scenario}: ${run.ending}` })
      const wrong = call.result === 0 ? { observed: `${scenario}: fork returned 0 to the parent` } : undefined
      const trouble = wrong ?? eventTrouble(run.run) ?? bookTrouble(run)
      if (trouble) return fail({ ...told, ...trouble })
      answers.add(isRefused(call) ? 'refused' : 'made')
    }
    return judged(
      answers.size === 2 ? undefined : { observed: `every fork was ${[...answers].join()}` },
      told,
    )
  },
}
