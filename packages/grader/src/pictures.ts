// Pictures of a machine's memory, as data: the maps, page tables, TLBs and faults that a finding is about, with the pages
// that it means marked. report.ts draws them on a terminal, html.ts on a page. All comes from snapshots and the event log.

import { type MachineEvent, vectorName } from '@pagewalk/machine'
import { PTE_ADDR, VECTOR_PF } from '@pagewalk/machine/x86-64'
import { Blocked } from './evidence.ts'
import type { Evidence, Run, Shows } from './lab.ts'
import type {
  Hex,
  Snapshot,
  SnapshotPhysicalRange,
  SnapshotRange,
  SnapshotRegion,
  SnapshotSpace,
} from './snapshot.ts'
import { hex, mappedRanges, type PageOwner, survey } from './survey.ts'
import { type TreeTable, treeOf } from './table-tree.ts'
import type { Judgement } from './verdict.ts'

export interface Picture {
  readonly scenario: string
  /** Which of the run's images; absent: its last state. */
  readonly label?: string
  readonly physical: MemoryMap
  readonly spaces: readonly SpacePicture[]
  readonly tlbs: readonly { readonly cpu: number; readonly map: MemoryMap }[]
  readonly faults: FaultsSeen
}
export interface SpacePicture {
  readonly name: string
  readonly cr3: Hex
  readonly map: MemoryMap
  /** What the kernel says should be there, if the lab knows. */
  readonly regions?: MemoryMap
  readonly tables: TreeTable
}
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
export interface FaultsSeen {
  readonly total: number
  /** The last ones, oldest first. */
  readonly last: readonly { readonly words: string; readonly marked: boolean }[]
}

const PAGE = 4096n
/** As the screens of such labs have it. */
const PER_ROW = 64
/** Memory of at most so many pages has a letter for each. */
const LETTERED_PAGES = 4096
/** The most that is kept of a list. Marked ones are kept beyond that, with a few beside them. */
const MOST = { rows: 64, ranges: 60, spaces: 8, faults: 12 }
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

export interface Pictures {
  /** Check id -> what its finding shows. */
  readonly pictures: ReadonlyMap<string, Picture>
  /** The last state of the first scenario that was played. */
  readonly last?: Picture
  /** Stacks of our own errors. */
  readonly errors: readonly string[]
}
/** Does not throw: a picture that cannot be made is missing. */
export function picturesOf(
  evidence: Evidence,
  judged: ReadonlyMap<string, Judgement>,
  played: readonly string[],
): Pictures {
  const errors: string[] = []
  const attempt = (draw: () => Picture): Picture[] => {
    try {
      return [draw()]
    } catch (thrown) {
      if (!(thrown instanceof Blocked))
        errors.push(thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown))
      return []
    }
  }
  const shown = [...judged].flatMap(([id, judgement]) =>
    'shows' in judgement && judgement.shows ? [[id, judgement.shows] as const] : [],
  )
  const pictures = new Map(
    shown.flatMap(([id, shows]) =>
      attempt(() => pictureOf(evidence, shows)).map((picture) => [id, picture] as const),
    ),
  )
  const [first] = played
  const [last] = first === undefined ? [] : attempt(() => overviewOf(evidence, first))
  return { pictures, ...(last && { last }), errors }
}

/** The maps that a finding means. @throws Blocked if the run did not come to that image */
export function pictureOf(evidence: Evidence, shows: Shows): Picture {
  const { scenario, label, space } = shows
  const snapshot = evidence.view(scenario, label)
  const pages = addresses(space?.pages ?? [])
  const spaces = space ? [spaceWith(evidence, snapshot, shows, space.cr3)] : []
  const led = spaces.flatMap(({ ranges }) => pages.flatMap((page) => frameOf(ranges, page)))
  const frames = addresses(shows.physical?.map((pn) => BigInt(pn) * PAGE) ?? led)
  return drawn(
    evidence,
    { scenario, ...(label !== undefined && { label }) },
    { snapshot, spaces, pages, frames },
  )
}
/** All maps of a scenario's last state, with nothing marked. */
export function overviewOf(evidence: Evidence, scenario: string): Picture {
  const snapshot = evidence.view(scenario)
  const spaces = snapshot.spaces.slice(0, MOST.spaces)
  return drawn(evidence, { scenario }, { snapshot, spaces, pages: [], frames: [] })
}

interface Scene {
  readonly snapshot: Snapshot
  readonly spaces: readonly SnapshotSpace[]
  /** Addresses of the marked pages in the spaces, and of physical ones; ascending. */
  readonly pages: readonly bigint[]
  readonly frames: readonly bigint[]
}
function drawn(evidence: Evidence, from: Pick<Picture, 'scenario' | 'label'>, scene: Scene): Picture {
  const { snapshot, spaces, pages, frames } = scene
  const owners =
    snapshot.machine.memoryBytes / Number(PAGE) <= LETTERED_PAGES ? ownersOf(snapshot.physical) : undefined
  const extent = Math.max(0, ...[...snapshot.spaces, ...spaces].map(({ ranges }) => rowsFromZero(ranges)))
  const cpus = snapshot.cpus ?? [{ id: 0, registers: snapshot.registers, tlb: snapshot.tlb }]
  const uses = (root: Hex | number | undefined): boolean => spaces.some(({ cr3 }) => sameRoot(cr3, root))
  return {
    ...from,
    physical: physicalMap(snapshot.physical, frames, owners),
    spaces: spaces.map(({ name, cr3, ranges, regions, tables }) => ({
      name,
      cr3,
      map: virtualMap(ranges, pages, owners, extent),
      ...(regions && { regions: rangeMap(regions.map(regionPiece), pages, 'no region') }),
      tables: treeOf(tables, pages),
    })),
    // what a CPU in another space remembers of these addresses is another page
    tlbs: cpus.map(({ id, registers, tlb }) => ({
      cpu: id,
      map: tlbMap(tlb, uses(registers.cr3) ? pages : []),
    })),
    faults: faultsOf(evidence.run(from.scenario), from.label, spaces, pages),
  }
}

/** Of pages, ascending, each once. */
function addresses(list: readonly bigint[]): bigint[] {
  const pages = new Set(list.map((address) => address & ~(PAGE - 1n)))
  return [...pages].sort((a, b) => (a < b ? -1 : 1))
}
/** The space of a snapshot that has these tables; tables that no space of the snapshot has are surveyed for themselves. */
function spaceWith(
  evidence: Evidence,
  snapshot: Snapshot,
  { scenario, label }: Shows,
  cr3: bigint,
): SnapshotSpace {
  const root = cr3 & PTE_ADDR
  const known = snapshot.spaces.find((space) => sameRoot(space.cr3, hex(root)))
  if (known) return known
  const name = `with CR3 ${hex(root)}`
  const { physical, lab } = snapshot
  const owner = (pn: number): PageOwner =>
    ownerAt(physical, BigInt(pn) * PAGE) ?? { owner: 'free', refcount: 0 }
  return survey(evidence.machine(scenario, label), { lab, spaces: [{ id: name, name, cr3: root }], owner })
    .spaces[0]!
}
const sameRoot = (one: Hex, other: Hex | number | undefined): boolean =>
  other !== undefined && (BigInt(one) & PTE_ADDR) === (BigInt(other) & PTE_ADDR)
const ownerAt = (physical: readonly SnapshotPhysicalRange[], at: bigint): SnapshotPhysicalRange | undefined =>
  physical.find(({ address, length }) => within(at, address, length))
const within = (at: bigint, start: Hex, length: number): boolean =>
  BigInt(start) <= at && at < BigInt(start) + BigInt(length)
/** The physical page that a virtual one leads to, if it is mapped. */
function frameOf(ranges: readonly SnapshotRange[], page: bigint): bigint[] {
  const range = ranges.find(({ va, length }) => within(page, va, length))
  return range ? [BigInt(range.pa) + (page - BigInt(range.va))] : []
}

// A letter for each page

type Owners = readonly PageOwner[]
const ownersOf = (physical: readonly SnapshotPhysicalRange[]): Owners =>
  physical.flatMap(({ owner, refcount, length }) =>
    Array.from({ length: length / Number(PAGE) }, () => ({ owner, refcount })),
  )
const BLANK = { letter: ' ', user: false, shared: false }
const cellOf = (page: PageOwner | undefined, user: boolean): Omit<Cell, 'marked'> => ({
  letter: letterOf(page ? page.owner : 'no memory'),
  user,
  shared: (page?.refcount ?? 0) > 1,
})

function physicalMap(
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
function virtualMap(
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
function rowsFromZero(ranges: readonly SnapshotRange[]): number {
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

type Piece = Omit<MapRange, 'marked'>
const piece = (start: Hex, length: number, words: string, to?: Hex): Piece => ({
  start: BigInt(start),
  end: BigInt(start) + BigInt(length),
  words,
  ...(to !== undefined && { to: BigInt(to) }),
})
const physicalPiece = ({ address, length, owner, refcount }: SnapshotPhysicalRange): Piece =>
  piece(address, length, `${owner}${refcount > 1 ? `, ${refcount} references` : ''}`)
const regionPiece = ({ va, length, pa, rights: told }: SnapshotRegion): Piece => piece(va, length, told, pa)
const rightsOf = ({
  writable,
  user,
  executable,
}: Pick<SnapshotRange, 'writable' | 'user' | 'executable'>): string =>
  `P${writable ? ' W' : ''}${user ? ' U' : ''}${executable ? ' X' : ''}`
const mappedPiece = (range: SnapshotRange): Piece =>
  piece(range.va, range.length, `${rightsOf(range)}, ${range.owner}`, range.pa)
function tlbMap(tlb: Snapshot['tlb'], marks: readonly bigint[]): MemoryMap {
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
function rangeMap(pieces: readonly Piece[], marks: readonly bigint[], nothing: string): MemoryMap {
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

// Faults

type FaultEvent = Extract<MachineEvent, { kind: 'fault' }>
/** What was raised before the image was taken, in these spaces if there are any. */
function faultsOf(
  run: Run,
  label: string | undefined,
  spaces: readonly SnapshotSpace[],
  pages: readonly bigint[],
): FaultsSeen {
  const { time } = label === undefined ? run.final : (run.images[label] ?? run.final)
  const roots = new Set(spaces.map(({ cr3 }) => BigInt(cr3) & PTE_ADDR))
  const faults = run.events.filter(
    (event): event is FaultEvent =>
      event.kind === 'fault' && event.time <= time && (roots.size === 0 || roots.has(event.cr3 & PTE_ADDR)),
  )
  const marks = new Set(pages)
  const told = faults.map((fault) => ({
    fault,
    marked: fault.vector === VECTOR_PF && marks.has(fault.address & ~(PAGE - 1n)),
  }))
  const last = [...told.filter(({ marked }) => marked), ...told.slice(-MOST.faults)].slice(-2 * MOST.faults)
  const unique = [...new Set(last)].sort((a, b) => a.fault.time - b.fault.time)
  return {
    total: faults.length,
    last: unique.map(({ fault, marked }) => ({ words: faultWords(fault), marked })),
  }
}
function faultWords({ vector, error, address, rip, cpu, time }: FaultEvent): string {
  const where = `CPU ${cpu} at ${time}, rip ${hex(rip)}`
  if (vector !== VECTOR_PF) return `${where}: ${vectorName(vector)}`
  const access = error & 16 ? 'fetch' : error & 2 ? 'write' : 'read'
  const why = error & 8 ? 'a reserved bit is set' : error & 1 ? 'the rights do not allow it' : 'not present'
  return `${where}: ${vectorName(vector)}, ${access} of ${hex(address)} in ring ${error & 4 ? 3 : 0}: ${why}`
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
