// Pairs of submissions by how much of what is unusual in a class they share.

import type { Aspect, Part } from './behaviour.ts'
import { common, type Fingerprint, without } from './winnow.ts'

export interface Behaviour {
  readonly name: string
  readonly parts: readonly Part[]
}
export interface Likeness {
  readonly names: readonly [string, string]
  /** Jaccard index of what both do beyond the handed-out kernel, in [0, 1]. */
  readonly alike: number
  /** The same, each fingerprint counting for how few have it; what few fingerprints say counts less. In [0, 1). */
  readonly unusual: number
  /** What they share, the most unusual first. */
  readonly shared: readonly Shared[]
}
export interface Shared {
  readonly scenario: string
  readonly aspect: Aspect
  /** Fingerprints in common, of those that either has. */
  readonly common: number
  readonly of: number
}

/** So many fingerprints that nobody else has would be needed to say half of what can be said. */
const DOUBT = 20
/** So much is told of what a pair shares. */
const TOLD = 4

/**
 * All pairs, the most unusual first. The order of `behaviours` does not matter.
 *
 * @param starter  what the handed-out kernel does, which is left out
 */
export function rankPairs(behaviours: readonly Behaviour[], starter: readonly Part[]): Likeness[] {
  const known = weighed(behaviours.map(({ name, parts }) => ({ name, parts: beyond(parts, starter) })))
  const pairs = known.flatMap((one, at) =>
    known.slice(at + 1).map((other) => likeness(one, other, known.length)),
  )
  // a stable sort: equals stay in order of name
  return pairs.sort((a, b) => b.unusual - a.unusual || b.alike - a.alike)
}
const keyOf = ({ scenario, aspect }: Part): string => `${scenario} ${aspect}`
function beyond(parts: readonly Part[], starter: readonly Part[]): Part[] {
  const handedOut = new Map(starter.map((part) => [keyOf(part), part.print]))
  return parts.map((part) => ({ ...part, print: without(part.print, handedOut.get(keyOf(part))) }))
}

interface WeighedPart extends Part {
  /** Of each hash of the print. */
  readonly weights: Float64Array
}
interface Weighed {
  readonly name: string
  readonly parts: ReadonlyMap<string, WeighedPart>
  readonly count: number
  readonly weight: number
}
/** In order of name. A hash weighs the more, the fewer have it. */
function weighed(behaviours: readonly Behaviour[]): Weighed[] {
  const holders = new Map<number, number>()
  for (const { parts } of behaviours)
    for (const { print } of parts) for (const hash of print) holders.set(hash, (holders.get(hash) ?? 0) + 1)
  return behaviours
    .map(({ name, parts }) => {
      const list = parts.map((part) => ({
        ...part,
        weights: weightsOf(part.print, holders, behaviours.length),
      }))
      return {
        name,
        parts: new Map(list.map((part) => [keyOf(part), part])),
        count: list.reduce((sum, { print }) => sum + print.length, 0),
        weight: list.reduce((sum, { weights }) => sum + total(weights), 0),
      }
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
/** Inverse document frequency: so two of two still weigh something, and one of many most. */
const rarity = (holders: number, all: number): number => Math.log((all + 1) / holders)
const weightsOf = (print: Fingerprint, holders: ReadonlyMap<number, number>, all: number): Float64Array =>
  print.map((hash) => rarity(holders.get(hash)!, all))
const total = (weights: Float64Array): number => weights.reduce((sum, weight) => sum + weight, 0)

function likeness(one: Weighed, other: Weighed, all: number): Likeness {
  const same = [...one.parts].flatMap(([key, part]) => {
    const match = other.parts.get(key)
    const found = match && inCommon(part, match)
    return found && found.common > 0 ? [found] : []
  })
  const count = same.reduce((sum, { common: each }) => sum + each, 0)
  const weight = same.reduce((sum, each) => sum + each.weight, 0)
  return {
    names: [one.name, other.name],
    alike: count === 0 ? 0 : count / (one.count + other.count - count),
    unusual: weight / (one.weight + other.weight - weight + DOUBT * rarity(1, all)),
    shared: same
      .sort((a, b) => b.weight - a.weight)
      .slice(0, TOLD)
      .map(({ weight: _weight, ...shared }) => shared),
  }
}
function inCommon(
  { scenario, aspect, print, weights }: WeighedPart,
  other: WeighedPart,
): Shared & { readonly weight: number } {
  let [count, weight] = [0, 0]
  for (const at of common(print, other.print)) {
    count += 1
    weight += weights[at]!
  }
  return { scenario, aspect, common: count, of: print.length + other.print.length - count, weight }
}
