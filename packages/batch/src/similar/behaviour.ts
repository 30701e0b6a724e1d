// How a kernel behaves, as fingerprints: which traps come one after the other, how much the kernel does at the machine
// between them, and where it puts its tables and pages. Names, layout and comments of the source do not show in it.

import { hex, mappedRanges, type Played } from '@pagewalk/grader'
import { Machine, type MachineEvent, type MachineImage } from '@pagewalk/machine'
import { PTE_ADDR } from '@pagewalk/machine/x86-64'
import { type Fingerprint, fingerprintOf } from './winnow.ts'

/** What of a scenario is looked at, for people. */
export const ASPECTS = {
  traps: 'traps in their order',
  work: 'work between traps',
  layout: 'page tables and pages at the end',
} as const
export type Aspect = keyof typeof ASPECTS

export interface Part {
  readonly scenario: string
  readonly aspect: Aspect
  readonly print: Fingerprint
}
/** Does not throw: of a state that is none there is no layout. */
export function behaviourOf({ runs }: Played): Part[] {
  let spare: Machine | undefined
  return [...runs].flatMap(([scenario, { events, final }]) => {
    const part = (aspect: Aspect, tokens: readonly string[]): Part => ({
      scenario,
      aspect,
      print: fingerprintOf(`${scenario} ${aspect}`, tokens),
    })
    const machine = restored(final, spare)
    spare = machine ?? spare
    return [
      part('traps', events.map(trapToken)),
      part('work', workTokens(events)),
      part('layout', machine ? layoutTokens(machine, final, events) : []),
    ]
  })
}
/** @param spare  its memory is used again */
function restored(image: MachineImage, spare: Machine | undefined): Machine | undefined {
  try {
    return Machine.fromImage(image, [], spare)
  } catch {
    return undefined
  }
}

/** All that an event tells but its time. */
const trapToken = ({ time: _time, ...event }: MachineEvent): string => Object.values(event).join(' ')
/** Time is counted in instructions and in what the kernel reads and writes. */
const workTokens = (events: readonly MachineEvent[]): string[] =>
  events.map(({ kind, time }, at) => `${kind} ${time - (events[at - 1]?.time ?? 0)}`)

/** So much of a layout is looked at: more of one would count for more than all traps. */
const MOST_LAYOUT = 500
const layoutTokens = (machine: Machine, image: MachineImage, events: readonly MachineEvent[]): string[] =>
  [...pageTokens(image), ...spaceTokens(machine, rootsIn(events))].slice(0, MOST_LAYOUT)
/** Physical pages that are not all zeros, in stretches: what was allocated where. */
function pageTokens({ pages }: MachineImage): string[] {
  const stretches: { first: number; last: number }[] = []
  for (const page of pages) {
    const stretch = stretches.at(-1)
    if (stretch && stretch.last + 1 === page) stretch.last = page
    else stretches.push({ first: page, last: page })
  }
  return stretches.map(({ first, last }) => `${first} to ${last}`)
}
/** The most address spaces that are looked at. */
const MOST_SPACES = 8
/** Tables that a CPU was seen to use, in order of address. */
function rootsIn(events: readonly MachineEvent[]): bigint[] {
  const values = events.flatMap((event) => {
    if (event.kind === 'cr3') return [event.value]
    return 'cr3' in event ? [event.cr3] : []
  })
  const roots = new Set(values.map((value) => value & PTE_ADDR))
  return [...roots].sort((a, b) => (a < b ? -1 : 1)).slice(0, MOST_SPACES)
}
const spaceTokens = (machine: Machine, roots: readonly bigint[]): string[] =>
  [...new Set([...roots, machine.registers().cr3 & PTE_ADDR])].flatMap((root) => [
    hex(root),
    ...mappedRanges(machine.mappings(root), () => '').map(
      ({ va, pa, length, writable, user, executable }) =>
        `${va} ${pa} ${length} ${writable} ${user} ${executable}`,
    ),
  ])
