// How a kernel behaves, as fingerprints: which traps come one after the other, how much the kernel does at the machine
// between them, and where it puts its tables and pages. Names, layout and comments of the source do not show in it.

import type { Lab, Played, Snapshot } from '@pagewalk/grader'
import type { MachineEvent } from '@pagewalk/machine'
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
/** Does not throw: of a state that cannot be viewed there is no layout. */
export function behaviourOf(lab: Lab, { runs }: Played): Part[] {
  return [...runs].flatMap(([scenario, { events, final }]) => {
    const part = (aspect: Aspect, tokens: readonly string[]): Part => ({
      scenario,
      aspect,
      print: fingerprintOf(`${scenario} ${aspect}`, tokens),
    })
    return [
      part('traps', events.map(trapToken)),
      part('work', workTokens(events)),
      part('layout', layoutTokens(viewed(() => lab.view(final)))),
    ]
  })
}

/** All that an event tells but its time. */
const trapToken = ({ time: _time, ...event }: MachineEvent): string => Object.values(event).join(' ')
/** Time is counted in instructions and in what the kernel reads and writes. */
const workTokens = (events: readonly MachineEvent[]): string[] =>
  events.map(({ kind, time }, at) => `${kind} ${time - (events[at - 1]?.time ?? 0)}`)

function viewed(view: () => Snapshot): Snapshot | undefined {
  try {
    return view()
  } catch {
    return undefined
  }
}
const layoutTokens = (snapshot: Snapshot | undefined): string[] =>
  snapshot
    ? [
        ...snapshot.physical.map(
          ({ address, length, owner, refcount }) => `${address} ${length} ${owner} ${refcount}`,
        ),
        ...snapshot.spaces.flatMap(({ cr3, ranges }) => [
          cr3,
          ...ranges.map(
            ({ va, pa, length, writable, user, executable }) =>
              `${va} ${pa} ${length} ${writable} ${user} ${executable}`,
          ),
        ]),
      ]
    : []
