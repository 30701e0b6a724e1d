// Who plays what in a scenario, and what the seed has told them.

import type { Evidence } from '@pagewalk/grader'
import type { u64 } from '@pagewalk/machine/x86-64'
import type { GradedBoot } from './probes/boot.ts'
import { parametersOf } from './programs.ts'
import type { ScenarioId } from './scenarios.ts'

/** Whom the seed has made play `role`, and what it was told (probe.h, PARAMETERS). */
export function cast(
  evidence: Evidence,
  scenario: ScenarioId,
  role: string,
): { readonly pid: number; readonly parameters: readonly u64[] } {
  const { programs } = evidence.scenario(scenario).boot as GradedBoot
  const slot = programs.findIndex(({ name }) => name.replace(/\d$/, '') === role)
  const program = programs[slot]
  if (!program) throw new Error(`nobody plays ${role} in ${scenario}`)
  return { pid: slot < 4 ? slot + 1 : 1, parameters: parametersOf(program) }
}
/** The addresses that p-ask was told. */
export function asked(evidence: Evidence, scenario: ScenarioId): readonly u64[] {
  const { parameters } = cast(evidence, scenario, 'p-ask')
  return parameters.slice(1, 1 + Number(parameters[0]))
}
/** A page that a probe fills with `pattern(256, seed)` if it gets it. */
export type Patterned = readonly [va: u64, seed: number]
/** The addresses that p-requests was told. */
export function requested(evidence: Evidence, scenario: 'requests' | 'mapped-address'): Patterned[] {
  const { parameters } = cast(evidence, scenario, 'p-requests')
  return Array.from({ length: Number(parameters[0]) }, (_, i) => [
    parameters[1 + 2 * i]!,
    Number(parameters[2 + 2 * i]),
  ])
}
