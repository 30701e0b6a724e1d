// A machine told as data: the one thing that checks, reports, pages and debuggers read, and that `diff` compares.
// survey.ts fills it. 64-bit quantities are strings in hex ("0x7f000"), lengths and sizes are bytes.

import type { Stop } from '@pagewalk/machine'
import { z } from 'zod'

export const SNAPSHOT_SCHEMA = 'pagewalk/snapshot/v1'

/** A 64-bit quantity: "0x", lower case, no leading zeros. */
export type Hex = string

export interface Snapshot {
  schema: typeof SNAPSHOT_SCHEMA
  /** The lab's id. */
  lab: string
  machine: {
    memoryBytes: number
    stateHash: string
    /** Instructions that the CPU has retired. */
    instructions: number
    /** Instructions retired and charged: the machine's clock. */
    time: number
  }
  /** Why the machine stands still; null: it would go on. */
  stop: Stop | null
  /** 64-bit registers in hex; selectors and the privilege level as numbers. */
  registers: Record<string, Hex | number>
  /** All of physical memory, lowest address first. */
  physical: SnapshotPhysicalRange[]
  spaces: SnapshotSpace[]
  /** Every translation that the CPU may still use. */
  tlb: SnapshotTlbEntry[]
  /** All CPUs, in order, if there is more than one; `registers` and `tlb` above are those of CPU 0. */
  cpus?: SnapshotCpu[]
  /** The kernel's threads, if the lab has threads. */
  threads?: SnapshotThread[]
  console: {
    /** 25 rows of 80 characters. */
    rows: string[]
    /** 25 rows of 160 hex digits, two a cell: first background, then foreground. */
    attributes: string[]
    /** row * 80 + column, or -1 if hidden. */
    cursor: number
  }
  /** What the kernel wrote to the log port. */
  log: string
}

/** Physical pages in a row that have the same owner and the same number of references. */
export interface SnapshotPhysicalRange {
  address: Hex
  length: number
  /** The lab's word: "kernel", "reserved", "free", "process 1". */
  owner: string
  refcount: number
}

export interface SnapshotSpace {
  /** Unique in the snapshot, and the same in a later one if it is the same space: "kernel", "process 1". */
  id: string
  name: string
  cr3: Hex
  pid?: number
  state?: string
  ranges: SnapshotRange[]
  /** What the kernel says should be there, if the lab keeps such a list. */
  regions?: SnapshotRegion[]
  tables: SnapshotTable
}

export interface SnapshotRegion {
  va: Hex
  length: number
  /** Where it leads, if that is fixed. */
  pa?: Hex
  /** The lab's words: "R W EAGER". */
  rights: string
}

export interface SnapshotCpu {
  id: number
  registers: Record<string, Hex | number>
  tlb: SnapshotTlbEntry[]
}

export interface SnapshotThread {
  /** Unique in the snapshot, and the same in a later one. */
  id: number
  name: string
  /** The lab's word: "running". */
  state: string
  /** Name or id of its address space. */
  space: string
}

/** Virtual addresses in a row that map physical addresses in a row, with the same rights and the same owner. */
export interface SnapshotRange {
  va: Hex
  length: number
  pa: Hex
  writable: boolean
  user: boolean
  executable: boolean
  owner: string
}

export interface SnapshotTable {
  level: 'PML4' | 'PDPT' | 'PD' | 'PT'
  /** Physical address of the table. */
  address: Hex
  owner: string
  /** The entries that are not zero, lowest index first. */
  entries: SnapshotEntry[]
}
export interface SnapshotEntry {
  index: number
  /** As read from memory. */
  entry: Hex
  /** So many entries from `index` on are this one, each a page further; absent: 1. */
  count?: number
  /** What it points at, if that is a table. A table that is reached twice is told once. */
  table?: SnapshotTable
}

export interface SnapshotTlbEntry {
  va: Hex
  pa: Hex
  size: number
  writable: boolean
  user: boolean
  executable: boolean
  global: boolean
  dirty: boolean
}

const hex = z.string().regex(/^0x(0|[1-9a-f][0-9a-f]{0,15})$/, 'must be a hex number such as 0x7f000')
const count = z.number().int().nonnegative()
const boolean = z.boolean()

/** What a kernel says, as long as the machine keeps it. */
const said = z.string().max(0x1_0000)
/** Why a machine came back; in snapshots and in what the capsule sends. */
export const stopSchema: z.ZodType<Stop> = z.discriminatedUnion('reason', [
  z.strictObject({ reason: z.enum(['limit', 'kernel', 'halt']) }),
  z.strictObject({ reason: z.enum(['panic', 'hang', 'stall', 'deadlock']), message: said }),
  z.strictObject({ reason: z.literal('error'), message: said, stack: said }),
  z.strictObject({ reason: z.literal('reset'), story: said }),
  z.strictObject({ reason: z.literal('exit'), code: z.number().int() }),
])

const table: z.ZodType<SnapshotTable> = z.strictObject({
  level: z.enum(['PML4', 'PDPT', 'PD', 'PT']),
  address: hex,
  owner: z.string(),
  entries: z.array(z.lazy(() => entry)).max(512),
})
const entry: z.ZodType<SnapshotEntry> = z.strictObject({
  index: z.number().int().min(0).max(511),
  entry: hex,
  count: z.number().int().min(2).max(512).exactOptional(),
  table: table.exactOptional(),
})

const registers = z.record(z.string(), z.union([hex, z.number().int()]))
const tlb = z.array(
  z.strictObject({
    va: hex,
    pa: hex,
    size: count,
    writable: boolean,
    user: boolean,
    executable: boolean,
    global: boolean,
    dirty: boolean,
  }),
)

export const snapshotSchema: z.ZodType<Snapshot> = z.strictObject({
  schema: z.literal(SNAPSHOT_SCHEMA),
  lab: z.string(),
  machine: z.strictObject({ memoryBytes: count, stateHash: z.string(), instructions: count, time: count }),
  stop: stopSchema.nullable(),
  registers,
  physical: z.array(
    z.strictObject({ address: hex, length: count, owner: z.string(), refcount: z.number().int() }),
  ),
  spaces: z.array(
    z.strictObject({
      id: z.string(),
      name: z.string(),
      cr3: hex,
      pid: z.number().int().exactOptional(),
      state: z.string().exactOptional(),
      ranges: z.array(
        z.strictObject({
          va: hex,
          length: count,
          pa: hex,
          writable: boolean,
          user: boolean,
          executable: boolean,
          owner: z.string(),
        }),
      ),
      regions: z
        .array(z.strictObject({ va: hex, length: count, pa: hex.exactOptional(), rights: z.string() }))
        .exactOptional(),
      tables: table,
    }),
  ),
  tlb,
  cpus: z.array(z.strictObject({ id: count, registers, tlb })).exactOptional(),
  threads: z
    .array(z.strictObject({ id: count, name: z.string(), state: z.string(), space: z.string() }))
    .exactOptional(),
  console: z.strictObject({
    rows: z.array(z.string()).length(25),
    attributes: z.array(z.string().regex(/^[0-9a-f]{160}$/)).length(25),
    cursor: z.number().int(),
  }),
  log: z.string(),
})

export const serialiseSnapshot = (snapshot: Snapshot): string => `${JSON.stringify(snapshot, null, 1)}\n`

/** @throws Error with one sentence that names the place, if `text` is no snapshot */
export function parseSnapshot(text: string): Snapshot {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (error) {
    throw new Error(`expected a snapshot in JSON, got text that does not parse: ${(error as Error).message}`)
  }
  const parsed = snapshotSchema.safeParse(data)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.') || 'the top'
  throw new Error(
    `expected a snapshot (${SNAPSHOT_SCHEMA}), got a document that differs at ${where}: ${issue?.message ?? ''}`,
  )
}
