// Task 4: regions removed, moved and protected; the TLB; destroy.

import { type Check, fail, pass } from '@pagewalk/grader'
import type { Machine } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import { CHANGES, type Change, FRAMES, LOW_BYTES, MOVED_BY, NEIGHBOURS, touchedOf } from '../probes/places.ts'
import { hex, Probed, translate, type Wanted } from '../run.ts'
import { SET_SEEDS, SET_STEPS } from '../scenarios.ts'
import {
  firstWrong,
  isWrong,
  look,
  mappedPages,
  mustEnd,
  mustReturn,
  probeCheck,
  showing,
  stalePages,
  type Tables,
  tablesAt,
  type Wrong,
  wrongPages,
} from './kit.ts'
import { panicCheck } from './panic.ts'
import { modelWrong, reads } from './task2.ts'

const NEEDS = ['eager-space-lives', 'lazy-pages-right']
const PAGE = 4096n
const LOW: Wanted = { va: 0n, pa: 0n, pages: LOW_BYTES / 4096, writable: true }

const noStale = (probed: Probed, label: string, after: string): Wrong | undefined =>
  look(probed, label, (tables) => {
    const stale = stalePages(tables)
    return stale && { expected: `after ${after} the TLB holds nothing that the tables do not say`, ...stale }
  })
const wanted = ({ va, pa, pages }: Change): Wanted => ({ va, pa, pages })
/** Pages of a change that must be in the tables: all of an eager one. Of a lazy one, those that were touched may be gone: they fault anew. */
const mustBeThere = (change: Change): number[] =>
  change.lazy ? [] : Array.from({ length: change.pages }, (_, page) => page)
/** Every page of a region that is mapped is as `want` says; `all`: every page must be. */
function mapped(tables: Tables, want: Wanted, all: readonly number[]): ReturnType<typeof wrongPages> {
  const { machine, root } = tables
  const there = Array.from({ length: want.pages }, (_, page) => page).filter(
    (page) => all.includes(page) || translate(machine, root, want.va + BigInt(page) * PAGE),
  )
  return wrongPages(tables, want, there)
}
/** Rights and addresses of the pages around the changes: nobody has asked to change them. */
function neighboursWrong(tables: Tables): ReturnType<typeof wrongPages> {
  for (const neighbour of NEIGHBOURS) {
    if (tables.probed.status(`add ${neighbour.name}`) !== 0) continue // judged elsewhere
    const wrong = mapped(tables, { ...wanted(neighbour), writable: true }, mustBeThere(neighbour))
    if (wrong) return { ...wrong, observed: `${neighbour.name}: ${wrong.observed}` }
  }
  return wrongPages(tables, LOW)
}
const everyCall = (probed: Probed, verb: string, accepted = true): (() => Wrong | undefined)[] =>
  CHANGES.map(
    ({ name }) =>
      () =>
        mustReturn(probed, `${verb} ${name}`, accepted, `${verb} of the region "${name}"`),
  )
const touchedReads = (
  probed: Probed,
  tag: string,
  offset: bigint,
  extra: readonly number[] = [],
): (() => Wrong | undefined)[] =>
  CHANGES.map(
    (change) => () =>
      reads(
        probed,
        `${tag} ${change.name}`,
        [...touchedOf(change), ...extra].map((page) => change.pa + BigInt(page) * PAGE + offset),
      ),
  )

const OLD_STATE = 'What is left of the old state: in the tables, in the TLB, in your set?'

export const task4: readonly Check[] = [
  probeCheck({
    id: 'region-set-changes',
    claim: `Of ${SET_STEPS} adds, removes, protects, moves and reads each does what a set of regions does, and in the end all is mapped so.`,
    needs: [...NEEDS, 'region-set-removes'],
    scenario: 'set-all',
    hint: 'What must be the same in a region so that it is the one that is meant, and what of it changes?',
    judge: (probed) => modelWrong(probed, SET_SEEDS.all, SET_STEPS),
  }),
  probeCheck({
    id: 'remove-unmaps',
    claim: 'remove_region takes away every page of the region, eager or filled lazily, and frees its place.',
    needs: NEEDS,
    scenario: 'removes',
    hint: 'Where do the pages of a region stand: in your set only, or in the tables too?',
    judge: (probed) =>
      firstWrong(
        ...everyCall(probed, 'remove'),
        () =>
          look(probed, 'removed', (tables) => {
            const pages = CHANGES.flatMap(({ va, pages: n }) =>
              Array.from({ length: n }, (_, p) => va + BigInt(p) * PAGE),
            )
            const left = mappedPages(tables, pages)
            return left && { expected: 'no page of a removed region is mapped', ...left }
          }),
        ...CHANGES.map(
          ({ name }) =>
            () =>
              mustReturn(probed, `remove ${name} again`, false, `a second remove_region of "${name}"`),
        ),
        ...CHANGES.map(
          ({ name }) =>
            () =>
              mustReturn(probed, `add ${name} anew`, true, `add_region where "${name}" was`),
        ),
        () => mustEnd(probed, 'new regions in the places of removed ones can be read'),
      ),
  }),
  probeCheck({
    id: 'remove-flushes',
    claim:
      'After remove_region the TLB holds no page of the region: not the first, not one in the middle, not the last.',
    needs: ['remove-unmaps'],
    scenario: 'removes',
    hint: 'What does the CPU do with a translation that it has already looked up?',
    judge: (probed) =>
      firstWrong(
        () => noStale(probed, 'removed', 'remove_region'),
        ...touchedReads(probed, 'anew', MOVED_BY),
      ),
  }),
  probeCheck({
    id: 'move-changes-frames',
    claim: 'After move_region each page leads to its new frame, eager, touched or not yet touched.',
    needs: NEEDS,
    scenario: 'moves',
    hint: 'Which of the region’s pages have entries already, and what do they say now?',
    judge: (probed) =>
      firstWrong(
        ...everyCall(probed, 'move'),
        () => movedRight(probed, 'moved'),
        () => mustEnd(probed, 'moved regions can be read'),
        () => movedRight(probed, 'read'),
        ...everyCall(probed, 'stale move', false),
        ...everyCall(probed, 'move back'),
      ),
  }),
  probeCheck({
    id: 'move-flushes',
    claim: 'After move_region the TLB holds no page of the old place.',
    needs: ['move-changes-frames'],
    scenario: 'moves',
    hint: 'Which pages of the region could the CPU have in its TLB, and who tells it?',
    judge: (probed) =>
      firstWrong(
        () => noStale(probed, 'moved', 'move_region'),
        () => filled(probed),
      ),
  }),
  probeCheck({
    id: 'protect-changes-rights',
    claim:
      'After protect_region each page has the new rights, whether they are fewer or more, eager, touched or not yet touched.',
    needs: NEEDS,
    scenario: 'protects',
    hint: 'Which of the region’s pages have entries already, and which rights do the next ones get?',
    judge: (probed) =>
      firstWrong(
        ...everyCall(probed, 'protect'),
        () => rightsAt(probed, 'protected', false),
        () => rightsAt(probed, 'read', false),
        ...everyCall(probed, 'give back'),
        () =>
          probed.note('wrote')
            ? undefined
            : { expected: 'pages whose rights were given back can be written', observed: probed.ending },
        () => rightsAt(probed, 'given back', true),
      ),
  }),
  probeCheck({
    id: 'protect-flushes',
    claim: 'After protect_region the TLB gives no right that was taken away.',
    needs: ['protect-changes-rights'],
    scenario: 'protects',
    hint: 'Does the CPU look into the tables again for a page that it has just written?',
    judge: (probed) => noStale(probed, 'protected', 'protect_region'),
  }),
  panicCheck({
    id: 'remove-is-final',
    claim: 'A read of a removed region is a panic.',
    needs: ['remove-flushes'],
    scenarios: ['removed-1', 'removed-2'],
    hint: OLD_STATE,
  }),
  panicCheck({
    id: 'protect-is-obeyed',
    claim:
      'With CR0.WP set, a write to a region that has lost WRITE is a panic, to pages touched before and others.',
    needs: ['protect-flushes'],
    scenarios: ['protected-0', 'protected-1', 'protected-2', 'protected-3'],
    hint: OLD_STATE,
  }),
  probeCheck({
    id: 'protect-grants',
    claim: 'A region that is given WRITE can be written, to pages touched before and others.',
    needs: NEEDS,
    scenario: 'grants',
    hint: 'What does your handler do at a write to a page that is there, if its region now allows it?',
    judge: (probed) =>
      firstWrong(
        ...everyCall(probed, 'grant'),
        () => mustEnd(probed, 'pages that may now be written are written'),
        ...CHANGES.map(({ name }) => () => {
          const wrong = probed.notes(`granted ${name}`).find(([, value]) => value !== 0x6bn)
          return wrong
            ? {
                expected: `the byte at ${hex(wrong[0] ?? 0n)} has been written`,
                observed: hex(wrong[1] ?? 0n),
              }
            : undefined
        }),
      ),
  }),
  probeCheck({
    id: 'unknown-regions-refused',
    claim: 'remove, protect and move of a region that is not there exactly so return -1.',
    needs: NEEDS,
    scenario: 'refusals',
    hint: 'How do you find out that two regions are the same one?',
    judge: (probed) => firstWrong(...REFUSED.map((tag) => () => mustReturn(probed, tag, false))),
  }),
  probeCheck({
    id: 'refusals-change-nothing',
    claim: 'A refused request leaves the region set and the page tables as they were.',
    needs: ['unknown-regions-refused'],
    scenario: 'refusals',
    hint: 'Have you changed something before you knew that the request is good?',
    judge: (probed) =>
      firstWrong(
        () =>
          look(probed, 'after', (tables) => {
            const [, lazyChange] = CHANGES as [Change, Change]
            const wrong = mapped(tables, wanted(lazyChange), touchedOf(lazyChange))
            if (wrong) return { expected: 'the region is mapped as before the refused requests', ...wrong }
            const around = [lazyChange.va - PAGE, lazyChange.va - 2n * PAGE, 0x9_0000_0000n]
            const outside = mappedPages(tables, around)
            return outside && { expected: 'nothing of a refused region is mapped', ...outside }
          }),
        () =>
          mustReturn(probed, 'add before it', true, 'add_region of what a refused region would have covered'),
        () => mustReturn(probed, 'remove', true, 'remove_region of the region, which is still as it was'),
        () => mustEnd(probed, 'the region can be read and written after the refused requests'),
      ),
  }),
  probeCheck({
    id: 'pin-holds',
    claim: 'A region with PIN is neither moved nor removed, until protect_region has taken PIN away.',
    needs: ['unknown-regions-refused'],
    scenario: 'pinned',
    hint: 'Whose flags do you look at: those of your region or of the caller’s?',
    judge: (probed) =>
      firstWrong(
        ...[0, 1].flatMap((n) => [
          ...['remove', 'move', 'remove without', 'move without'].map(
            (verb) => () =>
              mustReturn(
                probed,
                `${verb} ${n}`,
                false,
                `${verb} PIN in the request, of a region that has it,`,
              ),
          ),
          ...['unpin', 'move after', 'remove after'].map(
            (verb) => () => mustReturn(probed, `${verb} ${n}`, true, verb),
          ),
        ]),
        () => mustEnd(probed, 'pinned regions can be read throughout'),
        () => reads(probed, 'moved', [FRAMES + 0x6000n, FRAMES + 0x6000n]),
      ),
  }),
  probeCheck({
    id: 'neighbours-untouched',
    claim: 'Regions beside a changed one keep their addresses and rights, also those in the same page table.',
    needs: ['move-changes-frames'],
    scenario: 'protects',
    hint: 'How much memory does one entry of an upper level speak for?',
    judge: (probed, evidence) =>
      firstWrong(
        ...['protected', 'given back'].map((label) => () => beside(probed, label)),
        () => beside(new Probed(evidence, 'moves'), 'moved'),
        () => beside(new Probed(evidence, 'removes'), 'removed'),
      ),
  }),
  probeCheck({
    id: 'other-space-changes',
    claim: 'Changes of a space that is not the CPU’s leave CR3 alone, and are there when it is entered.',
    needs: NEEDS,
    scenario: 'elsewhere',
    hint: 'What is in CR3 while your function runs, and what when it returns?',
    judge: (probed) =>
      firstWrong(
        ...['move', 'protect', 'remove', 'add'].map(
          (tag) => () => mustReturn(probed, tag, true, `${tag}_region in another space`),
        ),
        () => {
          const home = probed.root('home')
          const other = probed.notes('changing').find(([cr3]) => ((cr3 ?? 0n) & ~0xfffn) !== home)
          return other
            ? {
                expected: `CR3 stays ${hex(home ?? 0n)} while another space is changed`,
                observed: hex(other[0] ?? 0n),
              }
            : undefined
        },
        () => switchedOnly(probed),
        () => mustEnd(probed, 'both spaces can be read'),
        () => reads(probed, 'first', [CHANGES[0]!.pa + MOVED_BY]),
        () => reads(probed, 'second', [CHANGES[1]!.pa]),
        () => reads(probed, 'third', [CHANGES[2]!.pa + MOVED_BY + PAGE]),
        () => reads(probed, 'fourth', [CHANGES[3]!.pa]),
        () => {
          const tables = tablesAt(probed, 'entered', 'other')
          const stale = isWrong(tables) ? undefined : stalePages(tables)
          return stale && { expected: 'nothing stale in the TLB of the space that is entered', ...stale }
        },
      ),
  }),
  probeCheck({
    id: 'destroy-frees',
    claim: 'A destroyed space is not found any more, and all memory that it took is free again.',
    needs: ['lazy-pages-right', 'remove-unmaps'],
    scenario: 'destroys',
    hint: 'Which pages has your space taken from the allocator, one by one?',
    judge: (probed) =>
      firstWrong(
        () => {
          const bad = probed.notes('destroy').find(([status]) => status !== 0n)
          return bad
            ? {
                expected: 'destroy returns 0',
                observed: `it returned ${bad[0] === 1n ? '-1' : 'something else'}`,
              }
            : undefined
        },
        () => mustEnd(probed, 'spaces are made, entered, left and destroyed'),
        () =>
          probed.notes('found').some(([found]) => found === 1n)
            ? { expected: 'nk_aspace_find does not find a destroyed space', observed: 'it does' }
            : undefined,
        () => {
          const [before, after] = [probed.note('before'), probed.note('after')]
          const [pages, blocks] = [0, 1].map((n) => (after?.[n] ?? 0n) - (before?.[n] ?? 0n)) as [
            bigint,
            bigint,
          ]
          return pages === 0n && blocks === 0n
            ? undefined
            : {
                expected: 'after six spaces were destroyed as many pages are in use as before',
                observed: `${pages} pages in ${blocks} allocations more`,
              }
        },
      ),
  }),
  {
    id: 'memory-elsewhere-untouched',
    claim:
      'Page 0 and the boot page tables are as they were: nothing is written through a null pointer or into the default address space.',
    needs: ['move-changes-frames'],
    run(evidence) {
      for (const scenario of ['removes', 'moves', 'refusals', 'destroys', 'own-sets', 'overlaps']) {
        const wrong = scribbled(new Probed(evidence, scenario))
        if (wrong)
          return fail({
            ...wrong,
            hint: 'Which of your pointers can be null when a list is empty or a search fails?',
          })
      }
      return pass
    },
  },
]

const REFUSED = [
  ...['elsewhere', 'other start', 'longer', 'shorter by one, other frames'].flatMap((name) =>
    ['remove', 'protect', 'move'].map((verb) => `${verb} ${name}`),
  ),
  'remove other rights',
  'move other rights',
  'move to another address',
  'move to another length',
  'move to other rights',
  'add over it',
  'add over its start',
]

function movedRight(probed: Probed, label: string): Wrong | undefined {
  return look(probed, label, (tables) => {
    for (const change of CHANGES) {
      const want = wanted({ ...change, pa: change.pa + MOVED_BY })
      const wrong = mapped(tables, want, mustBeThere(change))
      if (wrong)
        return { expected: 'after move_region every page that is mapped leads to the new frames', ...wrong }
    }
    return undefined
  })
}
function filled(probed: Probed): Wrong | undefined {
  return firstWrong(
    ...CHANGES.map(
      (change) => () =>
        reads(
          probed,
          `read ${change.name}`,
          [...touchedOf(change), 1].map((page) => change.pa + MOVED_BY + BigInt(page) * PAGE + 0x123n),
        ),
    ),
  )
}
function rightsAt(probed: Probed, label: string, writable: boolean): Wrong | undefined {
  return look(probed, label, (tables) => {
    for (const change of CHANGES) {
      const wrong = mapped(tables, { ...wanted(change), writable }, mustBeThere(change))
      if (wrong)
        return { expected: `every page that is mapped has ${writable ? 'W again' : 'lost W'}`, ...wrong }
    }
    return undefined
  })
}
function beside(probed: Probed, label: string): Wrong | undefined {
  return look(probed, label, (tables) => {
    const wrong = neighboursWrong(tables)
    return wrong && { expected: 'regions that nobody has changed are mapped as before', ...wrong }
  })
}
/** No CR3 was loaded while another space was changed. */
function switchedOnly(probed: Probed): Wrong | undefined {
  const [from, to] = [probed.time('changing'), probed.time('changed')]
  const home = probed.root('home')
  const loaded = probed.run.events.find(
    (event) =>
      event.kind === 'cr3' &&
      event.cpu === 0 &&
      from !== undefined &&
      to !== undefined &&
      event.time > from &&
      event.time < to &&
      (event.value & ~0xfffn) !== home,
  )
  return loaded?.kind === 'cr3'
    ? {
        expected: 'no other CR3 is loaded while another space is changed',
        observed: `CR3 ${hex(loaded.value)} was`,
      }
    : undefined
}
function scribbled(probed: Probed): Wrong | undefined {
  const machine = probed.machine('final')
  if (!machine) return undefined
  const bytes = machine.memory.bytes.subarray(0, 4096)
  const first = bytes.findIndex((byte) => byte !== 0)
  if (first >= 0)
    return {
      expected: `${probed.scenario}: page 0 holds zeros`,
      observed: `${hex(bytes[first]!)} at ${hex(first)}`,
    }
  const root = probed.root('back')
  const wrong = root === undefined ? undefined : defaultWrong(machine, root)
  return (
    wrong && {
      expected: `${probed.scenario}: the default address space maps all of memory at its own addresses`,
      observed: wrong.observed,
      shows: showing(probed, 'final', wrong.root, [wrong.va]),
    }
  )
}
function defaultWrong(machine: Machine, root: u64): { observed: string; root: u64; va: u64 } | undefined {
  for (let va = 0n; va < 0x400_0000n; va += 0x10_0000n) {
    const got = translate(machine, root, va)
    if (got?.pa !== va || !got.writable)
      return { observed: `${hex(va)} leads to ${got ? hex(got.pa) : 'nothing'}`, root, va }
  }
  return undefined
}
