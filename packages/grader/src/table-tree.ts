// A page-table tree as a picture: the tables of a snapshot, with the entries on the way to certain pages marked.

import { rights } from '@pagewalk/machine'
import { PTE_ADDR, PTE_P, PTE_PS } from '@pagewalk/machine/x86-64'
import type { Hex, SnapshotTable } from './snapshot.ts'
import { hex } from './survey.ts'

export interface TreeTable {
  readonly level: SnapshotTable['level']
  readonly address: Hex
  readonly owner: string
  readonly entries: readonly TreeEntry[]
  /** How many more entries there are. */
  readonly omitted: number
}
export interface TreeEntry {
  readonly index: number
  /** So many entries from `index` on, each a page further. */
  readonly count: number
  /** The lowest address that it speaks for. */
  readonly va: bigint
  readonly entry: Hex
  /** `P W U`, or "not present". */
  readonly rights: string
  /** What it points at, if it is present. */
  readonly to?: Hex
  /** A marked page's walk comes through here. */
  readonly marked: boolean
  readonly table?: TreeTable
}
const PAGE = 4096n
/** The most entries of a tree, beside those that are marked. */
const MOST_ENTRIES = 1500
const SHIFTS = { PML4: 39n, PDPT: 30n, PD: 21n, PT: 12n } as const
const BELOW_2_48 = (1n << 48n) - 1n
const canonical = (va: bigint): bigint => BigInt.asUintN(64, BigInt.asIntN(48, va))

/** The tables below `root`, with the ways to `pages` marked, also to entries that are missing there. */
export function treeOf(root: SnapshotTable, pages: readonly bigint[]): TreeTable {
  const budget = { left: MOST_ENTRIES }
  const tell = (table: SnapshotTable, base: bigint, marks: readonly bigint[]): TreeTable => {
    const split = entriesOf(table, base, marks)
    const kept = split.filter(({ marked }) => marked || budget.left-- > 0)
    return {
      level: table.level,
      address: table.address,
      owner: table.owner,
      entries: kept.map(({ below, ...entry }) => {
        if (!below) return { ...entry, va: canonical(entry.va) }
        return { ...entry, va: canonical(entry.va), table: tell(below, entry.va, marks) }
      }),
      omitted: split.length - kept.length,
    }
  }
  return tell(
    root,
    0n,
    pages.map((page) => page & BELOW_2_48),
  )
}
interface Split extends Omit<TreeEntry, 'table'> {
  readonly below?: SnapshotTable
}
/** A table's entries, and those that a marked page would need; a run is cut where marks begin and end. */
function entriesOf({ level, entries }: SnapshotTable, base: bigint, marks: readonly bigint[]): Split[] {
  const shift = SHIFTS[level]
  const wanted = new Set(
    marks
      .filter((mark) => mark >= base && mark < base + (512n << shift))
      .map((mark) => Number((mark - base) >> shift)),
  )
  const split: Split[] = []
  const add = (index: number, entry: bigint, below?: SnapshotTable): void => {
    const last = split.at(-1)
    const marked = wanted.has(index)
    if (last && !below && continues(last, index, entry, marked))
      split[split.length - 1] = { ...last, count: last.count + 1 }
    else
      split.push({
        ...entryTold(level, entry),
        index,
        count: 1,
        va: base + (BigInt(index) << shift),
        marked,
        ...(below && { below }),
      })
  }
  const there = new Map(
    entries.flatMap(({ index, count = 1, entry, table }) =>
      Array.from(
        { length: count },
        (_, n) => [index + n, { entry: BigInt(entry) + BigInt(n) * PAGE, table }] as const,
      ),
    ),
  )
  for (const index of [...new Set([...there.keys(), ...wanted])].sort((a, b) => a - b)) {
    const { entry, table } = there.get(index) ?? { entry: 0n, table: undefined }
    add(index, entry, table)
  }
  return split
}
/** Is this entry the next one of the run that `last` is? */
function continues(last: Split, index: number, entry: bigint, marked: boolean): boolean {
  const step = last.entry === '0x0' ? 0n : PAGE
  return (
    !last.below &&
    last.marked === marked &&
    last.index + last.count === index &&
    BigInt(last.entry) + BigInt(last.count) * step === entry
  )
}
function entryTold(level: SnapshotTable['level'], entry: bigint): Pick<TreeEntry, 'entry' | 'rights' | 'to'> {
  if (!(entry & PTE_P)) return { entry: hex(entry), rights: 'not present' }
  const large = level !== 'PT' && (entry & PTE_PS) !== 0n
  return { entry: hex(entry), rights: `${rights(entry)}${large ? ' PS' : ''}`, to: hex(entry & PTE_ADDR) }
}
