// One address of a machine, and all that the machine knows of it: the walk through the page tables, what comes of an access,
// whose the page is, what the TLBs hold, and what the kernel said should be there. Data; walk-words.ts tells it.

import { hex, type Run, type Snapshot, type SnapshotRegion, type SnapshotSpace } from '@pagewalk/grader'
import { type Explanation, Machine, type MachineImage } from '@pagewalk/machine'
import { PTE_ADDR, PTE_P, PTE_PS, type u64, VECTOR_PF } from '@pagewalk/machine/x86-64'

export type AccessKind = 'read' | 'write' | 'fetch'
export interface Question {
  readonly va: u64
  readonly access: AccessKind
  /** Of the code that makes the access. */
  readonly ring: 0 | 3
}
export interface WalkLevel {
  readonly level: 'PML4' | 'PDPT' | 'PD' | 'PT'
  readonly table: string
  /** Whose the page is that the table is in. */
  readonly owner: string
  readonly index: number
  readonly entry: string
  /** Where it leads; absent: nowhere. */
  readonly to?: string
  /** It maps a page, and is no way to another table. */
  readonly leaf: boolean
}
export interface PageRights {
  readonly writable: boolean
  readonly user: boolean
  readonly executable: boolean
}
export type Outcome =
  | { readonly physical: string }
  | { readonly vector: number; readonly error: number; readonly reason: string }
export interface TlbFinding extends PageRights {
  readonly cpu: number
  readonly va: string
  readonly pa: string
  readonly size: number
  /** Does the CPU use it in this address space? */
  readonly inForce: boolean
  /** The tables say something else by now. */
  readonly stale: boolean
}
export interface FaultSeen {
  readonly time: number
  readonly tick: number
  readonly cpu: number
  readonly address: string
  readonly error: number
  readonly rip: string
  readonly ring: number
}
export interface WalkFound {
  readonly va: string
  readonly access: AccessKind
  readonly ring: 0 | 3
  readonly space: { readonly name: string; readonly cr3: string; readonly pid?: number }
  readonly levels: readonly WalkLevel[]
  /** If the address is mapped. */
  readonly page?: PageRights & {
    readonly address: string
    readonly size: number
    readonly owner: string
    readonly refcount: number
  }
  readonly outcome: Outcome
  readonly tlb: readonly TlbFinding[]
  /** What the kernel says should be there; null: nothing. Absent: it keeps no such list. */
  readonly region?: SnapshotRegion | null
  /** Page faults for this page; absent: nobody has watched. */
  readonly faults?: readonly FaultSeen[]
}

/** @returns undefined if it is no address: 1 to 16 hex digits behind 0x, with or without underscores */
export function parseAddress(text: string): u64 | undefined {
  const digits = /^0x([0-9a-f](?:_?[0-9a-f])*)$/i.exec(text)?.[1]?.replaceAll('_', '')
  return digits === undefined || digits.length > 16 ? undefined : BigInt(`0x${digits}`)
}

/** A space that can be asked for; one that no lab has named is the CPU's own. */
export type AskedSpace = Pick<SnapshotSpace, 'name' | 'cr3'> & Partial<SnapshotSpace>
/** The address space that CPU 0 has in CR3. */
export function currentSpace({ spaces, registers }: Snapshot): AskedSpace {
  const cr3 = hex(rootOf(String(registers.cr3)))
  return spaces.find((space) => rootOf(space.cr3) === BigInt(cr3)) ?? { name: 'the tables of CPU 0', cr3 }
}
const rootOf = (cr3: string): u64 => BigInt(cr3) & PTE_ADDR

/** What `run` had happened, for the faults. */
export type Watched = Pick<Run, 'events'> & { readonly instructionsPerTick: number }
export function findWalk(
  image: MachineImage,
  view: Snapshot,
  space: AskedSpace,
  question: Question,
  watched?: Watched,
): WalkFound {
  const machine = Machine.fromImage(image)
  const { va, access, ring } = question
  const root = rootOf(space.cr3)
  const asked = machine.explain(va, { cr3: root, access, user: ring === 3 })
  const mapped = machine.explain(va, { cr3: root }).outcome // ring 0 may read whatever is mapped
  const page = 'physical' in mapped ? mapped : undefined
  return {
    va: hex(va),
    access,
    ring,
    space: { name: space.name, cr3: hex(root), ...(space.pid !== undefined && { pid: space.pid }) },
    levels: levelsOf(asked, view),
    ...(page && { page: pageOf(page, view) }),
    outcome: outcomeOf(asked),
    tlb: tlbOf(view, root, va, page),
    ...(space.regions && { region: space.regions.find((region) => holds(region, va)) ?? null }),
    ...(watched && { faults: faultsOf(watched, root, va) }),
  }
}
type Mapped = Extract<Explanation['outcome'], { readonly physical: u64 }>

function levelsOf({ steps }: Explanation, view: Snapshot): WalkLevel[] {
  return steps.map(({ level, index, address, entry }) => {
    const table = address - BigInt(index) * 8n
    const leaf = level === 'PT' || (entry & PTE_PS) !== 0n
    return {
      level,
      table: hex(table),
      owner: ownerAt(view, table).owner,
      index,
      entry: hex(entry),
      leaf,
      ...(entry & PTE_P && { to: hex(entry & PTE_ADDR) }),
    }
  })
}
function pageOf({ physical, size, ...rights }: Mapped, view: Snapshot): NonNullable<WalkFound['page']> {
  const { owner, refcount } = ownerAt(view, physical)
  const { writable, user, executable } = rights
  const address = hex(physical - (physical % BigInt(size)))
  return { address, size, owner, refcount, writable, user, executable }
}
function outcomeOf({ outcome }: Explanation): Outcome {
  if ('fault' in outcome) return outcome.fault
  return { physical: hex(outcome.physical) }
}
function ownerAt({ physical }: Snapshot, address: u64): { owner: string; refcount: number } {
  const range = physical.find((each) => inRange(address, each.address, each.length))
  return range ?? { owner: 'no memory', refcount: 0 }
}
const inRange = (at: u64, start: string, length: number): boolean =>
  at >= BigInt(start) && at < BigInt(start) + BigInt(length)
const holds = ({ va, length }: SnapshotRegion, at: u64): boolean => inRange(at, va, length)

function tlbOf(
  { cpus, tlb, registers }: Snapshot,
  root: u64,
  va: u64,
  page: Mapped | undefined,
): TlbFinding[] {
  return (cpus ?? [{ id: 0, tlb, registers }]).flatMap((cpu) =>
    cpu.tlb
      .filter((entry) => inRange(va, entry.va, entry.size))
      .map(({ va: start, pa, size, global, ...rights }): TlbFinding => {
        const { writable, user, executable } = rights
        const physical = BigInt(pa) + (va - BigInt(start))
        const stale = !page || physical !== page.physical || !sameRights(rights, page)
        const inForce = global || rootOf(String(cpu.registers.cr3)) === root
        return {
          cpu: cpu.id,
          va: start,
          pa,
          size,
          writable,
          user,
          executable,
          inForce,
          stale: inForce && stale,
        }
      }),
  )
}
const sameRights = (a: PageRights, b: PageRights): boolean =>
  a.writable === b.writable && a.user === b.user && a.executable === b.executable

const PAGE = 4096n
function faultsOf({ events, instructionsPerTick }: Watched, root: u64, va: u64): FaultSeen[] {
  return events.flatMap((event) => {
    if (event.kind !== 'fault' || event.vector !== VECTOR_PF) return []
    const { time, cpu, address, error, rip, cr3, cpl } = event
    if (address / PAGE !== va / PAGE || (cr3 & PTE_ADDR) !== root) return []
    const tick = Math.floor(time / instructionsPerTick)
    return [{ time, tick, cpu, address: hex(address), error, rip: hex(rip), ring: cpl }]
  })
}
