// The handed-out paging.ts, and what a complete one does.

import { beforeAll, describe, expect, test } from 'vitest'
import { boot, EAGER, inThread, KERN, type Kernel, load, PIN, R, region, W, X } from './kit.ts'

const kernels = new Map<string, Kernel>()
beforeAll(async () => {
  for (const which of ['handed-out', 'reference', 'reference-extra'] as const)
    kernels.set(which, await load(which))
})
const HIGH = 0xffff_8000_0000_0000n
const BOOT = 200_000_000

test('the handed-out lab resets: a triple fault, because the new page tables map nothing, the IDT neither', () => {
  const { machine, said, faults } = boot(kernels.get('handed-out')!, { log: ['fault'] })
  const stop = machine.run(BOOT)
  expect(stop.reason).toBe('reset')
  expect(said().trimEnd().split('\n').at(-1)).toContain('About to move thread')
  expect(faults()[0]).toMatchObject({ vector: 14, error: 0x10 })
  // the last thing that the CPU looked for is the gate of the double fault
  expect(machine.registers().cr2).toBe(0x2000n + 8n * 16n)
  expect(stop.reason === 'reset' && stop.story).toContain('0x2080')
  expect(machine.mappings(machine.registers().cr3)).toEqual([])
})
test('the handed-out lab runs as long as nobody moves into an address space of its own', () => {
  const kernel = kernels.get('handed-out')!
  const { lib } = kernel
  const { stop, said } = inThread(kernel, function* look() {
    const chars = { granularity: 0n, alignment: 0n }
    expect([lib.nkAspaceQuery('paging', chars), chars]).toEqual([0, { granularity: 4096n, alignment: 4096n }])
    const space = lib.nkAspaceCreate('paging', 'mine', chars)!
    const r = region(0n, 0n, 1, R | EAGER)
    expect(lib.nkAspaceAddRegion(space, r)).toBe(0)
    expect(lib.nkAspaceProtectRegion(space, r, { flags: R })).toBe(0)
    expect(lib.nkAspaceMoveRegion(space, r, r)).toBe(0)
    expect(lib.nkAspaceRemoveRegion(space, r)).toBe(0)
    expect(lib.nkAspaceDestroy(space)).toBe(0)
    lib.nkAspaceDumpAspaces(false)
    yield* []
  })
  expect(stop).toBe(undefined)
  expect(said()).toMatch(
    /mine: paging address space \[granularity 0x0 alignment 0x0\]\n {3}CR3: {4}[0-9a-f]{16} {2}CR4m: 0{14}20\n/,
  )
})

describe.each([
  ['reference', 16384 - 256],
  ['reference-extra', 32], // in pages of 2 MB; the first is compared from its middle on
])('%s', (which, faultCount) => {
  const kernel = (): Kernel => kernels.get(which)!

  test('boots to the prompt, in an address space of its own', () => {
    const { machine, said, type } = boot(kernel())
    expect(machine.run(BOOT)).toEqual({ reason: 'limit' })
    expect(said()).toContain('About to move thread')
    expect(said()).toContain('Survived moving thread into its own address space')
    expect(said()).toContain('Survived memory comparison of two mapped copies')
    expect(said().trimEnd()).toMatch(/root-shell>$/)
    expect(type('threads')).toMatch(/root-shell.*\[root-shell\]/)
    expect(type('ases')).toMatch(/root-shell: paging address space \[granularity 0x1000 alignment 0x1000\]/)
  })
  test('takes one fault for each page of the lazy region that is compared', () => {
    const { machine, faults } = boot(kernel(), { log: ['fault'] })
    machine.run(BOOT)
    const list = faults()
    expect(list).toHaveLength(faultCount)
    expect(new Set(list.map(({ address }) => address)).size).toBe(faultCount)
    for (const { vector, error, address } of list)
      expect([vector, error, address >= HIGH + 0x10_0000n, address < HIGH + 0x400_0000n]).toEqual([
        14,
        0,
        true,
        true,
      ])
    const { cr3 } = machine.registers()
    expect(cr3).toBe(0x4000n) // idle, while the shell waits for a key
  })
  test('gives a second shell an address space of its own', () => {
    const booted = boot(kernel())
    booted.machine.run(BOOT)
    booted.type('shell foo')
    booted.machine.run(BOOT)
    expect(booted.said().match(/Survived memory comparison of two mapped copies/g)).toHaveLength(2)
    expect(booted.said().trimEnd()).toMatch(/foo>$/)
    expect(booted.type('threads')).toMatch(/foo.*\[foo\]/)
  })
  test('boots with memory full of old bytes, and on two CPUs', () => {
    for (const options of [{ dirty: true }, { cpus: 2 }, { cpus: 2, seed: 7 }]) {
      const { machine, said } = boot(kernel(), options)
      expect(machine.run(BOOT)).toEqual({ reason: 'limit' })
      expect(said().trimEnd()).toMatch(/root-shell>$/)
    }
  })

  const FLAGS = R | W | X | KERN
  /** A thread in a space with all of memory at its own addresses; page n from 16 MiB on begins with n + 1. */
  function inSpace(
    body: (
      space: Parameters<Kernel['lib']['nkAspaceAddRegion']>[0],
      lib: Kernel['lib'],
    ) => Generator<never, void, bigint> | ReturnType<Kernel['shell']>,
  ): ReturnType<typeof inThread> {
    const { lib } = kernel()
    return inThread(kernel(), function* main() {
      const chars = { granularity: 4096n, alignment: 4096n }
      for (let page = 0; page < 64; page++) lib.ring0.write8(0x100_0000 + page * 4096, page + 1)
      const space = lib.nkAspaceCreate('paging', 'test', chars)!
      expect(lib.nkAspaceAddRegion(space, region(0n, 0n, 16384, FLAGS | EAGER | PIN))).toBe(0)
      expect(lib.nkAspaceMoveThread(space)).toBe(0)
      yield* body(space, lib)
      expect(lib.nkAspaceMoveThread(null)).toBe(0)
    })
  }
  const NOTHING = { write: false, user: false, ifetch: false }
  const AT = 0x1_0000_0000n
  const MEM = 0x100_0000n

  test('a region that is removed is gone at once, from tables and TLB', () => {
    for (const pages of [2, 40]) {
      const r = (): ReturnType<typeof region> => region(AT, MEM, pages, FLAGS)
      const { stop, said } = inSpace(function* remove(space, lib) {
        expect(lib.nkAspaceAddRegion(space, r())).toBe(0)
        for (let n = 0n; n < pages; n++) yield* lib.readByte(AT + n * 4096n)
        expect(lib.nkAspaceRemoveRegion(space, r())).toBe(0)
        expect(lib.nkAspaceRemoveRegion(space, r())).toBe(-1)
        yield* lib.readByte(AT + 4096n)
      })
      expect(stop?.reason).toBe('panic')
      expect(said()).toContain('Fault Address: 0x100001000')
    }
  })
  test('a region that is moved is elsewhere at once, touched or not', () => {
    for (const flags of [FLAGS, FLAGS | EAGER])
      expect(
        inSpace(function* move(space, lib) {
          const r = region(AT, MEM, 8, flags)
          expect(lib.nkAspaceAddRegion(space, r)).toBe(0)
          expect(yield* lib.readByte(AT + 0x2000n)).toBe(3n)
          const next = { ...r, paStart: MEM + 0x8000n }
          expect(lib.nkAspaceMoveRegion(space, r, next)).toBe(0)
          expect(lib.nkAspaceMoveRegion(space, r, next)).toBe(-1)
          expect(yield* lib.readByte(AT + 0x2000n)).toBe(11n)
          expect(yield* lib.readByte(AT + 0x3000n)).toBe(12n)
          expect(lib.nkAspaceMoveRegion(space, next, { ...next, vaStart: AT + 0x10_0000n })).toBe(-1)
          expect(lib.nkAspaceMoveRegion(space, next, { ...next, lenBytes: 0x4000n })).toBe(-1)
        }).stop,
      ).toBe(undefined)
  })
  test('a region that is protected against writing faults at the next write', () => {
    const { stop, said } = inSpace(function* protect(space, lib) {
      lib.writeCr0(lib.readCr0() | 0x1_0000n)
      const r = region(AT, MEM, 8, FLAGS)
      expect(lib.nkAspaceAddRegion(space, r)).toBe(0)
      yield* lib.writeByte(AT + 0x1000n, 9)
      expect(lib.nkAspaceProtectRegion(space, r, { flags: R | KERN })).toBe(0)
      expect(lib.nkAspaceProtectRegion(space, r, { flags: R | KERN })).toBe(-1)
      expect(yield* lib.readByte(AT + 0x1000n)).toBe(9n)
      yield* lib.writeByte(AT + 0x1000n, 10)
    })
    expect(stop?.reason).toBe('panic')
    expect(said()).toMatch(/Fault Address: 0x100001000 \nError Code: 0x3/)
  })
  test('a region that may not be executed is not', () => {
    const { stop, said } = inSpace(function* execute(space, lib) {
      expect(lib.nkAspaceAddRegion(space, region(AT, MEM, 8, R | W | KERN))).toBe(0)
      yield* lib.writeByte(AT, 0xc3)
      yield* lib.jumpTo(AT)
    })
    expect(stop?.reason).toBe('panic')
    expect(said()).toMatch(/Fault Address: 0x100000000 \nError Code: 0x11/)
  })
  test('an overlap is refused, a touch is not; the caller’s object is the caller’s', () => {
    expect(
      inSpace(function* overlap(space, lib) {
        const r = region(AT, MEM, 8, FLAGS)
        expect(lib.nkAspaceAddRegion(space, r)).toBe(0)
        for (const [at, pages] of [
          [AT, 8],
          [AT + 0x7000n, 1],
          [AT - 0x1000n, 2],
          [AT - 0x1000n, 20],
          [AT + 0x3000n, 2],
        ] as const)
          expect(lib.nkAspaceAddRegion(space, region(at, MEM, pages, FLAGS))).toBe(-1)
        r.vaStart = AT + 0x8000n
        r.paStart = MEM + 0x1_0000n
        expect(lib.nkAspaceAddRegion(space, r)).toBe(0)
        r.protect.flags = 0
        expect(lib.nkAspaceAddRegion(space, region(AT - 0x2000n, MEM, 2, FLAGS))).toBe(0)
        expect(lib.nkAspaceAddRegion(space, region(2n ** 64n - 0x1000n, MEM, 1, FLAGS))).toBe(0)
        expect(lib.nkAspaceAddRegion(space, region(2n ** 64n - 0x2000n, MEM, 2, FLAGS))).toBe(-1)
        expect(yield* lib.readByte(AT)).toBe(1n)
        expect(yield* lib.readByte(AT + 0x8000n)).toBe(17n)
        expect(yield* lib.readByte(2n ** 64n - 0x1000n)).toBe(1n)
      }).stop,
    ).toBe(undefined)
  })
  test.each([
    ['not aligned', region(AT + 1n, MEM, 1, FLAGS)],
    ['empty', region(AT, MEM, 0, FLAGS)],
    ['beyond the end of all addresses', region(2n ** 64n - 0x1000n, MEM, 2, FLAGS)],
    ['over the hole of addresses that are not canonical', region(0x7fff_ffff_f000n, MEM, 2, FLAGS)],
  ])('a region that cannot be is refused: %s', (_why, r) => {
    expect(
      inSpace(function* insane(space, lib) {
        expect(lib.nkAspaceAddRegion(space, r)).toBe(-1)
        yield* []
      }).stop,
    ).toBe(undefined)
  })
  test('what does not fit into memory is refused, and leaves nothing behind', () => {
    expect(
      inSpace(function* full(space, lib) {
        // 20 pages are left, and they are not enough for 40000 pages at an address that no large page fits
        while (lib.malloc(20 * 4096, 2) !== 0n);
        const r = region(AT + 0x1000n, 0n, 40_000, FLAGS | EAGER)
        expect(lib.nkAspaceAddRegion(space, r)).toBe(-1)
        expect(lib.nkAspaceRemoveRegion(space, r)).toBe(-1)
        const three = region(AT + 0x1000n, 0n, 3, FLAGS | EAGER)
        expect(lib.nkAspaceAddRegion(space, three)).toBe(0)
        const mapped = Array.from({ length: 40_000 }, (_, n) => AT + BigInt(n) * 4096n).filter(
          (va) => lib.pagingHelperWalk(lib.readCr3(), va, NOTHING).result === 0,
        )
        expect(mapped).toEqual([AT + 0x1000n, AT + 0x2000n, AT + 0x3000n])
        yield* []
      }).stop,
    ).toBe(undefined)
  })
  test('destroy gives back everything', () => {
    const { lib } = kernel()
    const { stop } = inThread(kernel(), function* all() {
      const before = lib.kmemStats().pagesInUse
      for (let n = 0; n < 3; n++) {
        const space = lib.nkAspaceCreate('paging', 'doomed', { granularity: 4096n, alignment: 4096n })!
        expect(lib.nkAspaceAddRegion(space, region(0n, 0n, 2048, FLAGS | EAGER | PIN))).toBe(0)
        expect(lib.nkAspaceAddRegion(space, region(HIGH, 0n, 2048, FLAGS))).toBe(0)
        lib.nkAspaceMoveThread(space)
        yield* lib.readByte(HIGH + 0x10_0000n)
        lib.nkAspaceMoveThread(null)
        expect(lib.nkAspaceDestroy(space)).toBe(0)
        expect(lib.nkAspaceFind('doomed')).toBe(null)
        expect(lib.kmemStats().pagesInUse).toBe(before)
      }
    })
    expect(stop).toBe(undefined)
  })
})
test('the reference refuses flags that are extra credit', () => {
  const kernel = kernels.get('reference')!
  const { lib } = kernel
  inThread(kernel, function* refuse() {
    const space = lib.nkAspaceCreate('paging', 'plain', { granularity: 4096n, alignment: 4096n })!
    for (const flag of [128, 256, 512, 1024])
      expect(lib.nkAspaceAddRegion(space, region(0n, 0n, 1, R | flag))).toBe(-1)
    yield* []
  })
})
