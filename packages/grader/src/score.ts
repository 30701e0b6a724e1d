// Points: judgements priced by the rubric. No judgement is made here.

import { createHash } from 'node:crypto'
import { hashState, type MachineImage } from '@pagewalk/machine'
import type { Lab, Priced, Run } from './lab.ts'
import { type Submission, UsageError } from './load.ts'
import { resultSums, stepSums } from './points.ts'
import { RESULT_SCHEMA, type Result, type ResultCheck, type ResultStep } from './result.ts'
import { BUILT_IN, type Judgement } from './verdict.ts'

/** @throws Error if the rubric prices a check that the lab does not have, or one twice */
export function rubricHolds({ id, checks, rubric }: Lab): void {
  const known = new Set([...BUILT_IN.keys(), ...checks.map((check) => check.id)])
  for (const { check } of rubric.steps.flatMap((step) => step.checks))
    if (!known.delete(check))
      throw new Error(`rubric of ${id}: ${check} must be a check of the lab, priced once`)
}

/**
 * The lab with its steps up to `step`, and with the checks that these price or need.
 *
 * Does not leave out scenarios: `stops` is about all of them, and no check says beforehand which ones it reads.
 * @throws UsageError if the rubric has no such step
 */
export function upToStep(lab: Lab, step: string): Lab {
  const { rubric, checks } = lab
  const at = rubric.steps.findIndex(({ id }) => id === step)
  if (at < 0) {
    const known = rubric.steps.map(({ id }) => id).join(', ')
    throw new UsageError(`--step: expected a step of ${lab.id} (${known}), got ${JSON.stringify(step)}`)
  }
  const steps = rubric.steps.slice(0, at + 1)
  const needs = new Map(checks.map((check) => [check.id, check.needs]))
  const kept = new Set(steps.flatMap((one) => one.checks.map(({ check }) => check)))
  for (const id of kept) for (const need of needs.get(id) ?? []) kept.add(need) // the loop comes to what it adds
  return { ...lab, rubric: { ...rubric, steps }, checks: checks.filter(({ id }) => kept.has(id)) }
}

export function score(
  { name, sha256, lab }: Submission,
  judged: ReadonlyMap<string, Judgement>,
  seed: number,
  machine: Result['machine'],
): Omit<Result, 'isolation' | 'durationMs'> {
  const steps = priced(lab, judged)
  return {
    schema: RESULT_SCHEMA,
    lab: lab.id,
    submission: { name, sha256 },
    rubric: { version: lab.rubric.version },
    seed,
    ...resultSums(steps),
    steps,
    machine,
  }
}

/** The steps with their checks. Built-in checks that the rubric does not price come first, for nothing. */
function priced({ checks, rubric }: Lab, judged: ReadonlyMap<string, Judgement>): ResultStep[] {
  const claims = new Map([...BUILT_IN, ...checks.map(({ id, claim }) => [id, claim] as const)])
  const named = new Set(rubric.steps.flatMap((step) => step.checks.map(({ check }) => check)))
  const unpriced = [...BUILT_IN.keys()].filter((id) => !named.has(id)).map((check) => ({ check, points: 0 }))
  return rubric.steps.map(({ id, title, extra, checks: list }, at) => {
    const told = [...(at === 0 ? unpriced : []), ...list].map((each) =>
      checkOf(each, claims.get(each.check) ?? '', judged.get(each.check)),
    )
    return { id, title, ...stepSums(told), extra, checks: told }
  })
}
function checkOf(
  { check: id, points: maxPoints }: Priced,
  claim: string,
  judgement: Judgement | undefined,
): ResultCheck {
  const { verdict = 'error', ...told } = judgement ?? {}
  const { expected, observed, hint, points, awaitsReader } = told as Told
  return {
    id,
    claim,
    verdict,
    points: points ?? (verdict === 'pass' ? maxPoints : 0),
    maxPoints,
    ...(awaitsReader && { pending: maxPoints }),
    ...(expected !== undefined && { expected }),
    ...(observed !== undefined && { observed }),
    ...(hint !== undefined && { hint }),
  }
}
/** All that a judgement may have beside its verdict. */
interface Told {
  readonly expected?: string
  readonly observed?: string
  readonly hint?: string
  readonly points?: number
  readonly awaitsReader?: true
}

/** One hash and one count over the last states of all scenarios. */
export function machineOf(runs: ReadonlyMap<string, Run>): Result['machine'] {
  const finals = [...runs].map(([id, run]) => [id, run.final] as const)
  if (finals.length === 0) return { stateHash: '', instructions: 0 }
  const hash = createHash('sha256')
  for (const [id, final] of finals) hash.update(`${id} ${safeHash(final)}\n`)
  return {
    stateHash: hash.digest('hex'),
    instructions: finals.reduce((total, [, { retired }]) => total + retired, 0),
  }
}
/** An image comes out of the capsule: its devices may be anything. */
function safeHash(image: MachineImage): string {
  try {
    return hashState(image, createHash('sha256'))
  } catch {
    return 'no state'
  }
}
