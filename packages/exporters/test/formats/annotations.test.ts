import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { annotations } from '../../src/index.ts'
import { anyOutcome, expectGolden, failed, graded, passed, resultOf, small, step, trouble } from '../kit.ts'

describe('annotations', () => {
  test('those of a small result are the golden file', () =>
    expectGolden('annotations.txt', annotations(small)))
  test('a check that threw stands at its line', () => {
    expect(annotations(graded('throws'), 'lab1/')).toContain(
      '::error file=lab1/kernel.ts,line=138,col=24,title=stops::expected: every call of the kernel returns, and throws nothing%0Aobserved: ',
    )
  })
  test('every line is a command of ours, and as many as checks failed, whatever they say', () => {
    fc.assert(
      fc.property(anyOutcome, (outcome) => {
        const lines = annotations(outcome).split('\n')
        expect(lines.pop()).toBe('')
        for (const line of lines) expect(line).toMatch(/^::(error|warning) (\w+=[^:,\r\n]+(,|::))+/)
        if ('trouble' in outcome) return
        const tried = outcome.result.steps.filter(({ extra, score }) => !extra || score > 0)
        const failures = tried.flatMap(({ checks }) =>
          checks.filter(
            ({ verdict, points, maxPoints }) =>
              verdict === 'fail' || (verdict === 'pass' && points < maxPoints),
          ),
        )
        expect(lines).toHaveLength(failures.length)
      }),
    )
  })
  test('extra credit that nobody has tried is not told', () => {
    expect(annotations({ name: 'ada', result: resultOf([step('extra', true, [failed('a', 1)])]) })).toBe('')
  })
  test('extra credit and our own failure are warnings', () => {
    const extra = resultOf([step('extra', true, [passed('b', 1), failed('a', 1, 'no place')])])
    expect(annotations({ name: 'ada', result: extra })).toBe(
      '::warning title=a::expected: something%0Aobserved: no place%0Ahint: Which?\n',
    )
    expect(annotations(trouble)).toMatch(/^::warning title=not graded::Not graded, .*memory\n$/)
  })
})
