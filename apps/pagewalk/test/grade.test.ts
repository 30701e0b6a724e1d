// What a graded student sees, of real submissions of both labs: the maps of what failed, the page, a grade up to a step.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Grade,
  grade,
  type Lab,
  type Picture,
  reportGrade,
  reportHtml,
  resultSchema,
  type Shows,
  sampleSubmissions,
  upToStep,
} from '@pagewalk/grader'
import { nautilus } from '@pagewalk/grading-nautilus-aspace'
import { weensyos } from '@pagewalk/grading-weensyos'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 })

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
let dir = ''
interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
function pagewalk(...args: readonly string[]): Promise<Done> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (text) => (out += text))
    child.stderr.on('data', (text) => (err += text))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}
/** A folder with a sample's files. */
function folder(lab: Lab, sample: string, name = sample): string {
  const { files } = sampleSubmissions(lab).find((each) => each.name === sample)!
  mkdirSync(join(dir, name))
  for (const [file, text] of files) writeFileSync(join(dir, name, file), text)
  return name
}
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-grade-'))
  folder(weensyos, 'copies-the-whole-table', 'ann')
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** Grades of the samples, and what each check of them has shown. */
async function gradesOf(lab: Lab): Promise<{ one: Grade; shown: Map<string, Shows> }[]> {
  const all = []
  for (const submission of sampleSubmissions(lab)) {
    const shown = new Map<string, Shows>()
    const checks = lab.checks.map((check) => ({
      ...check,
      run(...args: Parameters<typeof check.run>) {
        const finding = check.run(...args)
        if (finding.verdict === 'fail' && finding.shows) shown.set(check.id, finding.shows)
        return finding
      },
    }))
    all.push({ one: await grade({ ...submission, lab: { ...lab, checks } }, { pictures: true }), shown })
  }
  return all
}
/** By the map's rows or, if it has none, by its ranges. */
function isMarked({ rows, ranges }: Picture['physical'], at: bigint): boolean {
  const range = ranges.some(({ start, end, marked }) => marked && start <= at && at < end)
  if (rows.length === 0) return range
  const row = rows.find(({ address }) => address <= at && at < address + 64n * 4096n)
  return range && row?.cells[Number((at - row.address) / 4096n)]?.marked === true
}

describe.each([
  ['weensyos', weensyos],
  ['nautilus', nautilus],
] as const)('the samples of %s', (_id, lab) => {
  let grades: Awaited<ReturnType<typeof gradesOf>> = []
  beforeAll(async () => {
    grades = await gradesOf(lab)
  })
  test('whatever page a failed check shows is marked in its picture', () => {
    let pages = 0
    for (const { one, shown } of grades) {
      expect(one.errors).toEqual([])
      expect([...one.pictures.keys()].sort()).toEqual([...shown.keys()].sort())
      for (const [id, { physical = [], space }] of shown) {
        const picture = one.pictures.get(id)!
        for (const pn of physical)
          expect(isMarked(picture.physical, BigInt(pn) * 4096n), `${id} ${pn}`).toBe(true)
        for (const va of space?.pages ?? [])
          expect(isMarked(picture.spaces[0]!.map, va), `${id} ${va}`).toBe(true)
        pages += physical.length + (space?.pages.length ?? 0)
      }
    }
    expect(pages).toBeGreaterThan(0)
  })
  test('every check has its line, and 80 columns are enough', () => {
    for (const { one } of grades) {
      const lines = reportGrade(one, { colour: false, width: 80 }).split('\n')
      for (const { id } of one.result.steps.flatMap(({ checks }) => checks))
        expect(
          lines.some((line) => /^ {8}(pass|fail|blocked|waits) /.test(line) && line.endsWith(`  ${id}`)),
          id,
        ).toBe(true)
      expect(lines.filter((line) => line.length > 80)).toEqual([])
    }
  })
  test('each map of a page stands for what it marks, in words too', () => {
    for (const { one, shown } of grades) {
      const page = reportHtml([one])
      for (const id of shown.keys()) {
        const [section = ''] = new RegExp(`<section id="s1-${id}">[\\s\\S]*?</section>`).exec(page) ?? []
        expect(section, id).toContain('<mark>')
        expect(section, id).toMatch(/Marked: 0x|\(marked\)/)
      }
      expect(page).toContain('<figure>')
    }
  })
})

describe('grade --step', () => {
  test('leaves out the later steps, from result and sums, and judges the others as ever', async () => {
    const all = resultSchema.parse(JSON.parse((await pagewalk('grade', 'ann', '--json')).out))
    const two = resultSchema.parse(JSON.parse((await pagewalk('grade', 'ann', '--json', '--step', '2')).out))
    const first = all.steps.slice(0, 2)
    expect(two.steps).toEqual(first)
    expect(two).toMatchObject({
      score: first.reduce((sum, { score }) => sum + score, 0),
      maxScore: 40,
      maxExtraCredit: 0,
      machine: all.machine,
    })
    const report = await pagewalk('grade', 'ann', '--step', '2')
    expect(report.out).toMatch(/^ann {2}\d+\/40\n/)
    expect(report.out).not.toContain('step 3')
  })
  test('has the checks that its own need, also those of later steps', () => {
    const [first, second] = nautilus.rubric.steps.map(({ checks }) => checks.map(({ check }) => check))
    const { checks, rubric } = upToStep(nautilus, '2')
    expect(rubric.steps.map(({ id }) => id)).toEqual(['1', '2'])
    const ids = checks.map(({ id }) => id)
    expect(ids).toEqual(expect.arrayContaining([...first!, ...second!]))
    for (const { needs } of checks) expect(ids).toEqual(expect.arrayContaining([...needs]))
    expect(upToStep(nautilus, 'extra').checks.length).toBe(nautilus.checks.length)
  })
  test('tells which steps there are', async () => {
    expect(await pagewalk('grade', 'ann', '--step', '9')).toEqual({
      code: 2,
      out: '',
      err: 'pagewalk: --step: expected a step of weensyos (1, 2, 3, 4, 5, 6, 7), got "9"\n',
    })
    const path = folder(nautilus, 'handed-out')
    expect((await pagewalk('grade', path, '--step', '6')).err).toContain('(1, 2, 3, 4, 5, extra), got "6"')
  })
})

test('grade --seed draws other runs, which the result tells; the verdicts stay', async () => {
  const [one, other] = [
    resultSchema.parse(JSON.parse((await pagewalk('grade', 'ann', '--json')).out)),
    resultSchema.parse(JSON.parse((await pagewalk('grade', 'ann', '--json', '--seed', '5')).out)),
  ]
  expect([one.seed, other.seed]).toEqual([1, 5])
  expect(other.score).toBe(one.score)
  expect(other.machine.stateHash).not.toBe(one.machine.stateHash)
  expect(await pagewalk('grade', 'ann', '--seed', 'x')).toMatchObject({ code: 2, out: '' })
})

describe('grade --html', () => {
  test('writes one page beside the report, and replaces what was in the file', async () => {
    writeFileSync(join(dir, 'page.html'), 'x'.repeat(1_000_000))
    const { code, out } = await pagewalk('grade', 'ann', '--step', '2', '--html', 'page.html')
    expect(code).toBe(0)
    expect(out).toMatch(/^ann {2}/)
    const page = readFileSync(join(dir, 'page.html'), 'utf8')
    expect(page).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/)
    expect(page).toContain('<title>ann: ')
    expect(page).not.toContain('Step 3')
  })
  test('of several is one page with all of them; - is standard output, with nothing else', async () => {
    const { code, out } = await pagewalk(
      'grade',
      'ann',
      join('ann', 'kernel.ts'),
      '--step',
      '1',
      '--html',
      '-',
    )
    expect(code).toBe(0)
    expect(out).toMatch(/^<!doctype html>[\s\S]*<\/html>\n$/)
    expect(out.match(/<article /g)?.length).toBe(2)
  })
  test('is told in one sentence, before anything is graded, if the file cannot be written', async () => {
    const nowhere = join('no', 'such', 'page.html')
    const { code, out, err } = await pagewalk('grade', 'ann', '--html', nowhere)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^pagewalk: --html: expected a file that can be written, got ENOENT.*\n$/)
    const both = await pagewalk('grade', 'ann', '--json', '--html', '-')
    expect(both).toMatchObject({ code: 2, out: '', err: expect.stringContaining('--html -: expected') })
    expect(existsSync(join(dir, '-'))).toBe(false)
  })
})
