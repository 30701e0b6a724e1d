import { describe, expect, test } from 'vitest'
import { type Grade, type Result, reportGrade, reportReasons, reportTable } from '../src/index.ts'

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
  durationMs: 1,
}
const grade: Grade = {
  result,
  endings: [{ scenario: 'long', words: 'the kernel panicked: PANIC' }],
  changedLibrary: [],
  errors: [],
}
const style = { colour: false, width: 72 }

describe('a report', () => {
  test('tells steps, then what failed in four parts, wrapped, without control characters', () => {
    expect(reportGrade(grade, style).split('\n')).toEqual([
      'ada  6/10, extra credit 0/2',
      '  part  step 1    6/10   Count, 1 of 3 checks',
      '  -     step 2           More (extra), not graded',
      '',
      '  fail  keeps-up (4 points)',
      '        claim     It keeps counting.',
      '        expected  a hundred',
      '        observed  ninety \\u001b[31mred\\u0007 and a reason that is so',
      '                  long that it cannot stand on one line of the report',
      '        hint      Which?',
      '',
      '        blocked   ends',
      '',
      '        ended     long: the kernel panicked: PANIC',
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
      '',
    ])
    expect(reportReasons([grade], style)).toMatch(/^ada {2}6\/10.*\n {2}fail {2}keeps-up\n {8}ninety/)
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
