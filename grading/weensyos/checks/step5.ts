// Step 5: fork.

import { type Check, type Finding, fail, pass } from '@pagewalk/grader'
import type { u64 } from '@pagewalk/machine/x86-64'
import { cast } from '../cast.ts'
import { childless, copyTrouble, everyPageTrouble, family, getpid, registerTrouble } from '../fork.ts'
import { INT_SYS_FORK, INT_SYS_GETPID, INT_SYS_PAGE_ALLOC, NPROC } from '../layout.ts'
import { list, type Os } from '../os.ts'
import { LARGE_SEED, pattern } from '../scenarios.ts'
import {
  answered,
  answers,
  consoleTrouble,
  isRefused,
  os,
  rebooted,
  recordTrouble,
  sharing,
  tableTrouble,
} from '../troubles.ts'

const RUNS = ['fork-probe', 'fork', 'fork-large'] as const

export const forkReturnsTwice: Check = {
  id: 'fork-returns-twice',
  claim: 'fork makes a second process: the parent gets its process id, the child gets 0.',
  needs: ['own-page-tables'],
  run: (evidence) => returnsTwice(os(evidence, 'fork-probe')),
}
function returnsTwice(probe: Os): Finding {
  const expected = 'both go on behind fork in spaces of their own, with the child’s pid and with 0 in rax'
  const hint =
    'Which registers make up "behind fork with another result"? Who sees the child’s state, and when?'
  const call = probe.calls.find((each) => each.vector === INT_SYS_FORK)
  if (call?.result === undefined)
    return fail({ expected, observed: `fork never returned: ${probe.ending}`, hint })
  const { parent, child } = family(probe)
  if (!parent || !child) return fail({ expected, observed: `${answered(call)}; ${childless(probe)}`, hint })
  const [parentPid, childPid] = [parent, child].map((space) => getpid(probe, space))
  const told = `the parent got ${call.result}, the child ${child.entry.rax}; getpid tells them ${parentPid} and ${childPid}`
  const right = call.result > 0 && call.result < NPROC && BigInt.asIntN(32, child.entry.rax) === 0n
  if (right && childPid === call.result && parentPid !== childPid) return pass
  return fail({ expected, observed: `${told}; ${probe.ending}`, hint })
}

export const forkCopiesMemory: Check = {
  id: 'fork-copies-memory',
  claim: "The child's memory is what the parent's was at fork, and from then on its own.",
  needs: ['fork-returns-twice'],
  run(evidence) {
    const probe = os(evidence, 'fork-probe')
    const { parent, child } = family(probe)
    const trouble = parent && child ? copyTrouble(probe, parent, child) : { observed: probe.ending }
    if (trouble === undefined) return pass
    return fail({
      expected:
        'code, data, heap and stack of the child hold what the parent had; later writes of one are not seen by the other',
      hint: 'Over which virtual addresses does your loop go, and what does it do with each kind of page?',
      ...trouble,
    })
  },
}

export const forkSharesNothingWritable: Check = {
  id: 'fork-shares-nothing-writable',
  claim: 'After fork, parent and child share no writable page but the console.',
  needs: ['fork-returns-twice'],
  run(evidence) {
    const trouble = RUNS.map((scenario) => sharing(os(evidence, scenario))).find((seen) => seen !== undefined)
    if (trouble === undefined) return pass
    return fail({
      expected: 'no physical page but the console writable from both address spaces',
      hint: 'Copying a page table entry shares the page. What does the child need instead?',
      ...trouble,
    })
  },
}

export const forkMakesFour: Check = {
  id: 'fork-makes-four',
  claim: 'p-fork becomes four processes with four ids, which all run.',
  needs: ['fork-returns-twice'],
  run(evidence) {
    const fork = os(evidence, 'fork')
    const pids = answers(fork, INT_SYS_GETPID)
    const alive = fork.faults.length === 0 && fork.run.stop.reason === 'limit'
    if (alive && pids.size >= 4) return pass
    return fail({
      expected: 'getpid tells four different ids, and nobody faults',
      observed: `getpid told ${list([...pids].map(String), 8) || 'nobody'}; ${fork.ending}`,
      hint: 'The child forks as well. What of the child’s state must be right before it can be a parent?',
    })
  },
}

export const forkCopiesRegisters: Check = {
  id: 'fork-copies-registers',
  claim: "The child's registers are the parent's, but for rax.",
  needs: ['fork-returns-twice'],
  run(evidence) {
    const probe = os(evidence, 'fork-probe')
    const { parent, child } = family(probe)
    const trouble = parent && child ? registerTrouble(probe, parent, child) : { observed: probe.ending }
    if (trouble === undefined) return pass
    return fail({
      expected: 'every register of the child but rax as the parent had it at fork',
      hint: 'Where are the registers of a process that does not run?',
      ...trouble,
    })
  },
}

export const forkChildConsole: Check = {
  id: 'fork-child-console',
  claim: 'The child writes to the same console as its parent.',
  needs: ['fork-returns-twice'],
  run(evidence) {
    const probe = os(evidence, 'fork-probe')
    const { child } = family(probe)
    return (child && consoleTrouble(probe, [child])) ?? pass
  },
}

export const forkPagesRecorded: Check = {
  id: 'fork-pages-recorded',
  claim: "The child's pages and page tables are recorded as the child's.",
  needs: ['fork-returns-twice'],
  run(evidence) {
    for (const scenario of RUNS) {
      const run = os(evidence, scenario)
      const trouble = recordTrouble(run, () => true)
      if (trouble !== undefined) return fail(trouble)
      const tables = tableTrouble(run)
      if (tables === undefined) continue
      return fail({
        expected: 'each table owned by its process, with one reference',
        hint: 'For whom does your allocator of page tables allocate while fork runs?',
        ...tables,
      })
    }
    return pass
  },
}

export const forkSlotsRunOut: Check = {
  id: 'fork-slots-run-out',
  claim: 'fork makes processes until there are 15, then returns -1; slot 0 is never used.',
  needs: ['fork-returns-twice'],
  run(evidence) {
    const many = os(evidence, 'fork-many')
    const results = many.calls.filter((call) => call.vector === INT_SYS_FORK).map((call) => call.result)
    const made = new Set(results.filter((result) => result !== undefined && result > 0))
    const last = results.at(-1)
    if (made.size === NPROC - 2 && last !== undefined && last < 0 && many.finished) return pass
    return fail({
      expected: '14 forks succeed with 14 different ids, the next one returns -1, and the parent goes on',
      observed: `fork returned ${results.map((each) => each ?? 'never').join(', ')}; ${many.ending}`,
      hint: 'Which slots may a process have? What is left to say when none is free?',
    })
  },
}

export const forkWithoutMemory: Check = {
  id: 'fork-without-memory',
  claim: 'fork returns -1 when there is no page left for the child, and the kernel goes on.',
  needs: ['fork-returns-twice', 'memory-runs-out'],
  run(evidence) {
    const full = os(evidence, 'fork-full')
    const call = full.calls.findLast((each) => each.vector === INT_SYS_FORK)
    if (call && isRefused(call) && full.finished) return pass
    return fail({
      expected: 'fork returns -1 with all memory in use, and the parent makes its next system calls',
      observed: `${answered(call)}; ${full.ending}`,
      hint: 'What does your page search return when there is no page, and who looks at that?',
    })
  },
}

export const forkCopiesEveryPage: Check = {
  id: 'fork-copies-every-page',
  claim: 'Of a large program every page is in the child as it was: code, constants, data, bss, heap, stack.',
  needs: ['fork-copies-memory'],
  run(evidence) {
    const large = os(evidence, 'fork-large')
    const { parent, child } = family(large)
    const { parameters } = cast(evidence, 'fork-large', 'p-fork-large')
    const given = (va: u64): boolean =>
      large.calls.some(
        ({ vector, argument, result = -1 }) =>
          vector === INT_SYS_PAGE_ALLOC && argument === va && result >= 0,
      )
    const wrote = parameters
      .slice(0, 3)
      .map((va, i) => [va, pattern(4096, LARGE_SEED + i)] as const)
      .filter(([va]) => given(va))
    const ended = { observed: large.ending }
    const trouble = parent && child && large.finished ? everyPageTrouble(large, parent, child, wrote) : ended
    if (trouble === undefined) return pass
    return fail({
      expected: 'each page that the parent had is mapped in the child and has the same bytes',
      hint: 'Which pages does your loop pass over? Which has it never met in a smaller program?',
      ...trouble,
    })
  },
}

export const softRebootFork: Check = {
  id: 'soft-reboot-fork',
  claim: 'After a soft reboot (key f) with memory full of old bytes, fork works as after the first boot.',
  needs: ['fork-copies-memory', 'soft-reboot'],
  run(evidence) {
    const again = rebooted(evidence, 'reboot-f')
    const twice = returnsTwice(again)
    if (twice.verdict === 'fail') return twice
    const { parent, child } = family(again)
    const trouble = parent && child && (copyTrouble(again, parent, child) ?? tableTrouble(again))
    if (!trouble) return pass
    return fail({
      expected: 'parent and child as they are after the first boot',
      hint: 'What does a page have in it when fork gets it, and what of that does the child see?',
      ...trouble,
    })
  },
}
