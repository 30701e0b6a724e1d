// The way of a submission through the grader, on a real machine: right ones, wrong ones, hostile ones.

import { describe, expect, test, vi } from 'vitest'
import {
  DEFAULT_LIMITS,
  findSubmissions,
  grade,
  gradeAll,
  type Lab,
  reportGrade,
  resultSchema,
  submissionOf,
} from '../src/index.ts'
import { fake } from './fake/lab.ts'
import { checksOf, counting, folder, gradeSource, put, RIGHT, verdictsOf } from './kit.ts'

vi.setConfig({ testTimeout: 60_000 })

const ALL_PASS = { loads: 'pass', stops: 'pass', counts: 'pass', 'keeps-up': 'pass' }
const LOADS_FAILS = { loads: 'fail', stops: 'blocked', counts: 'blocked', 'keeps-up': 'blocked' }

describe('a right submission', () => {
  test('has all points, and the result holds to its schema', async () => {
    const { result, errors } = await gradeSource(RIGHT)
    expect(resultSchema.parse(result)).toEqual(result)
    expect(result).toMatchObject({ schema: 'pagewalk/result/v1', lab: 'fake', score: 10, maxScore: 10 })
    expect(result.machine.instructions).toBeGreaterThan(0)
    expect(errors).toEqual([])
  })
  test('gives the same result twice, but for the time it took', async () => {
    const [{ result: one }, { result: two }] = await Promise.all([gradeSource(RIGHT), gradeSource(RIGHT)])
    const { name: _name, ...submission } = one.submission
    expect({ ...two, durationMs: 0, submission: { sha256: two.submission.sha256 } }).toEqual({
      ...one,
      durationMs: 0,
      submission,
    })
  })
})

test('the seed chooses what is played, and the result tells which it was', async () => {
  const [one, other] = [await gradeSource(RIGHT), await gradeSource(RIGHT, { seed: 7 })]
  expect([one.result.seed, other.result.seed]).toEqual([1, 7])
  expect(other.result.score).toBe(one.result.score)
  expect(other.result.machine.stateHash).not.toBe(one.result.machine.stateHash)
})

describe('a wrong submission', () => {
  test('loses what it got wrong, and what needs that is blocked', async () => {
    const one = await gradeSource(counting('write32(COUNT, 7)'))
    expect(verdictsOf(one)).toEqual({ loads: 'pass', stops: 'pass', counts: 'fail', 'keeps-up': 'blocked' })
    expect(one.result.score).toBe(0)
    expect(checksOf(one).counts).toMatchObject({
      points: 0,
      maxPoints: 6,
      observed: '7, then 7',
      hint: 'Who counts?',
    })
    expect(checksOf(one)['keeps-up']?.observed).toBe('not judged: it needs counts')
  })
  test('that goes wrong late keeps the points of before', async () => {
    const one = await gradeSource(counting('if (count < 150) write32(COUNT, read32(COUNT) + 1)'))
    expect(verdictsOf(one)).toEqual({ ...ALL_PASS, 'keeps-up': 'fail' })
    expect(one.result.score).toBe(6)
  })
  test('that loses its own mapping resets the machine, and the story is told', async () => {
    const source = counting('setCr3(0x5000n)').replace('COUNT, read32', 'COUNT, read32, setCr3')
    const one = await gradeSource(source)
    expect(verdictsOf(one)).toMatchObject({ loads: 'pass', stops: 'pass', counts: 'fail' })
    expect(one.endings[0]?.words).toMatch(
      /the machine reset itself: #PF .* at rip 0x10004; #PF could not be delivered.*triple fault; the kernel was at kernel\.ts:\d+:\d+$/,
    )
  })
})

describe('a submission that does not load', () => {
  test.each([
    ['does not compile', `${RIGHT}\nconst x = = 3`, /^kernel\.ts:16:11: Unexpected "="$/],
    [
      'asks lib for what is not there',
      RIGHT.replace('read32, write32', 'read32, write32, nothing').replace('Number(PTE_P)', 'nothing'),
      /^kernel\.ts:4:\d+: No matching export.*"nothing"/,
    ],
    [
      'imports node:fs',
      `import fs from 'node:fs'\n${RIGHT}\nfs.rmSync('x')`,
      /^kernel\.ts:1:1: import of 'node:fs'$/,
    ],
    ['imports what it does not use', `${RIGHT}\nimport fs from 'fs'`, /^kernel\.ts:16:1: import of 'fs'$/],
    ['imports a neighbour', `${RIGHT}\nimport './other.ts'`, /import of '\.\/other\.ts'$/],
    [
      'climbs out of lib',
      `${RIGHT}\nimport './lib/../../lab.ts'`,
      /import of '\.\/lib\/\.\.\/\.\.\/lab\.ts'$/,
    ],
    [
      'imports at run time',
      `${RIGHT}\nexport const later = () => import('node:fs')`,
      /^kernel\.ts:16:28: import\('node:fs'\) at run time$/,
    ],
    [
      'wants a file that lib has not',
      RIGHT.replace('./lib/room.ts', './lib/attic.ts'),
      /^kernel\.ts:4:\d+: there is no '\.\/lib\/attic\.ts' in the lab's library$/,
    ],
    ['requires', `${RIGHT}\ndeclare const require: any; require('fs')`, /require\('fs'\)$/],
    [
      'imports with attributes',
      `${RIGHT}\nimport x from './lib/room.ts' with { type: 'text' }; x()`,
      /with attributes$/,
    ],
    ['throws at its top level', `${RIGHT}\nthrow new Error('at load')`, /^kernel\.ts:16:7: Error: at load$/],
    ['throws what is no error', `${RIGHT}\nthrow null`, /threw null$/],
    ['throws what throws', `${RIGHT}\nthrow new Proxy({}, { get() { throw 1 } })`, /cannot be read$/],
    [
      'lacks a function',
      RIGHT.replace('export function tick', 'function tick'),
      /^no exported function tick$/,
    ],
    ['loops at its top level', `${RIGHT}\nfor (;;) {}`, /did not come back within 0.8 s/],
    [
      'wants to exit',
      `${RIGHT}\n;(globalThis as any).process.exit(0)`,
      /^kernel\.ts:16:30: TypeError: .*'exit'/,
    ],
    ['wants chance', `${RIGHT}\nMath.random()`, /^kernel\.ts:16:6: Error: Math\.random: .*no chance/],
    ['wants the date', `${RIGHT}\nDate.now()`, /ReferenceError: Date is not defined$/],
    [
      'patches a global',
      `${RIGHT}\nArray.prototype.push = () => 0`,
      /^kernel\.ts:16:\d+: TypeError: Cannot assign to read only property 'push'/,
    ],
    ['makes code of text', `${RIGHT}\n;(0, eval)('1')`, /Code generation from strings disallowed/],
  ])('%s', async (_what, source, observed) => {
    const one = await gradeSource(source, source.endsWith('for (;;) {}') ? { milliseconds: 800 } : {})
    expect(verdictsOf(one)).toEqual(LOADS_FAILS)
    expect(checksOf(one).loads?.observed).toMatch(observed)
    expect(one.result).toMatchObject({ score: 0, machine: { stateHash: '', instructions: 0 } })
  })
  test('types may be imported from anywhere: they load nothing', async () => {
    const source = `import type { Stats } from 'node:fs'\n${RIGHT}\nexport type S = Stats`
    expect(verdictsOf(await gradeSource(source))).toEqual(ALL_PASS)
  })
})

describe('a submission that does not give the CPU back', () => {
  test('a loop that touches the machine is ended by the machine', async () => {
    const one = await gradeSource(counting('for (;;) read32(COUNT)'))
    expect(verdictsOf(one)).toEqual({
      loads: 'pass',
      stops: 'fail',
      counts: 'blocked',
      'keeps-up': 'blocked',
    })
    expect(checksOf(one).stops?.observed).toMatch(/^short, long: a kernel call does not return/)
  })
  test('a loop that does not touch it is ended by the clock', async () => {
    const one = await gradeSource(counting('for (;;) {}'), { milliseconds: 700 })
    expect(verdictsOf(one)).toEqual({
      loads: 'pass',
      stops: 'fail',
      counts: 'blocked',
      'keeps-up': 'blocked',
    })
    expect(checksOf(one).stops?.observed).toMatch(/^short, long: the kernel did not come back within 0.7 s/)
  })
  test('a throw in one scenario blocks what needs that scenario, and nothing else', async () => {
    const throws = 'if (count > 150) (undefined as any).x'
    const one = await gradeSource(counting(`${throws}; write32(COUNT, read32(COUNT) + 1)`))
    expect(verdictsOf(one)).toEqual({ loads: 'pass', stops: 'fail', counts: 'pass', 'keeps-up': 'blocked' })
    expect(checksOf(one).stops?.observed).toMatch(
      /^long: kernel\.ts:13:\d+: TypeError: Cannot read properties of undefined \(reading 'x'\)$/,
    )
    expect(one.result.score).toBe(6)
  })
  test('a recursion without end is a throw', async () => {
    const one = await gradeSource(counting('tick(count)'))
    expect(checksOf(one).stops?.observed).toMatch(/RangeError: Maximum call stack size exceeded$/)
  })
})

test('a machine that gets on has its time, however slow the kernel is', async () => {
  const slow: Lab = {
    ...fake,
    scenarios: (seed) =>
      fake.scenarios(seed).map((scenario) => ({
        ...scenario,
        plan: scenario.plan.flatMap((action) =>
          action.do === 'run' ? Array(20).fill({ ...action, instructions: 1000 }) : [action],
        ),
      })),
  }
  const burns = counting(
    'write32(COUNT, read32(COUNT) + 1); if (count % 8 === 0) for (let i = 0; i < 3e6; i++);',
  )
  const files = new Map([['kernel.ts', new TextEncoder().encode(burns)]])
  const submission = submissionOf('slow', slow, { files, library: [] })
  const graded = await grade(submission, { limits: { ...DEFAULT_LIMITS, milliseconds: 300 } })
  expect(verdictsOf(graded)).toMatchObject({ loads: 'pass', stops: 'pass' })
})
test('a file that takes nearly all of its time again and again is ended by the time of all', async () => {
  const many: Lab = {
    ...fake,
    scenarios: (seed) =>
      Array.from({ length: 100 }, (_, i) => ({
        ...fake.scenarios(seed)[0]!,
        id: i === 0 ? 'short' : `short${i}`,
      })),
    checks: fake.checks.slice(0, 1),
    rubric: { ...fake.rubric, steps: fake.rubric.steps.slice(0, 1) },
  }
  const slow = `${RIGHT}\nfor (let i = 0; i < 1e8; i++);`
  const files = new Map([['kernel.ts', new TextEncoder().encode(slow)]])
  const submission = submissionOf('slow', many, { files, library: [] })
  const graded = await grade(submission, { limits: { ...DEFAULT_LIMITS, milliseconds: 500 } })
  expect(checksOf(graded).stops?.observed).toContain('more than 2 s of CPU time for all scenarios together')
  expect(checksOf(graded).counts?.verdict).toBe('pass')
})

describe("what a student's code can reach", () => {
  test('no object leads to Node', async () => {
    const probe = `
      const reach: string[] = []
      for (const value of [globalThis, console.log, Math.random, setCr3, key, {}, []] as any[])
        for (let o = value; o; o = Object.getPrototypeOf(o)) {
          let found = 'nothing'
          try { found = String(o.constructor?.constructor?.('return typeof process')()) } catch { found = 'refused' }
          reach.push(found)
        }
      if (reach.some((found) => found !== 'refused' && found !== 'undefined' && found !== 'nothing')) throw new Error(reach.join())
      for (const name of ['process', 'require', 'setTimeout', 'fetch', 'Buffer', 'harness', 'submission', 'SharedArrayBuffer'])
        if (name in globalThis) throw new Error(name)`
    const source = RIGHT.replace('import { COUNT,', 'import { COUNT, key, setCr3,')
    expect(verdictsOf(await gradeSource(source + probe))).toEqual(ALL_PASS)
  })
  test('the door through which the capsule works leads nowhere, and no global can be changed', async () => {
    const probe = `
      const globals = globalThis as any
      if (globals.__capsule() !== undefined) throw new Error('the door gives something')
      for (const name of ['__capsule', 'Object', 'mine'])
        try { globals[name] = 1 } catch { continue }
      for (const name of ['__capsule', 'Object', 'Uint8Array'])
        try { Object.defineProperty(globals, name, { get: () => 1 }) } catch { continue }
      if (globals.__capsule === 1 || globals.Object === 1 || globals.Uint8Array === 1 || 'mine' in globals)
        throw new Error('a global was changed')`
    expect(verdictsOf(await gradeSource(RIGHT + probe))).toEqual(ALL_PASS)
  })
  test('objects and prototypes of its own may have what a frozen prototype has', async () => {
    const source = `${RIGHT}
      function Old(this: any) {}
      Old.prototype.toString = () => 'mine'
      Old.prototype.constructor = 7
      const made: any = { valueOf: () => 1 }
      made.valueOf = () => 2
      made.toLocaleString = 3
      const told = [String(new (Old as any)()), Old.prototype.constructor, +made, made.toLocaleString, String({})]
      if (told.join() !== 'mine,7,2,3,[object Object]') throw new Error(told.join())
      if (Object.keys(made).join() !== 'valueOf,toLocaleString') throw new Error(Object.keys(made).join())`
    expect(verdictsOf(await gradeSource(source))).toEqual(ALL_PASS)
  })
  test('an error of its own may have a name', async () => {
    const source = `${RIGHT}\nclass Mine extends Error { constructor() { super('m'); this.name = 'Mine' } }\nnew Mine()`
    expect(verdictsOf(await gradeSource(source))).toEqual(ALL_PASS)
  })
})

describe("the student's copy of the library", () => {
  test('is not what is graded', async () => {
    const dir = put(folder(), { 'kernel.ts': RIGHT, 'lib/room.ts': 'export const COUNT = 0' })
    const one = await grade(findSubmissions(dir, [fake])[0]!)
    expect(verdictsOf(one)).toEqual(ALL_PASS)
    expect(reportGrade(one, { colour: false, width: 100 })).toContain(
      "lib/room.ts differ from the lab's; the lab's were used",
    )
  })
})

describe('many', () => {
  test('a bad one stops nobody, and the order is that of the names', async () => {
    const dir = put(folder(), {
      'b/kernel.ts': 'not TypeScript',
      'a/kernel.ts': RIGHT,
      'c/notes.txt': '',
      'd/kernel.ts': new Uint8Array([0xff, 0xfe, 0x00]),
    })
    const grades = await gradeAll(findSubmissions(dir, [fake]), { jobs: 2 })
    expect(grades.map(({ result }) => [result.submission.name, result.score])).toEqual([
      ['a', 10],
      ['b', 0],
      ['c', 0],
      ['d', 0],
    ])
  })
  test("the grader's own error is told as one, and costs nobody the batch", async () => {
    const broken: Lab = {
      ...fake,
      checks: fake.checks.map((check) =>
        check.id === 'counts'
          ? {
              ...check,
              run: () => {
                throw new Error('our bug')
              },
            }
          : check,
      ),
    }
    const [submission] = findSubmissions(put(folder(), { 'kernel.ts': RIGHT }), [broken])
    const one = await grade(submission!)
    expect(verdictsOf(one)).toEqual({ ...ALL_PASS, counts: 'error', 'keeps-up': 'blocked' })
    expect(one.errors[0]).toContain('our bug')
  })
  test('a rubric that prices what is no check is our error', async () => {
    const broken: Lab = {
      ...fake,
      rubric: {
        version: '1',
        steps: [{ id: '1', title: '', extra: false, checks: [{ check: 'x', points: 1 }] }],
      },
    }
    const [submission] = findSubmissions(put(folder(), { 'kernel.ts': RIGHT }), [broken])
    expect(verdictsOf(await grade(submission!))).toMatchObject({ loads: 'error', x: 'error' })
  })
})
