// The helpers, on a machine without a kernel around them.

import { Machine } from '@pagewalk/machine'
import { PTE_A, PTE_D, PTE_NX, PTE_P, PTE_PS, PTE_U, PTE_W, type u64 } from '@pagewalk/machine/x86-64'
import { expect, test } from 'vitest'
import { free, kmemInit, kmemStats, malloc } from '../lib/kmem.ts'
import { DEFAULT_CR3, MEMSIZE } from '../lib/layout.ts'
import {
  ADDR_TO_PD_INDEX,
  ADDR_TO_PDP_INDEX,
  ADDR_TO_PML4_INDEX,
  ADDR_TO_PT_INDEX,
  PAGE_SIZE_4KB,
  pagingHelperCreate,
  pagingHelperDrill,
  pagingHelperFree,
  pagingHelperPermissionsOk,
  pagingHelperSetPermissions,
  pagingHelperWalk,
  phPfError,
} from '../lib/paging-helpers.ts'
import { attachRing0, ring0 } from '../lib/ring0.ts'

/** Call `body` in ring 0 of a machine that maps its memory at its own addresses. */
function inRing0(body: () => void): Machine {
  const machine = new Machine({ memoryBytes: Number(MEMSIZE), instructionsPerSecond: 50_000_000 })
  machine.memory.write64(0x4000, 0x5003n)
  machine.memory.write64(0x5000, 0x83n)
  machine.memory.writeBytes(0x10_0000, Uint8Array.from([0x0f, 0x3f, 9, 0, 0xf4]))
  attachRing0(machine.ring0)
  let thrown: unknown
  machine.ring0.gate(9, () => {
    kmemInit(true)
    try {
      body()
    } catch (error) {
      thrown = error
    }
  })
  machine.start({ rip: 0x10_0000n, rsp: 0x8000n, cr3: DEFAULT_CR3 })
  machine.run(20_000_000)
  if (thrown) throw thrown
  return machine
}
const READ = { write: false, user: false, ifetch: false }
const ALL = { write: true, user: true, ifetch: true }
const create = (): u64 => pagingHelperCreate()!

test('a drilled page is what the hardware finds, with exactly the rights that were asked for', () => {
  const places: [u64, u64][] = [
    [0x0n, 0x1000n],
    [0x7fff_ffff_f000n, 0x20_0000n],
    [0xffff_8000_0000_0000n, 0x3ff_f000n],
    [0xffff_ffff_ffff_f000n, 0x12_3456_7000n],
    [0x1_3fff_f000n, 0x0n],
  ]
  let cr3 = 0n
  const machine = inRing0(() => {
    cr3 = create()
    for (const [n, [va, pa]] of places.entries())
      expect(pagingHelperDrill(cr3, va, pa, { write: n % 2 === 0, user: n % 3 === 0, ifetch: n < 2 })).toBe(0)
  })
  for (const [n, [va, pa]] of places.entries())
    expect([va, machine.explain(va + 0x123n, { cr3 }).outcome]).toMatchObject([
      va,
      { physical: pa + 0x123n, writable: n % 2 === 0, user: n % 3 === 0, executable: n < 2 },
    ])
  expect(machine.mappings(cr3)).toHaveLength(places.length)
})
test('a page whose tables are there is drilled without another table, and what it was is overwritten', () => {
  inRing0(() => {
    const cr3 = create()
    pagingHelperDrill(cr3, 0x4000_0000n, 0x5000n, ALL)
    const { allocations } = kmemStats()
    expect(allocations).toBe(4)
    const { entry } = pagingHelperWalk(cr3, 0x4000_0000n, READ)
    ring0.write64(entry, ring0.read64(entry) | PTE_A | PTE_D)
    pagingHelperDrill(cr3, 0x4000_0000n, 0x7000n, READ)
    pagingHelperDrill(cr3, 0x4000_1000n, 0x8000n, READ)
    expect(kmemStats().allocations).toBe(4)
    expect(ring0.read64(entry)).toBe(0x7000n | PTE_P | PTE_NX)
    expect(ring0.read64(entry + 8n)).toBe(0x8000n | PTE_P | PTE_NX)
  })
})
test('a drill without memory for a table is -1', () => {
  inRing0(() => {
    const cr3 = create()
    while (malloc(4096) !== 0n);
    expect(pagingHelperDrill(cr3, 0n, 0n, ALL)).toBe(-1)
    expect(pagingHelperCreate()).toBe(null)
  })
})
test('a walk tells at which level it stopped, and at which entry', () => {
  inRing0(() => {
    const cr3 = create()
    pagingHelperDrill(cr3, 0x4020_3000n, 0x5000n, { ...READ, ifetch: true })
    const at = (va: u64): number => pagingHelperWalk(cr3, va, READ).result
    expect([0x4020_3000n, 0x4020_4000n, 0x4000_0000n, 0x8000_0000n, 1n << 39n].map(at)).toEqual([
      0, 4, 3, 2, 1,
    ])
    expect(pagingHelperWalk(cr3, 1n << 39n, READ)).toEqual({ result: 1, level: 1, entry: cr3 + 8n })
    const found = pagingHelperWalk(cr3, 0x4020_3fffn, READ)
    expect([found.level, ring0.read64(found.entry)]).toEqual([4, 0x5000n | PTE_P])
  })
})
test('a walk stops where a right is missing; one that asks for nothing finds every page', () => {
  inRing0(() => {
    const cr3 = create()
    pagingHelperDrill(cr3, 0n, 0x5000n, READ) // neither W nor U nor X
    for (const right of ['write', 'user', 'ifetch'] as const)
      expect(pagingHelperWalk(cr3, 0n, { ...READ, [right]: true }).result).toBe(4)
    expect(pagingHelperWalk(cr3, 0n, READ).result).toBe(0)
    pagingHelperDrill(cr3, 0n, 0x5000n, ALL)
    expect(pagingHelperWalk(cr3, 0n, ALL).result).toBe(0)
  })
})
test('a walk ends at a large page and tells its level; a drill does not go through one; free does not follow it', () => {
  inRing0(() => {
    const before = kmemStats().pagesInUse
    const cr3 = create()
    pagingHelperDrill(cr3, 0n, 0x5000n, ALL)
    const pd = pagingHelperWalk(cr3, 0x20_0000n, READ) // no table there yet
    expect([pd.result, pd.level]).toEqual([3, 3])
    ring0.write64(pd.entry, 0x20_0000n | PTE_P | PTE_W | PTE_PS)
    expect(pagingHelperWalk(cr3, 0x3f_ffffn, READ)).toEqual({ result: 0, level: 3, entry: pd.entry })
    expect(pagingHelperWalk(cr3, 0x20_0000n, ALL).result).toBe(3)
    expect(pagingHelperDrill(cr3, 0x20_1000n, 0n, ALL)).toBe(-1)
    const { entry } = pagingHelperWalk(cr3, 1n << 30n, READ)
    ring0.write64(entry, 0x4000_0000n | PTE_P | PTE_PS)
    expect(pagingHelperWalk(cr3, 0x7fff_ffffn, READ)).toEqual({ result: 0, level: 2, entry })
    expect(pagingHelperWalk(DEFAULT_CR3, 0x12_3456n, READ)).toMatchObject({ result: 0, level: 2 })
    pagingHelperFree(cr3, false)
    expect(kmemStats().pagesInUse).toBe(before)
  })
})
test('free gives back the tables, and the pages if they are asked for', () => {
  inRing0(() => {
    const page = malloc(4096, 2)
    const before = kmemStats().pagesInUse
    for (const freeData of [false, true]) {
      const cr3 = create()
      pagingHelperDrill(cr3, 0xffff_8000_0000_0000n, page, ALL)
      pagingHelperDrill(cr3, 0x1000n, freeData ? malloc(4096, 2) : page, ALL)
      pagingHelperFree(cr3, freeData)
    }
    expect(kmemStats().pagesInUse).toBe(before - 1)
    expect(() => free(page)).toThrow()
  })
})
test('permissions are compared and set right by right', () => {
  expect(pagingHelperPermissionsOk(PTE_P | PTE_NX, READ)).toBe(true)
  expect(pagingHelperPermissionsOk(PTE_P, { ...READ, ifetch: true })).toBe(true)
  expect(pagingHelperPermissionsOk(PTE_P | PTE_W | PTE_NX, ALL)).toBe(false)
  const entry = 0x1234_5000n | PTE_P | PTE_D | PTE_U
  expect(pagingHelperSetPermissions(entry, { write: true, user: false, ifetch: false })).toBe(
    0x1234_5000n | PTE_P | PTE_D | PTE_W | PTE_NX,
  )
})
test('an error code is taken apart', () => {
  expect(phPfError(0x13n)).toEqual({
    present: true,
    write: true,
    user: false,
    rsvdAccess: false,
    ifetch: true,
  })
  expect(phPfError(0x9n)).toMatchObject({ present: true, rsvdAccess: true, write: false })
})
test('the indexes of an address', () => {
  const va = 0xffff_8000_4060_3123n
  expect(
    [ADDR_TO_PML4_INDEX, ADDR_TO_PDP_INDEX, ADDR_TO_PD_INDEX, ADDR_TO_PT_INDEX].map((f) => f(va)),
  ).toEqual([256, 1, 3, 3])
  expect(PAGE_SIZE_4KB).toBe(4096n)
})
test('a drill whose tables are there costs three reads and a write', () => {
  inRing0(() => {
    const cr3 = create()
    pagingHelperDrill(cr3, 0n, 0n, ALL)
    const before = ring0.time
    pagingHelperDrill(cr3, 0x1000n, 0x1000n, ALL)
    expect(ring0.time - before).toBe(4) // an access is an instruction
  })
})
