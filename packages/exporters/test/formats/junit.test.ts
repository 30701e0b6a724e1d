import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { create } from 'xmlbuilder2'
import { formats, type Outcome } from '../../src/index.ts'
import { anyOutcome, broken, context, graded, small, trouble } from '../kit.ts'

interface Element {
  readonly name: string
  readonly attributes: { readonly [name: string]: string }
  readonly children: readonly Element[]
}
const ELEMENT = 1
/** The XML parsed back. */
function read(file: string): Element {
  const root = create(file).root().node as unknown as Node
  interface Node {
    readonly nodeName: string
    readonly attributes: Iterable<{ readonly name: string; readonly value: string }>
    readonly nodeType: number
    readonly childNodes: Iterable<Node>
  }
  const element = ({ nodeName, attributes, childNodes }: Node): Element => ({
    name: nodeName,
    attributes: Object.fromEntries([...attributes].map(({ name, value }) => [name, value])),
    children: [...childNodes].filter(({ nodeType }) => nodeType === ELEMENT).map(element),
  })
  return element(root)
}
const all = (element: Element, name: string): Element[] => [
  ...(element.name === name ? [element] : []),
  ...element.children.flatMap((child) => all(child, name)),
]
const write = (outcomes: readonly Outcome[]): Element => read(formats.junit.write(outcomes, context))
const property = (suite: Element, name: string): string | undefined =>
  suite.children
    .find((child) => child.name === 'properties')
    ?.children.find(({ attributes }) => attributes.name === name)?.attributes.value

describe('JUnit XML', () => {
  test('counts what it holds, whatever the outcomes', () => {
    fc.assert(
      fc.property(fc.array(anyOutcome, { maxLength: 3 }), (outcomes) => {
        const root = write(outcomes)
        expect(all(root, 'testsuite')).toHaveLength(outcomes.length)
        for (const [key, name] of [
          ['tests', 'testcase'],
          ['failures', 'failure'],
          ['errors', 'error'],
          ['skipped', 'skipped'],
        ] as const)
          for (const element of [root, ...all(root, 'testsuite')])
            expect(element.attributes[key]).toBe(String(all(element, name).length))
      }),
    )
  })
  test('points are properties, and those of the cases sum up to those of the suite', () => {
    const [suite] = all(write([graded('solved')]), 'testsuite')
    expect(property(suite!, 'score')).toBe('120')
    expect(property(suite!, 'max_score')).toBe('100')
    const scores = all(suite!, 'testcase').map((each) => Number(property(each, 'score')))
    expect(scores.reduce((sum, score) => sum + score, 0)).toBe(120)
  })
  test('points in part are a failure that says how many', () => {
    const [part] = all(write([small]), 'testcase').filter(({ attributes }) => attributes.name === 'd-four')
    expect(part?.children.at(-1)).toMatchObject({
      name: 'failure',
      attributes: { message: /^4.5\/6 points/ },
    })
  })
  test('what is blocked, awaits a reader or is extra credit is skipped, and a case names its line', () => {
    const cases = all(write([small]), 'testcase')
    const skipped = cases.filter((each) => each.children.at(-1)?.name === 'skipped')
    expect(skipped.map(({ attributes }) => attributes.name)).toEqual([
      'c-three',
      'e-five (4 points await a reader)',
      'h-eight (extra credit, not earned)',
    ])
    expect(cases[2]?.attributes).toMatchObject({ file: 'kernel.ts', line: '12' })
  })
  test('our own failure is an error, and a check that we could not judge is one beside the others', () => {
    expect(all(write([trouble]), 'error')[0]?.attributes.message).toContain('ran out of memory')
    const [suite] = all(write([broken]), 'testsuite')
    expect(suite?.attributes).toMatchObject({ tests: '2', errors: '1', failures: '0' })
    expect(property(suite!, 'score')).toBeUndefined()
  })
})
