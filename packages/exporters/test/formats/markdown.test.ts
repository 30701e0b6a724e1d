import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formats, type Outcome } from '../../src/index.ts'
import {
  anyOutcome,
  context,
  expectGolden,
  failed,
  GRADED,
  graded,
  resultOf,
  small,
  step,
  trouble,
} from '../kit.ts'

const write = (...outcomes: Outcome[]): string => formats.markdown.write(outcomes, context)
/** Tags that we write ourselves; whatever else looks like one comes from a text. */
const OURS = /<\/?(?:details|summary|dl|dt|dd|br)>/g

describe('Markdown', () => {
  test.each(GRADED)('a real grade is the golden file: %s', (name) =>
    expectGolden(`markdown.${name}.md`, write(graded(name))),
  )
  test('no text becomes markup', () => {
    fc.assert(
      fc.property(anyOutcome, (outcome) => {
        const bare = write(outcome).replace(OURS, '')
        expect(bare).not.toMatch(/[<>`[\]]/)
        expect(bare).not.toMatch(/\n::/)
      }),
    )
  })
  test('what is opened is closed, with no blank line between', () => {
    fc.assert(
      fc.property(anyOutcome, (outcome) => {
        const file = write(outcome)
        const blocks = file.match(/<details>.*?<\/details>/gs) ?? []
        expect(blocks).toHaveLength(file.split('<details>').length - 1)
        for (const block of blocks) expect(block).not.toMatch(/\n\s*\n/)
      }),
    )
  })
  test('a row of a table has three cells', () => {
    fc.assert(
      fc.property(anyOutcome, (outcome) => {
        for (const row of write(outcome).match(/^\| \*\*.*$/gm) ?? []) expect(row.split('|')).toHaveLength(5)
      }),
    )
  })
  test('several submissions are listed first', () => {
    const file = write(small, trouble)
    expect(file).toMatch(/^## 2 submissions\n/)
    expect(file).toContain(
      '| ada | 9.5/20, extra credit 3/5, 4 points await a reader |\n| bob | not graded |',
    )
  })
  test('a class stays below 1 MiB: a summary that is larger is lost', () => {
    const checks = Array.from({ length: 40 }, (_, at) => failed(`check-${at}`, 2, 'x'.repeat(300)))
    const many = Array.from({ length: 1200 }, (_, at) => ({
      name: `student-${at}`,
      result: resultOf([step('1', false, checks)]),
    }))
    const file = write(...many)
    expect(Buffer.byteLength(file)).toBeLessThanOrEqual(1 << 20)
    expect(file).toContain('and 200 more')
  })
})
