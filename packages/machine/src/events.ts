// What happened, as data: the grader, the explorer and a debugger read the same log. Off by default where it costs.

import type { u64 } from './x86-64.ts'

/** What happened, and on which CPU. */
export type MachineEvent = Happening & { cpu: number }
/** `time` is the machine's instruction count; `cr3` the tables in force. */
export type Happening =
  /** INT n or SYSCALL at CPL 3; `rip` is the address it will return to. */
  | { kind: 'syscall'; time: number; vector: number; cr3: u64; rip: u64; rax: u64; rdi: u64; rsi: u64 }
  /** The CPU goes on at CPL 3: who runs, with which tables, and what rax it finds. */
  | { kind: 'ring3'; time: number; cr3: u64; rip: u64; rsp: u64; rax: u64 }
  /** An exception; `address` is CR2 for a #PF, else 0. */
  | {
      kind: 'fault'
      time: number
      vector: number
      error: number
      address: u64
      rip: u64
      cr3: u64
      cpl: number
    }
  | { kind: 'irq'; time: number; vector: number; rip: u64; cr3: u64; cpl: number }
  | { kind: 'cr0' | 'cr3' | 'cr4'; time: number; value: u64 }
  | { kind: 'invlpg'; time: number; address: u64 }
  /** An interrupt that a CPU sends to the CPU with APIC ID `to`; `mode` as in the ICR: 0 is fixed. */
  | { kind: 'ipi'; time: number; vector: number; mode: number; to: number }
  /** A triple fault, told. */
  | { kind: 'reset'; time: number; story: string }
  | { kind: 'stop'; time: number; reason: string }
export type EventKind = MachineEvent['kind']

export class EventLog {
  /** Oldest first. */
  readonly list: MachineEvent[] = []
  /** How many were not kept because `limit` was reached. */
  dropped = 0
  /** The CPU that events are of. */
  cpu = 0
  /** How many of each kind that is wanted there are. */
  private readonly counts: Map<EventKind, number>
  private readonly limit: number

  /** @param limit  the most of each kind: many of one do not turn out the others */
  constructor(kinds: readonly EventKind[], limit: number) {
    this.counts = new Map(kinds.map((kind) => [kind, 0]))
    this.limit = limit
  }
  /** Would it be kept? */
  wants(kind: EventKind): boolean {
    return this.counts.has(kind)
  }
  add(event: Happening): void {
    const count = this.counts.get(event.kind)
    if (count === undefined) return
    this.counts.set(event.kind, count + 1)
    if (count < this.limit) this.list.push(Object.assign(event, { cpu: this.cpu }))
    else this.dropped++
  }
}
