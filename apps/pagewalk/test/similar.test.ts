// Who resembles whom among real submissions, on the command line; with Dolos where somebody has installed it.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleSubmissions } from '@pagewalk/grader'
import { weensyos } from '@pagewalk/grading-weensyos'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DolosError, findDolos, resemblances } from '../src/similar/dolos.ts'
import { pairsOf } from '../src/similar/pairs.ts'
import { pagewalk } from './command.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 })

const kernelOf = (name: string): string =>
  sampleSubmissions(weensyos)
    .find((sample) => sample.name === name)!
    .files.get('kernel.ts')!
/** The same program in another hand: other names of functions and variables, other layout, no comments. */
const disguised = (source: string): string =>
  ['mapNewPage', 'newPagetable', 'pagesFor', 'letGo', 'inherit', 'freeMemory', 'loadSegment']
    .reduce((text, name, i) => text.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), `helper${i}`), source)
    .replace(/^\s*\/\/.*\n/gm, '')
    .replace(/^ +/gm, (indent) => indent.repeat(3))
const handedOut = kernelOf('handed-out')
const KERNELS = {
  ann: kernelOf('reference'),
  bob: kernelOf('copies-the-whole-table'),
  cid: disguised(kernelOf('reference')),
  dan: handedOut,
  eve: `${handedOut}\n// I have not begun`,
}

let dir = ''
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'pagewalk-similar-'))
  for (const [name, text] of Object.entries(KERNELS)) {
    mkdirSync(join(dir, 'class', name), { recursive: true })
    writeFileSync(join(dir, 'class', name, 'kernel.ts'), text)
  }
  expect(await pagewalk(dir, 'grade', 'class', '--book', 'fall.book')).toMatchObject({ code: 0 })
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))
interface Told {
  readonly note: string
  readonly labs: readonly {
    readonly noSource: string | null
    readonly pairs: readonly {
      readonly names: string[]
      readonly behaviour: { readonly alike: number } | null
    }[]
  }[]
}

test('a copy in another hand comes first, what was handed out is no evidence, and nobody is accused', async () => {
  const { code, out } = await pagewalk(dir, 'similar', 'fall.book')
  expect(code).toBe(0)
  expect(out).toMatch(/^behaviour {2}source\n0\.9\d +\S+ +ann and cid\n/m)
  expect(out).not.toContain('dan and eve')
  expect(out).toContain('This is evidence, not a verdict')
})
test('as JSON it is the same, so many pairs as are asked for', async () => {
  const told = JSON.parse((await pagewalk(dir, 'similar', 'fall.book', '--json', '--top', '3')).out) as Told
  expect(told.note).toContain('not a verdict')
  expect(told.labs[0]!.pairs).toHaveLength(3)
  expect(told.labs[0]!.pairs[0]).toMatchObject({ names: ['ann', 'cid'], behaviour: { alike: 1 } })
})
test('submissions that are not in a book are played first', async () => {
  const { out } = await pagewalk(dir, 'similar', join('class', 'ann'), join('class', 'cid'), '--json')
  const told = JSON.parse(out) as Told
  expect(told.labs[0]!.pairs).toMatchObject([{ names: ['ann', 'cid'], behaviour: { alike: 1 } }])
})
test('an export has a folder of each submission, and what was handed out', async () => {
  await pagewalk(dir, 'similar', 'fall.book', '--export', 'jplag')
  expect(readdirSync(join(dir, 'jplag/weensyos/submissions'))).toEqual(Object.keys(KERNELS))
  const text = (path: string): string => readFileSync(join(dir, 'jplag/weensyos', path), 'utf8')
  expect(text('submissions/cid/kernel.ts')).toBe(KERNELS.cid)
  expect(text('base/kernel.ts')).toBe(handedOut)
})

describe('without Dolos', () => {
  const PLACE = 'PAGEWALK_DOLOS'
  const withDolos = async (folder: string): Promise<string> => {
    vi.stubEnv(PLACE, folder)
    try {
      return (await pagewalk(dir, 'similar', 'fall.book', '--top', '1')).out
    } finally {
      vi.unstubAllEnvs()
    }
  }
  test('nothing is said of sources but how to get it', async () => {
    expect(await withDolos(dir)).toContain(
      'source similarity is unavailable: Dolos is not installed; `npm install @dodona/dolos-lib`',
    )
  })
  test('one that does not run is told in a sentence', async () => {
    const broken = join(dir, 'broken/node_modules/@dodona/dolos-lib')
    mkdirSync(broken, { recursive: true })
    writeFileSync(join(broken, 'package.json'), '{ "type": "module", "exports": "./index.js" }')
    writeFileSync(join(broken, 'index.js'), "throw new Error('compiled for another Node')")
    expect(await withDolos(join(dir, 'broken'))).toContain(
      'source similarity is unavailable: Dolos is there and does not run: Error: compiled for another Node; ',
    )
  })
  test('one that answers nonsense is refused', async () => {
    const url =
      'data:text/javascript,export class File {}; export class Dolos { analyze() { console.log(1) } }'
    const dolos = { url, node: process.execPath }
    await expect(resemblances(dolos, [{ name: 'a', text: '' }], undefined)).rejects.toThrow(DolosError)
  })
})

const dolos = findDolos()
describe.skipIf(!dolos)('with Dolos', () => {
  const sources = Object.entries(KERNELS).map(([name, text]) => ({ name, text }))
  test('a copy with other names is the same source, and unchanged files belong to nobody', async () => {
    const pairs = await resemblances(dolos!, sources, { name: 'handed-out', text: handedOut })
    const first = pairs.toSorted((a, b) => b.similarity - a.similarity)[0]!
    expect(first.names.toSorted()).toEqual(['ann', 'cid'])
    expect(first.similarity).toBeGreaterThan(0.9)
    expect(pairs.flatMap(({ names }) => names)).not.toContain('dan')
  })
})

test('pairs are ranked by the mean of what is known, and the same files come before all', () => {
  const likeness = (names: [string, string], unusual: number) => ({
    names,
    alike: unusual,
    unusual,
    shared: [],
  })
  const source = (similarity: number) => [{ file: 'kernel.ts', similarity, longest: 9 }]
  const pairs = pairsOf(
    [likeness(['a', 'b'], 0.9), likeness(['a', 'c'], 0.7), likeness(['b', 'c'], 0)],
    new Map([
      ['a\0b', source(0.1)],
      ['a\0c', source(0.8)],
      ['b\0c', source(0)],
    ]),
    new Map([
      ['a', 'one'],
      ['b', 'other'],
      ['c', 'other'],
    ]),
  )
  expect(pairs.map(({ names }) => names.join(''))).toEqual(['bc', 'ac', 'ab'])
})
