// A book as pages: real submissions, with the maps that the book has, and names and texts that would like to be more.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleSubmissions } from '@pagewalk/grader'
import { weensyos } from '@pagewalk/grading-weensyos'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { fileNames } from '../src/file-names.ts'
import { pagewalk } from './command.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const HOSTILE = `<img src=x onerror="alert(1)">&'"`
const KERNELS = {
  ann: kernelOf('copies-the-whole-table'),
  index: 'export function kernel( {',
  [HOSTILE]: `${kernelOf('copies-the-whole-table')}\nthrow new Error('</dd><script>alert(2)</script>')`,
}
function kernelOf(name: string): string {
  return sampleSubmissions(weensyos)
    .find((sample) => sample.name === name)!
    .files.get('kernel.ts')!
}

let dir = ''
const pageOf = (...path: string[]): string => readFileSync(join(dir, ...path), 'utf8')
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-report-'))
  for (const [name, text] of Object.entries(KERNELS)) {
    mkdirSync(join(dir, 'class', name), { recursive: true })
    writeFileSync(join(dir, 'class', name, 'kernel.ts'), text)
  }
  expect(await pagewalk(dir, 'grade', 'class', '--book', 'fall.book')).toMatchObject({ code: 0 })
  const why = ['--reason', 'shown in <b>class</b>', '--by', 'Ann & Bob']
  const check = 'kernel-memory-protected'
  expect(await pagewalk(dir, 'override', 'fall.book', 'ann', check, '5', ...why)).toMatchObject({ code: 0 })
  expect(await pagewalk(dir, 'report', 'fall.book')).toMatchObject({ code: 0, out: '' })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

test('a report is a page of the class and one of each submission, under names that any system takes', () => {
  expect(readdirSync(join(dir, 'fall-report')).toSorted()).toEqual([
    '_img src_x onerror__alert_1______.html',
    'ann.html',
    'index-2.html',
    'index.html',
  ])
  const page = pageOf('fall-report', 'index.html')
  for (const [, href] of page.matchAll(/href="([^"#]+)"/g))
    expect(pageOf('fall-report', decodeURIComponent(href!))).toContain('<a href="index.html">')
})
test('a page of a submission has the maps of what failed, and the decision about it', () => {
  const page = pageOf('fall-report', 'ann.html')
  expect(page).toContain('<figcaption>Physical memory, scenario ')
  expect(page).toContain('<mark>')
  expect(page).not.toContain('There are no maps')
  expect(page).toContain(
    '<dt>decided</dt><dd>by Ann &amp; Bob: shown in &lt;b&gt;class&lt;/b&gt; (the checks gave ',
  )
})
test('what students have called themselves and thrown is shown as text', () => {
  for (const file of readdirSync(join(dir, 'fall-report')))
    expect(pageOf('fall-report', file)).not.toMatch(/<script|<img|<b>/)
  expect(pageOf('fall-report', 'index.html')).toContain('&lt;/dd&gt;&lt;script&gt;alert(')
})
test('the same book makes the same bytes', async () => {
  await pagewalk(dir, 'report', 'fall.book', '-o', 'again')
  for (const file of readdirSync(join(dir, 'fall-report')))
    expect(pageOf('again', file)).toBe(pageOf('fall-report', file))
})
test('the page of the class can stand alone, and links nowhere then', async () => {
  await pagewalk(dir, 'report', 'fall.book', '-o', 'alone.html')
  const page = pageOf('alone.html')
  expect(page).toContain('<th scope="row">ann</th>')
  expect(page).not.toMatch(/href="[^#]/)
})
test('without the states of the machine there are no maps, and the page says so', async () => {
  const { DatabaseSync } = await import('node:sqlite')
  writeFileSync(join(dir, 'bare.book'), readFileSync(join(dir, 'fall.book')))
  const book = new DatabaseSync(join(dir, 'bare.book'))
  book.exec('DELETE FROM states')
  book.close()
  await pagewalk(dir, 'report', 'bare.book', '-o', 'bare')
  expect(pageOf('bare', 'ann.html')).toContain('<p>There are no maps: ')
  expect(pageOf('bare', 'ann.html')).not.toContain('<figure>')
  expect(pageOf('bare', 'index-2.html')).not.toContain('There are no maps')
})
test('no two names are one file, on a system that folds case or accents either', () => {
  const names = ['Ann', 'ann', 'é', 'e\u0301', 'con', '..', '../ann', 'x'.repeat(300)]
  const files = [...fileNames(names, '.html').values()]
  expect(files.slice(0, 5)).toEqual(['Ann.html', 'ann-2.html', 'é.html', 'e_.html', '_con.html'])
  expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(names.length)
  for (const file of files) expect(file).toMatch(/^[^./\\][^/\\]{0,90}\.html$/u)
})
