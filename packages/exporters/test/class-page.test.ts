// The page of a class: what it counts, and that it is whole, alone, and deaf to what students write into it.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { create } from 'xmlbuilder2'
import { countMistakes, countSteps } from '../src/class-page/counts.ts'
import { figuresOf, scoreBars, timeBars } from '../src/class-page/distribution.ts'
import { isGraded, toldMembers } from '../src/class-page/member.ts'
import { shapeOf } from '../src/class-page/shape.ts'
import { classPage, type LabClass, type Member, type Outcome } from '../src/index.ts'
import { accountOf } from '../src/items.ts'
import {
  anyOutcome,
  broken,
  failed,
  HOSTILE,
  passed,
  resultOf,
  small,
  step,
  trouble,
  waiting,
} from './kit.ts'

const member = (outcome: Outcome, more: Partial<Member> = {}): Member => ({
  outcome,
  late: false,
  milliseconds: 100,
  ...more,
})
const classOf = (members: readonly Member[]): LabClass => ({ title: 'The lab', members, facts: [] })
const scored = (name: string, points: number, observed = 'wrote 0x1000, then 0x2000'): Outcome => ({
  name,
  result: resultOf(
    [step('1', false, [passed('boots', points), failed('counts', 10 - points, observed)])],
    name,
  ),
})
const gradedOf = (...outcomes: Outcome[]) =>
  toldMembers(classOf(outcomes.map((outcome) => member(outcome)))).filter(isGraded)
/** As a reader of XML sees it, who takes nothing that is not closed. */
const parsed = (page: string): ReturnType<typeof create> =>
  create(
    page
      .replace('<!doctype html>\n', '')
      .replace(/<meta ([^>]*)>/g, '<meta $1/>')
      .replaceAll('&#39;', "'"),
  )

describe('the bars of the points', () => {
  test('are tenths of the maximum and the maximum itself; a bar has its lower end', () => {
    const accounts = [0, 0.5, 1, 9.9, 10].map((points) => accountOf(resultAt(points)))
    const bars = scoreBars(accounts)
    expect(bars).toHaveLength(11)
    expect(bars.filter(({ count }) => count > 0)).toEqual([
      { label: '0 to 1', count: 2 },
      { label: '1 to 2', count: 1 },
      { label: '9 to 10', count: 1 },
      { label: 'all 10', count: 1 },
    ])
  })
  test('have one more for extra credit above the maximum', () => {
    const above = resultOf([step('1', false, [passed('a', 10)]), step('x', true, [passed('b', 2)])])
    expect(scoreBars([accountOf(above)]).at(-1)).toEqual({ label: 'above 10', count: 1 })
  })
  test('are in percent where the maxima differ', () => {
    const other = resultOf([step('1', false, [passed('a', 5), failed('b', 15)])])
    const bars = scoreBars([accountOf(resultAt(10)), accountOf(other)])
    expect(bars.filter(({ count }) => count > 0).map(({ label }) => label)).toEqual([
      '20 to 30 %',
      'all 100 %',
    ])
  })
})
const resultAt = (points: number) => resultOf([step('1', false, [{ ...passed('a', 10), points }])])
test('the bars of the times begin and end with one that is not empty', () => {
  expect(timeBars([150, 180, 1500])).toEqual([
    { label: 'to 0.2 s', count: 2 },
    { label: 'to 0.5 s', count: 0 },
    { label: 'to 1 s', count: 0 },
    { label: 'to 2 s', count: 1 },
  ])
  expect(timeBars([])).toEqual([])
})
test('a median stands in the middle, or between the two there', () => {
  expect(figuresOf([10, 0, 5])).toEqual({ lowest: 0, median: 5, mean: 5, highest: 10 })
  expect(figuresOf([10, 0, 5, 6]).median).toBe(5.5)
})

test('a step has passed if all its checks have, and waits if a person is all that it waits for', () => {
  const steps = [
    [passed('a', 1), passed('b', 1)],
    [passed('a', 1), waiting('b', 1)],
    [passed('a', 1), failed('b', 1)],
    [failed('a', 1), failed('b', 1)],
  ]
  const [counted] = countSteps(
    gradedOf(...steps.map((checks, i) => ({ name: `s${i}`, result: resultOf([step('1', false, checks)]) }))),
  )
  expect(counted?.counts).toEqual({ passed: 1, waits: 1, partial: 1, failed: 1, blocked: 0 })
  expect(counted?.checks.map(({ id, counts }) => [id, counts.passed, counts.failed])).toEqual([
    ['a', 3, 1],
    ['b', 1, 2],
  ])
})

describe('first mistakes', () => {
  test('that differ in numbers only are the same, and the most frequent come first', () => {
    const [mistake, ...others] = countMistakes(
      gradedOf(
        scored('ann', 1, 'wrote 0x1000, then stopped'),
        scored('bob', 2, 'wrote 0xdeadbeef, then stopped'),
        scored('cid', 3, 'nothing at all'),
      ),
    )
    expect(others).toEqual([])
    expect(mistake).toEqual({
      check: 'counts',
      step: '1',
      names: ['ann', 'bob', 'cid'],
      shapes: [
        { shape: 'wrote 0x…, then stopped', names: ['ann', 'bob'] },
        { shape: 'nothing at all', names: ['cid'] },
      ],
    })
  })
  test('are the first of each submission; extra credit that nobody tried is none', () => {
    const two = resultOf([
      step('1', false, [failed('a', 1), failed('b', 1)]),
      step('x', true, [failed('c', 1)]),
    ])
    const untried = resultOf([step('1', false, [passed('a', 1)]), step('x', true, [failed('c', 1)])])
    const mistakes = countMistakes(gradedOf({ name: 'ann', result: two }, { name: 'bob', result: untried }))
    expect(mistakes.map(({ check, names }) => [check, names])).toEqual([['a', ['ann']]])
  })
  test.each([
    ['pages 0x1000, 0x2000 and 0x3000', 'pages 0x…, …'],
    ['expected 5, got 6.5', 'expected …, got …'],
    ['kernel.ts:12:5: TypeError', 'kernel.ts:…:…: TypeError'],
    ['process p2 in PML4[511]', 'process p2 in PML4[…]'],
    ['two\n  lines', 'two lines'],
  ])('%j has the shape %j', (sentence, shape) => expect(shapeOf(sentence)).toBe(shape))
})

describe('the page', () => {
  const override = { by: 'Prof. O', reason: 'the log shows it', points: 0, pending: 0 }
  const decided = resultOf([step('1', false, [{ ...failed('counts', 10), points: 7, override }])], 'dora')
  const page = classPage('fall', [
    classOf([
      member(scored('ann', 4), { href: 'ann.html', late: true }),
      member(small),
      member({ name: 'dora', result: decided }, { milliseconds: 0 }),
      member(trouble),
      member(broken),
    ]),
  ])
  const text = parsed(page)
    .root()
    .toString()
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
  test('never counts as a zero who could not be graded, and says why', () => {
    expect(text).toContain('graded 3')
    expect(text).toContain('not graded 2')
    expect(text).toContain('bob the host ran out of memory')
    expect(text).toContain('error in b-two')
    expect(page).toMatch(/<th scope="row">bob<\/th><td>not graded<\/td>/)
    expect(page).toMatch(/<desc[^>]*>0 to 10 %: 0;/)
  })
  test('tells of decisions, of who was late, of what is awaited, and of how it was graded', () => {
    expect(text).toMatch(/dora counts 7\/10 0 the log shows it Prof\. O/)
    expect(text).toContain('1 submission; nothing was taken off for it')
    expect(text).toContain('4 points await a reader')
    expect(text).toContain('rubric weensyos-2 seed 1 isolation realm')
    expect(text).toContain('1 more were known from before')
  })
  test('links to the pages of submissions that have one, and to its own sections', () => {
    expect(page).toContain('<th scope="row"><a href="ann.html">ann</a></th>')
    expect(page).toContain('<th scope="row">ada</th>')
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, id] of page.matchAll(/ (?:href="#|aria-labelledby=")([^"]*)"/g))
      for (const one of id!.split(' ')) expect(ids).toContain(one)
  })
  test('names its pictures and tables, and says in words what they show', () => {
    expect(page.match(/<svg class="bars"[^>]* role="img" aria-labelledby="[^"]+">\n<title/g)).toHaveLength(2)
    expect(page.match(/<table[ >]/g)?.length).toBe(page.match(/<table[^>]*><caption>[^<]/g)?.length)
    expect(page).toMatch(/<svg class="strip"[^>]* aria-hidden="true">/)
  })
  test('runs nothing, loads nothing, and has no style but the one that its policy allows', () => {
    const tags = page.match(/<[a-z][^>]*>/g)?.join('\n') ?? ''
    expect(tags).not.toMatch(/^<(script|link|img|iframe|object|base|form)|\s(src|on\w+|style)=/m)
    expect(page).toContain("default-src 'none'; style-src 'sha256-")
  })
  test('does not depend on the order of the submissions', () => {
    const members = [
      member(small),
      member(scored('ann', 4)),
      member(scored('bob', 4, 'other')),
      member(broken),
    ]
    expect(classPage('x', [classOf(members.toReversed())])).toBe(classPage('x', [classOf(members)]))
  })
  test('has an article for each of several labs', () => {
    const two = classPage('x', [classOf([member(small)]), { ...classOf([member(trouble)]), title: 'Other' }])
    expect(two).toContain('<h2 id="l2">Other</h2>')
    expect(parsed(two).find((node) => node.node.nodeName === 'article', false, true)).toBeDefined()
  })
  test('is well-formed whatever students and people wrote, and shows it as text', () => {
    const hostileMember = fc
      .record({ outcome: anyOutcome, late: fc.boolean(), milliseconds: fc.nat(30_000) })
      .map((one): Member => ({ ...one, href: encodeURIComponent(one.outcome.name.toWellFormed()) }))
    fc.assert(
      fc.property(
        fc.array(hostileMember, { maxLength: 4 }),
        fc.constantFrom(...HOSTILE),
        (members, title) => {
          const lab = { title, members, facts: [[title, title] as const] }
          const made = classPage(title, [lab])
          parsed(made)
          expect(made).not.toMatch(/<script|[\u0000-\u0008\u202e]/)
        },
      ),
      { numRuns: 60 },
    )
  })
})
