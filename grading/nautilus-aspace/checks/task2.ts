// Task 2: the memory map, a set of regions.

import type { Check } from '@pagewalk/grader'
import { heldAfter, type Mode, operations } from '../probes/operations.ts'
import { markOf, OVERLAPS } from '../probes/places.ts'
import { hex, type Probed, translate } from '../run.ts'
import { SET_SEEDS, SET_STEPS } from '../scenarios.ts'
import {
  firstWrong,
  isWrong,
  mappedPages,
  mustEnd,
  mustReturn,
  probeCheck,
  tablesAt,
  type Wrong,
  wrongPages,
} from './kit.ts'

export const task2: readonly Check[] = [
  probeCheck({
    id: 'overlaps-refused',
    claim: 'A region that shares an address with another one is refused; one that only touches it is taken.',
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
  probeCheck({
    id: 'region-set-adds',
    claim: `Of ${SET_STEPS} regions at all places each is taken exactly if no address of it is.`,
    scenario: 'set-adds',
    hint: 'Which region does your set find for that address, and which one should it?',
    judge: (probed) => operationsWrong(probed, SET_SEEDS.adds, SET_STEPS, 'adds'),
  }),
  probeCheck({
    id: 'region-set-removes',
    claim: `Of ${SET_STEPS} adds and removes each does what a set of regions does.`,
    needs: ['region-set-adds'],
    scenario: 'set-removes',
    hint: 'Which regions are still in your set after one has been taken out?',
    judge: (probed) => operationsWrong(probed, SET_SEEDS.removes, SET_STEPS, 'removes'),
  }),
  probeCheck({
    id: 'regions-are-copied',
    claim: 'A region stays as it was added, whatever the caller does to its struct afterwards.',
    scenario: 'mutated',
    hint: 'Whose object is in your set: yours or the caller’s?',
    judge: (probed) =>
      firstWrong(
        () => mustReturn(probed, 'first', true, 'add_region'),
        () => mustReturn(probed, 'second', true, 'add_region of a second region in the same struct'),
        ...['start of the first', 'end of the first', 'end of the second'].map(
          (tag) => () => mustReturn(probed, tag, false, `add_region at the ${tag} region`),
        ),
        ...['behind the second', 'where the struct now points'].map(
          (tag) => () => mustReturn(probed, tag, true, `add_region ${tag}`),
        ),
      ),
  }),
  probeCheck({
    id: 'many-regions',
    claim: 'A thousand regions fit, and each is found at any of its addresses.',
    scenario: 'many',
    hint: 'How many regions does your data structure have room for?',
    judge: (probed) => {
      const refused = probed.notes('many').findIndex(([status]) => status !== 0n)
      if (refused >= 0)
        return {
          expected: '1000 regions are taken',
          observed: `add_region number ${refused + 1} was refused`,
        }
      const taken = probed.notes('taken').findIndex(([status]) => status === 0n)
      if (taken >= 0)
        return { expected: 'a page of each of them is taken', observed: `lookup ${taken + 1} found it free` }
      const gap = probed.notes('gap').findIndex(([status]) => status !== 0n)
      if (gap >= 0)
        return {
          expected: 'a page between two of them is free',
          observed: `lookup ${gap + 1} found it taken`,
        }
      return mustEnd(probed, 'every add_region returns')
    },
  }),
  probeCheck({
    id: 'own-set-for-each-space',
    claim: 'Every address space has a set of regions of its own.',
    scenario: 'own-sets',
    hint: 'Is anything of your region set outside the state of one address space?',
    judge: (probed) =>
      firstWrong(
        ...['one', 'the same place in two', 'two', 'the same place in one'].map(
          (tag) => () => mustReturn(probed, tag, true, `add_region (${tag}) with two address spaces`),
        ),
        ...['taken in one', 'taken in two'].map(
          (tag) => () => mustReturn(probed, tag, false, `add_region (${tag})`),
        ),
      ),
  }),
]

/** The notes of reads with `tag` must have found the marks of these physical addresses, in this order. */
export function reads(probed: Probed, tag: string, addresses: readonly bigint[]): Wrong | undefined {
  const notes = probed.notes(tag)
  for (const [n, pa] of addresses.entries()) {
    const [va = 0n, value] = notes[n] ?? []
    const want = markedValue(pa)
    if (value === undefined) return { expected: `read ${n + 1} (${tag}) is served`, observed: probed.ending }
    if (want !== undefined && value !== BigInt(want))
      return {
        expected: `a read of ${hex(va)} finds physical address ${hex(pa)}, which holds ${hex(want ?? 0)}`,
        observed: `it found ${hex(value)}`,
      }
  }
  return undefined
}
/** What `mark` has put there; undefined between its marks. */
function markedValue(pa: bigint): number | undefined {
  return [0n, 0x123n, 0xfffn].includes(pa & 0xfffn) ? markOf(pa) : undefined
}

/** The first operation that did not do what the model does. */
function operationsWrong(probed: Probed, seed: number, count: number, mode: Mode): Wrong | undefined {
  const [did, touched] = [probed.notes('did'), probed.notes('touch')]
  let [call, touch, n] = [0, 0, 0]
  for (const { operation, accepted } of operations(seed, count, mode)) {
    n++
    if (operation.do === 'touch') {
      const value = touched[touch++]?.[0]
      const at = `operation ${n}: a read of ${hex(operation.va)}`
      if (value === undefined) return { expected: `${at} is served`, observed: probed.ending }
      const want = markedValue(operation.pa)
      if (want !== undefined && value !== BigInt(want))
        return {
          expected: `${at} finds physical address ${hex(operation.pa)}`,
          observed: 'it found another one',
        }
      continue
    }
    const { va, pages } = operation.region
    const range = `${hex(va)} to ${hex(BigInt.asUintN(64, va + BigInt(pages * 4096) - 1n))}`
    const expected = `operation ${n}: ${operation.do}_region of ${range} returns ${accepted ? 0 : -1}`
    const status = did[call++]?.[0]
    if (status === undefined) return { expected, observed: probed.ending }
    if ((status === 0n) !== accepted) return { expected, observed: `it returned ${status === 0n ? 0 : -1}` }
  }
  return mustEnd(probed, 'all operations return')
}
/** The same, and what is mapped in the end. */
export const modelWrong = (probed: Probed, seed: number, count: number): Wrong | undefined =>
  operationsWrong(probed, seed, count, 'all') ?? mapWrong(probed, seed, count)
/** After the last operation: what is mapped in the windows is what the model holds, and nothing else. */
function mapWrong(probed: Probed, seed: number, count: number): Wrong | undefined {
  const tables = tablesAt(probed, 'played', 'probe', 'all operations return')
  if (isWrong(tables)) return tables
  const { machine, root } = tables
  const held = heldAfter(seed, count, 'all')
  for (const { va, pages, pa, flags } of held) {
    const wanted = { va, pa, pages, writable: (flags & 2) !== 0 }
    // a lazy page may not be there yet; if it is, it must be right
    const there = Array.from({ length: pages }, (_, page) => page).filter(
      (page) => (flags & 64) !== 0 || translate(machine, root, va + BigInt(page * 4096)),
    )
    const wrong = wrongPages(tables, wanted, there)
    if (wrong) return { expected: 'after the last operation every page is as its region says', ...wrong }
  }
  const edges = held.flatMap(({ va, pages }) => [va - 4096n, BigInt.asUintN(64, va + BigInt(pages * 4096))])
  const free = edges.filter(
    (at) => at >= 0x1000_0000n && !held.some(({ va, pages }) => va <= at && at < va + BigInt(pages * 4096)),
  )
  const mapped = mappedPages(tables, free)
  return mapped && { expected: 'after the last operation no page is mapped outside the regions', ...mapped }
}
