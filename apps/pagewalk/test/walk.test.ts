import {
  type PlayedRun,
  playOnce,
  type Snapshot,
  type SnapshotSpace,
  sampleSubmissions,
} from '@pagewalk/grader'
import { weensyos } from '@pagewalk/grading-weensyos'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type AskedSpace,
  currentSpace,
  findWalk,
  parseAddress,
  type Question,
  type WalkFound,
} from '../src/walk.ts'
import { walkWords } from '../src/walk-words.ts'

const KERNEL_ADDR = 0x40000n
const STACK_ADDR = 0x2ff000n
const UNMAPPED = 0x200000n

let run: PlayedRun
let view: Snapshot
beforeAll(async () => {
  const submission = sampleSubmissions(weensyos).find(({ name }) => name === 'reference')!
  const config = weensyos.live.boot('allocator')
  const instructions = 20 * weensyos.live.instructionsPerTick
  run = await playOnce({ submission, config }, [{ do: 'run', instructions }], ['fault'])
  view = weensyos.view(run.final)
}, 60_000)

const processOf = (pid: number): SnapshotSpace => view.spaces.find((space) => space.pid === pid)!
function walkOf(
  question: Partial<Question> & { va: bigint },
  space: AskedSpace = processOf(1),
  seen = view,
): WalkFound {
  return findWalk(run.final, seen, space, { access: 'read', ring: 3, ...question })
}
/** The words, without the ends of lines. */
const told = (found: WalkFound, tables?: SnapshotSpace['tables']): string =>
  walkWords(found, tables).join(' ').replace(/\s+/g, ' ')

describe('a walk', () => {
  test('is told level by level, with the tables and what the entries mean', () => {
    const found = walkOf({ va: KERNEL_ADDR })
    expect(found.levels.map(({ level, index }) => `${level} ${index}`)).toEqual([
      'PML4 0',
      'PDPT 0',
      'PD 0',
      'PT 64',
    ])
    for (const [n, { table, owner }] of found.levels.entries()) {
      expect(owner).toBe('process 1')
      expect(table).toBe(n === 0 ? found.space.cr3 : found.levels[n - 1]?.to)
    }
    expect(told(found)).toMatch(
      /PT\[64\] of the table at 0x[0-9a-f]+ \(process 1\) 0x40023: present, writable, accessed -> page 0x40000/,
    )
  })
  test('of a page that is there, but not for ring 3: a page fault with P and U; ring 0 comes through', () => {
    const found = walkOf({ va: KERNEL_ADDR + 0x123n })
    expect(found.outcome).toEqual({ vector: 14, error: 5, reason: 'no U in PT[64]' })
    expect(found.page).toMatchObject({ address: '0x40000', owner: 'kernel', refcount: 1, user: false })
    expect(told(found)).toContain(
      'raises #PF with error code 0x5 (page is present, read, ring 3): no U in PT[64]',
    )
    expect(walkOf({ va: KERNEL_ADDR + 0x123n, ring: 0 }).outcome).toEqual({ physical: '0x40123' })
  })
  test('of an address that nobody has mapped ends where an entry is missing', () => {
    const found = walkOf({ va: UNMAPPED, access: 'write' })
    expect(found.outcome).toEqual({ vector: 14, error: 6, reason: 'PT[0] is not present' })
    expect(found.page).toBe(undefined)
    expect(told(found)).toContain('The walk ends here: PT[0] is not present.')
  })
  test("of a process's own page comes to a page of that process", () => {
    const found = walkOf({ va: STACK_ADDR, access: 'write' }, processOf(2))
    expect(found.page).toMatchObject({ owner: 'process 2', writable: true, user: true })
    expect(found.outcome).toEqual({ physical: found.page?.address })
  })
  test('of an address that is not canonical is none', () => {
    const words = told(walkOf({ va: 0x8000_0000_0000n }), processOf(1).tables)
    expect(words).toContain('There is no walk: 0x800000000000 is not canonical')
    expect(words).toContain('raises #GP with error code 0x0')
    expect(words).not.toContain('The tables around it')
  })
  test('has the entries beside its own, and no others', () => {
    const space = processOf(1)
    const words = walkWords(walkOf({ va: KERNEL_ADDR }), space.tables)
    const tree = words.slice(words.indexOf('The tables around it:') + 1)
    expect(tree.filter((line) => line.includes('>')).map((line) => line.trim().split(' ')[1])).toEqual([
      '[0]',
      '[0]',
      '[0]',
      '[64]',
    ])
    expect(tree.length).toBeLessThan(4 + 4 * 5)
    for (const line of words) expect(line.length).toBeLessThan(80)
  })
})

describe('a TLB', () => {
  const withTlb = (change: object): Snapshot => {
    const entry = {
      va: '0x40000',
      pa: '0x40000',
      size: 4096,
      writable: true,
      user: false,
      executable: true,
      global: false,
      dirty: true,
    }
    return {
      ...view,
      tlb: [{ ...entry, ...change }],
      registers: { ...view.registers, cr3: processOf(1).cr3 },
    }
  }
  const found = (change: object, space = processOf(1)): WalkFound =>
    walkOf({ va: KERNEL_ADDR }, space, withTlb(change))
  test('that holds what the tables say is in order', () => {
    expect(found({}).tlb).toMatchObject([{ cpu: 0, inForce: true, stale: false }])
    expect(told(found({}))).toContain(
      'CPU 0 holds 0x40000 -> 0x40000, ring 0 may read, write, execute: as the tables say',
    )
  })
  test.each([{ pa: '0x41000' }, { user: true }, { writable: false }])(
    'that holds something else is stale: %j',
    (change) => {
      expect(found(change).tlb).toMatchObject([{ stale: true }])
      expect(told(found(change))).toContain('STALE')
    },
  )
  test('of another address space is not stale, unless its entry is global', () => {
    expect(found({ user: true }, processOf(2)).tlb).toMatchObject([{ inForce: false, stale: false }])
    expect(found({ user: true, global: true }, processOf(2)).tlb).toMatchObject([
      { inForce: true, stale: true },
    ])
  })
  test('without the page holds nothing', () => {
    expect(found({ va: '0x41000' }).tlb).toEqual([])
  })
})

test('the region that holds the address is told, and that none does; a kernel without such a list is asked nothing', () => {
  const regions = [{ va: '0x40000', length: 0x2000, pa: '0x0', rights: 'R W EAGER' }]
  const space = { ...processOf(1), regions }
  expect(told(walkOf({ va: 0x41fffn }, space))).toContain(
    'region 0x40000 to 0x42000 (8192 bytes) is physical 0x0, R W EAGER',
  )
  expect(told(walkOf({ va: 0x42000n }, space))).toContain('region none holds this address')
  expect(told(walkOf({ va: 0x42000n }))).not.toContain('region')
})
test('page faults are those for this page in this space', () => {
  const cr3 = BigInt(processOf(1).cr3)
  const fault = {
    kind: 'fault',
    time: 1500,
    cpu: 0,
    vector: 14,
    error: 7,
    address: 0x40010n,
    rip: 0x100000n,
    cr3,
    cpl: 3,
  } as const
  const events = [
    fault,
    { ...fault, address: 0x41000n },
    { ...fault, cr3: 0x1000000n },
    { ...fault, vector: 13 },
  ]
  const found = findWalk(
    run.final,
    view,
    processOf(1),
    { va: KERNEL_ADDR, access: 'read', ring: 3 },
    { events, instructionsPerTick: 1000 },
  )
  expect(found.faults).toEqual([
    { time: 1500, tick: 1, cpu: 0, address: '0x40010', error: 7, rip: '0x100000', ring: 3 },
  ])
  expect(told(found)).toContain(
    'tick 1, CPU 0: 0x40010, error code 0x7 (page is present, write, ring 3), ring 3 at rip 0x100000',
  )
})
test('the space that the CPU is in has its name, if the lab has named it', () => {
  const { registers } = view
  expect(currentSpace({ ...view, registers: { ...registers, cr3: processOf(2).cr3 } }).name).toBe('Process 2')
  expect(currentSpace({ ...view, registers: { ...registers, cr3: '0x1ff000' } })).toEqual({
    name: 'the tables of CPU 0',
    cr3: '0x1ff000',
  })
})
test.each([
  ['0x40000', 0x40000n],
  ['0X4_0000', 0x40000n],
  ['0xffff_8000_0000_0000', 0xffff_8000_0000_0000n],
  ['40000', undefined],
  ['0x', undefined],
  ['0x4__0', undefined],
  ['0x1_ffff_ffff_ffff_ffff', undefined],
  ['0x40g', undefined],
])('the address %s is %s', (text, address) => {
  expect(parseAddress(text)).toBe(address)
})
