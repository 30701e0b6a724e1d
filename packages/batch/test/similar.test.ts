// Who resembles whom in a class of the fake lab: what a kernel does tells, what it is called and how it is written does not.

import { grade } from '@pagewalk/grader'
import { fake, RIGHT } from '@pagewalk/grader/test-kit'
import { describe, expect, test } from 'vitest'
import { type Behaviour, behaviourOf, type Likeness, type Part, rankPairs, starterOf } from '../src/index.ts'
import { common, fingerprintOf, without } from '../src/similar/winnow.ts'
import { classOf } from './kit.ts'

/** A right kernel with a way of its own: it notes each call in a page, each `stride` pages further, and now and then loads CR3. */
const noting = (stride: number): string =>
  RIGHT.replace('COUNT, read32, write32', 'COUNT, read32, setCr3, write32').replace(
    'write32(COUNT, read32(COUNT) + 1)',
    `write32(COUNT, read32(COUNT) + 1)
  const page = 0x40000 + ((count * ${stride}) % 80) * 0x1000
  write32(page, count)
  if (count % 5 < ${stride % 5}) setCr3(0x1000n)`,
  )
/** The same program in another hand. */
const disguised = (source: string): string =>
  source
    .replaceAll(/\bpage\b/g, 'whereTheLedgerIs')
    .replaceAll(/\bcount\b/g, 'nthCall')
    .replace('COUNT, read32, setCr3, write32', 'COUNT, write32 as store, setCr3, read32')
    .replaceAll('write32(', 'store(')
    .replace(/^ +/gm, (indent) => `${indent}${indent} /* mine */ `)

const KERNELS: Readonly<Record<string, string>> = {
  ada: noting(7),
  bob: noting(12),
  cleo: noting(33),
  dora: RIGHT,
  eve: `${RIGHT}\n// the same as it was handed out`,
  thief: disguised(noting(33)),
}
async function playedBy(submission: Parameters<typeof grade>[0]): Promise<Part[]> {
  const { played, result } = await grade(submission, { keepPlayed: true })
  expect(result.score).toBe(10)
  return behaviourOf(played!)
}
async function behaviours(): Promise<Behaviour[]> {
  const all = []
  for (const { submission } of classOf(KERNELS))
    all.push({ name: submission.name, parts: await playedBy(submission) })
  return all
}
const pairIn = (pairs: readonly Likeness[], ...names: [string, string]): Likeness => {
  const pair = pairs.find((each) => each.names.join() === names.join())
  if (!pair) throw new Error(`no pair ${names}`)
  return pair
}

describe('in a class of right kernels', () => {
  test('a copy with other names and another layout comes first, with what is shared', async () => {
    const [first, second] = rankPairs(await behaviours(), await playedBy(starterOf(fake)))
    expect(first).toMatchObject({ names: ['cleo', 'thief'], alike: 1 })
    expect(first!.unusual).toBeGreaterThan(1.5 * second!.unusual)
    expect(first!.shared.length).toBeGreaterThan(0)
    for (const { common: both, of } of first!.shared) expect(both).toBe(of)
  })
  test('what the handed-out kernel does as well belongs to nobody, and is no evidence', async () => {
    const all = await behaviours()
    const starter = await playedBy(starterOf(fake))
    expect(pairIn(rankPairs(all, starter), 'dora', 'eve')).toMatchObject({ alike: 0, unusual: 0, shared: [] })
    expect(pairIn(rankPairs(all, []), 'dora', 'eve')).toMatchObject({ alike: 1 })
    expect(pairIn(rankPairs(all, starter), 'ada', 'bob').alike).toBeLessThan(0.2)
  })
  test('the order in which they come does not matter', async () => {
    const all = await behaviours()
    const starter = await playedBy(starterOf(fake))
    expect(rankPairs(all.toReversed(), starter.toReversed())).toEqual(rankPairs(all, starter))
  })
})

describe('what few have counts for more', () => {
  const tokens = (text: string): string[] => text.split('')
  const partOf = (text: string): Part => ({
    scenario: 'long',
    aspect: 'traps',
    print: fingerprintOf('long traps', tokens(text)),
  })
  const USUAL = 'the quick brown fox jumps over the lazy dog, again and again and again'
  const ODD = 'sphinx of black quartz, judge my vow; pack my box with five dozen jugs'
  test('two of many who share the unusual come before many who share the usual', () => {
    const usual = ['a', 'b', 'c', 'd', 'e'].map((name) => ({ name, parts: [partOf(USUAL)] }))
    const odd = ['x', 'y'].map((name) => ({ name, parts: [partOf(ODD)] }))
    const [first, second] = rankPairs([...usual, ...odd], [])
    expect(first).toMatchObject({ names: ['x', 'y'], alike: 1 })
    expect(second).toMatchObject({ names: ['a', 'b'], alike: 1 })
    expect(first!.unusual).toBeGreaterThan(1.5 * second!.unusual)
  })
  test('that hardly anything is known of both is no evidence', () => {
    const little = ['x', 'y'].map((name) => ({ name, parts: [partOf('crash')] }))
    const [pair] = rankPairs(little, [])
    expect(pair!.alike).toBe(1)
    expect(pair!.unusual).toBeLessThan(0.1)
  })
})

describe('fingerprints', () => {
  test('of sequences with a stretch in common have a hash in common, wherever it stands', () => {
    const stretch = ['p', 'q', 'r', 's', 't', 'u', 'v']
    for (let at = 0; at < 20; at++) {
      const before = Array.from({ length: at }, (_, i) => `a${i}`)
      const one = fingerprintOf('x', [...before, ...stretch, 'end'])
      const other = fingerprintOf('x', ['start', ...stretch, ...before.map((token) => `b${token}`)])
      expect([...common(one, other)].length).toBeGreaterThan(0)
    }
  })
  test('of different kinds have nothing in common, and a short sequence has one', () => {
    const tokens = Array.from({ length: 50 }, (_, i) => String(i * i))
    expect([...common(fingerprintOf('x', tokens), fingerprintOf('y', tokens))]).toEqual([])
    expect(fingerprintOf('x', ['only']).length).toBe(1)
    expect(fingerprintOf('x', []).length).toBe(0)
  })
  test('can be taken from each other', () => {
    const one = fingerprintOf('x', Array.from('abcdefghijklmnop'))
    expect(without(one, one).length).toBe(0)
    expect(without(one, undefined)).toEqual(one)
  })
})
