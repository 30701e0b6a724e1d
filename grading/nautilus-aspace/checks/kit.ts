// How a check of this lab is written: a scenario's probe, and what it must have seen. `judge` gives the first thing that
// is wrong, told; undefined: nothing is.

import { type Check, type Evidence, type Finding, fail, pass, type Shows } from '@pagewalk/grader'
import type { Machine } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import { hex, mappedPage, Probed, staleEntry, type Wanted, wrongPage } from '../run.ts'

export interface Wrong {
  readonly expected: string
  readonly observed: string
  readonly shows?: Shows
}
export interface ProbeCheck {
  readonly id: string
  readonly claim: string
  readonly needs?: readonly string[]
  readonly hint: string
  readonly scenario: string
  judge(probed: Probed, evidence: Evidence): Wrong | undefined
}

/** A check of one probe. */
export function probeCheck({ id, claim, needs = [], hint, scenario, judge }: ProbeCheck): Check {
  return {
    id,
    claim,
    needs,
    run: (evidence): Finding => {
      const wrong = judge(new Probed(evidence, scenario), evidence)
      return wrong ? fail({ ...wrong, hint }) : pass
    },
  }
}
/** The first of several that is wrong. */
export function firstWrong(...tries: readonly (() => Wrong | undefined)[]): Wrong | undefined {
  for (const each of tries) {
    const wrong = each()
    if (wrong) return wrong
  }
  return undefined
}

/** The page tables at `root`, in the machine as it was at an image. */
export interface Tables {
  readonly probed: Probed
  readonly label: string
  readonly machine: Machine
  readonly root: u64
}
export const isWrong = (value: object): value is Wrong => 'observed' in value
/** @param tag  of the space's move; see `Probed.root` */
export function tablesAt(
  probed: Probed,
  label: string,
  tag = 'probe',
  expected = `the probe comes to "${label}"`,
): Tables | Wrong {
  const [machine, root] = [probed.machine(label), probed.root(tag)]
  if (machine && root !== undefined) return { probed, label, machine, root }
  return { expected, observed: probed.ending }
}
/** What `judge` says of the probe's own tables at an image; that they are not there, if they are not. */
export function look(
  probed: Probed,
  label: string,
  judge: (tables: Tables) => Wrong | undefined,
): Wrong | undefined {
  const tables = tablesAt(probed, label)
  return isWrong(tables) ? tables : judge(tables)
}

/** What is wrong with some pages: the first of them in words, and all for the map. */
type Seen = Required<Pick<Wrong, 'observed' | 'shows'>>
const PAGE = 4096n
const seen = ({ probed, label, root }: Tables, observed: string, pages: readonly u64[]): Seen => ({
  observed,
  shows: showing(probed, label, root, pages),
})
export const showing = ({ scenario }: Probed, label: string, root: u64, pages: readonly u64[]): Shows => ({
  scenario,
  ...(label !== 'final' && { label }),
  space: { cr3: root, pages },
})
/** Pages of a region that are not translated as they must be. */
export function wrongPages(tables: Tables, wanted: Wanted, only?: readonly number[]): Seen | undefined {
  const { machine, root } = tables
  const observed = wrongPage(machine, root, wanted, only)
  if (observed === undefined) return undefined
  const pages = only ?? Array.from({ length: wanted.pages }, (_, page) => page)
  const wrong = pages.filter((page) => wrongPage(machine, root, wanted, [page]) !== undefined)
  return seen(
    tables,
    observed,
    wrong.map((page) => wanted.va + BigInt(page) * PAGE),
  )
}
/** Addresses that are mapped although they must not be. */
export function mappedPages(tables: Tables, addresses: readonly u64[]): Seen | undefined {
  const { machine, root } = tables
  const observed = mappedPage(machine, root, addresses)
  const mapped = (va: u64): boolean => mappedPage(machine, root, [va]) !== undefined
  return observed === undefined ? undefined : seen(tables, observed, addresses.filter(mapped))
}
/** What a CPU may still use although the tables do not give it any more. */
export function stalePages(tables: Tables, cpu = 0): Seen | undefined {
  const { machine, root } = tables
  const observed = staleEntry(machine, root, cpu)
  if (observed === undefined) return undefined
  const told = machine.tlb(cpu).filter(({ va }) => observed.includes(` holds ${hex(va)} -> `))
  return seen(
    tables,
    observed,
    told.map(({ va }) => va),
  )
}

const STATUS_WORDS = ['0', '-1', 'neither 0 nor -1']
/** A call of the abstraction and what it must have returned. */
export function mustReturn(
  probed: Probed,
  tag: string,
  accepted: boolean,
  what: string = tag,
): Wrong | undefined {
  const status = probed.status(tag)
  const expected = `${what} returns ${accepted ? 0 : -1}`
  if (status === undefined) return { expected, observed: `it did not come to that: ${probed.ending}` }
  if (accepted ? status === 0 : status !== 0) return undefined
  return { expected, observed: `it returned ${STATUS_WORDS[status] ?? status}` }
}
/** The probe came to its end: every access that it made was served. */
export function mustEnd(probed: Probed, expected: string): Wrong | undefined {
  return probed.ended ? undefined : { expected, observed: probed.ending }
}
