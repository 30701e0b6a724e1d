// A class as a TA grades it: real submissions, the real command line, a book.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Result, sampleSubmissions } from '@pagewalk/grader'
import { weensyos } from '@pagewalk/grading-weensyos'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Done, pagewalk as pagewalkIn } from './command.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const kernelOf = (name: string): string =>
  sampleSubmissions(weensyos)
    .find((sample) => sample.name === name)!
    .files.get('kernel.ts')!

let dir = ''
const pagewalk = (...args: readonly string[]): Promise<Done> => pagewalkIn(dir, ...args)
/** The class "Lee, Ann" and the others, as Canvas exports it. */
const HANDED_IN = {
  'leeann_11_901_kernel.ts': kernelOf('reference'),
  'razibob_LATE_12_902_kernel.ts': 'export function kernel( {',
  'mirocleo_13_903_kernel-1.ts': `${kernelOf('handed-out')}\nfor (;;) {}`,
}
const ROSTER = `name,email,canvas
"Lee, Ann",ann@example.edu,11
"Razi, Bob",bob@example.edu,12
"Miro, Cleo",cleo@example.edu,13
"Nobody, Nils",nils@example.edu,14
`
const GRADEBOOK = `Student,ID,SIS User ID,SIS Login ID,Section,Paging (77)
    Points Possible,,,,,50
"Lee, Ann",11,,ann,1,
"Razi, Bob",12,,bob,1,
"Miro, Cleo",13,,cleo,1,
"Nobody, Nils",14,,nils,1,
`
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-class-'))
  mkdirSync(join(dir, 'submissions'))
  for (const [name, text] of Object.entries(HANDED_IN)) writeFileSync(join(dir, 'submissions', name), text)
  writeFileSync(join(dir, 'roster.csv'), ROSTER)
  writeFileSync(join(dir, 'grades.csv'), GRADEBOOK)
  graded = await grade()
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const grade = (): Promise<Done> =>
  pagewalk('grade', 'submissions', '--book', 'c.book', '--roster', 'roster.csv', '--timeout', '1')
let graded: Done

test('a Canvas export is graded into a book, with late ones, wrong ones and who is missing', () => {
  expect(graded).toMatchObject({ code: 0 })
  expect(graded.err).toContain('on the roster without a submission: Nils Nobody')
  expect(graded.out).toMatch(/leeann_11 +120\/100/)
  expect(graded.out).toMatch(/razibob_12 +0\/100.*loads/)
  expect(graded.out).toMatch(/mirocleo_13 +0\/100/)
  expect(graded.out).toContain(
    'c.book: grading 1, 3 submissions, 0 of them known before, 0 not graded by our error',
  )
})
test('what has not changed is known the next time, and nothing about it differs', async () => {
  const again = await grade()
  expect(again.out).toContain('3 submissions, 3 of them known before')
  const { out } = await pagewalk('compare', 'c.book')
  expect(out).toBe('nothing changed: the same points and verdicts for everybody\n')
})
test('a decision holds through a regrade, and is in what is exported', async () => {
  const refused = await pagewalk('override', 'c.book', 'razibob_12', 'boots', '1', '--by', 'ta')
  expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('expected --reason with why') })
  const worth = JSON.parse((await pagewalk('export', 'c.book', 'json')).out) as Result[]
  const check = worth[0]!.steps[0]!.checks.find(({ maxPoints }) => maxPoints > 0)!
  const points = String(check.maxPoints)
  const decided = await pagewalk(
    ...[
      'override',
      'c.book',
      'razibob_12',
      check.id,
      points,
      '--by',
      'ta',
      '--reason',
      'shown in the exercise',
    ],
  )
  expect(decided).toMatchObject({
    code: 0,
    out: `razibob_12: ${check.id} has ${points}; in all ${points} of 100\n`,
  })
  expect(await pagewalk('regrade', 'c.book')).toMatchObject({ code: 0 })
  const results = JSON.parse((await pagewalk('export', 'c.book', 'json')).out) as Result[]
  expect(results.map(({ submission, score }) => [submission.name, score])).toEqual([
    ['leeann_11', 100],
    ['mirocleo_13', 0],
    ['razibob_12', check.maxPoints],
  ])
  const { out } = await pagewalk('override', 'c.book')
  expect(out).toBe(`razibob_12  ${check.id}  ${points}  by ta: shown in the exercise\n`)
  await pagewalk(
    'override',
    'c.book',
    'razibob_12',
    check.id,
    '--undo',
    '--by',
    'ta',
    '--reason',
    'a mistake',
  )
})
test("Canvas's own gradebook is filled in, scaled to its points", async () => {
  const { out, err } = await pagewalk('export', 'c.book', 'canvas', '--gradebook', 'grades.csv')
  expect(out.split('\n')[2]).toBe('"Lee, Ann",11,,ann,1,60') // with extra credit
  expect(out.split('\n')[5]).toBe('"Nobody, Nils",14,,nils,1,')
  expect(err).toContain('3 of 3 grades are in the file')
  expect(err).toContain('in the file without a grade: Nobody, Nils')
})
test('each format is a file for each submission, or refuses to mix them', async () => {
  const mixed = await pagewalk('export', 'c.book', 'gradescope')
  expect(mixed).toMatchObject({
    code: 2,
    err: expect.stringContaining('expected -o with a folder for 3 files'),
  })
  expect(await pagewalk('export', 'c.book', 'gradescope', '-o', 'gs')).toMatchObject({ code: 0 })
  expect(readdirSync(join(dir, 'gs'))).toEqual(['leeann_11.json', 'mirocleo_13.json', 'razibob_12.json'])
  expect(JSON.parse(readFileSync(join(dir, 'gs', 'leeann_11.json'), 'utf8'))).toMatchObject({ score: 120 })
})
test.each([
  ['--book', ['--book', 'c.book', '--step', '2'], '--step'],
  ['--book', ['--book', 'c.book', '--fail-under', '2'], '--fail-under'],
  ['--format', ['--book', 'c.book', '--format', 'junit', '--json'], '--json'],
  ['--format', ['--format', 'junit', '--json'], '--json'],
  ['--format', ['--format', 'junit', '--html', 'page.html'], '--html'],
])('options that %s has no use for are refused, not passed over: %j', async (option, args, other) => {
  const { code, err } = await pagewalk('grade', 'submissions', ...args)
  expect({ code, err }).toEqual({ code: 2, err: `pagewalk: ${option}: expected it without ${other}\n` })
})
test('a format obeys --step, --points and --fail-under', async () => {
  mkdirSync(join(dir, 'ann'))
  writeFileSync(join(dir, 'ann', 'kernel.ts'), kernelOf('reference'))
  const args = ['--format', 'gradescope', '--step', '1', '--fail-under', '21']
  const { code, out } = await pagewalk('grade', 'ann', ...args)
  expect(code).toBe(1)
  expect(JSON.parse(out)).toMatchObject({ score: 20 })
  const missing = await pagewalk('grade', 'ann', '--format', 'gradescope', '--points', 'none.json')
  expect(missing).toMatchObject({ code: 2, err: expect.stringContaining('none.json') })
  expect(JSON.parse(missing.out)).not.toHaveProperty('score')
})
test('a format is written for a folder that has nothing of the lab, and for a path that leads nowhere', async () => {
  mkdirSync(join(dir, 'empty'))
  const empty = await pagewalk('grade', 'empty', '--lab', 'weensyos', '--format', 'gradescope')
  expect(empty.code).toBe(0)
  expect(JSON.parse(empty.out)).toMatchObject({ score: 0 })
  const nowhere = await pagewalk('grade', 'nowhere', '--lab', 'weensyos', '--format', 'gradescope')
  expect(nowhere.code).toBe(2)
  expect(JSON.parse(nowhere.out)).not.toHaveProperty('score')
})
