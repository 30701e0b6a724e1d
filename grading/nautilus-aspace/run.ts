// A run of a probe as the checks see it: its notes, the machine at each image, and the event log. Nothing here is what
// the student's code says of itself but return values, and those are noted by the probe.

import { type Evidence, hex, type Run } from '@pagewalk/grader'
import type { Explanation, Machine, MachineEvent, TlbEntry } from '@pagewalk/machine'
import { type u64, VECTOR_PF } from '@pagewalk/machine/x86-64'

export { hex }
export type FaultEvent = Extract<MachineEvent, { kind: 'fault' }>
export interface Translation {
  readonly pa: u64
  readonly size: number
  readonly writable: boolean
  readonly user: boolean
  readonly executable: boolean
}
const ADDRESS = 0xff_ffff_f000n
const PAGE = 4096n

export class Probed {
  readonly scenario: string
  readonly run: Run
  readonly #evidence: Evidence

  constructor(evidence: Evidence, scenario: string) {
    this.scenario = scenario
    this.run = evidence.run(scenario)
    this.#evidence = evidence
  }
  /** The machine at an image, or undefined if the probe did not come that far. */
  machine(label: string): Machine | undefined {
    if (label !== 'final' && !Object.hasOwn(this.run.images, label)) return undefined
    return this.#evidence.machine(this.scenario, label)
  }
  /** Had the machine stopped when the image was taken? */
  stopped(label: string): boolean {
    const { final, images } = this.run
    return ((label === 'final' ? final : images[label])?.stop ?? null) !== null
  }
  /** The words of each note with this tag, oldest first. */
  notes(tag: string): readonly (readonly u64[])[] {
    return this.run.notes.filter((note) => note.tag === tag).map(({ words }) => words)
  }
  note(tag: string): readonly u64[] | undefined {
    return this.run.notes.find((note) => note.tag === tag)?.words
  }
  /** When it was noted, in the machine's time. */
  time(tag: string, n = 0): number | undefined {
    return this.run.notes.filter((note) => note.tag === tag)[n]?.time
  }
  /** What a call returned: 0, 1 for -1, 2 for anything else; undefined if it was not made or did not come back. */
  status(tag: string): number | undefined {
    const word = this.note(tag)?.[0]
    return word === undefined ? undefined : Number(word)
  }
  get ended(): boolean {
    return this.note('end') !== undefined
  }
  /** The root of the tables that were in force when the thread had moved to the space. */
  root(tag: string): u64 | undefined {
    const cr3 = this.note(`cr3 ${tag}`)?.[0]
    return cr3 === undefined ? undefined : cr3 & ADDRESS
  }
  faults(from = 0, to: number = Number.POSITIVE_INFINITY): FaultEvent[] {
    return this.run.events.filter(
      (event): event is FaultEvent => event.kind === 'fault' && event.time >= from && event.time <= to,
    )
  }
  /** How the run ended, for a report. */
  get ending(): string {
    const { stop } = this.run
    const fault = this.faults().at(-1)
    const last = fault ? `; the last fault: ${tellFault(fault)}` : ''
    if (stop.reason === 'panic') return `the kernel panicked: ${stop.message.trim()}${last}`
    if (stop.reason === 'reset') return `the machine reset: ${stop.story}`
    if (stop.reason === 'halt' || stop.reason === 'limit') {
      if (this.ended) return 'the probe came to its end'
      if (this.note('abandoned')) return 'the probe could not go on: a region that it needs was refused'
      return `the probe had not come to its end when its time was up${last}`
    }
    return 'message' in stop ? stop.message : `the machine stopped (${stop.reason})`
  }
}

export function tellFault({ vector, error, address, rip }: FaultEvent): string {
  const what =
    vector === VECTOR_PF ? `page fault for ${hex(address)}, error code ${hex(error)}` : `exception ${vector}`
  return `${what}, at rip ${hex(rip)}`
}

/** Where `va` leads through the tables at `root`, rights folded; undefined if nowhere. */
export function translate(machine: Machine, root: u64, va: u64): Translation | undefined {
  const { outcome } = machine.explain(va, { cr3: root })
  if ('fault' in outcome) return undefined
  const { physical: pa, size, writable, user, executable } = outcome
  return { pa, size, writable, user, executable }
}
export const walk = (machine: Machine, root: u64, va: u64): string => {
  const told: Explanation = machine.explain(va, { cr3: root })
  return `${hex(va)}: ${told.words}`
}
export function tellTranslation(t: Translation | undefined): string {
  if (!t) return 'not mapped'
  const rights = [t.writable ? 'W' : 'no W', t.user ? 'U' : 'no U', t.executable ? 'X' : 'no X'].join(', ')
  return `${hex(t.pa)} (${rights})`
}

/** What a region's pages must be translated to. A right that is not said is not judged. */
export interface Wanted {
  readonly va: u64
  readonly pa: u64
  readonly pages: number
  readonly writable?: boolean
  readonly user?: boolean
  readonly executable?: boolean
}
const RIGHTS = [
  ['writable', 'W'],
  ['user', 'U'],
  ['executable', 'X'],
] as const
/** The first page of a region that is not translated as it must be, as a walk; undefined if all are. */
export function wrongPage(
  machine: Machine,
  root: u64,
  wanted: Wanted,
  only?: readonly number[],
): string | undefined {
  const pages = only ?? Array.from({ length: wanted.pages }, (_, page) => page)
  const judged = RIGHTS.filter(([right]) => wanted[right] !== undefined)
  for (const page of pages) {
    const va = wanted.va + BigInt(page) * PAGE
    const pa = wanted.pa + BigInt(page) * PAGE
    const got = translate(machine, root, va)
    if (got?.pa === pa && judged.every(([right]) => got[right] === wanted[right])) continue
    const rights = judged.map(([right, letter]) => (wanted[right] ? letter : `no ${letter}`)).join(', ')
    const want = `${hex(pa)}${rights && ` (${rights})`}`
    return `${walk(machine, root, va)}; expected ${want}, got ${tellTranslation(got)}`
  }
  return undefined
}
/** The first of some addresses that is mapped although it must not be. */
export function mappedPage(machine: Machine, root: u64, addresses: readonly u64[]): string | undefined {
  const va = addresses.find((address) => translate(machine, root, address))
  return va === undefined ? undefined : walk(machine, root, va)
}

/** A translation that a CPU may still use although the tables at `root` do not give it any more. */
export function staleEntry(machine: Machine, root: u64, cpu = 0): string | undefined {
  for (const entry of machine.tlb(cpu)) {
    const why = stale(entry, translate(machine, root, entry.va))
    if (why)
      return `the TLB of CPU ${cpu} still holds ${hex(entry.va)} -> ${hex(entry.pa)}${entry.writable ? ' W' : ''}${entry.executable ? ' X' : ''}, but ${why}: ${walk(machine, root, entry.va)}`
  }
  return undefined
}
/** Less than the tables give is no harm: such an access faults, and the fault drops the entry. */
function stale(entry: TlbEntry, now: Translation | undefined): string | undefined {
  if (!now) return 'the tables map nothing there'
  if (now.pa !== entry.pa) return 'the tables lead elsewhere'
  if (entry.writable && !now.writable) return 'the tables give no W'
  if (entry.executable && !now.executable) return 'the tables give no X'
  return entry.user && !now.user ? 'the tables give no U' : undefined
}
