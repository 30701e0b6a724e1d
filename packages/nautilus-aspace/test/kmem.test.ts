import { expect, test } from 'vitest'
import { free, kmemStats, MEMSIZE, malloc } from '../lib/kernel.ts'
import { KMEM_COUNTERS_ADDR, KMEM_MAP_ADDR, KMEM_OTHER, KMEM_START, KMEM_TABLE } from '../lib/layout.ts'
import { BARE, inThread, Lab, once } from './lab.ts'

const PAGE = 4096n

test('malloc gives whole pages, the lowest that are free', () => {
  inThread(
    once(() => {
      const a = malloc(1)
      const b = malloc(PAGE * 3n)
      const c = malloc(4096)
      expect([a % PAGE, b % PAGE, c % PAGE]).toEqual([0n, 0n, 0n])
      expect(b).toBe(a + PAGE)
      expect(c).toBe(b + 3n * PAGE)
      free(b)
      expect(malloc(4096)).toBe(b)
      expect(malloc(PAGE * 3n)).toBe(c + PAGE)
      expect(malloc(PAGE * 2n)).toBe(b + PAGE)
    }),
  )
})
test('the map and the counters in memory tell what is in use', () => {
  let [a, b] = [0n, 0n]
  const { machine } = inThread(
    once(() => {
      a = malloc(4096)
      b = malloc(8192)
      free(malloc(4096))
    }),
  )
  const tag = (address: bigint): number => machine.memory.read8(KMEM_MAP_ADDR + Number(address) / 4096)
  expect([tag(a), tag(b), tag(b + PAGE), tag(b + 2n * PAGE)]).toEqual([KMEM_TABLE, KMEM_OTHER, 1, 0])
  const counters = [0, 1, 2, 3].map((i) => Number(machine.memory.read64(KMEM_COUNTERS_ADDR + i * 8)))
  const { pagesInUse, allocations, allocs, frees } = kmemStats()
  expect(counters).toEqual([pagesInUse, allocations, allocs, frees])
  expect(allocs - frees).toBe(allocations)
  const used = machine.memory.bytes.subarray(
    KMEM_MAP_ADDR + KMEM_START / 4096,
    KMEM_MAP_ADDR + Number(MEMSIZE) / 4096,
  )
  expect(used.filter((byte) => byte !== 0)).toHaveLength(pagesInUse)
})
test('without memory malloc gives 0, and what is freed can be had again', () => {
  inThread(
    once(() => {
      expect(malloc(MEMSIZE)).toBe(0n)
      const all: bigint[] = []
      for (let page = malloc(4096); page !== 0n; page = malloc(4096)) all.push(page)
      expect(all.at(-1)).toBe(MEMSIZE - PAGE)
      expect(malloc(1)).toBe(0n)
      free(all[7]!)
      expect(malloc(8192)).toBe(0n)
      free(all[8]!)
      expect(malloc(8192)).toBe(all[7])
    }),
  )
})
test('dirty pages are full of 0xa5', () => {
  let page = 0n
  const { machine } = inThread(
    once(() => {
      page = malloc(8192)
    }),
    { dirty: true },
  )
  expect(
    machine.memory.bytes.subarray(Number(page), Number(page) + 8192).every((byte) => byte === 0xa5),
  ).toBe(true)
})
test.each([
  [
    'a page twice',
    () => {
      const page = malloc(4096)
      free(page)
      free(page)
    },
  ],
  ['the middle of a block', () => free(malloc(8192) + PAGE)],
  ['what is no page', () => free(malloc(8192) + 8n)],
  ['the kernel itself', () => free(0x10_0000n)],
  ['beyond memory', () => free(MEMSIZE)],
] as const)('free of %s panics', (_, wrong) => {
  const lab = new Lab(BARE, {
    shells: [],
    start: (spawn) =>
      void spawn(
        once(() => {
          wrong()
        }),
        null,
        'wrong',
      ),
  })
  const stop = lab.runUntil(() => false, 1_000_000)
  expect(stop).toMatchObject({ reason: 'panic', message: expect.stringContaining('PANIC: free: 0x') })
  expect(lab.said).toContain('PANIC: free: 0x')
})
