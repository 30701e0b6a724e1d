// How a check of this lab is written: a scenario's probe, and what it must have seen. `judge` gives the first thing that
// is wrong, told; undefined: nothing is.

import { type Check, type Evidence, type Finding, fail, pass } from '@pagewalk/grader'
import { Probed } from '../run.ts'

export interface Wrong {
  readonly expected: string
  readonly observed: string
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
