// The contract of the extra credit, on the reference that has it.

import type { Machine } from '@pagewalk/machine'
import { beforeAll, expect, test } from 'vitest'
import type { NkAspace, NkAspaceRegion, Thread } from '../lib/kernel.ts'
import { type BootOptions, EAGER, inThread, KERN, type Kernel, load, R, region, W, X } from './kit.ts'

let kernel: Kernel
let lib: Kernel['lib']
beforeAll(async () => {
  kernel = await load('reference-extra')
  lib = kernel.lib
})
const RW = R | W | KERN
const [ANON, FILE, GROWS_UP, GROWS_DOWN] = [128, 256, 512, 1024]
const PAGE = 4096n
const MEM = 0x100_0000n
const AT = 0x7_0000_0000n

/** A thread in a space with all of memory at its own addresses. Afterwards the space goes, and with it all it has taken. */
function inSpace(
  body: (space: NkAspace, machine: Machine) => Thread,
  options: BootOptions = {},
): ReturnType<typeof inThread> {
  return inThread(
    kernel,
    function* main(machine) {
      const before = lib.kmemStats().pagesInUse
      const space = lib.nkAspaceCreate('paging', 'test', { granularity: 4096n, alignment: 4096n })!
      expect(lib.nkAspaceAddRegion(space, region(0n, 0n, 16384, RW | X | EAGER))).toBe(0)
      lib.nkAspaceMoveThread(space)
      yield* body(space, machine)
      lib.nkAspaceMoveThread(null)
      lib.nkSchedReap()
      expect(lib.nkAspaceDestroy(space)).toBe(0)
      expect(lib.kmemStats().pagesInUse).toBe(before)
    },
    { dirty: true, ...options },
  )
}
const add = (space: NkAspace, r: NkAspaceRegion): void => expect(lib.nkAspaceAddRegion(space, r)).toBe(0)
/** Level and physical address of the leaf for `va` in the tables in force; null if there is none. */
function leaf(va: bigint): [level: number, pa: bigint] | null {
  const { result, level, entry } = lib.pagingHelperWalk(lib.readCr3(), va, {
    write: false,
    user: false,
    ifetch: false,
  })
  return result === 0 ? [level, lib.ring0.read64(entry) & 0xf_ffff_ffff_f000n] : null
}

// Regions that grow.

const up = (): NkAspaceRegion => ({ ...region(AT, MEM, 2, RW | GROWS_UP), maxBytes: 5n * PAGE })
const down = (): NkAspaceRegion => ({
  ...region(AT + 0x10_0000n, MEM, 2, RW | GROWS_DOWN),
  maxBytes: 5n * PAGE,
})

test('a region grows page by page, with fresh zeroed memory, and is removed with what has grown', () => {
  const { stop } = inSpace(function* grow(space) {
    add(space, up())
    add(space, down())
    const grown = [AT + 2n * PAGE, AT + 4n * PAGE - 1n, AT + 0x10_0000n - 1n, AT + 0x10_0000n - 2n * PAGE]
    for (const va of grown) {
      expect(yield* lib.readByte(va)).toBe(0n)
      yield* lib.writeByte(va, 7)
      expect(yield* lib.readByte(va)).toBe(7n)
    }
    expect(new Set(grown.map((va) => leaf(va)?.[1])).size).toBe(4)
    const used = lib.kmemStats().pagesInUse
    expect(lib.nkAspaceRemoveRegion(space, up())).toBe(0)
    expect(lib.kmemStats().pagesInUse).toBe(used - 2)
    expect([AT, AT + PAGE, AT + 2n * PAGE].map(leaf)).toEqual([null, null, null])
  })
  expect(stop).toBe(undefined)
})
test('a move redirects what a growing region had from the beginning; protect holds for all of it', () => {
  const { stop, said } = inSpace(function* grow(space) {
    lib.writeCr0(lib.readCr0() | 0x1_0000n)
    add(space, up())
    yield* lib.writeByte(AT + 2n * PAGE, 7)
    const moved = { ...up(), paStart: MEM + 0x8000n }
    expect(lib.nkAspaceMoveRegion(space, up(), moved)).toBe(0)
    expect([leaf(AT + 2n * PAGE)?.[1] === MEM + 0xa000n, yield* lib.readByte(AT + 2n * PAGE)]).toEqual([
      false,
      7n,
    ])
    yield* lib.writeByte(AT, 8)
    expect(lib.ring0.read8(MEM + 0x8000n)).toBe(8)
    expect(lib.nkAspaceProtectRegion(space, moved, { flags: R | KERN })).toBe(-1) // it would not grow any more
    expect(lib.nkAspaceProtectRegion(space, moved, { flags: R | KERN | GROWS_UP })).toBe(0)
    yield* lib.writeByte(AT + 2n * PAGE, 9)
  })
  expect(stop?.reason).toBe('panic')
  expect(said()).toMatch(/Fault Address: 0x700002000 \nError Code: 0x3/)
})
test.each([
  ['a page left out', [AT + 3n * PAGE]],
  ['the wrong way', [AT - 1n]],
  ['the wrong way, at the other end', [AT + 0x10_2000n]],
  ['more than maxBytes', [1n, 2n, 3n, 4n].map((page) => AT + 0x10_0000n - page * PAGE)],
  ['over a neighbour', [2n, 3n, 4n, 5n].map((page) => AT + page * PAGE)],
])('a region does not grow: %s', (_why, touched) => {
  const { stop, said } = inSpace(function* grow(space) {
    add(space, up())
    add(space, down())
    add(space, region(AT + 4n * PAGE, MEM, 1, RW))
    for (const va of touched) yield* lib.readByte(va)
  })
  expect(stop?.reason).toBe('panic')
  expect(said()).toContain(`Fault Address: 0x${touched.at(-1)!.toString(16)} `)
})

// TLB shootdown.

/** Entries of a CPU's TLB that the tables in force do not have. */
function stale(machine: Machine, cpu: number, cr3: bigint): bigint[] {
  return machine
    .tlb(cpu)
    .filter(({ va, pa, writable }) => {
      const found = machine.explain(va, { cr3 }).outcome as { physical?: bigint; writable?: boolean }
      return found.physical !== pa || (writable && !found.writable)
    })
    .map(({ va }) => va)
}
test('when a change returns, no CPU has an old translation, and only those that use the space were interrupted', () => {
  const seen: unknown[] = []
  const { stop, machine } = inSpace(
    function* shoot(space, machine) {
      const r = region(AT, MEM, 40, RW)
      add(space, r)
      let [ready, over] = [0, false]
      const reader = (cpu: number): (() => Thread) =>
        function* read() {
          if (cpu === 2) lib.nkAspaceMoveThread(null)
          else for (let page = 0n; page < 40n; page++) yield* lib.readByte(AT + page * PAGE)
          ready++
          while (!over) yield* lib.readByte(0x10_0000n)
        }
      const readers = [1, 2, 3].map((cpu) => lib.nkThreadStart(reader(cpu), null, 'reader', cpu)!)
      while (ready < 3) yield* lib.nkYield()
      const note = (status: number): void => {
        const known = [1, 3].map((cpu) => machine.tlb(cpu).filter(({ va }) => va >= AT).length)
        seen.push([status, known, [0, 1, 3].flatMap((cpu) => stale(machine, cpu, lib.readCr3()))])
      }
      note(0)
      note(lib.nkAspaceMoveRegion(space, r, { ...r, paStart: MEM + 0x10_0000n }))
      r.paStart = MEM + 0x10_0000n
      note(lib.nkAspaceProtectRegion(space, r, { flags: R | KERN }))
      r.protect.flags = R | KERN
      note(lib.nkAspaceRemoveRegion(space, r))
      over = true
      for (const thread of readers) yield* lib.nkJoin(thread)
    },
    { cpus: 4, log: ['ipi'] },
  )
  expect(stop).toBe(undefined)
  expect(seen).toEqual([[0, [40, 40], []], ...Array.from({ length: 3 }, () => [0, [0, 0], []])])
  const shots = machine.events.list.flatMap((event) =>
    event.kind === 'ipi' && event.vector === 0xf3 ? [event.to] : [],
  )
  expect(shots).toEqual([1, 3, 1, 3, 1, 3])
})
test.each([1, 2, 3, 4, 5])(
  'four CPUs that change one space all the time do not wait for ever (seed %i)',
  (seed) => {
    const { stop } = inSpace(
      function* fight(space) {
        const fighter = (n: number): (() => Thread) =>
          function* fight() {
            const r = region(AT + BigInt(n) * 0x10_0000n, MEM + BigInt(n) * 0x10_0000n, 2, RW)
            add(space, r)
            for (let round = 0n; round < 30n; round++) {
              yield* lib.writeByte(r.vaStart, n)
              const next = { ...r, paStart: r.paStart + (round % 2n ? -0x2000n : 0x2000n) }
              expect(lib.nkAspaceMoveRegion(space, r, next)).toBe(0)
              r.paStart = next.paStart
              lib.ring0.write8(r.paStart, n + 100)
              expect(yield* lib.readByte(r.vaStart)).toBe(BigInt(n + 100))
            }
          }
        const others = [1, 2, 3].map((n) => lib.nkThreadStart(fighter(n), null, 'fighter', n)!)
        yield* fighter(0)()
        for (const other of others) yield* lib.nkJoin(other)
      },
      { cpus: 4, seed },
    )
    expect(stop).toBe(undefined)
  },
)

// Large pages.

test('pages are as large as both addresses and the rest of the region allow', () => {
  const { stop } = inSpace(function* large(space) {
    const far = 0x100_0000_0000n
    add(space, region(far, MEM, 1024, RW | EAGER))
    expect([leaf(far), leaf(far + 0x3f_f000n)]).toEqual([
      [3, MEM],
      [3, MEM + 0x20_0000n],
    ])
    add(space, region(far + (1n << 30n), MEM + PAGE, 512, RW | EAGER)) // only its virtual address fits
    expect(leaf(far + (1n << 30n))).toEqual([4, MEM + PAGE])
    const mixed = region(far + (2n << 30n) - 2n * PAGE, MEM + 0x20_0000n - 2n * PAGE, 515, RW)
    add(space, mixed)
    for (let page = 0n; page < 515n; page++) yield* lib.readByte(mixed.vaStart + page * PAGE)
    expect([1n, 2n, 513n, 514n, 515n].map((page) => leaf(mixed.vaStart + page * PAGE)?.[0])).toEqual([
      4,
      3,
      3,
      4,
      undefined,
    ])
    add(space, region(far + (512n << 30n), 1n << 30n, 0x4_0000, RW | EAGER))
    expect(leaf(far + (512n << 30n))).toEqual([2, 1n << 30n])
  })
  expect(stop).toBe(undefined)
})
test('large pages are moved, in small ones if they must be, protected and removed; back they come as far as tables allow', () => {
  const { stop } = inSpace(function* large(space) {
    const far = 0x100_0000_0000n
    const r = region(far, MEM, 1024, RW | EAGER)
    add(space, r)
    yield* lib.readByte(far + 0x20_1000n)
    const to = (paStart: bigint): void => {
      expect(lib.nkAspaceMoveRegion(space, r, { ...r, paStart })).toBe(0)
      r.paStart = paStart
    }
    to(MEM + 0x40_0000n)
    expect(leaf(far + 0x20_1000n)).toEqual([3, MEM + 0x60_0000n])
    to(MEM + PAGE)
    expect(leaf(far + 0x20_1000n)).toEqual([4, MEM + 0x20_2000n])
    lib.ring0.write8(MEM + 0x20_2000n, 0x5c)
    expect(yield* lib.readByte(far + 0x20_1000n)).toBe(0x5cn)
    to(MEM)
    expect(lib.nkAspaceProtectRegion(space, r, { flags: R | KERN | EAGER })).toBe(0)
    r.protect.flags = R | KERN | EAGER
    expect(lib.nkAspaceRemoveRegion(space, r)).toBe(0)
    expect([leaf(far), leaf(far + 0x3f_f000n)]).toEqual([null, null])
  })
  expect(stop).toBe(undefined)
})

// Files and anonymous memory.

test('a file’s pages are read when they are used, once; zeros are behind its end; each mapping has its own', () => {
  const { stop } = inSpace(function* files(space) {
    const file = lib.nkFsOpen('numbers.txt')!
    const bytes = new Uint8Array(0x4000)
    const frames = lib.malloc(0x4000, 2)
    lib.nkFsRead(file, 0n, frames, 0x4000n)
    lib.ring0.readInto(frames, bytes.subarray(0, Number(file.size)))
    lib.free(frames)
    const reads = (): number => lib.ring0.read32(lib.FS_READS_ADDR)
    const before = reads()
    const mapped = (vaStart: bigint, flags: number): NkAspaceRegion => ({
      ...region(vaStart, 0n, 4, flags | FILE),
      file,
    })
    add(space, mapped(AT, RW))
    expect(reads()).toBe(before)
    for (const offset of [0x1003n, 0x1fffn, 5n, file.size - 1n, file.size, 0x1003n])
      expect(yield* lib.readByte(AT + offset)).toBe(BigInt(bytes[Number(offset)]!))
    const pages = new Set([1n, 0n, (file.size - 1n) / PAGE, file.size / PAGE]).size
    expect(reads()).toBe(before + pages)
    add(space, mapped(AT + 0x10_0000n, RW | EAGER))
    yield* lib.writeByte(AT + 5n, 0xff)
    expect(yield* lib.readByte(AT + 0x10_0005n)).toBe(BigInt(bytes[5]!))
    expect(lib.nkAspaceMoveRegion(space, mapped(AT, RW), { ...mapped(AT, RW), paStart: MEM })).toBe(-1)
    expect(lib.nkAspaceRemoveRegion(space, mapped(AT, RW))).toBe(0)
    add(space, mapped(AT, RW))
    expect(yield* lib.readByte(AT + 5n)).toBe(BigInt(bytes[5]!))
  })
  expect(stop).toBe(undefined)
})
test('an anonymous region is zeros in memory of its own', () => {
  const { stop } = inSpace(function* anonymous(space) {
    for (const [n, flags] of [RW | ANON, RW | ANON | EAGER].entries()) {
      const r = region(AT + BigInt(n) * 0x10_0000n, 0n, 3, flags)
      add(space, r)
      expect(yield* lib.readByte(r.vaStart)).toBe(0n)
      const used = lib.kmemStats().pagesInUse
      expect(yield* lib.readByte(r.vaStart + 2n * PAGE)).toBe(0n)
      expect(lib.kmemStats().pagesInUse - used).toBe(flags & EAGER ? 0 : 1)
      expect(leaf(r.vaStart)?.[1]).not.toBe(leaf(r.vaStart + 2n * PAGE)?.[1])
      expect(lib.nkAspaceMoveRegion(space, r, { ...r, paStart: MEM })).toBe(-1)
      if (n === 0) expect(lib.nkAspaceRemoveRegion(space, r)).toBe(0)
    }
    expect(lib.nkAspaceAddRegion(space, region(AT, 0n, 1, RW | FILE))).toBe(-1) // of which file?
    expect(lib.nkAspaceAddRegion(space, region(AT, 0n, 1, RW | FILE | ANON))).toBe(-1)
    yield* []
  })
  expect(stop).toBe(undefined)
})
