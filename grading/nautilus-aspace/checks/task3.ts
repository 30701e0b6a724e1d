// Task 3: lazy page table construction.

import { type Check, fail, pass, type Shows } from '@pagewalk/grader'
import { type u64, VECTOR_PF } from '@pagewalk/machine/x86-64'
import { FRAMES, LAST, LAZY_PA, LAZY_PAGES, LAZY_VA, TOUCHED } from '../probes/places.ts'
import { Probed, translate } from '../run.ts'
import { highFaults, shellSpace } from '../shell-run.ts'
import {
  firstWrong,
  isWrong,
  mustEnd,
  mustReturn,
  probeCheck,
  showing,
  tablesAt,
  type Wrong,
  wrongPages,
} from './kit.ts'
import { panicCheck } from './panic.ts'
import { reads } from './task2.ts'

const LIVES = 'eager-space-lives'
const LAZY = { va: LAZY_VA, pa: LAZY_PA, pages: LAZY_PAGES }
/** One fault may bring in its neighbours, as a large page does; the whole region may not come at once. */
const MOST_AT_ONCE = 512
const PAGE = 4096n

/** Pages of the lazy region that are mapped in an image, as what the machine shows. */
function present(probed: Probed, label: string): Present | Wrong {
  const tables = tablesAt(probed, label, 'probe', 'a thread reads a page of a lazy region and lives on')
  if (isWrong(tables)) return tables
  const { machine, root } = tables
  const all = Array.from({ length: LAZY_PAGES }, (_, page) => LAZY_VA + BigInt(page) * PAGE)
  const pages = all.filter((va) => translate(machine, root, va))
  return { count: pages.length, shows: showing(probed, label, root, pages) }
}
interface Present {
  readonly count: number
  readonly shows: Shows
}
const faultsBetween = (probed: Probed, from: number, to: number): number =>
  probed
    .faults(probed.time('touching', from), probed.time('touching', to))
    .filter(({ vector }) => vector === VECTOR_PF).length

export const task3: readonly Check[] = [
  probeCheck({
    id: 'lazy-pages-right',
    claim: 'A first access to any page of a lazy region faults, and finds the page that the region says.',
    needs: [LIVES],
    scenario: 'lazy',
    hint: 'Which physical page belongs to the address in CR2?',
    judge: (probed) =>
      firstWrong(
        () => mustReturn(probed, 'lazy', true, 'add_region of a lazy region'),
        () => mustEnd(probed, 'reads all over a lazy region are served'),
        () =>
          reads(
            probed,
            'read',
            TOUCHED.map((page, n) => LAZY_PA + BigInt(page) * PAGE + (n === 0 ? 0x123n : 0xfffn)),
          ),
        () => {
          const tables = tablesAt(probed, 'after')
          const wrong = isWrong(tables) ? undefined : wrongPages(tables, LAZY, TOUCHED)
          return wrong && { expected: 'each page that was read leads to its frame', ...wrong }
        },
      ),
  }),
  probeCheck({
    id: 'lazy-untouched',
    claim: 'No page of a lazy region is in the page tables before its first access.',
    needs: ['lazy-pages-right'],
    scenario: 'lazy',
    hint: 'When does a lazy region need its page tables?',
    judge: (probed) => {
      const before = present(probed, 'before')
      const one = present(probed, 'one')
      if (isWrong(before)) return before
      if (isWrong(one)) return one
      const expected = 'after add_region no page of the lazy region is mapped'
      if (before.count > 0)
        return { expected, observed: `${before.count} of ${LAZY_PAGES} pages are`, shows: before.shows }
      const most = `a read of one byte maps one page, or a few around it (at most ${MOST_AT_ONCE} of 4 KiB)`
      return one.count > MOST_AT_ONCE
        ? { expected: most, observed: `it mapped ${one.count} pages`, shows: one.shows }
        : undefined
    },
  }),
  probeCheck({
    id: 'lazy-faults-once',
    claim: 'A lazy page faults at its first access and never again.',
    needs: ['lazy-pages-right'],
    scenario: 'lazy',
    hint: 'Is the entry that your handler makes the one that the CPU looks for?',
    judge: (probed) => {
      const [first, others, again] = [0, 1, 2].map((n) => faultsBetween(probed, n, n + 1)) as [
        number,
        number,
        number,
      ]
      const most = TOUCHED.length - 1
      // a page may be made in two steps, such as a table first
      if (first < 1 || first > 2)
        return { expected: 'one page fault at the first access', observed: `${first}` }
      if (others > 2 * most)
        return { expected: `at most ${most} page faults for ${most} pages`, observed: `${others}` }
      return again > 0
        ? { expected: 'no page fault for pages that were read before', observed: `${again} page faults` }
        : undefined
    },
  }),
  probeCheck({
    id: 'lazy-anywhere',
    claim:
      'Lazy regions work at every address: at the borders of tables and of both halves, added before or after the move.',
    needs: ['lazy-pages-right'],
    scenario: 'lazy-places',
    hint: 'Which addresses lie on the border of a table, of the low half?',
    judge: (probed) =>
      firstWrong(
        () => mustEnd(probed, 'the first and last byte of five lazy regions can be read'),
        ...[3, 1, 4, 1, 1].map((pages, n) => () => {
          const pa = FRAMES + BigInt(n) * 0x8000n
          return reads(probed, `place ${n}`, [pa, pa + BigInt(pages) * PAGE - 1n])
        }),
      ),
  }),
  probeCheck({
    id: 'lazy-rights',
    claim: 'A lazy page has the rights of its region, no more and no fewer.',
    needs: ['lazy-anywhere'],
    scenario: 'lazy-places',
    hint: 'Which rights does the entry get: those of the access that faulted, or those of the region?',
    judge: placesWrong,
  }),
  probeCheck({
    id: 'regions-at-the-end',
    claim: 'A region may end at 2^64: it is found, overlaps and is built as any other.',
    needs: ['lazy-pages-right', 'overlaps-refused'],
    scenario: 'at-the-end',
    hint: 'What is the address behind the last byte of such a region?',
    judge: (probed) =>
      firstWrong(
        () => mustReturn(probed, 'lazy', true, 'add_region of a lazy region that ends at 2^64'),
        ...['over the last page', 'over the first page'].map(
          (tag) => () => mustReturn(probed, tag, false, `add_region ${tag} of it`),
        ),
        () => mustReturn(probed, 'below', true, 'add_region of the page below it'),
        () => reads(probed, 'end', [LAST.pa + 0x3fffn, LAST.pa]),
        () => mustReturn(probed, 'eager', true, 'add_region of an eager region that ends at 2^64'),
        () => {
          const tables = tablesAt(probed, 'eager', 'eager')
          const wrong = isWrong(tables) ? undefined : wrongPages(tables, LAST)
          return wrong && { expected: 'each of its pages is mapped', ...wrong }
        },
        () => mustEnd(probed, 'its last byte can be read'),
      ),
  }),
  probeCheck({
    id: 'lazy-in-its-own-space',
    claim: 'A fault is served in the page tables of the space whose thread met it.',
    needs: ['lazy-pages-right', 'spaces-beside-each-other'],
    scenario: 'lazy-spaces',
    hint: 'Which root does your fault handler drill from?',
    judge: (probed) =>
      firstWrong(
        () => mustEnd(probed, 'two threads read lazy regions at the same addresses, in turns'),
        ...[0, 1].map((n) => () => {
          const frames = Array.from(
            { length: 8 },
            (_, page) => FRAMES + BigInt(n) * 0x1_0000n + BigInt(page) * PAGE,
          )
          return reads(probed, `read ${n}`, frames)
        }),
      ),
  }),
  panicCheck({
    id: 'rights-respected',
    claim: 'An access that the region’s rights do not allow is a panic, and is not served.',
    needs: ['lazy-pages-right'],
    scenarios: ['denied-0', 'denied-1', 'denied-2', 'denied-3'],
    hint: 'Which rights does the error code ask for, and which has the region?',
  }),
  panicCheck({
    id: 'unfixable-panics',
    claim: 'An access that no region covers is a panic.',
    needs: ['lazy-pages-right'],
    scenarios: ['nowhere-0', 'nowhere-1', 'nowhere-2', 'nowhere-3', 'nowhere-4', 'protection'],
    hint: 'What does your handler do when the search finds no region?',
  }),
  shellCheck({
    id: 'shell-in-its-own-space',
    claim: 'The shell boots to its prompt in an address space of its own.',
    needs: [LIVES],
    label: 'one',
    hint: 'Does every call of the test code succeed? What does `threads` show in brackets?',
    names: ['root-shell'],
  }),
  {
    id: 'shell-compares-everything',
    claim: 'The shell’s test compares all of memory through its lazy region, page by page.',
    needs: ['shell-in-its-own-space', 'lazy-untouched'],
    run(evidence) {
      const found = highFaults(new Probed(evidence, 'shells'))
      const wrong = 'expected' in found ? found : undefined
      return wrong
        ? fail({ ...wrong, hint: 'Is the second region lazy, and does memcmp go over all of it?' })
        : pass
    },
  },
  shellCheck({
    id: 'more-shells',
    claim: 'A second shell boots to its prompt in an address space of its own, beside the first.',
    needs: ['shell-compares-everything'],
    label: 'final',
    hint: 'What of your implementation is shared by all address spaces, and should it be?',
    names: ['root-shell', 'second'],
  }),
]

function placesWrong(probed: Probed): Wrong | undefined {
  const tables = tablesAt(probed, 'touched', 'probe', 'the probe ends')
  if (isWrong(tables)) return tables
  const rights: [u64, boolean, boolean][] = [
    [0x4000_0000n, true, false],
    [0x4000_3000n, false, false],
    [0x7f_ffff_e000n, false, true],
    [0x7fff_ffff_f000n, true, false],
    [0xffff_8000_0000_0000n, false, false],
  ]
  for (const [n, [va, writable, executable]] of rights.entries()) {
    const pa = FRAMES + BigInt(n) * 0x8000n
    const wrong = wrongPages(tables, { va, pa, pages: 1, writable, user: false, executable })
    if (wrong) return { expected: 'a lazy page has the rights of its region', ...wrong }
  }
  return undefined
}

function shellCheck({
  names,
  label,
  hint,
  ...check
}: { names: readonly string[]; label: string; hint: string } & Omit<Check, 'run'>): Check {
  return {
    ...check,
    run(evidence) {
      const probed = new Probed(evidence, 'shells')
      for (const name of names) {
        const wrong = shellSpace(probed, name, label)
        if (wrong) return fail({ ...wrong, hint })
      }
      return pass
    },
  }
}
