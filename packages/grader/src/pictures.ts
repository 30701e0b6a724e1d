// Pictures of a machine's memory, as data: the maps, page tables, TLBs and faults that a finding is about, with the pages
// that it means marked. report.ts draws them on a terminal, html.ts on a page. All comes from snapshots and the event log.

import { type MachineEvent, vectorName } from '@pagewalk/machine'
import { PTE_ADDR, VECTOR_PF } from '@pagewalk/machine/x86-64'
import { Blocked } from './evidence.ts'
import type { Evidence, Run, Shows } from './lab.ts'
import {
  LETTERED_PAGES,
  type MemoryMap,
  ownersOf,
  PAGE,
  physicalMap,
  rangeMap,
  regionPiece,
  rowsFromZero,
  tlbMap,
  virtualMap,
} from './maps.ts'
import type { Hex, Snapshot, SnapshotPhysicalRange, SnapshotRange, SnapshotSpace } from './snapshot.ts'
import { hex, type PageOwner, survey } from './survey.ts'
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
export interface FaultsSeen {
  readonly total: number
  /** The last ones, oldest first. */
  readonly last: readonly { readonly words: string; readonly marked: boolean }[]
}

/** The most that is kept of a list; of faults, so many marked ones beside as many others. */
const MOST = { spaces: 8, faults: 12 }
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
