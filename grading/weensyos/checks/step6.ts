// Step 6: shared read-only code.

import { type Check, type Evidence, fail, pass } from '@pagewalk/grader'
import { PF_W, readElf } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import { family } from '../fork.ts'
import { PAGENUMBER, PO_KERNEL } from '../layout.ts'
import { hex, type Os, type Space } from '../os.ts'
import type { GradedBoot } from '../probes/boot.ts'
import type { Program } from '../programs.ts'
import type { ScenarioId } from '../scenarios.ts'
import { os, type Seen, same } from '../troubles.ts'

/** The program that runs as process `pid` at first: "allocator" starts the four, 'fork' the fifth. */
function programOf(evidence: Evidence, scenario: ScenarioId, pid: number): Program {
  const { command, programs } = evidence.scenario(scenario).boot as GradedBoot
  return programs[command === 'fork' ? 4 : pid - 1]!
}
/** The pages that the program never writes. */
function constantPages({ elf }: Program): u64[] {
  return readElf(elf)
    .segments.filter(({ flags }) => !(flags & PF_W))
    .flatMap(({ va, memorySize }) =>
      Array.from({ length: Math.ceil(memorySize / 4096) }, (_, i) => va + BigInt(i * 4096)),
    )
}
/** What a child lacks is fork's matter. */
function writableTrouble(run: Os, space: Space, program: Program): Seen | undefined {
  const isChild = family(run).child === space
  for (const va of constantPages(program)) {
    const leaf = run.leaf(space, va)
    if (leaf?.user ? !leaf.writable : isChild) continue
    return { observed: run.walk(space, va, leaf?.user ? 'write' : 'read'), shows: run.show(space, va) }
  }
  return undefined
}

export const codeReadOnly: Check = {
  id: 'code-read-only',
  claim: 'A program’s code and constants are mapped without W; its data can be written.',
  needs: ['process-memory-works'],
  run(evidence) {
    for (const scenario of ['allocators', 'fork-large'] as const) {
      const run = os(evidence, scenario)
      for (const space of run.living) {
        const trouble = writableTrouble(run, space, programOf(evidence, scenario, space.pid))
        if (trouble === undefined) continue
        return fail({
          expected: 'P and U, and no W, on every page of a segment that the program does not write',
          hint: 'What does a program header say about its segment? When are its bytes written, and by whom?',
          ...trouble,
        })
      }
    }
    return pass
  },
}

export const codeWriteStopped: Check = {
  id: 'code-write-stopped',
  claim: 'A process that writes to its code is stopped, parent or child, and nobody’s code has changed.',
  needs: ['code-read-only', 'fork-returns-twice'],
  run(evidence) {
    const run = os(evidence, 'code-writer')
    const expected = 'three page faults at read-only pages; the fourth process lives on'
    const hint = 'Which rights has the child on a page that its parent may only read?'
    const program = programOf(evidence, 'code-writer', 1)
    const pages = new Set(constantPages(program))
    const stopped = run.faults.filter(({ address }) => pages.has(address & ~0xfffn))
    if (stopped.length !== 3 || !run.finished)
      return fail({ expected, observed: `${stopped.length} were stopped; ${run.ending}`, hint })
    const { segments } = readElf(program.elf)
    const { va, offset, fileSize } = segments[0]!
    const code = program.elf.subarray(offset, offset + fileSize)
    const changed = run.living.find((space) => !same(run.bytes(space, va, fileSize), code))
    if (!changed) return pass
    const observed = `the code of ${run.name(changed.cr3)} is not what was loaded`
    return fail({ expected, observed, hint, shows: run.show(changed, va) })
  },
}

export const codeShared: Check = {
  id: 'code-shared',
  claim: 'After fork, parent and child have the same physical pages for code and constants.',
  needs: ['code-read-only', 'fork-copies-memory'],
  run(evidence) {
    const expected = 'one physical page behind each read-only page, for all processes of the program'
    const hint = 'Which pages need no copy, and how does fork see which they are?'
    for (const scenario of ['fork-large', 'fork'] as const) {
      const run = os(evidence, scenario)
      const pages = constantPages(programOf(evidence, scenario, 1))
      const { parent } = family(run)
      for (const space of run.living)
        for (const va of pages) {
          const [one, other] = [parent && run.leaf(parent, va)?.pa, run.leaf(space, va)?.pa]
          if (one !== undefined && one === other) continue
          const places = [one, other].map((pa) => (pa === undefined ? 'nothing' : hex(pa))).join(' and ')
          const observed = `${hex(va)} leads to ${places} in ${run.name(parent?.cr3 ?? 0n)} and ${run.name(space.cr3)}`
          return fail({ expected, observed, hint, shows: run.show(space, va) })
        }
    }
    return pass
  },
}

export const sharedPagesCounted: Check = {
  id: 'shared-pages-counted',
  claim: 'The reference count of a shared page is the number of processes that map it.',
  needs: ['code-shared'],
  run(evidence) {
    for (const scenario of ['fork-large', 'fork', 'fork-many'] as const) {
      const run = os(evidence, scenario)
      for (const va of constantPages(programOf(evidence, scenario, 1))) {
        const trouble = countTrouble(run, va)
        if (trouble === undefined) continue
        return fail({
          expected: 'one reference for each process that maps the page',
          hint: 'Who counts a reference when fork shares a page, and how often?',
          ...trouble,
        })
      }
    }
    return pass
  },
}
function countTrouble(run: Os, va: u64): Seen | undefined {
  const users = Map.groupBy(run.living, (space) => run.leaf(space, va)?.pa)
  for (const [pa, spaces] of users) {
    if (pa === undefined) continue
    const { owner, refcount } = run.info(PAGENUMBER(pa))
    // a kernel may keep such a page as its own, with a reference of its own
    const right = owner === PO_KERNEL ? refcount >= spaces.length : refcount === spaces.length
    if (right) continue
    const observed = `${spaces.length} processes map physical page ${hex(pa)} at ${hex(va)}, its refcount is ${refcount}`
    return { observed, shows: run.show(spaces[0]!, va) }
  }
  return undefined
}
