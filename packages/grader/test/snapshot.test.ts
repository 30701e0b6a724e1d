import { Machine } from '@pagewalk/machine'
import { describe, expect, test, vi } from 'vitest'
import {
  DEFAULT_LIMITS,
  diffSnapshots,
  findSubmissions,
  openSession,
  parseSnapshot,
  playOnce,
  type Snapshot,
  SubmissionError,
  serialiseSnapshot,
  snapshotSchema,
  survey,
} from '../src/index.ts'
import { fake } from './fake/lab.ts'
import { counting, folder, put, RIGHT } from './kit.ts'

vi.setConfig({ testTimeout: 60_000 })

const bootOf = (source: string) => {
  const [submission] = findSubmissions(put(folder(), { 'kernel.ts': source }), [fake])
  return { submission: submission!, config: fake.live.boot('zero') }
}
const snapshotAfter = async (instructions: number): Promise<Snapshot> => {
  const { final } = await playOnce(bootOf(RIGHT), [{ do: 'run', instructions }])
  return fake.view(final)
}

describe('a snapshot', () => {
  test('holds to its schema, and survives being written and read', async () => {
    const snapshot = await snapshotAfter(1000)
    expect(snapshotSchema.parse(snapshot)).toEqual(snapshot)
    expect(parseSnapshot(serialiseSnapshot(snapshot))).toEqual(snapshot)
  })
  test('tells memory, spaces, tables, registers and screen', async () => {
    const snapshot = await snapshotAfter(1000)
    expect(snapshot.physical).toEqual([
      { address: '0x0', length: 0x40000, owner: 'kernel', refcount: 1 },
      { address: '0x40000', length: 0xc0000, owner: 'free', refcount: 0 },
    ])
    const [space] = snapshot.spaces
    expect(space?.ranges).toEqual([
      {
        va: '0x0',
        length: 0x200000,
        pa: '0x0',
        writable: true,
        user: false,
        executable: true,
        owner: 'kernel',
      },
    ])
    expect(space?.tables).toMatchObject({
      level: 'PML4',
      address: '0x1000',
      entries: [{ index: 0, table: { level: 'PDPT', address: '0x2000' } }],
    })
    expect(snapshot.registers).toMatchObject({ cr3: '0x1000', cpl: 0 })
    expect(snapshot.console.rows[0]?.[0]).toBe('A')
    expect(snapshot.console.attributes[0]?.slice(0, 2)).toBe('1f')
  })
  test('what is none is refused with the place', () => {
    expect(() => parseSnapshot('{')).toThrow(/expected a snapshot in JSON, got text that does not parse/)
    expect(() => parseSnapshot('{"schema":"x"}')).toThrow(/differs at schema/)
  })
})

describe('diffSnapshots', () => {
  test('the same is no difference', async () => {
    expect(diffSnapshots(await snapshotAfter(1000), await snapshotAfter(1000))).toEqual([])
  })
  test('tells ranges that came, went, changed rights, moved; however they were cut', async () => {
    const base = await snapshotAfter(1000)
    const range = (va: number, length: number, pa: number, writable = true) => ({
      va: `0x${va.toString(16)}`,
      length,
      pa: `0x${pa.toString(16)}`,
      writable,
      user: true,
      executable: true,
      owner: 'kernel',
    })
    const withRanges = (ranges: Snapshot['spaces'][number]['ranges']): Snapshot => ({
      ...base,
      spaces: [{ ...base.spaces[0]!, ranges }],
    })
    const before = withRanges([
      range(0x1000, 0x2000, 0x1000),
      range(0x3000, 0x1000, 0x3000),
      range(0x8000, 0x1000, 0x8000),
    ])
    const after = withRanges([
      range(0x1000, 0x1000, 0x1000),
      range(0x2000, 0x1000, 0x2000, false),
      range(0x3000, 0x2000, 0x3000),
    ])
    expect(diffSnapshots(before, after)).toEqual([
      {
        where: 'kernel',
        kind: 'changed',
        words: '0x2000 to 0x2fff -> 0x2000 P W U X, kernel, now -> 0x2000 P U X, kernel',
      },
      { where: 'kernel', kind: 'came', words: '0x4000 to 0x4fff -> 0x4000 P W U X, kernel' },
      { where: 'kernel', kind: 'went', words: '0x8000 to 0x8fff -> 0x8000 P W U X, kernel' },
    ])
    const moved = diffSnapshots(
      withRanges([range(0x1000, 0x1000, 0x1000)]),
      withRanges([range(0x1000, 0x1000, 0x5000)]),
    )
    expect(moved.map(({ words }) => words)).toEqual([
      '0x1000 to 0x1fff -> 0x1000 P W U X, kernel, now -> 0x5000 P W U X, kernel',
    ])
  })
  test('tells owners, spaces and registers', async () => {
    const before = await snapshotAfter(1000)
    const after: Snapshot = {
      ...before,
      physical: [
        { address: '0x0', length: 0x41000, owner: 'kernel', refcount: 1 },
        { address: '0x41000', length: 0xbf000, owner: 'free', refcount: 0 },
      ],
      spaces: [...before.spaces, { ...before.spaces[0]!, id: 'p1', name: 'P1' }],
      registers: { ...before.registers, rax: '0x7' },
    }
    expect(diffSnapshots(before, after)).toEqual([
      {
        where: 'physical',
        kind: 'changed',
        words: '0x40000 to 0x40fff free (0 references), now kernel (1 reference)',
      },
      { where: 'p1', kind: 'came', words: 'the address space P1, CR3 0x1000' },
      { where: 'registers', kind: 'changed', words: `rax: ${before.registers.rax}, now 0x7` },
    ])
  })
})

describe('several CPUs, threads and regions', () => {
  const region = { va: 0x40_0000n, length: 0x3000n, pa: 0x1000n, rights: 'R W EAGER' }
  const shell = { id: 3, name: 'shell', state: 'running', space: 'kernel' }
  function told(
    change: { threads?: (typeof shell)[]; regions?: (typeof region)[]; rax?: bigint } = {},
  ): Snapshot {
    const machine = new Machine({ ...fake.machine, cpus: 2 })
    machine.start({ rip: 0n, rsp: 0x1000n, cr3: 0x2000n, rdi: change.rax ?? 0n }, 1)
    const { threads = [shell], regions = [region] } = change
    return survey(machine, {
      lab: 'fake',
      spaces: [{ id: 'kernel', name: 'Kernel', cr3: 0x1000n, regions }],
      threads,
      owner: () => ({ owner: 'free', refcount: 0 }),
    })
  }
  test('are in a snapshot only where there are some', async () => {
    const snapshot = told()
    expect(snapshotSchema.parse(snapshot)).toEqual(snapshot)
    expect(parseSnapshot(serialiseSnapshot(snapshot))).toEqual(snapshot)
    expect(snapshot.cpus?.map(({ id, registers, tlb }) => [id, registers.rsp, tlb])).toEqual([
      [0, '0x0', []],
      [1, '0x1000', []],
    ])
    expect(snapshot.registers).toEqual(snapshot.cpus?.[0]?.registers)
    expect(snapshot.threads).toEqual([shell])
    expect(snapshot.spaces[0]?.regions).toEqual([
      { va: '0x400000', length: 0x3000, pa: '0x1000', rights: 'R W EAGER' },
    ])
    const plain = await snapshotAfter(1000)
    expect([plain.cpus, plain.threads, plain.spaces[0]?.regions]).toEqual([undefined, undefined, undefined])
  })
  test('are compared', () => {
    expect(diffSnapshots(told(), told())).toEqual([])
    const after = told({
      rax: 5n,
      threads: [
        { ...shell, state: 'waiting' },
        { ...shell, id: 4, name: 'second' },
      ],
      regions: [
        { ...region, length: 0x1000n },
        { ...region, va: 0x40_1000n, pa: 0x2000n, length: 0x2000n, rights: 'R' },
      ],
    })
    expect(diffSnapshots(told(), after)).toEqual([
      {
        where: 'kernel regions',
        kind: 'changed',
        words: '0x401000 to 0x402fff -> 0x2000 R W EAGER, now -> 0x2000 R',
      },
      {
        where: 'threads',
        kind: 'changed',
        words: '3 shell: running, in kernel, now 3 shell: waiting, in kernel',
      },
      { where: 'threads', kind: 'came', words: '4 second: running, in kernel' },
      { where: 'registers of CPU 1', kind: 'changed', words: 'rdi: 0x0, now 0x5' },
    ])
    const { cpus, threads, ...before } = told()
    expect(diffSnapshots(before, told()).map(({ where, kind }) => [where, kind])).toEqual([
      ['threads', 'came'],
    ])
  })
})

describe('a session', () => {
  test('runs a stretch at a time, takes keys and pokes', async () => {
    const session = await openSession(
      bootOf(counting('write32(COUNT, key())').replace('COUNT,', 'COUNT, key,')),
    )
    try {
      const first = await session.run(500)
      expect(first).toMatchObject({ stop: { reason: 'limit' } })
      expect(first.rows[0]?.[0]).toBe('A')
      session.poke(0xb8000, 0x0742)
      const second = await session.run(500)
      expect(second.rows[0]?.[0]).toBe('B')
      expect(second.time).toBeGreaterThan(first.time)
    } finally {
      session.close()
    }
  })
  test('a kernel that throws is told with its place; one that does not load is refused', async () => {
    const session = await openSession(bootOf(counting("throw new Error('no')")))
    expect((await session.run(1000)).stop).toMatchObject({
      reason: 'error',
      message: 'kernel.ts:13:9: Error: no',
    })
    session.close()
    await expect(openSession(bootOf('nonsense ='))).rejects.toThrow(SubmissionError)
    await expect(openSession(bootOf(`${RIGHT}\nthrow new Error('x')`))).rejects.toThrow(
      /^kernel\.ts:16:7: Error: x$/,
    )
  })
  test('a kernel that loops for ever ends the session', async () => {
    const session = await openSession(bootOf(counting('for (;;) {}')), {
      ...DEFAULT_LIMITS,
      milliseconds: 500,
    })
    await expect(session.run(1000)).rejects.toThrow(/did not come back within 0.5 s/)
  })
  test('a kernel that eats all memory ends the session', async () => {
    const eats = 'const all: number[][] = []; for (;;) all.push(new Array(1000).fill(count))'
    const session = await openSession(bootOf(counting(eats)), {
      ...DEFAULT_LIMITS,
      milliseconds: 20_000,
      heapMiB: 64,
    })
    await expect(session.run(1000)).rejects.toThrow(/more than 64 MiB of JavaScript memory/)
  })
  test('what is wrong is told in detail: the line with a caret, and the calls in the student’s own file', async () => {
    const throwing = `${counting('deep()')}\n\nfunction deep(): void {\n\tthrow new Error('no')\n}\n`
    const session = await openSession(bootOf(throwing))
    const { details } = await session.run(1000)
    expect(details).toEqual([
      "   18 |  throw new Error('no')",
      '      |        ^',
      '  at deep (kernel.ts:18:8)',
      '  at tick (kernel.ts:13:3)',
    ])
    session.close()
    const panics = await openSession(bootOf(counting("panic('late')").replace('COUNT,', 'COUNT, panic,')))
    expect((await panics.run(1000)).details.at(-1)).toMatch(/^ {2}at tick \(kernel\.ts:13:3\)$/)
    panics.close()
    await expect(openSession(bootOf('const = 1'))).rejects.toMatchObject({
      details: ['    1 | const = 1', '      |       ^'],
    })
  })
  test('a long line is told around its caret, and without what a terminal would obey', async () => {
    const long = `${'/* */'.repeat(30)} throw new Error('\x1b[2J')`
    const [line = '', caret = ''] = (
      await playOnce(bootOf(counting(long)), [{ do: 'run', instructions: 1000 }])
    ).details
    expect(line).toMatch(/ throw new Error\('\?\[2J'\)$/)
    expect(line.length).toBeLessThan(80)
    expect(line.slice(caret.indexOf('^'))).toMatch(/^new Error/)
  })
  test('hands over the state of its machine, and goes on', async () => {
    const session = await openSession(bootOf(RIGHT))
    const { time } = await session.run(500)
    const machine = Machine.fromImage(await session.image())
    expect(machine.time).toBe(time)
    expect((await session.run(500)).time).toBeGreaterThan(time)
    session.close()
  })
  test('can be closed while it boots, and before', async () => {
    const leaving = new AbortController()
    const opening = openSession(bootOf(`${RIGHT}\nfor (;;) {}`), DEFAULT_LIMITS, leaving.signal)
    setTimeout(() => leaving.abort(), 300)
    const begin = performance.now()
    await expect(opening).rejects.toThrow('the machine was closed')
    expect(performance.now() - begin).toBeLessThan(DEFAULT_LIMITS.milliseconds)
    await expect(openSession(bootOf(RIGHT), DEFAULT_LIMITS, leaving.signal)).rejects.toThrow('closed')
  })
  test('an image of a capsule is a machine here', async () => {
    const { final } = await playOnce(bootOf(RIGHT), [{ do: 'run', instructions: 1000 }])
    expect(Machine.fromImage(final).memory.read32(0x30000)).toBeGreaterThan(0)
  })
})
