// The abstraction, with an implementation that writes down how it is called.

import { beforeAll, expect, test } from 'vitest'
import type { NkAspaceImpl, NkAspaceInterface, NkAspaceRegion, Status } from '../lib/kernel.ts'
import { ledgerOf } from '../lib/ledger.ts'
import { inThread, KERN, type Kernel, load, R, region, W, X } from './kit.ts'

let kernel: Kernel
let lib: Kernel['lib']
beforeAll(async () => {
  kernel = await load('handed-out')
  lib = kernel.lib
})

/** Address spaces that all use the boot tables; `calls` tells what was called, with what. */
function recorder(
  hooks = 3,
  answer: Status = -1,
): { impl: NkAspaceImpl; calls: string[]; regions: unknown[] } {
  const calls: string[] = []
  const regions: unknown[] = []
  const call = (name: string, status: Status = 0): Status => {
    calls.push(name)
    return status
  }
  const given = (name: string, ...objects: unknown[]): Status => {
    regions.push(...objects)
    return call(name, answer)
  }
  const space = (name: string): NkAspaceInterface<string> => ({
    destroy: () => call(`destroy ${name}`),
    addThread: (state) => call(`add ${state}, thread in ${lib.getCurThread().aspace?.name}`),
    removeThread: (state) => call(`remove ${state}`),
    addRegion: (_state, r) => given('addRegion', r),
    removeRegion: (_state, r) => given('removeRegion', r),
    protectRegion: (_state, r, prot) => given('protectRegion', r, prot),
    moveRegion: (_state, r, next) => given('moveRegion', r, next),
    switchFrom: (state) => call(`from ${state}, CPU in ${lib.getCpu().curAspace?.name}`),
    switchTo(state) {
      lib.writeCr3(lib.nkPagingDefaultCr3() | 8n) // the same tables, another CR3
      return call(
        `to ${state}, thread in ${lib.getCurThread().aspace?.name}, interrupts ${lib.ring0.interrupts}`,
      )
    },
    exception: (_state, excp, vec) =>
      call(`exception ${vec} ${excp.errorCode} ${lib.readCr2().toString(16)}`, -1),
    print: (_state, detailed) => call(`print ${name} ${detailed}`),
  })
  const impl: NkAspaceImpl = {
    implName: 'recorder',
    getCharacteristics(chars) {
      chars.granularity = 8n
      return 0
    },
    create: (name, { granularity }) =>
      granularity === 666n ? null : lib.nkAspaceRegister(name, hooks, space(name), name),
  }
  return { impl, calls, regions }
}
const CHARS = { granularity: 8n, alignment: 8n }

test('implementations are found by their names', () => {
  const { impl } = recorder()
  const { stop } = inThread(kernel, function* find() {
    lib.nkAspaceRegisterImpl(impl)
    const chars = { granularity: 0n, alignment: 0n }
    expect([lib.nkAspaceQuery('recorder', chars), chars.granularity]).toEqual([0, 8n])
    expect([lib.nkAspaceQuery('paging', chars), chars.granularity]).toEqual([0, 4096n])
    expect(lib.nkAspaceQuery('Paging', chars)).toBe(-1)
    expect(lib.nkAspaceCreate('nobody', 'x', CHARS)).toBe(null)
    expect(lib.nkAspaceCreate('recorder', 'x', { granularity: 666n, alignment: 1n })).toBe(null)
    yield* []
  })
  expect(stop).toBe(undefined)
})
test('address spaces lie in memory as a chain that begins with base', () => {
  const { impl } = recorder()
  const names: string[][] = []
  inThread(kernel, function* chain() {
    const { ring0 } = lib
    const walk = (): void => {
      const list: string[] = []
      for (let at = Number(ring0.read64(0x11_8048)); at !== 0; at = Number(ring0.read64(at + 56)))
        list.push(String.fromCharCode(...ring0.readBytes(at + 8, 32)).replace(/\0+$/, ''))
      names.push(list)
    }
    lib.nkAspaceRegisterImpl(impl)
    const pages = lib.kmemStats().pagesInUse
    const one = lib.nkAspaceCreate('recorder', 'one', CHARS)!
    const two = lib.nkAspaceCreate('recorder', 'two', CHARS)!
    const long = lib.nkAspaceCreate('recorder', 'x'.repeat(40), CHARS)!
    expect(long.name).toBe('x'.repeat(31))
    walk()
    lib.nkAspaceUnregister(two)
    walk()
    lib.nkAspaceUnregister(one)
    lib.nkAspaceUnregister(long)
    walk()
    expect(lib.kmemStats().pagesInUse).toBe(pages)
    yield* []
  })
  expect(names).toEqual([['base', 'one', 'two', 'x'.repeat(31)], ['base', 'one', 'x'.repeat(31)], ['base']])
})
test('find gives the oldest of a name', () => {
  const { impl } = recorder()
  inThread(kernel, function* find() {
    lib.nkAspaceRegisterImpl(impl)
    const first = lib.nkAspaceCreate('recorder', 'same', CHARS)!
    const second = lib.nkAspaceCreate('recorder', 'same', CHARS)!
    expect(lib.nkAspaceFind('same')).toBe(first)
    lib.nkAspaceUnregister(first)
    expect(lib.nkAspaceFind('same')).toBe(second)
    expect([lib.nkAspaceFind('base')?.name, lib.nkAspaceFind('nobody')]).toEqual(['base', null])
    yield* []
  })
})
test('a thread that moves leaves, joins, and the CPU switches before the thread is said to be there', () => {
  const { impl, calls } = recorder()
  inThread(kernel, function* moves() {
    lib.nkAspaceRegisterImpl(impl)
    const a = lib.nkAspaceCreate('recorder', 'a', CHARS)!
    const b = lib.nkAspaceCreate('recorder', 'b', CHARS)!
    const before = lib.ring0.interrupts
    for (const space of [a, b, null]) {
      expect(lib.nkAspaceMoveThread(space)).toBe(0)
      expect([lib.getCurThread().aspace, lib.getCpu().curAspace]).toEqual([space, space])
      expect(lib.readCr3()).toBe(lib.nkPagingDefaultCr3() | (space ? 8n : 0n))
      expect(lib.ring0.interrupts).toBe(before)
    }
    yield* []
  })
  expect(calls).toEqual([
    'add a, thread in undefined',
    'to a, thread in undefined, interrupts false',
    'remove a',
    'add b, thread in a',
    'from a, CPU in a',
    'to b, thread in a, interrupts false',
    'remove b',
    'from b, CPU in b',
  ])
})
test('a switch to the address space that is current does not load CR3', () => {
  const { impl, calls } = recorder()
  const { machine } = inThread(
    kernel,
    function* again() {
      lib.nkAspaceRegisterImpl(impl)
      const a = lib.nkAspaceCreate('recorder', 'a', CHARS)!
      lib.nkAspaceSwitch(a)
      lib.ring0.invlpg(0x1234_5000n) // marks the place in the log
      lib.nkAspaceSwitch(a)
      lib.nkAspaceMoveThread(a)
      lib.ring0.invlpg(0x1234_5000n)
      lib.nkAspaceMoveThread(null)
      yield* []
    },
    { log: ['cr3', 'invlpg'] },
  )
  const kinds = machine.events.list.map(({ kind }) => kind)
  expect(kinds.slice(kinds.indexOf('invlpg'), kinds.lastIndexOf('invlpg') + 1)).toEqual(['invlpg', 'invlpg'])
  expect(calls.filter((call) => call.startsWith('to'))).toHaveLength(1)
})
test('what CR3 is after a switch stands in the address space’s structure', () => {
  const { impl } = recorder()
  inThread(kernel, function* cr3() {
    lib.nkAspaceRegisterImpl(impl)
    const a = lib.nkAspaceCreate('recorder', 'a', CHARS)!
    expect(lib.ring0.read64(a.address + 64n)).toBe(0n)
    lib.nkAspaceMoveThread(a)
    expect(lib.ring0.read64(a.address + 64n)).toBe(lib.nkPagingDefaultCr3() | 8n)
    lib.nkAspaceMoveThread(null)
    yield* []
  })
})
test('a region is handed to the implementation as it is, and its answer handed back', () => {
  const { impl, calls, regions } = recorder()
  inThread(kernel, function* forward() {
    lib.nkAspaceRegisterImpl(impl)
    const a = lib.nkAspaceCreate('recorder', 'a', CHARS)!
    const r: NkAspaceRegion = region(3n, 5n, 1, R | W)
    const next = { ...r }
    const prot = { flags: 99 }
    expect(lib.nkAspaceAddRegion(a, r)).toBe(-1)
    expect(lib.nkAspaceRemoveRegion(a, r)).toBe(-1)
    expect(lib.nkAspaceProtectRegion(a, r, prot)).toBe(-1)
    expect(lib.nkAspaceMoveRegion(a, r, next)).toBe(-1)
    expect(lib.nkAspaceDestroy(a)).toBe(0)
    for (const [i, object] of [r, r, r, prot, r, next].entries()) expect(regions[i]).toBe(object)
    yield* []
  })
  expect(calls).toEqual(['addRegion', 'removeRegion', 'protectRegion', 'moveRegion', 'destroy a'])
})
test.each([
  [hook('PF'), 1, 0x40_0000_0000n, ['exception 14 0 4000000000']],
  [hook('GPF'), 2, 0x40_0000_0000n, []],
  [hook('GPF'), 2, 0x8000_0000_0000n, ['exception 13 0 0']],
  [hook('PF'), 1, 0x8000_0000_0000n, []],
])('an address space is asked about the exceptions that it hooks: %s', (_name, hooks, va, asked) => {
  const { impl, calls } = recorder(hooks)
  const { stop, said } = inThread(kernel, function* fault() {
    lib.nkAspaceRegisterImpl(impl)
    lib.nkAspaceMoveThread(lib.nkAspaceCreate('recorder', 'a', CHARS)!)
    yield* lib.readByte(va)
  })
  expect(calls.filter((call) => call.startsWith('exception'))).toEqual(asked)
  expect(stop?.reason).toBe('panic')
  expect(said()).toContain('+++ HALTING +++')
})
function hook(name: string): string {
  return `NK_ASPACE_HOOK_${name}`
}
test('the default address space mends nothing: a page fault there is the end', () => {
  const { stop, said } = inThread(kernel, function* fault() {
    yield* lib.readByte(0x40_0000_0000n)
  })
  expect(stop?.reason).toBe('panic')
  expect(said()).toMatch(
    /\+\+\+ Page Fault \+\+\+\nRIP: \S+ +Fault Address: 0x4000000000 \nError Code: 0x0 +\(core=0\)/,
  )
})
test('the base address space maps all of memory, and can neither be changed, destroyed nor made again', () => {
  const { stop, said } = inThread(kernel, function* base() {
    const space = lib.nkAspaceFind('base')!
    const r = region(0x1_0000_0000n, 0n, 1, R | W | X | KERN)
    expect(lib.nkAspaceAddRegion(space, r)).toBe(-1)
    expect(lib.nkAspaceRemoveRegion(space, r)).toBe(-1)
    expect(lib.nkAspaceProtectRegion(space, r, { flags: R })).toBe(-1)
    expect(lib.nkAspaceMoveRegion(space, r, r)).toBe(-1)
    expect(lib.nkAspaceDestroy(space)).toBe(-1)
    expect(lib.nkAspaceCreate('base', 'another', CHARS)).toBe(null)
    lib.nkAspaceMoveThread(space)
    expect([yield* lib.readByte(0x10_0000n), lib.readCr3()]).toEqual([0x0fn, lib.nkPagingDefaultCr3()])
    lib.nkAspaceMoveThread(null)
    lib.nkAspaceDumpAspaces(false)
    lib.nkAspaceDumpAspaceImpls()
  })
  expect(stop).toBe(undefined)
  expect(said()).toContain('ERROR: aspace-base: ')
  expect(said()).toContain(
    'base Base Address Space [granularity 0x40000000 alignment 0x40000000]\n' +
      '   Region: 0000000000000000 - 0000000004000000 => 0000000000000000\n' +
      '   CR3:    0000000000004000  CR4m: 0000000000000020\n',
  )
  expect(said()).toMatch(/base\npaging\n/)
})
test('an exception in the base address space panics', () => {
  const { stop } = inThread(kernel, function* fault() {
    lib.nkAspaceMoveThread(lib.nkAspaceFind('base'))
    yield* lib.readByte(0x40_0000_0000n)
  })
  expect(stop).toMatchObject({ reason: 'panic', message: expect.stringContaining('exception 14') })
})

test('memory tells which regions an address space has accepted, and nothing of those that it refused', () => {
  const { impl } = recorder(3, 0)
  const refusing = recorder()
  inThread(kernel, function* regions(machine) {
    const ledger = (space: { address: bigint }) =>
      ledgerOf(machine.memory, space.address).map(({ vaStart, paStart, flags }) => [vaStart, paStart, flags])
    lib.nkAspaceRegisterImpl(impl)
    const space = lib.nkAspaceCreate('recorder', 'a', CHARS)!
    const [one, two] = [region(0x20_0000n, 0x1000n, 1, R), region(0x10_0000n, 0x3000n, 2, R | W)]
    expect(ledger(space)).toEqual([])
    for (const each of [one, two]) lib.nkAspaceAddRegion(space, each)
    expect(ledger(space)).toEqual([two, one].map((r) => [r.vaStart, r.paStart, r.protect.flags]))
    lib.nkAspaceProtectRegion(space, one, { flags: X })
    lib.nkAspaceMoveRegion(space, two, { ...two, paStart: 0x70_0000n })
    expect(ledger(space)).toEqual([
      [two.vaStart, 0x70_0000n, two.protect.flags],
      [one.vaStart, one.paStart, X],
    ])
    lib.nkAspaceRemoveRegion(space, two)
    expect(ledger(space)).toEqual([[one.vaStart, one.paStart, X]])
    const strict = refusing.impl.create('b', CHARS)!
    lib.nkAspaceAddRegion(strict, one)
    expect(ledger(strict)).toEqual([])
    yield* []
  })
})
