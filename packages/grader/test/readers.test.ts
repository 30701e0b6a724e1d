// Points that a person gives.

import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import {
  findSubmissions,
  grade,
  type Lab,
  type Readings,
  readReadings,
  reportGrade,
  reportTable,
  resultSchema,
  unknownNames,
} from '../src/index.ts'
import { fake } from './fake/lab.ts'
import { checksOf, counting, folder, put, RIGHT } from './kit.ts'

vi.setConfig({ testTimeout: 60_000 })

const read: Lab = {
  ...fake,
  files: ['kernel.ts', 'STATUS.md'],
  checks: [
    ...fake.checks,
    {
      id: 'answered',
      claim: 'There are answers.',
      needs: [],
      run: (evidence) =>
        evidence.file('STATUS.md')
          ? { verdict: 'pass' }
          : { verdict: 'fail', expected: 'a STATUS.md', observed: 'none', hint: 'Where is it?' },
    },
    { id: 'read', claim: 'The answers are right.', needs: ['answered'], run: () => ({ verdict: 'pass' }) },
  ],
  rubric: {
    version: '2',
    steps: [
      ...fake.rubric.steps,
      {
        id: '3',
        title: 'Answers',
        extra: false,
        checks: [
          { check: 'answered', points: 1 },
          { check: 'read', points: 9, reader: true },
        ],
      },
    ],
  },
  sheet: (evidence, name) =>
    `# ${name}\n\n${evidence.file('STATUS.md')}, ${evidence.run('short').stop.reason}`,
}
const named = (name: string, files: Record<string, string>) =>
  findSubmissions(put(join(folder(), name), files), [read])[0]!
const ann = () => named('ann', { 'kernel.ts': RIGHT, 'STATUS.md': 'forty-two' })
const readings = (points: number, more: { comment?: string; by?: string } = {}): Readings =>
  new Map([['ann', { points: { read: points }, ...more }]])
const style = { colour: false, width: 100 }

describe('a check that a person prices', () => {
  test('awaits a reader: no points, no blame, and everybody is told', async () => {
    const one = await grade(ann())
    expect(resultSchema.parse(one.result)).toEqual(one.result)
    expect(one.result).toMatchObject({ score: 11, maxScore: 20, pending: 9 })
    expect(one.result.steps.map(({ pending }) => pending)).toEqual([0, 0, 9])
    expect(checksOf(one).read).toMatchObject({
      verdict: 'blocked',
      points: 0,
      maxPoints: 9,
      pending: 9,
      observed: 'awaits a reader: see --sheet',
    })
    const report = reportGrade(one, style)
    expect(report).toMatch(/^ann {2}11\/20, 9 points await a reader\n/)
    expect(report).toContain('  wait  step 3    1/10   Answers, 1 of 2 checks, 9 points await a reader\n')
    expect(report).toContain('        waits     read (9 points) awaits a reader: see --sheet\n')
    expect(report).not.toContain('blocked')
  })
  test('has what the person gives, with the comment', async () => {
    const one = await grade(ann(), { readings: readings(7.5, { comment: 'Why 42?', by: 'Bo' }) })
    expect(one.result).toMatchObject({ score: 18.5, pending: 0 })
    expect(checksOf(one).read).toMatchObject({
      verdict: 'pass',
      points: 7.5,
      observed: 'Why 42? (read by Bo)',
    })
    expect(checksOf(one).read).not.toHaveProperty('pending')
    expect(reportGrade(one, style)).toContain(
      '  pass  read (7.5 of 9 points)\n        claim     The answers are right.\n        observed  Why 42? (read by Bo)\n',
    )
    const none = await grade(ann(), { readings: readings(0) })
    expect(checksOf(none).read).toMatchObject({ verdict: 'fail', points: 0 })
    expect(none.result).toMatchObject({ score: 11, pending: 0 })
  })
  test('is blocked by what it needs, whatever the person says', async () => {
    const one = await grade(named('ann', { 'kernel.ts': RIGHT }), { readings: readings(9) })
    expect(checksOf(one).read).toMatchObject({
      verdict: 'blocked',
      points: 0,
      observed: 'not judged: it needs answered',
    })
    expect(one.result.pending).toBe(0)
  })
  test('has a column of its own where many are told, if somebody waits', async () => {
    const all = [
      await grade(ann()),
      await grade(named('bob', { 'kernel.ts': counting('write32(COUNT, 7)') })),
    ]
    expect(reportTable(all, style).split('\n')).toEqual([
      'fake, rubric 2',
      'submission   score   waits  step 1  step 2  step 3  first reason',
      'ann          11/20       9     6/6     4/4    1/10',
      'bob           0/20             0/6     0/4    0/10  counts: 7, then 7',
      'waits: points that await a reader, see --sheet and --points',
      expect.stringMatching(/^sandbox: /),
      '',
    ])
    const done = [await grade(ann(), { readings: readings(9) })]
    expect(reportTable(done, style)).not.toContain('waits')
  })
})

describe('a sheet', () => {
  test('is made of the evidence, if it is asked for', async () => {
    expect((await grade(ann())).sheet).toBeUndefined()
    expect((await grade(ann(), { sheets: true })).sheet).toBe('# ann\n\nforty-two, limit')
  })
  test('that cannot be made is our error, and costs no points', async () => {
    const broken = named('ann', { 'kernel.ts': 'nonsense =', 'STATUS.md': '' })
    const one = await grade(broken, { sheets: true })
    expect(one.sheet).toBeUndefined()
    expect(one.errors).toEqual([expect.stringContaining('the scenario short did not come to its end')])
    expect(one.result.score).toBe(0)
  })
})

describe('a file of points', () => {
  const file = (text: string): string => join(put(folder(), { 'points.json': text }), 'points.json')

  test('is read', () => {
    const text =
      '{ "ann": { "points": { "read": 7.5 }, "comment": "so so", "by": "Bo" }, "cy": { "points": {} } }'
    const given = readReadings(file(text))
    expect(given.get('ann')).toEqual({ points: { read: 7.5 }, comment: 'so so', by: 'Bo' })
    expect(unknownNames(given, [ann()])).toEqual(['cy'])
  })
  test.each([
    ['{', /points\.json: expected a JSON file with points, got /],
    ['[]', /points\.json: expected .*, got a document that differs at the top: /],
    ['{ "ann": { "points": { "read": "9" } } }', /differs at ann\.points\.read: .*number/],
    ['{ "ann": { "points": { "read": -1 } } }', /differs at ann\.points\.read: /],
    ['{ "ann": { "read": 9 } }', /differs at ann/],
  ])('of another form is refused with the place: %s', (text, message) => {
    expect(() => readReadings(file(text))).toThrow(message)
  })
  test('that is not there is told', () => {
    expect(() => readReadings(join(folder(), 'none.json'))).toThrow(
      /expected a JSON file with points, got ENOENT/,
    )
  })
  test('with points that cannot be is refused', () => {
    const of = (points: Record<string, number>): Readings => new Map([['ann', { points }]])
    expect(() => unknownNames(of({ read: 9.5 }), [ann()])).toThrow(
      'points of ann: expected 0 to 9 for read, got 9.5',
    )
    expect(() => unknownNames(of({ counts: 6 }), [ann()])).toThrow(
      'points of ann: expected a check of fake that a person prices (read), got "counts"',
    )
    expect(() => unknownNames(of({ read: 1 }), [ann(), ann()])).toThrow(
      'points of ann: expected one submission of this name, got several',
    )
  })
})
