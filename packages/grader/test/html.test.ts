// The page of a grade: whole, alone, and deaf to what a student writes into it.

import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { fail, type Grade, grade, type Lab, reportHtml, resultSchema } from '../src/index.ts'
import { fake } from './fake/lab.ts'
import { counting, RIGHT } from './kit.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const HOSTILE = '<script>alert(1)</script><img src=x onerror="alert(2)">\'&amp;\u202e'
/** Fails `counts`, and shows page 0x30 and where it is mapped. */
const showing: Lab = {
  ...fake,
  checks: fake.checks.map((check) => ({
    ...check,
    run(evidence) {
      const finding = check.run(evidence)
      if (finding.verdict === 'pass') return finding
      return fail({
        ...finding,
        observed: HOSTILE,
        shows: { scenario: 'short', space: { cr3: 0x1000n, pages: [0x3_0000n] } },
      })
    },
  })),
}
async function graded(source: string): Promise<Grade> {
  const files = new Map([['kernel.ts', source]])
  const changedLibrary = [`lib/${HOSTILE}.ts`]
  return grade(
    { name: HOSTILE, lab: showing, files, sha256: '0'.repeat(64), changedLibrary },
    { pictures: true },
  )
}
let failing: Grade
let passing: Grade
beforeAll(async () => {
  failing = await graded(counting('write32(COUNT, 7)'))
  passing = await graded(RIGHT)
})

const VOID = new Set(['meta', '!doctype'])
/** Tags that are closed in another order than they were opened. */
function unbalanced(page: string): string[] {
  const open: string[] = []
  const wrong: string[] = []
  for (const [, slash, tag = ''] of page.matchAll(/<(\/?)(!?[a-z][a-z0-9]*)[^>]*>/g)) {
    if (VOID.has(tag)) continue
    if (!slash) open.push(tag)
    else if (open.pop() !== tag) wrong.push(tag)
  }
  return [...wrong, ...open]
}

describe.each([
  ['one that fails', () => [failing]],
  ['one that passes', () => [passing]],
  ['several', () => [failing, passing, failing]],
])('the page of %s', (_what, grades) => {
  test('closes every tag, and has every place that it links to, once', () => {
    const page = reportHtml(grades())
    expect(unbalanced(page)).toEqual([])
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    const links = [...page.matchAll(/ href="#([^"]*)"/g)].map(([, id]) => id)
    expect(links.filter((id) => !ids.includes(id))).toEqual([])
    expect(page.match(/<h1>/g)?.length).toBe(1)
    expect(page.match(/<main>/g)?.length).toBe(1)
  })
  test('loads nothing and runs nothing: its policy allows its own style alone', () => {
    const page = reportHtml(grades())
    const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
    const hash = createHash('sha256').update(style).digest('base64')
    expect(page).toContain(
      `content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'"`,
    )
    const tags = page.match(/<[a-z][^>]*>/g)?.join('\n') ?? ''
    expect(tags).not.toMatch(/^<(script|link|img|iframe|object|base|form)|\s(src|on\w+|style)=|href="[^#]/m)
    expect(style).not.toMatch(/@import|url\(/)
  })
  test('shows what a student has written as text', () => {
    const page = reportHtml(grades())
    const shown =
      '&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&quot;alert(2)&quot;&gt;&#39;&amp;amp;\\u202e'
    expect(page).toContain(`<title>${grades().length > 1 ? '3 submissions' : shown}`)
    expect(page).toContain(`lib/${shown}.ts differ`)
    expect(page).not.toContain('\u202e')
  })
  test('names every table, and every map that can be scrolled', () => {
    const page = reportHtml(grades())
    const count = (what: RegExp): number => page.match(what)?.length ?? 0
    expect(count(/<table[ >]/g)).toBeGreaterThan(1)
    expect(count(/<table[^>]*><caption>[^<]/g)).toBe(count(/<table[ >]/g))
    expect(count(/<pre class="map">/g)).toBeGreaterThan(1)
    expect(count(/role="region" aria-label="[^"]+" tabindex="0"><pre class="map">/g)).toBe(
      count(/<pre class="map">/g),
    )
  })
})

test('a failed check has its four parts, its maps with the page in a box, and the same in words', () => {
  const page = reportHtml([failing])
  const [section = ''] = /<section id="s1-counts">[\s\S]*?<\/section>/.exec(page) ?? []
  for (const part of ['claim', 'expected', 'observed', 'hint']) expect(section).toContain(`<dt>${part}</dt>`)
  expect(section.match(/<mark><span class="k">K<\/span><\/mark>/g)?.length).toBe(2)
  expect(section).toContain('Marked: 0x30000: kernel')
  expect(section).toContain('Marked: 0x30000 -&gt; 0x30000: P W X, kernel')
  expect(section).toMatch(/<details open><summary>PML4\[0\] 0x2\w+ P W -&gt; 0x2000, for 0x0<\/summary>/)
  expect(page).toContain('<dt>needs counts, which failed</dt><dd>keeps-up</dd>')
})
test('a submission without a failure shows the end of the first scenario, with nothing marked', () => {
  const page = reportHtml([passing])
  expect(page).toContain('<figcaption>Physical memory, scenario short, at its end</figcaption>')
  expect(page).not.toContain('<mark>')
})
test('a result of the page is a result of the schema', () => {
  expect(resultSchema.parse(failing.result)).toEqual(failing.result)
})
test('what a person decided stands with the check, with who, why and what it was before', () => {
  const override = { by: 'Ann', reason: HOSTILE, points: 0, pending: 0 }
  const steps = failing.result.steps.map((step) => ({
    ...step,
    checks: step.checks.map((check) => (check.id === 'keeps-up' ? { ...check, points: 3, override } : check)),
  }))
  const page = reportHtml([{ ...failing, result: { ...failing.result, steps } }])
  expect(page).toContain('<td class="blocked">blocked, decided</td><td class="points">3/4</td>')
  const [section = ''] = /<section id="s1-keeps-up">[\s\S]*?<\/section>/.exec(page) ?? []
  expect(section).toMatch(/<dt>decided<\/dt><dd>by Ann: &lt;script&gt;.* \(the checks gave 0\)<\/dd>/)
})
test('a page that stands beside others has a way back, and sentences before its tables', () => {
  const home = { href: 'index.html?a="b"', title: 'All submissions' }
  const page = reportHtml([passing], { home, notes: ['Handed in late.'] })
  expect(page).toContain('<nav><a href="index.html?a=&quot;b&quot;">All submissions</a></nav>')
  expect(page.indexOf('<p>Handed in late.</p>')).toBeLessThan(page.indexOf('<table'))
  expect(unbalanced(page)).toEqual([])
})
