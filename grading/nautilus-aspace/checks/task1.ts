// Task 1: eager page table construction.

import type { Check } from '@pagewalk/grader'
import type { u64 } from '@pagewalk/machine/x86-64'
import { EAGER_PLACES, LOW_BYTES, markOf } from '../probes/places.ts'
import { hex, type Probed, tellFault } from '../run.ts'
import {
  firstWrong,
  isWrong,
  mappedPages,
  mustEnd,
  mustReturn,
  probeCheck,
  stalePages,
  type Tables,
  tablesAt,
  type Wrong,
  wrongPages,
} from './kit.ts'

/** In every probe's space, for the kernel's own sake. */
const LOW = { va: 0n, pa: 0n, pages: LOW_BYTES / 4096 }
const PAGE = 4096n
const BEFORE_THE_MOVE = 'before the thread moves'

/** The tables of the space right after the regions were added: their root is known from the later move. */
const added = (probed: Probed): Tables | Wrong =>
  tablesAt(probed, 'added', 'eager', 'a thread moves to a space with eager regions and lives on')

/** Every page around the regions that no region has. */
function borders(): u64[] {
  const covered = (va: u64): boolean =>
    va < BigInt(LOW_BYTES) ||
    EAGER_PLACES.some((place) => place.va <= va && va < place.va + BigInt(place.pages) * PAGE)
  return EAGER_PLACES.flatMap(({ va, pages }) => [va - PAGE, va + BigInt(pages) * PAGE])
    .map((va) => BigInt.asUintN(64, va))
    .filter((va) => !covered(va) && (va < 0x8000_0000_0000n || va >= 0xffff_8000_0000_0000n))
    .concat([BigInt(LOW_BYTES)])
}

export const task1: readonly Check[] = [
  probeCheck({
    id: 'eager-space-lives',
    claim: 'A thread can move to a new address space with an eager region of low memory, and lives there.',
    scenario: 'eager',
    hint: 'Which page does the CPU fetch next after CR3 is loaded, and who has mapped it?',
    judge: (probed) =>
      firstWrong(
        () => mustReturn(probed, 'create eager', true, 'create'),
        () => mustReturn(probed, 'low eager', true, 'add_region of the eager low region'),
        () =>
          probed.root('eager') === undefined
            ? { expected: 'the thread lives on behind nk_aspace_move_thread', observed: probed.ending }
            : undefined,
        () =>
          mustEnd(probed, 'the thread reads its eager regions and moves back to the default address space'),
        () =>
          probed.root('eager') === probed.root('back')
            ? {
                expected: 'CR3 of the new address space differs from that of the default one',
                observed: `both are ${hex(probed.root('eager') ?? 0n)}`,
              }
            : undefined,
      ),
  }),
  probeCheck({
    id: 'eager-built-at-once',
    claim: 'When add_region of an eager region returns, its pages are in the page tables.',
    needs: ['eager-space-lives'],
    scenario: 'eager',
    hint: 'When must the page tables of an eager region be there: now, or at the first fault?',
    judge: (probed) =>
      firstWrong(
        () => {
          const tables = added(probed)
          if (isWrong(tables)) return tables
          const wrong = wrongPages(tables, LOW)
          return wrong && { expected: `the low region is mapped ${BEFORE_THE_MOVE}`, ...wrong }
        },
        () => {
          const moved = probed.time('cr3 eager') ?? 0
          const faults = probed.faults(moved).filter(({ vector }) => vector === 14)
          return faults.length > 0
            ? { expected: 'no page fault in eager regions', observed: tellFault(faults[0]!) }
            : undefined
        },
      ),
  }),
  probeCheck({
    id: 'eager-translations',
    claim:
      'Every page of an eager region leads to its physical page with its rights, wherever the region lies.',
    needs: ['eager-space-lives'],
    scenario: 'eager',
    hint: 'Follow the walk: which entry has another address, or a right too many or too few?',
    judge: (probed) => {
      const tables = added(probed)
      if (isWrong(tables)) return tables
      return firstWrong(
        ...EAGER_PLACES.map((place) => () => {
          const refused = mustReturn(probed, `add ${place.name}`, true, `add_region (${place.name})`)
          if (refused) return refused
          const wrong = wrongPages(tables, { ...place, user: false })
          return wrong && { expected: `region "${place.name}" is mapped as it says`, ...wrong }
        }),
        () => wrongReads(probed),
      )
    },
  }),
  probeCheck({
    id: 'eager-borders',
    claim: 'The pages next to a region are not mapped by it.',
    needs: ['eager-space-lives'],
    scenario: 'eager',
    hint: 'How many pages does a region of lenBytes have, and which is its last?',
    judge: (probed) => {
      const tables = added(probed)
      if (isWrong(tables)) return tables
      const mapped = mappedPages(tables, borders())
      return mapped && { expected: 'no page outside the regions is mapped', ...mapped }
    },
  }),
  probeCheck({
    id: 'space-loaded-only-by-switch',
    claim: 'Adding regions to a space that is not the CPU’s leaves CR3 alone.',
    needs: ['eager-space-lives'],
    scenario: 'eager',
    hint: 'Whose TLB entries could be stale in a space that no CPU uses?',
    judge: (probed) => {
      const [before, after] = [probed.note('cr3 still')?.[0], probed.root('back')]
      return before !== undefined && after !== undefined && (before & ~0xfffn) !== after
        ? { expected: `CR3 stays ${hex(after)} until the thread moves`, observed: `it was ${hex(before)}` }
        : undefined
    },
  }),
  probeCheck({
    id: 'spaces-beside-each-other',
    claim:
      'Threads in different address spaces each see their own memory at the same address, switch after switch.',
    needs: ['eager-space-lives'],
    scenario: 'two-spaces',
    hint: 'What of your implementation is shared by all address spaces, and should it be?',
    judge: (probed) =>
      firstWrong(
        () => mustEnd(probed, 'two threads in two address spaces take turns and both end'),
        () => ownView(probed, 0),
        () => ownView(probed, 1),
        () =>
          probed.root('space0') === probed.root('space1')
            ? {
                expected: 'two address spaces have different CR3s',
                observed: `both ${hex(probed.root('space0') ?? 0n)}`,
              }
            : undefined,
      ),
  }),
  probeCheck({
    id: 'new-threads-inherit',
    claim: 'A thread that is started in an address space runs with its page tables.',
    needs: ['eager-space-lives'],
    scenario: 'inherits',
    hint: 'Which CR3 does switchTo load, and is it the one of this state?',
    judge: (probed) =>
      firstWrong(
        () => mustEnd(probed, 'a thread and its child in one address space both end'),
        () => {
          const root = probed.root('probe')
          const seen = [...probed.notes('child'), ...probed.notes('parent')].map(
            ([cr3]) => (cr3 ?? 0n) & ~0xfffn,
          )
          const other = seen.find((cr3) => cr3 !== root)
          return other === undefined
            ? undefined
            : { expected: `CR3 ${hex(root ?? 0n)} in both threads`, observed: `CR3 ${hex(other)}` }
        },
        () => {
          const tables = tablesAt(probed, 'final', 'back')
          const stale = isWrong(tables) ? undefined : stalePages(tables)
          return stale && { expected: 'nothing of a space is left in the TLB when it is left', ...stale }
        },
      ),
  }),
]

function wrongReads(probed: Probed): Wrong | undefined {
  const values = new Map(probed.notes('read').map(([va, value]) => [va ?? 0n, value ?? 0n]))
  for (const { name, va, pa, pages } of EAGER_PLACES) {
    if (pa >= 0x400_0000n) continue
    for (const offset of [0n, BigInt(pages) * PAGE - 1n]) {
      const [got, want] = [values.get(va + offset), BigInt(markOf(pa + offset))]
      if (got !== want)
        return {
          expected: `a read of ${hex(va + offset)} (${name}) gives ${hex(want)}`,
          observed: got === undefined ? probed.ending : hex(got),
        }
    }
  }
  return undefined
}
function ownView(probed: Probed, n: number): Wrong | undefined {
  const root = probed.root(`space${n}`)
  const other = probed.notes(`turn ${n}`).find(([cr3]) => ((cr3 ?? 0n) & ~0xfffn) !== root)
  if (other)
    return {
      expected: `thread ${n} runs with CR3 ${hex(root ?? 0n)}`,
      observed: `CR3 ${hex(other[0] ?? 0n)}`,
    }
  const want = BigInt(markOf(0x100_0000n + BigInt(n) * 0x1000n))
  const wrong = probed.notes(`read ${n}`).find(([, value]) => value !== want)
  return wrong
    ? { expected: `thread ${n} reads ${hex(want)} at ${hex(wrong[0] ?? 0n)}`, observed: hex(wrong[1] ?? 0n) }
    : undefined
}
