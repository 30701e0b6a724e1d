// How many stand where: per step, per check, and which mistakes come first.

import type { Item, Standing } from '../items.ts'
import { compareText, firstMistake, type GradedMember } from './member.ts'
import { shapeOf } from './shape.ts'

/** In the order of the page's columns. What we could not judge is not among them. */
export const COUNTED = ['passed', 'partial', 'failed', 'blocked', 'waits'] as const
export type Counts = { readonly [standing in (typeof COUNTED)[number]]: number }

export interface StepCounts {
  readonly id: string
  readonly title: string
  readonly extra: boolean
  readonly counts: Counts
  readonly checks: readonly { readonly id: string; readonly claim: string; readonly counts: Counts }[]
}
/** In the rubric's order; if there are several rubrics, the steps and checks of all of them. */
export function countSteps(members: readonly GradedMember[]): StepCounts[] {
  const items = members.flatMap(({ account }) => account.items)
  return [...Map.groupBy(items, ({ step }) => step.id).values()].map((ofStep) => {
    const { id, title, extra } = ofStep[0]!.step
    const standings = [...Map.groupBy(ofStep, ({ step }) => step).values()].map(stepStanding)
    return { id, title, extra, counts: countsOf(standings), checks: countChecks(ofStep) }
  })
}
const countChecks = (items: readonly Item[]): StepCounts['checks'] =>
  [...Map.groupBy(items, ({ check }) => check.id).values()].map((ofCheck) => {
    const { id, claim } = ofCheck[0]!.check
    return { id, claim, counts: countsOf(ofCheck.map(({ standing }) => standing)) }
  })
const countsOf = (standings: readonly Standing[]): Counts => {
  const count = (standing: Standing): number => standings.filter((each) => each === standing).length
  return {
    passed: count('passed'),
    partial: count('partial'),
    failed: count('failed'),
    blocked: count('blocked'),
    waits: count('waits'),
  }
}
/** Of one submission's checks of a step. */
function stepStanding(items: readonly Item[]): Standing {
  const standings = new Set(items.map(({ standing }) => standing))
  const [only] = standings
  if (standings.size === 1 && only) return only
  if (standings.has('passed') && standings.has('waits') && standings.size === 2) return 'waits'
  return standings.has('passed') || standings.has('partial') ? 'partial' : 'failed'
}

/** What went wrong first in so many submissions. */
export interface Mistake {
  readonly check: string
  readonly step: string
  readonly names: readonly string[]
  /** What was seen, most often first. */
  readonly shapes: readonly { readonly shape: string; readonly names: readonly string[] }[]
}
/** Most often first. */
export function countMistakes(members: readonly GradedMember[]): Mistake[] {
  const first = members.flatMap((member) => {
    const item = firstMistake(member)
    return item ? [{ name: member.name, item, shape: shapeOf(item.check.observed ?? '') }] : []
  })
  const mistakes = [...Map.groupBy(first, ({ item }) => item.check.id)].map(([check, list]) => ({
    check,
    step: list[0]!.item.step.id,
    names: list.map(({ name }) => name),
    shapes: [...Map.groupBy(list, ({ shape }) => shape)]
      .map(([shape, same]) => ({ shape, names: same.map(({ name }) => name) }))
      .sort((a, b) => b.names.length - a.names.length || compareText(a.shape, b.shape)),
  }))
  return mistakes.sort((a, b) => b.names.length - a.names.length || compareText(a.check, b.check))
}
