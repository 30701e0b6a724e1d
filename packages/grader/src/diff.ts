// Compares two snapshots: what came, what went, what changed its rights or its owner. Addresses are compared
// interval by interval, so it does not matter how either snapshot cut its ranges.

import type {
  Snapshot,
  SnapshotPhysicalRange,
  SnapshotRange,
  SnapshotRegion,
  SnapshotSpace,
  SnapshotThread,
} from './snapshot.ts'

export interface Change {
  /** "physical", a space's id, that and "regions", "threads", "tlb" or "registers", these with "of CPU 1" if not of CPU 0. */
  readonly where: string
  readonly kind: 'came' | 'went' | 'changed'
  /** One line: the address range or name, and what it was and is. */
  readonly words: string
}

/** @returns what is different in `after`, physical memory first */
export function diffSnapshots(before: Snapshot, after: Snapshot): Change[] {
  return [
    ...intervals('physical', before.physical.map(physicalPiece), after.physical.map(physicalPiece)),
    ...spaces(before.spaces, after.spaces),
    ...threads(before.threads ?? [], after.threads ?? []),
    ...cpu('', before, after),
    ...otherCpus(before.cpus ?? [], after.cpus ?? []),
  ]
}
type CpuState = Pick<Snapshot, 'registers' | 'tlb'>
const cpu = (of: string, before: CpuState, after: CpuState): Change[] => [
  ...intervals(`tlb${of}`, before.tlb.map(tlbPiece), after.tlb.map(tlbPiece)),
  ...registers(`registers${of}`, before.registers, after.registers),
]
/** All CPUs but 0, whose state stands at the top of a snapshot. One that only one snapshot has is not compared. */
function otherCpus(before: NonNullable<Snapshot['cpus']>, after: NonNullable<Snapshot['cpus']>): Change[] {
  return before.flatMap((was) => {
    const is = after.find(({ id }) => id === was.id)
    return is && was.id > 0 ? cpu(` of CPU ${was.id}`, was, is) : []
  })
}

/** A stretch of addresses with what is said of it. */
interface Piece {
  readonly start: bigint
  readonly end: bigint
  /** Equal where nothing changed: rights, owner, and the distance to the physical address. */
  readonly same: string
  /** @param at  the address where the stretch that is told begins */
  told(at: bigint): string
}

const physicalPiece = ({ address, length, owner, refcount }: SnapshotPhysicalRange): Piece => {
  const told = `${owner} (${refcount} ${refcount === 1 ? 'reference' : 'references'})`
  return { ...span(address, length), same: told, told: () => told }
}
type Mapped = Pick<SnapshotRange, 'va' | 'pa' | 'writable' | 'user' | 'executable'>
const mappedPiece = (range: Mapped, length: number, more: string): Piece => {
  const { start, end } = span(range.va, length)
  const shift = BigInt(range.pa) - start
  const what = `${rightsOf(range)}${more}`
  return { start, end, same: `${shift} ${what}`, told: (at) => `-> ${hex(at + shift)} ${what}` }
}
const rangePiece = (range: SnapshotRange): Piece => mappedPiece(range, range.length, `, ${range.owner}`)
const regionPiece = ({ va, length, pa, rights }: SnapshotRegion): Piece => {
  const { start, end } = span(va, length)
  const shift = pa === undefined ? undefined : BigInt(pa) - start
  const leads = (at: bigint): string => (shift === undefined ? '' : `-> ${hex(at + shift)} `)
  return { start, end, same: `${shift} ${rights}`, told: (at) => `${leads(at)}${rights}` }
}
const tlbPiece = (entry: Snapshot['tlb'][number]): Piece =>
  mappedPiece(entry, entry.size, entry.global ? ' G' : '')
const span = (address: string, length: number): { start: bigint; end: bigint } => {
  const start = BigInt(address)
  return { start, end: start + BigInt(length) }
}
const rightsOf = ({ writable, user, executable }: Mapped): string =>
  `P${writable ? ' W' : ''}${user ? ' U' : ''}${executable ? ' X' : ''}`
const hex = (value: bigint): string => `0x${value.toString(16)}`

function spaces(before: readonly SnapshotSpace[], after: readonly SnapshotSpace[]): Change[] {
  const byId = (list: readonly SnapshotSpace[]): Map<string, SnapshotSpace> =>
    new Map(list.map((space) => [space.id, space]))
  const [old, now] = [byId(before), byId(after)]
  return [...new Set([...old.keys(), ...now.keys()])].flatMap((id) =>
    spaceChanges(id, old.get(id), now.get(id)),
  )
}
function spaceChanges(id: string, was: SnapshotSpace | undefined, is: SnapshotSpace | undefined): Change[] {
  if (!was || !is) {
    const { name, cr3 } = (was ?? is)!
    return [{ where: id, kind: is ? 'came' : 'went', words: `the address space ${name}, CR3 ${cr3}` }]
  }
  const facts = (['cr3', 'state', 'pid'] as const).flatMap((key): Change[] => {
    const words = `${key}: ${was[key] ?? 'none'}, now ${is[key] ?? 'none'}`
    return was[key] === is[key] ? [] : [{ where: id, kind: 'changed', words }]
  })
  return [
    ...facts,
    ...intervals(`${id} regions`, (was.regions ?? []).map(regionPiece), (is.regions ?? []).map(regionPiece)),
    ...intervals(id, was.ranges.map(rangePiece), is.ranges.map(rangePiece)),
  ]
}
function threads(before: readonly SnapshotThread[], after: readonly SnapshotThread[]): Change[] {
  const told = ({ id, name, state, space }: SnapshotThread): string => `${id} ${name}: ${state}, in ${space}`
  const [old, now] = [before, after].map((list) => new Map(list.map((each) => [each.id, told(each)])))
  return [...new Set([...old!.keys(), ...now!.keys()])].flatMap((id): Change[] => {
    const [was, is] = [old!.get(id), now!.get(id)]
    if (was === is) return []
    if (was === undefined) return [{ where: 'threads', kind: 'came', words: is! }]
    if (is === undefined) return [{ where: 'threads', kind: 'went', words: was }]
    return [{ where: 'threads', kind: 'changed', words: `${was}, now ${is}` }]
  })
}

interface Stretch {
  readonly start: bigint
  end: bigint
  readonly was: Piece | undefined
  readonly is: Piece | undefined
}
/** Walks both lists from border to border; neighbours that changed in the same way are one change. */
function intervals(where: string, before: readonly Piece[], after: readonly Piece[]): Change[] {
  const all = [...before, ...after].flatMap(({ start, end }) => [start, end])
  const borders = [...new Set(all)].sort((a, b) => (a < b ? -1 : 1))
  const found: Stretch[] = []
  const [wasAt, isAt] = [cursor(before), cursor(after)]
  for (let i = 0; i + 1 < borders.length; i++) {
    const [start, end] = [borders[i]!, borders[i + 1]!]
    const [was, is] = [wasAt(start), isAt(start)]
    if (was?.same === is?.same) continue
    const last = found.at(-1)
    if (last && last.end === start && last.was?.same === was?.same && last.is?.same === is?.same)
      last.end = end
    else found.push({ start, end, was, is })
  }
  return found.map((stretch) => ({ where, ...toldStretch(stretch) }))
}
function toldStretch({ start, end, was, is }: Stretch): Pick<Change, 'kind' | 'words'> {
  const place = `${hex(start)} to ${hex(end - 1n)}`
  if (!was) return { kind: 'came', words: `${place} ${is?.told(start) ?? ''}` }
  if (!is) return { kind: 'went', words: `${place} ${was.told(start)}` }
  return { kind: 'changed', words: `${place} ${was.told(start)}, now ${is.told(start)}` }
}
/** @returns the piece at an address; must be asked in rising order */
function cursor(pieces: readonly Piece[]): (at: bigint) => Piece | undefined {
  const sorted = [...pieces].sort((a, b) => (a.start < b.start ? -1 : 1))
  let i = 0
  return (at) => {
    let piece = sorted[i]
    while (piece && piece.end <= at) piece = sorted[++i]
    return piece && piece.start <= at ? piece : undefined
  }
}

function registers(where: string, before: Snapshot['registers'], after: Snapshot['registers']): Change[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): Change[] => {
    const [was, is] = [before[name], after[name]]
    const words = `${name}: ${was ?? 'none'}, now ${is ?? 'none'}`
    return was === is ? [] : [{ where, kind: 'changed', words }]
  })
}
