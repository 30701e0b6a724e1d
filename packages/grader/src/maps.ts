// Maps of memory as data: a letter for each page where there are few, stretches where there are many, with the pages that
// somebody means marked.

import type { Hex, Snapshot, SnapshotPhysicalRange, SnapshotRange, SnapshotRegion } from './snapshot.ts'
import { hex, mappedRanges, type PageOwner } from './survey.ts'

export interface MemoryMap {
  /** A letter for each page, 64 in a row; no rows if there is too much memory for that. Rows with nothing may be left out. */
  readonly rows: readonly MapRow[]
  /** Stretches of addresses, lowest first. Where there are rows, only the marked ones. */
  readonly ranges: readonly MapRange[]
  /** How many more ranges there are. */
  readonly omitted: number
}
export interface MapRow {
  readonly address: bigint
  readonly cells: readonly Cell[]
}
export interface Cell {
  /** As `letterOf`; a blank: not mapped. */
  readonly letter: string
  /** Code in ring 3 may go there. */
  readonly user: boolean
  /** Its physical page has more than one reference. */
  readonly shared: boolean
  readonly marked: boolean
}
export interface MapRange {
  readonly start: bigint
  /** The address behind it. */
  readonly end: bigint
  /** Where `start` leads. */
  readonly to?: bigint
  readonly words: string
  readonly marked: boolean
}
export const PAGE = 4096n
/** As the screens of such labs have it. */
const PER_ROW = 64
/** Memory of at most so many pages has a letter for each. */
export const LETTERED_PAGES = 4096
/** The most that is kept of a list. Marked ones are kept beyond that, with a few beside them. */
const MOST = { rows: 64, ranges: 60 }
const BESIDE = 2
const LETTERS: ReadonlyMap<string, string> = new Map([
  ['kernel', 'K'],
  ['reserved', 'R'],
  ['free', '.'],
  ['no memory', '?'],
])

/** The letter of an owner, by a snapshot's word for it: 1 to 9 and A to F for processes, the word's first for others. */
export function letterOf(owner: string): string {
  const pid = Number(/^process (\d+)$/.exec(owner)?.[1] ?? 0)
  if (pid > 0) return pid < 16 ? pid.toString(16).toUpperCase() : '*'
  return LETTERS.get(owner) ?? (owner.slice(0, 1) || '?')
}

/** The process that a letter of `letterOf` is of; 0: none. */
export const processOf = (letter: string): number =>
  /^[1-9A-F]$/.test(letter) ? Number.parseInt(letter, 16) : 0

// A letter for each page

export type Owners = readonly PageOwner[]
export const ownersOf = (physical: readonly SnapshotPhysicalRange[]): Owners =>
  physical.flatMap(({ owner, refcount, length }) =>
    Array.from({ length: length / Number(PAGE) }, () => ({ owner, refcount })),
  )
const BLANK = { letter: ' ', user: false, shared: false }
const cellOf = (page: PageOwner | undefined, user: boolean): Omit<Cell, 'marked'> => ({
  letter: letterOf(page ? page.owner : 'no memory'),
  user,
  shared: (page?.refcount ?? 0) > 1,
})

export function physicalMap(
  physical: readonly SnapshotPhysicalRange[],
  marks: readonly bigint[],
  owners: Owners | undefined,
): MemoryMap {
  const map = rangeMap(physical.map(physicalPiece), marks, 'no memory')
  if (!owners) return map
  const rows = Array.from({ length: Math.ceil(owners.length / PER_ROW) }, (_, row) => row)
  return lettered(map, rows, marks, (page) => (page < owners.length ? cellOf(owners[page], false) : BLANK))
}
/** @param extent  how many rows from address 0 on are drawn in any case */
export function virtualMap(
  ranges: readonly SnapshotRange[],
  marks: readonly bigint[],
  owners: Owners | undefined,
  extent: number,
): MemoryMap {
  const map = rangeMap(ranges.map(mappedPiece), marks, 'not mapped')
  const pages = ranges.reduce((sum, { length }) => sum + length, 0) / Number(PAGE)
  if (!owners || pages > LETTERED_PAGES) return map
  const cells = new Map(
    ranges.flatMap(({ va, pa, length, user }) =>
      Array.from({ length: length / Number(PAGE) }, (_, n) => {
        const cell = cellOf(owners[Number(BigInt(pa) / PAGE) + n], user)
        return [Number(BigInt(va) / PAGE) + n, cell] as const
      }),
    ),
  )
  const used = [...cells.keys(), ...marks.map((mark) => Number(mark / PAGE))].map((page) =>
    Math.floor(page / PER_ROW),
  )
  const rows = [...new Set([...Array(extent).keys(), ...used])].sort((a, b) => a - b)
  return rows.length > 2 * MOST.rows ? map : lettered(map, rows, marks, (page) => cells.get(page) ?? BLANK)
}
/** The rows of addresses below 16 MiB that have something. */
export function rowsFromZero(ranges: readonly SnapshotRange[]): number {
  const bytes = BigInt(PER_ROW) * PAGE
  const ends = ranges.map(({ va, length }) => (BigInt(va) + BigInt(length) - 1n) / bytes)
  return 1 + Math.max(-1, ...ends.filter((row) => row < MOST.rows).map(Number))
}
function lettered(
  { ranges }: MemoryMap,
  rows: readonly number[],
  marks: readonly bigint[],
  cellAt: (page: number) => Omit<Cell, 'marked'>,
): MemoryMap {
  const marked = new Set(marks.map((mark) => Number(mark / PAGE)))
  return {
    rows: rows.map((row) => ({
      address: BigInt(row * PER_ROW) * PAGE,
      cells: Array.from({ length: PER_ROW }, (_, column) => {
        const page = row * PER_ROW + column
        return { ...cellAt(page), marked: marked.has(page) }
      }),
    })),
    ranges: ranges.filter((range) => range.marked),
    omitted: 0,
  }
}

// Ranges

export type Piece = Omit<MapRange, 'marked'>
const piece = (start: Hex, length: number, words: string, to?: Hex): Piece => ({
  start: BigInt(start),
  end: BigInt(start) + BigInt(length),
  words,
  ...(to !== undefined && { to: BigInt(to) }),
})
const physicalPiece = ({ address, length, owner, refcount }: SnapshotPhysicalRange): Piece =>
  piece(address, length, `${owner}${refcount > 1 ? `, ${refcount} references` : ''}`)
export const regionPiece = ({ va, length, pa, rights: told }: SnapshotRegion): Piece =>
  piece(va, length, told, pa)
const rightsOf = ({
  writable,
  user,
  executable,
}: Pick<SnapshotRange, 'writable' | 'user' | 'executable'>): string =>
  `P${writable ? ' W' : ''}${user ? ' U' : ''}${executable ? ' X' : ''}`
const mappedPiece = (range: SnapshotRange): Piece =>
  piece(range.va, range.length, `${rightsOf(range)}, ${range.owner}`, range.pa)
export function tlbMap(tlb: Snapshot['tlb'], marks: readonly bigint[]): MemoryMap {
  const entries = tlb.map(({ va, pa, ...rest }) => ({
    ...rest,
    va: BigInt(va),
    pa: BigInt(pa),
    accessed: true,
  }))
  const pieces = mappedRanges(entries, () => '').map((range) =>
    piece(range.va, range.length, rightsOf(range), range.pa),
  )
  return { ...rangeMap(pieces, marks, ''), rows: [] }
}

/** @param nothing  words for a marked page that no piece has; '': it is left out */
export function rangeMap(pieces: readonly Piece[], marks: readonly bigint[], nothing: string): MemoryMap {
  const held = pieces.flatMap((each) => [...cut(each, marks)])
  const free =
    nothing === ''
      ? []
      : marks.filter((mark) => !pieces.some(({ start, end }) => start <= mark && mark < end))
  const alone = free.map((start) => ({ start, end: start + PAGE, words: nothing, marked: true }))
  const all = joined([...held, ...alone].sort((a, b) => (a.start < b.start ? -1 : 1)))
  const ranges = nearMarks(all, MOST.ranges)
  return { rows: [], ranges, omitted: all.length - ranges.length }
}
/** A piece in parts that are marked or not. */
function* cut({ start, end, to, words }: Piece, marks: readonly bigint[]): Generator<MapRange> {
  const part = (from: bigint, until: bigint, marked: boolean): MapRange => ({
    start: from,
    end: until,
    words,
    marked,
    ...(to !== undefined && { to: to + (from - start) }),
  })
  let at = start
  for (const mark of marks) {
    if (mark < start || mark >= end) continue
    if (mark > at) yield part(at, mark, false)
    yield part(mark, mark + PAGE, true)
    at = mark + PAGE
  }
  if (at < end) yield part(at, end, false)
}
/** Marked neighbours that go on where the one before ends are one. */
function joined(ranges: readonly MapRange[]): MapRange[] {
  const list: MapRange[] = []
  for (const range of ranges) {
    const last = list.at(-1)
    if (last && goesOn(last, range)) list[list.length - 1] = { ...last, end: range.end }
    else list.push(range)
  }
  return list
}
const goesOn = (last: MapRange, next: MapRange): boolean =>
  last.marked &&
  next.marked &&
  last.end === next.start &&
  last.words === next.words &&
  (last.to === undefined ? next.to === undefined : last.to + (last.end - last.start) === next.to)
/** The first `most`, or those at and beside the marked ones. */
function nearMarks<T extends { readonly marked: boolean }>(list: readonly T[], most: number): T[] {
  if (list.length <= most || !list.some(({ marked }) => marked)) return list.slice(0, most)
  const near = new Set(
    list.flatMap(({ marked }, at) =>
      marked ? Array.from({ length: 2 * BESIDE + 1 }, (_, n) => at - BESIDE + n) : [],
    ),
  )
  return list.filter((_, at) => near.has(at))
}

/** `0x40000 to 0x47fff -> 0x1000: P W U, kernel` */
export function rangeWords({ start, end, to, words }: MapRange): string {
  const place = end - start === PAGE ? hex(start) : `${hex(start)} to ${hex(end - 1n)}`
  return `${place}${to === undefined ? '' : ` -> ${hex(to)}`}${words && `: ${words}`}`
}
/** The marked ranges of a map in words, at most so many; '' if there are none. */
export function markedWords({ ranges }: MemoryMap, most: number): string {
  const marked = ranges.filter((range) => range.marked)
  const more = marked.length > most ? [`and ${marked.length - most} more`] : []
  return [...marked.slice(0, most).map(rangeWords), ...more].join('; ')
}
