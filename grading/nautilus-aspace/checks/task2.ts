// Task 2: the memory map, a set of regions.

import type { Check } from '@pagewalk/grader'
import { heldAfter, operations } from '../probes/operations.ts'
import { FRAMES, markOf, OVERLAPS } from '../probes/places.ts'
import { MODEL_SEEDS, MODEL_STEPS } from '../scenarios.ts'
import { hex, mappedPage, type Probed, translate, wrongPage } from '../run.ts'
import { firstWrong, mustEnd, mustReturn, probeCheck, type Wrong } from './kit.ts'

const LIVES = 'eager-space-lives'

export const task2: readonly Check[] = [
  probeCheck({
    id: 'overlaps-refused',
    claim: 'A region that shares an address with another one is refused; one that only touches it is taken.',
    needs: [LIVES],
    scenario: 'overlaps',
    hint: 'When do two half-open intervals overlap, and what is the end of a region that ends at 2^64?',
    judge: (probed) =>
      firstWrong(
        ...OVERLAPS.map(({ name, va, pages, taken }) => () => {
          const last = BigInt.asUintN(64, va + BigInt(pages * 4096) - 1n)
          return mustReturn(probed, name, taken, `add_region of ${hex(va)} to ${hex(last)} (${name})`)
        }),
        () => mustEnd(probed, 'every add_region returns'),
      ),
  }),
  ...MODEL_SEEDS.map((seed, n) =>
    probeCheck({
      id: `region-set-${n + 1}`,
      claim: `Of ${MODEL_STEPS} adds, removes, changes and lookups each does what a set of regions does (sequence ${n + 1}).`,
      needs: [LIVES, 'lazy-pages-right'],
      scenario: `model-${n + 1}`,
      hint: 'Which region does your set find for that address, and which one should it?',
      judge: (probed) => modelWrong(probed, seed, MODEL_STEPS),
    }),
  ),
  probeCheck({
    id: 'regions-are-copied',
    claim: 'A region stays as it was added, whatever the caller does to its structs afterwards.',
    needs: [LIVES, 'lazy-pages-right'],
    scenario: 'mutated',
    hint: 'Whose object is in your set: yours or the caller’s?',
    judge: (probed) =>
      firstWrong(
        () => mustReturn(probed, 'first', true, 'add_region'),
        () => mustReturn(probed, 'second', true, 'add_region of a second region in the same struct'),
        () => mustEnd(probed, 'reads in both regions are served'),
        () => reads(probed, 'read', [FRAMES + 0x3fffn, FRAMES + 0x1_1000n]),
        () => mustReturn(probed, 'protect', true, 'protect_region'),
        () => mustReturn(probed, 'move', true, 'move_region'),
        () => reads(probed, 'moved', [FRAMES + 0xa123n, FRAMES + 0x9123n]),
        () => mustReturn(probed, 'remove', true, 'remove_region of the region as it now is'),
      ),
  }),
  probeCheck({
    id: 'many-regions',
    claim: 'A thousand regions fit, and each is found at any of its addresses.',
    needs: [LIVES, 'lazy-pages-right'],
    scenario: 'many',
    hint: 'How many regions does your data structure have room for?',
    judge: (probed) => {
      const statuses = probed.notes('many')
      const refused = statuses.findIndex(([status]) => status !== 0n)
      if (refused >= 0)
        return { expected: '1000 regions are taken', observed: `add_region number ${refused + 1} was refused` }
      const wanted = [0, 999, 500, 17, 998, 1].flatMap((at) =>
        [0n, 0x1fffn, 0x1123n].map((offset) => FRAMES + BigInt(at) * 0x2000n + offset),
      )
      return mustEnd(probed, 'reads in the first, the last and other regions are served') ?? reads(probed, 'read', wanted)
    },
  }),
  probeCheck({
    id: 'own-set-for-each-space',
    claim: 'Every address space has a set of regions of its own.',
    needs: [LIVES, 'lazy-pages-right'],
    scenario: 'own-sets',
    hint: 'Is anything of your region set outside the state of one address space?',
    judge: (probed) =>
      firstWrong(
        ...['one', 'two', 'two more', 'one more'].map(
          (tag) => () => mustReturn(probed, tag, true, `add_region (${tag}) to one of two spaces`),
        ),
        () => mustEnd(probed, 'reads in both spaces are served'),
        () => reads(probed, 'in one', [FRAMES + 0x1000n, FRAMES + 0x1000n, FRAMES]),
        () => reads(probed, 'in two', [FRAMES + 0x5000n, FRAMES]),
        () => mustReturn(probed, 'remove in two', true, 'remove_region in the second space'),
      ),
  }),
]

/** The notes of reads with `tag` must have found the marks of these physical addresses, in this order. */
export function reads(probed: Probed, tag: string, addresses: readonly bigint[]): Wrong | undefined {
  const notes = probed.notes(tag)
  for (const [n, pa] of addresses.entries()) {
    const [va = 0n, value] = notes[n] ?? []
    const want = markOf(pa & ~0xfffn) === undefined ? 0 : markedValue(pa)
    if (value === undefined) return { expected: `read ${n + 1} (${tag}) is served`, observed: probed.ending }
    if (want !== undefined && value !== BigInt(want))
      return {
        expected: `a read of ${hex(va)} finds physical address ${hex(pa)}, which holds ${hex(want)}`,
        observed: `it found ${hex(value)}`,
      }
  }
  return undefined
}
/** What `mark` has put there; undefined between its marks. */
function markedValue(pa: bigint): number | undefined {
  return [0n, 0x123n, 0xfffn].includes(pa & 0xfffn) ? markOf(pa) : undefined
}

function modelWrong(probed: Probed, seed: number, count: number): Wrong | undefined {
  const [did, touched] = [probed.notes('did'), probed.notes('touch')]
  let [call, touch, n] = [0, 0, 0]
  for (const { operation, accepted } of operations(seed, count)) {
    n++
    if (operation.do === 'touch') {
      const value = touched[touch++]?.[0]
      const at = `operation ${n}: a read of ${hex(operation.va)}`
      if (value === undefined) return { expected: `${at} is served`, observed: probed.ending }
      const want = markedValue(operation.pa)
      if (want !== undefined && value !== BigInt(want))
        return { expected: `${at} finds physical address ${hex(operation.pa)}`, observed: 'it found another one' }
      continue
    }
    const { va, pages } = operation.region
    const range = `${hex(va)} to ${hex(BigInt.asUintN(64, va + BigInt(pages * 4096) - 1n))}`
    const expected = `operation ${n}: ${operation.do}_region of ${range} returns ${accepted ? 0 : -1}`
    const status = did[call++]?.[0]
    if (status === undefined) return { expected, observed: probed.ending }
    if ((status === 0n) !== accepted) return { expected, observed: `it returned ${status === 0n ? 0 : -1}` }
  }
  return mustEnd(probed, 'all operations return') ?? mapWrong(probed, seed, count)
}
/** After the last operation: what is mapped in the windows is what the model holds, and nothing else. */
function mapWrong(probed: Probed, seed: number, count: number): Wrong | undefined {
  const machine = probed.machine('played')
  const root = probed.root('probe')
  if (!machine || root === undefined) return { expected: 'all operations return', observed: probed.ending }
  const held = heldAfter(seed, count)
  for (const { va, pages, pa, flags } of held) {
    const wanted = { va, pa, pages, writable: (flags & 2) !== 0, executable: (flags & 4) !== 0 }
    // a lazy page may not be there yet; if it is, it must be right
    const there = Array.from({ length: pages }, (_, page) => page).filter(
      (page) => (flags & 64) !== 0 || translate(machine, root, va + BigInt(page * 4096)),
    )
    const wrong = wrongPage(machine, root, wanted, there)
    if (wrong) return { expected: 'after the last operation every page is as its region says', observed: wrong }
  }
  const edges = held.flatMap(({ va, pages }) => [va - 4096n, BigInt.asUintN(64, va + BigInt(pages * 4096))])
  const free = edges.filter(
    (at) =>
      at >= 0x1000_0000n && !held.some(({ va, pages }) => va <= at && at < va + BigInt(pages * 4096)),
  )
  const mapped = mappedPage(machine, root, free)
  return mapped
    ? { expected: 'after the last operation no page is mapped outside the regions', observed: mapped }
    : undefined
}
