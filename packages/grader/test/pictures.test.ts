// What a finding shows, as data: made from a real machine whose kernel maps two pages for ring 3 at 0x40000000.

import { Machine } from '@pagewalk/machine'
import { expect, test, vi } from 'vitest'
import {
  fail,
  findSubmissions,
  type Grade,
  grade,
  type Lab,
  type Shows,
  type Snapshot,
  survey,
} from '../src/index.ts'
import { letterOf, type MemoryMap } from '../src/maps.ts'
import type { Picture } from '../src/pictures.ts'
import type { TreeEntry, TreeTable } from '../src/table-tree.ts'
import { fake } from './fake/lab.ts'
import { folder, put, RIGHT } from './kit.ts'

vi.setConfig({ testTimeout: 60_000 })

const TABLES = 0x1000
const HIGH = 0x4000_0000n
/** Two pages at HIGH, physical 0x30 and 0x31; the page between them is missing. */
const MAPS = `
  write32(0x1000, 0x2007)
  write32(0x2008, 0x4007)
  write32(0x4000, 0x5007)
  write32(0x5000, 0x30007)
  write32(0x5010, 0x31007)`
const OWNERS = new Map([
  [0x30, { owner: 'process 1', refcount: 2 }],
  [0x31, { owner: 'process 12', refcount: 1 }],
])
const view: Lab['view'] = (image) => {
  const machine = Machine.fromImage(image)
  return survey(machine, {
    lab: 'fake',
    spaces: [{ id: 'kernel', name: 'Kernel', cr3: machine.registers().cr3 }],
    owner: (pn) => OWNERS.get(pn) ?? { owner: pn < 64 ? 'kernel' : 'free', refcount: pn < 64 ? 1 : 0 },
  })
}
interface Asked {
  /** What each of the fake lab's two checks says. */
  readonly shows?: readonly (Shows | undefined)[]
  readonly view?: Lab['view']
  readonly pictures?: boolean
}
function drawn(asked: Asked): Promise<Grade> {
  const { shows = [], pictures = true } = asked
  const lab: Lab = {
    ...fake,
    view: asked.view ?? view,
    checks: fake.checks.map((check, at) => ({
      ...check,
      needs: [],
      run: () => {
        const shown = shows[at]
        if (!shown) return { verdict: 'pass' }
        return fail({ expected: '', observed: '', hint: '', shows: shown })
      },
    })),
  }
  const source = RIGHT.replace('write32(COUNT, 0)', `write32(COUNT, 0)${MAPS}`)
  return grade(findSubmissions(put(folder(), { 'kernel.ts': source }), [lab])[0]!, { pictures })
}
async function picture(shows: Shows): Promise<Picture> {
  const { pictures, errors } = await drawn({ shows: [shows] })
  expect(errors).toEqual([])
  return pictures.get('counts')!
}
const row = ({ rows }: MemoryMap, address: bigint): string =>
  rows
    .find((each) => each.address === address)!
    .cells.map(({ letter }) => letter)
    .join('')
const marked = ({ rows }: MemoryMap): bigint[] =>
  rows.flatMap(({ address, cells }) =>
    cells.flatMap((cell, at) => (cell.marked ? [address + BigInt(at) * 4096n] : [])),
  )
const space = (...pages: bigint[]): Shows => ({ scenario: 'short', space: { cr3: BigInt(TABLES), pages } })

test('a physical map has a letter for each page, and marks those that are meant', async () => {
  const { physical, spaces } = await picture({ scenario: 'short', label: 'half', physical: [0x31, 0xfff] })
  expect(physical.rows.map(({ address }) => address)).toEqual([0n, 0x4_0000n, 0x8_0000n, 0xc_0000n])
  expect(row(physical, 0n)).toBe(`${'K'.repeat(48)}1C${'K'.repeat(14)}`)
  expect(row(physical, 0xc_0000n)).toBe('.'.repeat(64))
  expect(physical.rows[0]!.cells[0x30]).toEqual({ letter: '1', user: false, shared: true, marked: false })
  expect(marked(physical)).toEqual([0x3_1000n])
  expect(physical.ranges).toEqual([
    { start: 0x3_1000n, end: 0x3_2000n, words: 'process 12', marked: true },
    { start: 0xff_f000n, end: 0x100_0000n, words: 'no memory', marked: true },
  ])
  expect(spaces).toEqual([])
})
test('a virtual map has the owner of what is behind each page; where a marked page leads is marked too', async () => {
  const { physical, spaces } = await picture(space(HIGH, HIGH + 0x1008n))
  const { map, name } = spaces[0]!
  expect(name).toBe('Kernel')
  expect(row(map, HIGH)).toBe(`1 C${' '.repeat(61)}`)
  expect(map.rows.at(-1)!.cells[0]).toEqual({ letter: '1', user: true, shared: true, marked: true })
  expect(row(map, 0x10_0000n)).toBe('?'.repeat(64)) // mapped, but no memory
  expect(marked(map)).toEqual([HIGH, HIGH + 0x1000n])
  expect(map.ranges.map(({ words }) => words)).toEqual(['P W U X, process 1', 'not mapped'])
  expect(marked(physical)).toEqual([0x3_0000n])
})
test('a page-table tree leads to each marked page, also to an entry that is missing', async () => {
  const { tables } = (await picture(space(HIGH + 0x1000n))).spaces[0]!
  const way = (table: TreeTable): TreeEntry[] =>
    table.entries
      .filter((entry) => entry.marked)
      .flatMap((entry) => [entry, ...(entry.table ? way(entry.table) : [])])
  expect(way(tables).map(({ index, entry, rights, va }) => [index, entry, rights, va])).toEqual([
    [0, '0x2007', 'P W U', 0n],
    [1, '0x4007', 'P W U', HIGH],
    [0, '0x5007', 'P W U', HIGH],
    [1, '0x0', 'not present', HIGH + 0x1000n],
  ])
})
test('tables that no space of the snapshot has are surveyed for themselves', async () => {
  const { spaces } = await picture({ scenario: 'short', space: { cr3: 0x4000n, pages: [0n] } })
  expect(spaces[0]).toMatchObject({ name: 'with CR3 0x4000', cr3: '0x4000', tables: { address: '0x4000' } })
})
test('memory of many pages is told in ranges, near the marked ones', async () => {
  const large = (image: Parameters<Lab['view']>[0]): Snapshot => {
    const small = view(image)
    return { ...small, machine: { ...small.machine, memoryBytes: 64 << 20 } }
  }
  const { pictures } = await drawn({ shows: [space(HIGH + 0x2000n)], view: large })
  const { physical, spaces } = pictures.get('counts')!
  expect([physical.rows, spaces[0]!.map.rows]).toEqual([[], []])
  expect(physical.ranges.map(({ start, words, marked: is }) => [start, words, is])).toEqual([
    [0n, 'kernel', false],
    [0x3_0000n, 'process 1, 2 references', false],
    [0x3_1000n, 'process 12', true],
    [0x3_2000n, 'kernel', false],
    [0x4_0000n, 'free', false],
  ])
  expect(spaces[0]!.map.ranges.at(-1)).toEqual({
    start: HIGH + 0x2000n,
    end: HIGH + 0x3000n,
    to: 0x3_1000n,
    words: 'P W U X, process 12',
    marked: true,
  })
})
test('whatever the findings show, there is the end of the first scenario, with all spaces', async () => {
  const { pictures, last } = await drawn({})
  expect(pictures.size).toBe(0)
  expect(last).toMatchObject({ scenario: 'short', spaces: [{ name: 'Kernel' }] })
  expect(marked(last!.physical)).toEqual([])
  expect(await drawn({ pictures: false })).not.toHaveProperty('last')
})
test('each state is viewed once, however many findings show it', async () => {
  let views = 0
  const counted: Lab['view'] = (image) => {
    views++
    return view(image)
  }
  const { pictures } = await drawn({
    shows: [space(HIGH), { scenario: 'short', label: 'final', physical: [1] }],
    view: counted,
  })
  expect([pictures.size, views]).toEqual([2, 1])
})
test('a picture that cannot be made costs nobody the grade', async () => {
  const shows = [space(HIGH), { scenario: 'short', label: 'never' }]
  const broken = await drawn({
    shows,
    view: () => {
      throw new Error('our bug')
    },
  })
  expect(broken.result.steps.map(({ checks }) => checks.at(-1)?.verdict)).toEqual(['fail', 'fail'])
  expect([broken.pictures.size, broken.errors.length]).toEqual([0, 2])
  const unreached = await drawn({ shows })
  expect([[...unreached.pictures.keys()], unreached.errors]).toEqual([['counts'], []])
})
test('an owner has one letter', () => {
  const words = [
    'kernel',
    'reserved',
    'free',
    'process 1',
    'process 15',
    'process 16',
    'no memory',
    'stack',
    '',
  ]
  expect(words.map(letterOf).join('')).toBe('KR.1F*?s?')
})
