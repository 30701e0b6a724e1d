// Fills a snapshot from a machine. What only the lab knows (owners, address spaces) is handed in.

import { hashState, type Machine, type Mapping } from '@pagewalk/machine'
import { PTE_ADDR, PTE_P, PTE_PS, type u64 } from '@pagewalk/machine/x86-64'
import {
  SNAPSHOT_SCHEMA,
  type Snapshot,
  type SnapshotEntry,
  type SnapshotPhysicalRange,
  type SnapshotRange,
  type SnapshotRegion,
  type SnapshotTable,
  type SnapshotThread,
  type SnapshotTlbEntry,
} from './snapshot.ts'

export interface PageOwner {
  readonly owner: string
  readonly refcount: number
}
export interface SpaceToSurvey {
  readonly id: string
  readonly name: string
  readonly cr3: u64
  readonly pid?: number
  readonly state?: string
  /** What the kernel says should be there. */
  readonly regions?: readonly RegionToSurvey[]
}
export interface RegionToSurvey {
  readonly va: u64
  readonly length: u64 | number
  readonly pa?: u64
  readonly rights: string
}
export interface Survey {
  readonly lab: string
  readonly spaces: readonly SpaceToSurvey[]
  readonly threads?: readonly SnapshotThread[]
  /** Who has physical page `pn`. */
  owner(pn: number): PageOwner
}

const LEVELS = ['PML4', 'PDPT', 'PD', 'PT'] as const
const PAGE = 4096

export const hex = (value: u64 | number): string => `0x${value.toString(16)}`

/** The machine as a snapshot. Changes nothing. */
export function survey(machine: Machine, { lab, spaces, threads, owner }: Survey): Snapshot {
  const image = machine.image()
  const { memoryBytes, cpus = 1 } = machine.options
  const ownerAt = (pa: u64): string =>
    pa < BigInt(memoryBytes) ? owner(Number(pa >> 12n)).owner : 'no memory'
  const { rows, attributes, cursor } = machine.devices.vga.text(machine.memory.bytes)
  return {
    schema: SNAPSHOT_SCHEMA,
    lab,
    machine: { memoryBytes, stateHash: hashState(image), instructions: machine.retired, time: machine.time },
    stop: image.stop,
    registers: registersOf(machine, 0),
    physical: physicalRanges(memoryBytes / PAGE, owner),
    spaces: spaces.map(({ cr3, regions, ...space }) => ({
      ...space,
      cr3: hex(cr3),
      ranges: mappedRanges(machine.mappings(cr3), ownerAt),
      ...(regions && { regions: regions.map(regionTold) }),
      tables: tableTree(machine, cr3, ownerAt),
    })),
    tlb: tlbOf(machine, 0),
    ...(cpus > 1 && {
      cpus: Array.from({ length: cpus }, (_, id) => ({
        id,
        registers: registersOf(machine, id),
        tlb: tlbOf(machine, id),
      })),
    }),
    ...(threads && { threads: threads.map((thread) => ({ ...thread })) }),
    console: { rows: [...rows], attributes: attributeRows(attributes), cursor },
    log: machine.devices.parallel.output,
  }
}

const registersOf = (machine: Machine, cpu: number): Snapshot['registers'] =>
  Object.fromEntries(
    Object.entries(machine.registers(cpu)).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? hex(value) : value,
    ]),
  )
const tlbOf = (machine: Machine, cpu: number): SnapshotTlbEntry[] =>
  machine.tlb(cpu).map(({ va, pa, ...rest }) => ({ va: hex(va), pa: hex(pa), ...rest }))
const regionTold = ({ va, length, pa, rights }: RegionToSurvey): SnapshotRegion => ({
  va: hex(va),
  length: Number(length),
  ...(pa !== undefined && { pa: hex(pa) }),
  rights,
})

export function physicalRanges(pages: number, owner: (pn: number) => PageOwner): SnapshotPhysicalRange[] {
  const ranges: SnapshotPhysicalRange[] = []
  for (let pn = 0; pn < pages; pn++) {
    const page = owner(pn)
    const last = ranges.at(-1)
    if (last && last.owner === page.owner && last.refcount === page.refcount) last.length += PAGE
    else ranges.push({ address: hex(pn * PAGE), length: PAGE, owner: page.owner, refcount: page.refcount })
  }
  return ranges
}

/** Neighbours become one range where address, physical address, rights and owner all go on. */
export function mappedRanges(mappings: readonly Mapping[], ownerAt: (pa: u64) => string): SnapshotRange[] {
  const ranges: SnapshotRange[] = []
  let next = { va: -1n, pa: -1n }
  for (const { va, pa, size, writable, user, executable } of mappings) {
    const rights = { writable, user, executable, owner: ownerAt(pa) }
    const last = ranges.at(-1)
    if (last && next.va === va && next.pa === pa && sameRights(last, rights)) last.length += size
    else ranges.push({ va: hex(va), length: size, pa: hex(pa), ...rights })
    next = { va: va + BigInt(size), pa: pa + BigInt(size) }
  }
  return ranges
}
type Rights = Pick<SnapshotRange, 'writable' | 'user' | 'executable' | 'owner'>
export const sameRights = (a: Rights, b: Rights): boolean =>
  a.writable === b.writable && a.user === b.user && a.executable === b.executable && a.owner === b.owner

/** The tables below `cr3`. A table that is reached twice is told once: tables may share, or point at themselves. */
function tableTree(machine: Machine, cr3: u64, ownerAt: (pa: u64) => string): SnapshotTable {
  const told = new Set<string>()
  const tell = (address: u64, level: number): SnapshotTable => {
    told.add(`${level} ${address}`)
    const entries: SnapshotEntry[] = []
    const readable = address + 4096n <= BigInt(machine.options.memoryBytes)
    for (let index = 0; readable && index < 512; index++) {
      const entry = machine.memory.read64(Number(address) + index * 8)
      if (entry === 0n || goesOn(entries.at(-1), index, entry, level)) continue
      const below = entry & PTE_ADDR
      const isTable = level < 3 && (entry & PTE_P) !== 0n && (entry & PTE_PS) === 0n
      const fresh = isTable && !told.has(`${level + 1} ${below}`)
      entries.push({ index, entry: hex(entry), ...(fresh ? { table: tell(below, level + 1) } : {}) })
    }
    return { level: LEVELS[level]!, address: hex(address), owner: ownerAt(address), entries }
  }
  return tell(cr3 & PTE_ADDR, 0)
}
/** Is `entry` the next one of the run of leaves that `last` began? Then it is counted there. */
function goesOn(last: SnapshotEntry | undefined, index: number, entry: u64, level: number): boolean {
  const so = last?.count ?? 1
  if (level !== 3 || !last || last.index + so !== index) return false
  if (BigInt(last.entry) + BigInt(so * PAGE) !== entry || !(entry & PTE_P)) return false
  last.count = so + 1
  return true
}

const attributeRows = (attributes: Uint8Array): string[] =>
  Array.from({ length: 25 }, (_, row) =>
    Array.from(attributes.subarray(row * 80, row * 80 + 80), (byte) =>
      byte.toString(16).padStart(2, '0'),
    ).join(''),
  )
