// Extra credit. Each topic stands alone; one that is not attempted costs nothing.

import type { Check } from '@pagewalk/grader'
import type { Machine } from '@pagewalk/machine'
import { type u64, VECTOR_PF } from '@pagewalk/machine/x86-64'
import {
  FS_OFFSETS,
  FS_OFFSETS_ADDR,
  FS_READS_ADDR,
  KMEM_FREE,
  KMEM_MAP_ADDR,
  VECTOR_XCALL,
} from '@pagewalk/nautilus-aspace'
import { FILE_BYTES, FILE_VA, FRAMES, fileByte, GROWING, LARGE } from '../probes/places.ts'
import { hex, Probed, translate } from '../run.ts'
import {
  firstWrong,
  look,
  mappedPages,
  mustEnd,
  mustReturn,
  probeCheck,
  stalePages,
  type Tables,
  type Wrong,
  wrongPages,
} from './kit.ts'
import { panicCheck } from './panic.ts'
import { reads } from './task2.ts'

const NEEDS = ['lazy-pages-right']
const PAGE = 4096n
const must = (holds: boolean, expected: string, observed: () => string): Wrong | undefined =>
  holds ? undefined : { expected, observed: observed() }

export const extra: readonly Check[] = [
  probeCheck({
    id: 'regions-grow',
    claim: 'GROWS_UP and GROWS_DOWN regions get fresh zeroed pages, one at a time, and destroy frees them.',
    needs: [...NEEDS, 'destroy-frees'],
    scenario: 'grows',
    hint: 'Where does the memory of a grown page come from, and what was in it before?',
    judge: (probed) =>
      firstWrong(
        () => mustReturn(probed, 'up', true, 'add_region with GROWS_UP'),
        () => mustReturn(probed, 'down', true, 'add_region with GROWS_DOWN'),
        () => mustEnd(probed, 'accesses to the next page of a growing region are served'),
        ...['up', 'down'].map((way) => () => {
          const dirty = probed.notes(`fresh ${way}`).find(([, value]) => value !== 0n)
          if (dirty)
            return {
              expected: `a grown page (${way}) begins as zeros`,
              observed: `${hex(dirty[1] ?? 0n)} at ${hex(dirty[0] ?? 0n)}`,
            }
          const lost = probed.notes(`kept ${way}`).find(([, value]) => value !== 0x5cn)
          return lost
            ? { expected: 'what is written to a grown page can be read', observed: hex(lost[1] ?? 0n) }
            : undefined
        }),
        () => reads(probed, 'old', [FRAMES + PAGE, FRAMES + 0x4000n, FRAMES + 0x8000n]),
        () => look(probed, 'grown', grownFrames),
        () => balanced(probed),
      ),
  }),
  panicCheck({
    id: 'growth-has-limits',
    claim:
      'A growing region does not grow over a gap, the wrong way, beyond its most bytes, or over a neighbour.',
    needs: ['regions-grow'],
    scenarios: [0, 1, 2, 3, 4].map((n) => `grows-no-further-${n}`),
    hint: 'Which page may make the region grow, and until when?',
  }),
  probeCheck({
    id: 'shootdown',
    claim: 'After move, protect and remove no CPU that uses the space has a stale translation.',
    needs: [...NEEDS, 'move-flushes', 'protect-flushes', 'remove-flushes'],
    scenario: 'shot',
    hint: 'Who else may have these pages in a TLB, and when do you know that they have been dropped?',
    judge: (probed, evidence) =>
      firstWrong(
        ...['move', 'protect', 'remove'].map(
          (verb) => () => mustReturn(probed, verb, true, `${verb}_region`),
        ),
        ...['moved', 'protected', 'removed'].map(
          (label) => () =>
            look(probed, label, (tables) => {
              const stale = stalePages(tables, 0) ?? stalePages(tables, 1)
              return stale && { expected: 'no stale translation in any TLB when the call returns', ...stale }
            }),
        ),
        () => mustEnd(probed, 'the thread on the other CPU goes on'),
        () => crossfireWrong(new Probed(evidence, 'crossfire')),
      ),
  }),
  probeCheck({
    id: 'shootdown-aims',
    claim: 'Only CPUs that use the space are interrupted for it.',
    needs: ['shootdown'],
    scenario: 'shot',
    hint: 'How do you know which CPUs use your address space?',
    judge: (probed) => {
      const shots = xcalls(probed, probed.time('shooting'), probed.time('shot'))
      const idle = xcalls(probed, probed.time('alone'), probed.time('alone end'))
      return firstWrong(
        () =>
          must(
            shots.length > 0,
            'CPU 1 is interrupted while it uses the space',
            () => 'nobody was interrupted',
          ),
        () =>
          must(
            shots.every((to) => to === 1),
            'only CPU 1 is interrupted',
            () => `CPUs ${[...new Set(shots)].join(', ')} were`,
          ),
        () =>
          must(
            idle.length === 0,
            'nobody is interrupted for a space that no other CPU uses',
            () => `CPU ${idle[0]} was`,
          ),
      )
    },
  }),
  probeCheck({
    id: 'large-pages',
    claim: 'Regions use 2 MiB and 1 GiB pages where both addresses and the length allow, and only there.',
    needs: NEEDS,
    scenario: 'large',
    hint: 'Which of va, pa and the rest of the length decide? (512 GiB pages do not exist: bit 7 of a PML4 entry is reserved.)',
    judge: (probed) =>
      firstWrong(
        () => mustReturn(probed, 'both', true, 'add_region of 4 MiB that two large pages fit'),
        () => {
          const tables = probed.note('tables')?.[0] ?? 0n
          return must(
            tables <= 3n,
            '4 MiB in two large pages take at most 3 page tables',
            () => `${tables} pages`,
          )
        },
        ...['askew', 'mixed', 'lazy', 'huge'].map(
          (tag) => () => mustReturn(probed, tag, true, `add_region (${tag})`),
        ),
        () => look(probed, 'built', leafSizes),
        () => {
          const faults = probed
            .faults(probed.time('faults from'), probed.time('faults to'))
            .filter(({ vector }) => vector === VECTOR_PF).length
          return must(
            faults === 2,
            'a lazy region faults once for each 2 MiB',
            () => `${faults} page faults for 4 MiB`,
          )
        },
      ),
  }),
  probeCheck({
    id: 'large-pages-change',
    claim: 'Large pages are protected, moved, removed and destroyed as small ones are.',
    needs: ['large-pages', 'destroy-frees'],
    scenario: 'large',
    hint: 'At which level is the entry of a large page, and what does one INVLPG drop?',
    judge: (probed) =>
      firstWrong(
        ...['protect', 'move', 'remove'].map(
          (verb) => () => mustReturn(probed, verb, true, `${verb}_region of large pages`),
        ),
        ...(['protected', 'moved'] as const).map(
          (label) => () =>
            look(probed, label, (tables) => {
              const pa = LARGE.both.pa + (label === 'moved' ? 0x20_0000n : 0n)
              const want = { ...LARGE.both, pa, writable: false }
              const wrong = wrongPages(tables, want, [0, 1, 511, 512, 1023]) ?? stalePages(tables)
              return wrong && { expected: `the pages are as they must be when ${label}`, ...wrong }
            }),
        ),
        () =>
          look(probed, 'removed', (tables) => {
            const pages = [0n, 511n, 512n, 1023n].map((page) => LARGE.both.va + page * PAGE)
            const wrong = mappedPages(tables, pages) ?? stalePages(tables)
            return wrong && { expected: 'nothing of the removed region is left', ...wrong }
          }),
        () => mustReturn(probed, 'destroy', true, 'destroy'),
        () => mustEnd(probed, 'the probe ends'),
      ),
  }),
  probeCheck({
    id: 'file-mapped',
    claim: 'A FILE region shows the file’s bytes, each page in memory of its own, with zeros behind the end.',
    needs: NEEDS,
    scenario: 'files',
    hint: 'Which offset in the file belongs to the page that faulted?',
    judge: (probed) =>
      firstWrong(
        () => mustReturn(probed, 'file', true, 'add_region with FILE'),
        () => {
          const wrong = probed
            .notes('file byte')
            .find(([va, value]) => value !== fileAt((va ?? 0n) - FILE_VA))
          return wrong
            ? {
                expected: `the byte at ${hex(wrong[0] ?? 0n)} is ${hex(fileAt((wrong[0] ?? 0n) - FILE_VA))}`,
                observed: hex(wrong[1] ?? 0n),
              }
            : undefined
        },
        () => must(probed.notes('file byte').length === 7, 'all bytes can be read', () => probed.ending),
        () =>
          must(
            probed.note('file byte again')?.[1] === fileAt(0x2345n),
            'a second mapping has pages of its own',
            () => 'it sees what was written to the first',
          ),
        () => must(probed.note('written')?.[1] === 0xeen, 'what is written can be read', () => probed.ending),
        () => look(probed, 'eager', eagerFile),
      ),
  }),
  probeCheck({
    id: 'file-read-lazily',
    claim: 'A page of a file is read once, and only if it is touched; its memory is freed with the region.',
    needs: ['file-mapped', 'destroy-frees'],
    scenario: 'files',
    hint: 'Which pages has anybody looked at? And who frees what a fault has taken?',
    judge: (probed) =>
      firstWrong(
        () => {
          const [before, after] = [probed.machine('mapped'), probed.machine('read')]
          if (!before || !after) return { expected: 'the file is read', observed: probed.ending }
          const offsets = readOffsets(before, after)
          return must(
            JSON.stringify(offsets) === JSON.stringify([0, 0x2000, 0x3000]),
            'reads of pages 2, 0 and 3 of the file, once each',
            () => `reads at ${offsets.map(hex).join(', ') || 'no offset'}`,
          )
        },
        () => mustReturn(probed, 'move', false, 'move_region of a file'),
        () => mustReturn(probed, 'remove', true, 'remove_region of a file'),
        () => balanced(probed),
      ),
  }),
]

/** Two CPUs change one space at the same time. */
function crossfireWrong(probed: Probed): Wrong | undefined {
  return firstWrong(
    () => mustEnd(probed, 'two threads that move regions of one space on two CPUs come to their end'),
    ...[0, 1].map((n) => () => {
      const bad = probed.notes(`round ${n}`).findIndex(([status]) => status !== 0n)
      return must(bad < 0, 'every move_region returns 0', () => `round ${bad + 1} of CPU ${n} did not`)
    }),
  )
}
function grownFrames(tables: Tables): Wrong | undefined {
  const { machine, root } = tables
  const grown = [2n, 3n]
    .map((page) => GROWING.up + page * PAGE)
    .concat([1n, 2n, 3n].map((page) => GROWING.down - page * PAGE))
  const frames = new Set<u64>()
  for (const va of grown) {
    const pa = translate(machine, root, va)?.pa
    if (pa === undefined) return { expected: `${hex(va)} is mapped`, observed: 'it is not' }
    const given = pa < 0x400_0000n && machine.memory.read8(KMEM_MAP_ADDR + Number(pa >> 12n)) !== KMEM_FREE
    if (!given || frames.has(pa))
      return {
        expected: `${hex(va)} has a page of its own from the allocator`,
        observed: `it has ${hex(pa)}`,
      }
    frames.add(pa)
  }
  const old = wrongPages(tables, { va: GROWING.up, pa: FRAMES, pages: 2, writable: true }, [1])
  return old && { expected: 'the first pages of the region are as before', ...old }
}
function balanced(probed: Probed): Wrong | undefined {
  const [before = 0n, after] = probed.note('balance') ?? []
  if (after === undefined) return { expected: 'the probe ends', observed: probed.ending }
  return must(
    before === after,
    'after destroy as many pages are in use as before',
    () => `${after - before} more`,
  )
}
function xcalls(probed: Probed, from = 0, to = 0): number[] {
  return probed.run.events.flatMap((event) =>
    event.kind === 'ipi' && event.vector === VECTOR_XCALL && event.time >= from && event.time <= to
      ? [event.to]
      : [],
  )
}
function leafSizes(tables: Tables): Wrong | undefined {
  const { machine, root } = tables
  const M2 = 0x20_0000
  const wanted: [string, u64, number][] = [
    ['two aligned pages', LARGE.both.va, M2],
    ['two aligned pages', LARGE.both.va + 0x3f_f000n, M2],
    ['an unaligned pa', LARGE.askew.va, 4096],
    ['before the alignment', LARGE.mixed.va, 4096],
    ['the aligned part', LARGE.mixed.va + 0x3000n, M2],
    ['behind the aligned part', LARGE.mixed.va + 0x20_3000n, 4096],
    ['a lazy page', LARGE.lazy.va, M2],
    ['a 1 GiB page', LARGE.huge.va, 0x4000_0000],
  ]
  for (const [name, va, size] of wanted) {
    const found = translate(machine, root, va)
    const wrong = must(
      found?.size === size,
      `${hex(va)} (${name}) is mapped by a page of ${hex(size)} bytes`,
      () => (found ? `one of ${hex(found.size)}` : 'not mapped'),
    )
    if (wrong) return wrong
  }
  for (const { va, pa, pages } of [LARGE.both, LARGE.askew, LARGE.mixed, LARGE.lazy]) {
    const wrong = wrongPages(tables, { va, pa, pages, writable: true }, [0, 2, 3, 511, pages - 1])
    if (wrong) return { expected: 'each page leads where its region says', ...wrong }
  }
  const around = [LARGE.both.va + 0x40_0000n, LARGE.mixed.va - PAGE, LARGE.mixed.va + 517n * PAGE]
  const outside = mappedPages(tables, around)
  return outside && { expected: 'no large page reaches beyond its region', ...outside }
}
const fileAt = (offset: u64): u64 => (offset < BigInt(FILE_BYTES) ? BigInt(fileByte(Number(offset))) : 0n)
function eagerFile({ machine, root }: Tables): Wrong | undefined {
  for (const offset of [0n, 0x1001n, 0x2345n, 0x31ffn, 0x3200n]) {
    const pa = translate(machine, root, FILE_VA + offset)?.pa
    if (pa === undefined)
      return {
        expected: 'an eager FILE region is mapped at once',
        observed: `${hex(FILE_VA + offset)} is not`,
      }
    const value = BigInt(machine.memory.read8(Number(pa)))
    if (value !== fileAt(offset))
      return { expected: `byte ${hex(offset)} of the file is ${hex(fileAt(offset))}`, observed: hex(value) }
  }
  return undefined
}
/** Offsets of the reads between two images, ascending, each as often as it was read. */
function readOffsets(before: Machine, after: Machine): number[] {
  const [from, to] = [before, after].map((machine) => Number(machine.memory.read64(FS_READS_ADDR))) as [
    number,
    number,
  ]
  return Array.from({ length: Math.min(to - from, FS_OFFSETS) }, (_, n) =>
    Number(after.memory.read64(FS_OFFSETS_ADDR + ((from + n) % FS_OFFSETS) * 8)),
  ).sort((a, b) => a - b)
}
