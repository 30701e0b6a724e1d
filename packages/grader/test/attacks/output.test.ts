// Attacks by output: floods of it, and text that would be taken for ours by a terminal, a browser or a reader.

import { expect, test } from 'vitest'
import { reportGrade, reportHtml, reportReasons, reportTable } from '../../src/index.ts'
import { attacks, gradeFiles, guarded, LAZY, lazy } from './attack.ts'

guarded()

/** A text of 100 MB takes more than that in the heap, more than once. */
const limits = { milliseconds: 5000, heapMiB: 512, memoryMiB: 800 }

attacks('floods', [
  {
    name: 'of the console',
    source: lazy({ boot: "for (let i = 0; i < 1e5; i++) console.log('x'.repeat(100))" }),
    score: 0,
    cause: LAZY,
    limits,
  },
  {
    name: 'of the console, in one go',
    source: lazy({ boot: "console.log('x'.repeat(1e7))" }),
    score: 0,
    cause: LAZY,
    limits,
  },
  {
    name: 'of the console, in what must be made text',
    source: lazy({ boot: "console.log({ toString: () => 'x'.repeat(1e7) }, Symbol('x'.repeat(1e6)))" }),
    score: 0,
    cause: LAZY,
    limits,
  },
  {
    name: 'of the serial port',
    source: lazy({ imports: 'say', tick: "say('x'.repeat(2000))" }),
    score: 0,
    cause: LAZY,
    limits,
  },
  {
    name: 'of the serial port, in one call',
    source: lazy({ imports: 'say', tick: "say('x'.repeat(1e7))" }),
    score: 0,
    cause: /^stops: short, long: .*a kernel call does not return/,
    limits,
  },
  {
    name: 'of events',
    source: lazy({ imports: 'setCr3', tick: 'for (let i = 0; i < 20_000; i++) setCr3(0x1000n)' }),
    score: 0,
    cause: LAZY,
    limits,
  },
  {
    name: 'of 10 MB in a message that is thrown',
    source: lazy({ tick: "throw new Error('x'.repeat(1e7))" }),
    score: 0,
    cause: /^stops: short, long: .*Error: xxx/,
    limits,
  },
  {
    name: 'of 100 MB in a message that is thrown while it loads',
    source: lazy({ top: "throw new Error('x'.repeat(1e8))" }),
    score: 0,
    cause: /^loads: .*Error: x+$/,
    limits,
  },
  {
    name: 'of 10 MB in a stack',
    source: lazy({
      tick: "const e = new Error('long'); e.stack = 'at submission.js:1:1 '.repeat(5e5); throw e",
    }),
    score: 0,
    cause: /^stops: short, long: .*Error: long$/,
    limits,
  },
  {
    name: 'of 10 MB in a panic',
    source: lazy({ imports: 'panic', tick: "panic('x'.repeat(1e7))" }),
    score: 0,
    cause: LAZY,
    limits,
  },
  {
    name: 'of 10 MB in the name of a wait',
    source: lazy({ imports: 'wait', tick: "wait('x'.repeat(1e7), () => false)" }),
    score: 0,
    cause: /^stops: short, long: /,
    limits,
  },
  {
    name: 'of 10 MB in the name of an error',
    source: lazy({ tick: "const e = new Error('m'); e.name = 'x'.repeat(1e7); throw e" }),
    score: 0,
    cause: /^stops: short, long: /,
    limits,
  },
])

test.each([
  ['sequences that a terminal obeys', '\\x1b[2J\\x1b]0;pwned\\x07\\r'],
  ['marks that turn the direction of text', '\\u202e\\u2066\\u200f'],
  ['lines that look like a report', '\\n  pass  counts\\nada  100/100'],
  ['markup', '<script>alert(1)</script><img src=x onerror=alert(1)>&lt;'],
])('%s in what is thrown stand in no report as they are', async (_name, text) => {
  const one = await gradeFiles({ 'kernel.ts': lazy({ tick: `throw new Error("${text}")` }) })
  const style = { colour: false, width: 4000 }
  for (const report of [reportGrade(one, style), reportReasons([one], style), reportTable([one], style)]) {
    expect(report).not.toMatch(/[\x00-\x09\x0b-\x1f\u202a-\u202e\u2066-\u2069\u200f]/u)
    expect(report).not.toMatch(/^ada|^ {2}pass {2}counts/m)
  }
  expect(reportHtml([one])).not.toMatch(/<script|<img|[\x00-\x09\x0b-\x1f\u202a-\u202e]/u)
})

test('the size of a result does not grow with what was thrown', async () => {
  const { result } = await gradeFiles(
    { 'kernel.ts': lazy({ tick: "throw new Error('x'.repeat(1e7))" }) },
    limits,
  )
  expect(JSON.stringify(result).length).toBeLessThan(20_000)
})
