import { stripVTControlCharacters } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  type Grade,
  type Picture,
  type Result,
  reportGrade,
  reportReasons,
  reportTable,
} from '../src/index.ts'
import type { Cell, MapRange, MapRow } from '../src/maps.ts'
import { counting, gradeSource } from './kit.ts'

const result: Result = {
  schema: 'pagewalk/result/v1',
  lab: 'fake',
  submission: { name: 'ada', sha256: '0'.repeat(64) },
  rubric: { version: '3' },
  seed: 1,
  score: 6,
  maxScore: 10,
  pending: 0,
  extraCredit: 0,
  maxExtraCredit: 2,
  steps: [
    {
      id: '1',
      title: 'Count',
      score: 6,
      maxScore: 10,
      pending: 0,
      extra: false,
      checks: [
        { id: 'counts', claim: 'It counts.', verdict: 'pass', points: 6, maxPoints: 6 },
        {
          id: 'keeps-up',
          claim: 'It keeps counting.',
          verdict: 'fail',
          points: 0,
          maxPoints: 4,
          expected: 'a hundred',
          observed:
            'ninety \x1b[31mred\x07 and a reason that is so long that it cannot stand on one line of the report',
          hint: 'Which?',
        },
        { id: 'ends', claim: 'It ends.', verdict: 'blocked', points: 0, maxPoints: 0 },
      ],
    },
    { id: '2', title: 'More', score: 0, maxScore: 2, pending: 0, extra: true, checks: [] },
  ],
  machine: { stateHash: '', instructions: 0 },
  isolation: { level: 'limits', strict: false },
  durationMs: 1,
}
const grade: Grade = {
  result,
  endings: [{ scenario: 'long', words: 'the kernel panicked: PANIC' }],
  blocked: new Map([['ends', 'needs keeps-up, which failed']]),
  pictures: new Map(),
  changedLibrary: [],
  errors: [],
}
const style = { colour: false, width: 72 }

describe('a report', () => {
  test('has a line for each check, then what failed in four parts, wrapped, without control characters', () => {
    expect(reportGrade(grade, style).split('\n')).toEqual([
      'ada  6/10, extra credit 0/2',
      '  part  step 1    6/10   Count, 1 of 3 checks',
      '        pass      6/6    counts',
      '        fail      0/4    keeps-up',
      '        blocked          ends',
      '  -     step 2           More (extra), not graded',
      '',
      '  fail  keeps-up (4 points)',
      '        claim     It keeps counting.',
      '        expected  a hundred',
      '        observed  ninety \\u001b[31mred\\u0007 and a reason that is so',
      '                  long that it cannot stand on one line of the report',
      '        hint      Which?',
      '',
      '        blocked   needs keeps-up, which failed: ends',
      '',
      '        ended     long: the kernel panicked: PANIC',
      '',
      '        sandbox   limits',
      '',
    ])
  })
  test('is coloured only if it may be', () => {
    expect(reportGrade(grade, { ...style, colour: true })).toContain('\x1b[31mfail\x1b[39m')
    expect(reportGrade(grade, style)).not.toContain('\x1b')
  })
  test('of many is a line each, with a column for each step that is worth something', () => {
    expect(reportTable([grade], style).split('\n')).toEqual([
      'fake, rubric 3',
      'submission   score  step 1  step 2  first reason',
      'ada           6/10    6/10     0/2  keeps-up: ninety \\u001b[31mred\\u000…',
      'sandbox: limits',
      '',
    ])
    expect(reportReasons([grade], style)).toMatch(/^ada {2}6\/10.*\n {2}fail {2}keeps-up\n {8}ninety/)
  })
})

test('what is blocked is told by its root cause, and with the reason why a scenario broke off', async () => {
  const chain = await gradeSource('const x =')
  expect(reportGrade(chain, style)).toContain(
    '        blocked   needs loads, which failed: stops, counts, keeps-up\n',
  )
  const late = await gradeSource(
    counting('if (count > 150) throw new Error("why"); write32(COUNT, read32(COUNT) + 1)'),
  )
  expect(reportGrade(late, { ...style, width: 200 })).toMatch(
    /^ {8}blocked {3}the scenario long did not come to its end: kernel\.ts:13:\d+: Error: why: keeps-up$/m,
  )
})

describe('the part of a map that shows a failure', () => {
  const blank: Cell = { letter: ' ', user: false, shared: false, marked: false }
  const cells = (changed: Readonly<Record<number, Partial<Cell>>>): Cell[] =>
    Array.from({ length: 64 }, (_, at) => ({ ...blank, letter: '.', ...changed[at] }))
  const rows = (...addresses: bigint[]): MapRow[] =>
    addresses.map((address) => ({
      address,
      cells: cells({ 0: { letter: '1', marked: true }, 63: { letter: '2', user: true, marked: true } }),
    }))
  const pictured = (physical: Partial<Picture['physical']>): Grade => {
    const map = { rows: [], ranges: [], omitted: 0 }
    const picture: Picture = {
      scenario: 'long',
      physical: { ...map, ...physical },
      spaces: [],
      tlbs: [],
      faults: { total: 0, last: [] },
    }
    return { ...grade, pictures: new Map([['keeps-up', picture]]) }
  }
  const shown = (one: Grade, { colour = false } = {}): string[] => {
    const lines = reportGrade(one, { colour, width: 80 }).split('\n')
    const from = lines.findIndex((line) => line.includes('  map  '))
    return lines.slice(from, lines.indexOf('', from))
  }
  test('is its rows with marked pages, as on the screen, and carets under these: 80 columns are enough', () => {
    const unmarked = { address: 0n, cells: cells({}) }
    const ranges = [{ start: 0x4_0000n, end: 0x4_1000n, words: 'process 1', marked: true }]
    const lines = shown(pictured({ rows: [unmarked, ...rows(0x4_0000n)], ranges }))
    expect(lines).toEqual([
      '        map       physical memory, scenario long, at its end',
      `   0x040000 1${'.'.repeat(62)}2`,
      `            ^${' '.repeat(62)}^`,
      '            0x40000: process 1',
    ])
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
  })
  test('is a few rows, and the number of the others', () => {
    const lines = shown(pictured({ rows: rows(0n, 0x4_0000n, 0x8_0000n, 0xc_0000n, 0x10_0000n) }))
    expect([lines.length, lines.at(-1)]).toEqual([10, '            and so in 1 more row'])
  })
  test('has an address that is too long for the margin on a line of its own', () => {
    const lines = shown(pictured({ rows: rows(0xffff_8000_0000_0000n) }))
    expect(lines.slice(1)).toEqual([
      '   0xFFFF800000000000',
      `            1${'.'.repeat(62)}2`,
      `            ^${' '.repeat(62)}^`,
    ])
  })
  test('has colours and reverse video only where there may be any, and says the same without', () => {
    const one = pictured({ rows: rows(0n) })
    const coloured = shown(one, { colour: true })
    expect(coloured[1]).toContain('\x1b[91m1\x1b[39m')
    expect(coloured[1]).toContain('\x1b[92m\x1b[7m2\x1b[27m\x1b[39m')
    expect(coloured.map(stripVTControlCharacters)).toEqual(shown(one))
    expect(shown(one).join()).not.toContain('\x1b')
  })
  test('is the marked ranges with their neighbours, where memory is too large for letters', () => {
    const range = (n: number, marked = false): MapRange => ({
      start: BigInt(n) * 0x2000n,
      end: BigInt(n + 1) * 0x2000n,
      words: 'free',
      marked,
    })
    expect(shown(pictured({ ranges: [range(0), range(1), range(2, true), range(3), range(4)] }))).toEqual([
      '        map       physical memory, scenario long, at its end',
      '          0x2000 to 0x3fff: free',
      '        > 0x4000 to 0x5fff: free',
      '          0x6000 to 0x7fff: free',
    ])
  })
})

test('extra credit that nobody has tried is no reason: it is told in the full report alone', () => {
  const fails = { ...result.steps[0]!.checks[1]!, id: 'more' }
  const extra = { ...result.steps[1]!, id: 'extra', checks: [fails] }
  const untried = { ...grade, result: { ...result, steps: [result.steps[0]!, extra] } }
  expect(reportGrade(untried, style)).toContain('  -     step extra    0/2    More (extra), 0 of 1 checks\n')
  expect(reportGrade(untried, style)).toContain('fail  more (4 points)')
  expect(reportReasons([untried], style)).not.toContain('more')
  expect(reportTable([untried], style)).toMatch(/^submission {3}score {2}step 1 {3}extra {2}first reason$/m)
  const tried = { ...extra, score: 1 }
  expect(reportReasons([{ ...grade, result: { ...result, steps: [tried] } }], style)).toContain('more')
})
test('a decision of a person is told with its check: who, why, and what the checks gave', () => {
  const override = { by: 'Ann', reason: 'the log shows it', points: 0, pending: 2 }
  const [first, ...rest] = result.steps
  const checks = first!.checks.map((check) =>
    check.id === 'ends' ? { ...check, points: 2, maxPoints: 2, override } : check,
  )
  const told = reportGrade(
    { ...grade, result: { ...result, steps: [{ ...first!, checks }, ...rest] } },
    { colour: false, width: 100 },
  )
  expect(told).toMatch(/blocked .*2\/2 +ends, decided\n/)
  expect(told).toContain('  blocked  ends (2 of 2 points)\n')
  expect(told).toContain('decided   by Ann: the log shows it (the checks gave 0, 2 points await a reader)\n')
})
