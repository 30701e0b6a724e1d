// A run of the lab as the checks see it: read from the machine's last state and its event log, never from what the
// kernel prints. An address space is a CR3 that ring 3 ran with; `pageinfo` and `processes` are the kernel's own
// books, read from its memory to be compared with the page tables.

import type { Run, Shows } from '@pagewalk/grader'
import type { Machine, Mapping } from '@pagewalk/machine'
import { PTE_ADDR, PTE_P, PTE_PS, type u64 } from '@pagewalk/machine/x86-64'
import {
  CONSOLE_ADDR,
  INT_SYS_FORK,
  INT_SYS_PAGE_ALLOC,
  INT_SYS_PANIC,
  NPAGES,
  NPROC,
  PAGENUMBER,
  PO_FREE,
  PO_KERNEL,
  PO_RESERVED,
  PROC_PAGETABLE,
  PROC_START_ADDR,
  PROC_STATE,
  pageinfoAddress,
  processAddress,
} from './layout.ts'

/** One system call as the process saw it. */
export interface Call {
  readonly vector: number
  readonly cr3: u64
  /** Where the process goes on. */
  readonly rip: u64
  readonly argument: u64
  readonly time: number
  /** rax when ring 3 went on, as the C `int` that it is; undefined if it never did. */
  result?: number
  rax?: u64
  rsp?: u64
}

export interface Fault {
  readonly time: number
  readonly vector: number
  readonly address: u64
  readonly rip: u64
  readonly cr3: u64
}

/** How ring 3 was first entered with some CR3. */
export interface Entry {
  readonly rip: u64
  readonly rsp: u64
  readonly rax: u64
  readonly time: number
}

export interface Space {
  readonly cr3: u64
  /** The slot of processes[] that has these tables; 0 if none or more than one has. */
  readonly pid: number
  readonly entry: Entry
  /** Every present page, lowest address first; larger leaves are told in pages of 4 KiB. */
  readonly leaves: readonly Mapping[]
  /** Physical page numbers of its tables, the root first. A table that two entries point to is there once. */
  readonly tables: readonly number[]
}

export interface Child {
  readonly born: number
  readonly cr3: u64
}

export interface PageInfo {
  readonly owner: number
  readonly refcount: number
}

export interface Process {
  readonly pid: number
  readonly state: number
  readonly cr3: u64
}

// A kernel may make as many address spaces and mappings as it likes; so many are looked at, the first ones.
const SPACES = 64
const LEAVES = 4096

export class Os {
  readonly machine: Machine
  readonly run: Run
  readonly pageinfo: readonly PageInfo[]
  readonly processes: readonly Process[]
  /** All that ring 3 ever ran in, oldest first: as their tables are now, also of processes that have exited. */
  readonly spaces: readonly Space[]
  readonly calls: readonly Call[]
  /** Exceptions in ring 3 that were the end of their process: it never came back to the instruction. */
  readonly faults: readonly Fault[]

  /**
   * @param machine  as it was at the end of the run
   * @param since    what happened before is left out
   */
  constructor(whole: Run, machine: Machine, since = 0) {
    const run = since === 0 ? whole : { ...whole, events: whole.events.filter(({ time }) => time >= since) }
    this.run = run
    this.machine = machine
    this.pageinfo = readPageinfo(this.machine)
    this.processes = readProcesses(this.machine)
    this.calls = pairCalls(run)
    this.faults = deadlyFaults(run)
    this.spaces = [...entries(run)].slice(0, SPACES).map(([cr3, entry]) => this.#space(cr3, entry))
  }

  /** Did the run end because a program said so, with a working kernel? */
  get finished(): boolean {
    return endedByProgram(this.run)
  }

  /** How the run ended, for a report. */
  get ending(): string {
    const { stop } = this.run
    if (this.finished) return 'the programs ran to their end'
    const told = this.#fault()
    const fault = told === undefined ? '' : `; ${told}`
    if (stop.reason === 'panic') return `the kernel panicked: ${stop.message}${fault}`
    if (stop.reason === 'reset') return `the machine reset: ${stop.story}`
    if (stop.reason === 'limit') return told ?? 'nothing stopped the programs in the time they had'
    if (stop.reason === 'error' || stop.reason === 'hang') return `the kernel stopped: ${stop.message}`
    if (stop.reason === 'stall') return `nothing gets on: ${stop.message}`
    return `the machine stopped (${stop.reason})${fault}`
  }

  #fault(): string | undefined {
    const fault = this.faults[0]
    if (fault === undefined) return undefined
    const what = fault.vector === 14 ? `page fault for ${hex(fault.address)}` : `exception ${fault.vector}`
    return `${this.name(fault.cr3)}: ${what} at rip ${hex(fault.rip)}`
  }

  /** `process 2` or, if its tables are not a single process's, `tables at 0x8000`. */
  name(cr3: u64): string {
    const pid = pidOf(this.processes, cr3)
    return pid === 0 ? `tables at ${hex(cr3)}` : `process ${pid}`
  }

  /** Those of processes that have not exited. */
  get living(): Space[] {
    return this.spaces.filter(({ pid }) => pid !== 0)
  }

  space(pid: number): Space | undefined {
    return this.spaces.find((space) => space.pid === pid)
  }

  /** Calls of one process; of all if its tables are shared. */
  callsOf(cr3: u64, vector: number): Call[] {
    return this.calls.filter((call) => call.cr3 === cr3 && call.vector === vector)
  }

  /** The processes that fork has made, oldest first, each with the time of its birth and the CR3 that it ran with. */
  get children(): Child[] {
    return this.calls
      .filter(({ vector, result }) => vector === INT_SYS_FORK && result !== undefined && result > 0)
      .flatMap(({ time, rip, cr3 }) => {
        const entered = this.run.events.find(
          (event) => event.kind === 'ring3' && event.time > time && event.rip === rip && event.rax === 0n,
        )
        const root = entered?.kind === 'ring3' ? entered.cr3 & PTE_ADDR : cr3
        return root === cr3 ? [] : [{ born: time, cr3: root }]
      })
  }
  /** How many pages page_alloc gave to a child before it was first refused. */
  grants({ born, cr3 }: Child): number {
    const asked = this.callsOf(cr3, INT_SYS_PAGE_ALLOC).filter(({ time }) => time > born)
    const end = asked.findIndex(({ result }) => result === undefined || result < 0)
    return end < 0 ? asked.length : end
  }

  leaf(space: Space, va: u64): Mapping | undefined {
    return space.leaves.find((leaf) => leaf.va <= va && va < leaf.va + BigInt(leaf.size))
  }

  /** `length` bytes at `va` through the space's tables; undefined where nothing is mapped. */
  bytes(space: Space, va: u64, length: number): Uint8Array | undefined {
    const leaf = this.leaf(space, va)
    if (leaf === undefined) return undefined
    const at = Number(leaf.pa + (va - leaf.va))
    return at + length <= this.machine.memory.bytes.length
      ? this.machine.memory.bytes.subarray(at, at + length)
      : undefined
  }

  /** A user access told as a walk. */
  walk(space: Space, va: u64, access: 'read' | 'write' = 'write'): string {
    return `${this.name(space.cr3)}, ${hex(va)}: ${this.machine.explain(va, { cr3: space.cr3, access, user: true }).words}`
  }

  /** For a map that marks these pages of the space. */
  show(space: Space, ...pages: readonly u64[]): Shows {
    return {
      scenario: this.run.scenario,
      space: { cr3: space.cr3, pages },
      physical: pages.flatMap((va) => {
        const leaf = this.leaf(space, va)
        return leaf === undefined ? [] : [PAGENUMBER(leaf.pa)]
      }),
    }
  }
  /** For a map that marks these physical pages. */
  showPages(physical: readonly number[]): Shows {
    return { scenario: this.run.scenario, physical }
  }

  /** Pages that are nobody's by the tables: not reserved, not the kernel's, no table, not mapped for a user. */
  unused(): number[] {
    const used = new Set<number>()
    for (const space of this.spaces) {
      for (const table of space.tables) used.add(table)
      for (const leaf of heapLeaves(space)) used.add(PAGENUMBER(leaf.pa))
    }
    return pageNumbers((pn) => {
      const { owner, refcount } = this.info(pn)
      const kernels = refcount !== 0 && (owner === PO_KERNEL || owner === PO_RESERVED)
      return !used.has(pn) && !kernels
    })
  }

  info(pn: number): PageInfo {
    return this.pageinfo[pn] ?? { owner: PO_FREE, refcount: 0 }
  }

  #space(cr3: u64, entry: Entry): Space {
    const { machine } = this
    const leaves = once(() => machine.mappings(cr3, LEAVES).flatMap(pages))
    const tables = once(() => tablesOf(machine, cr3))
    return {
      cr3,
      pid: pidOf(this.processes, cr3),
      entry,
      get leaves() {
        return leaves()
      },
      get tables() {
        return tables()
      },
    }
  }
}
/** Most runs are asked about a few spaces, if any: walking them all would take longer than the checks. */
function once<T>(make: () => T): () => T {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** A leaf as 4 KiB pages, as many as physical memory has. */
function pages(leaf: Mapping): Mapping[] {
  if (leaf.size === 4096) return [leaf]
  return Array.from({ length: NPAGES }, (_, n) => {
    const offset = BigInt(n) * 4096n
    return { ...leaf, va: leaf.va + offset, pa: leaf.pa + offset, size: 4096 }
  })
}

/** User-accessible pages of the process's own part of the address space. */
export function heapLeaves(space: Space): Mapping[] {
  return space.leaves.filter((leaf) => leaf.user && leaf.va >= PROC_START_ADDR)
}

export function userLeaves(space: Space): Mapping[] {
  return space.leaves.filter((leaf) => leaf.user)
}

export const isConsole = (leaf: Mapping): boolean => leaf.pa === CONSOLE_ADDR

export function pageNumbers(holds: (pn: number) => boolean): number[] {
  return Array.from({ length: NPAGES }, (_, pn) => pn).filter(holds)
}

export const hex = (value: u64 | number): string => `0x${value.toString(16)}`

/** `0x101, 0x102, 0x103 and 7 more` */
export function list(items: readonly string[], most = 3): string {
  const shown = items.slice(0, most).join(', ')
  return items.length > most ? `${shown} and ${items.length - most} more` : shown
}

/** An owner in one or two words, as in a snapshot. */
export function ownerWord(owner: number): string {
  if (owner === PO_FREE) return 'free'
  if (owner === PO_KERNEL) return 'kernel'
  return owner === PO_RESERVED ? 'reserved' : `process ${owner}`
}

function entries(run: Run): Map<u64, Entry> {
  const first = new Map<u64, Entry>()
  for (const event of run.events) {
    if (event.kind !== 'ring3') continue
    const cr3 = event.cr3 & PTE_ADDR
    if (!first.has(cr3)) first.set(cr3, { rip: event.rip, rsp: event.rsp, rax: event.rax, time: event.time })
  }
  return first
}

/** The probes end a run by INT_SYS_PANIC. */
export function endedByProgram({ events, stop }: Run): boolean {
  const last = events.findLast((event) => event.kind === 'syscall')
  return last?.vector === INT_SYS_PANIC && stop.reason === 'panic'
}

/** A call's answer is the next entry of ring 3 with the same tables at the same address. */
function pairCalls(run: Run): Call[] {
  const calls: Call[] = []
  const open = new Map<string, Call>()
  for (const event of run.events) {
    if (event.kind !== 'syscall' && event.kind !== 'ring3') continue
    const cr3 = event.cr3 & PTE_ADDR
    const key = `${cr3}:${event.rip}`
    if (event.kind === 'syscall') {
      const { vector, rip, rdi, time } = event
      const call: Call = { vector, cr3, rip, argument: rdi, time }
      calls.push(call)
      open.set(key, call)
    } else {
      const call = open.get(key)
      if (call === undefined) continue
      call.rax = event.rax
      call.rsp = event.rsp
      call.result = Number(BigInt.asIntN(32, event.rax))
      open.delete(key)
    }
  }
  return calls
}

/**
 * A kernel may mend a fault (copy on write): then ring 3 goes on where it was. If the run's time was over before anybody went
 * on, nobody knows.
 */
function deadlyFaults(run: Run): Fault[] {
  const open = new Map<string, Fault>()
  let last = 0
  for (const event of run.events) {
    if (event.kind === 'fault' && event.cpl === 3) open.set(`${event.cr3}:${event.rip}`, event)
    else if (event.kind === 'ring3') {
      open.delete(`${event.cr3}:${event.rip}`)
      last = event.time
    }
  }
  return [...open.values()].filter(({ time }) => run.stop.reason !== 'limit' || time < last)
}

export function readPageinfo(machine: Machine): PageInfo[] {
  const { memory } = machine
  return Array.from({ length: NPAGES }, (_, pn) => {
    const at = pageinfoAddress(pn)
    return { owner: (memory.read8(at) << 24) >> 24, refcount: (memory.read8(at + 1) << 24) >> 24 }
  })
}

export function readProcesses(machine: Machine): Process[] {
  const { memory } = machine
  return Array.from({ length: NPROC }, (_, pid) => {
    const at = processAddress(pid)
    return { pid, state: memory.read32(at + PROC_STATE), cr3: memory.read64(at + PROC_PAGETABLE) & PTE_ADDR }
  })
}

function pidOf(processes: readonly Process[], cr3: u64): number {
  const having = processes.filter((process) => process.state !== 0 && process.cr3 === cr3)
  return having.length === 1 ? (having[0]?.pid ?? 0) : 0
}

/** Tables below `cr3`, breadth first, following present entries that point into memory. */
function tablesOf(machine: Machine, cr3: u64): number[] {
  const seen = new Set<number>()
  let level = [PAGENUMBER(cr3)]
  for (let depth = 0; depth < 4; depth += 1) {
    const next: number[] = []
    for (const table of level) {
      if (table >= NPAGES || seen.has(table)) continue
      seen.add(table)
      if (depth < 3) next.push(...children(machine, table))
    }
    level = next
  }
  return [...seen]
}

function children(machine: Machine, table: number): number[] {
  const found: number[] = []
  for (let index = 0; index < 512; index += 1) {
    const entry = machine.memory.read64(table * 4096 + index * 8)
    if (entry & PTE_P && !(entry & PTE_PS)) found.push(PAGENUMBER(entry & PTE_ADDR))
  }
  return found
}
