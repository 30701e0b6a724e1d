// The handed-out kernel works, and is unsafe.

import { expect, test } from 'vitest'
import * as handedOut from '../kernel.ts'
import { INSTRUCTIONS_PER_TICK, PAGEINFO_ADDR, PROCESSES_ADDR, TICKS_ADDR } from '../lib/index.ts'
import {
  current,
  kernelPagetable,
  type PagetableAllocator,
  pageinfo,
  pagetableAt,
  processes,
  programLoad,
  ring0,
  virtualMemoryLookup,
  virtualMemoryMap,
} from '../lib/kernel.ts'
import { start } from './lab.ts'

/** Boot with `body` in place of what the kernel does when it is called. */
function inKernel(body: () => void): ReturnType<ReturnType<typeof start>['ticks']> {
  const lab = start({
    kernel: {
      ...handedOut,
      kernel(command) {
        handedOut.kernel(command)
        body()
      },
    },
  })
  return lab.ticks(1)
}
const OPEN = 7n

test('four processes allocate their windows and go on when they are full', () => {
  const lab = start({ log: ['syscall', 'ring3', 'fault'] })
  expect(lab.ticks(60)).toEqual({ reason: 'limit' })
  const calls = lab.machine.events.list.filter((e) => e.kind === 'syscall')
  expect(new Set(calls.map((e) => e.vector))).toEqual(new Set([49, 50, 51]))
  expect(calls.filter((e) => e.vector === 51)).toHaveLength(4 * 61)
  expect(lab.machine.events.list.filter((e) => e.kind === 'fault')).toEqual([])
})
test('the timer ticks a hundred times a second', () => {
  const lab = start()
  lab.ticks(51)
  expect(lab.machine.memory.read32(TICKS_ADDR)).toBe(50)
  expect(INSTRUCTIONS_PER_TICK).toBe(330_000)
})
test('every process may write the kernel’s memory: that is what step 1 is about', () => {
  const lab = start()
  lab.ticks(5)
  const { outcome } = lab.machine.explain(BigInt(PAGEINFO_ADDR), { user: true, access: 'write' })
  expect(outcome).toMatchObject({ physical: BigInt(PAGEINFO_ADDR), user: true, writable: true })
})
test('kernel structures lie in memory as C lays them out', () => {
  expect(
    inKernel(() => {
      processes[3]!.registers.rax = 0x1234n
      processes[3]!.registers.ss = 0x23n
      pageinfo[0x123]!.owner = -2
      pageinfo[0x123]!.refcount = 5
      const at = PROCESSES_ADDR + 3 * 216
      expect([ring0.read32(at), ring0.read64(at + 8), ring0.read64(at + 8 + 23 * 8)]).toEqual([
        3,
        0x1234n,
        0x23n,
      ])
      expect([ring0.read8(PAGEINFO_ADDR + 0x246), ring0.read8(PAGEINFO_ADDR + 0x247)]).toEqual([0xfe, 5])
      expect([pageinfo[0x123]!.owner, current.pid, processes[3]!.pagetable === kernelPagetable]).toEqual([
        -2,
        1,
        true,
      ])
      pageinfo[0x123]!.owner = 1
      pageinfo[0x123]!.refcount = 0
    }),
  ).toEqual({ reason: 'limit' })
})
test('virtualMemoryMap makes the tables it needs, and says -1 when it can get none', () => {
  inKernel(() => {
    const pages = [0x1000n, 0x2000n, 0x3000n]
    const allocator: PagetableAllocator = () => {
      const page = pages.shift()
      return page === undefined ? null : pagetableAt(page)
    }
    const root = pagetableAt(0x4000n)
    ring0.fill(0x4000, 0, 4096)
    expect(virtualMemoryMap(root, 0x20_0000n, 0x5000n, 4096n, OPEN, allocator)).toBe(0)
    expect(virtualMemoryLookup(root, 0x20_0123n)).toEqual({ pn: 5, pa: 0x5123n, perm: 7 })
    expect(virtualMemoryMap(root, 0x40_0000n, 0x5000n, 4096n, OPEN, allocator)).toBe(-1)
    expect(virtualMemoryMap(root, 0x40_0000n, 0n, 4096n, 0n, null)).toBe(0)
    expect(virtualMemoryLookup(root, 0x40_0000n)).toEqual({ pn: -1, pa: 0xffff_ffff_ffff_ffffn, perm: 0 })
  })
})
test('a misuse of virtualMemoryMap panics with the assertion that failed', () => {
  const misuse = (map: () => unknown): unknown => inKernel(() => void map())
  const at = (va: bigint, pa: bigint, sz: bigint, perm = OPEN): unknown =>
    misuse(() => virtualMemoryMap(kernelPagetable, va, pa, sz, perm, null))
  const panic = (expression: string): unknown => ({
    reason: 'panic',
    message: `PANIC: hardware.ts: assertion '${expression}' failed`,
  })
  expect(at(0x10_0801n, 0n, 4096n)).toEqual(panic('va % PAGESIZE == 0'))
  expect(at(0xb_8000n, 0xb_8000n, 4000n)).toEqual(panic('sz % PAGESIZE == 0'))
  expect(at(0x2f_f000n, 0x2f_f000n, 4096n)).toEqual(panic('pa + sz <= MEMSIZE_PHYSICAL'))
  expect(at(0n, 0n, 4096n, 0x1000n)).toEqual(panic('perm >= 0 && perm < 0x1000'))
})
test('a kernel page fault panics with the address', () => {
  expect(inKernel(() => ring0.write8(0x20_0000, 1))).toMatchObject({
    reason: 'panic',
    message: 'PANIC: Kernel page fault for 0x200000 (write missing page, rip=0x40000)!',
  })
})
test('broken page-table ownership panics at the next trap', () => {
  expect(inKernel(() => void (pageinfo[0x56]!.refcount += 1))).toEqual({
    reason: 'panic',
    message: "PANIC: check.ts: assertion 'pageinfo[PAGENUMBER(pt)].refcount == refcount' failed",
  })
})
test('a kernel whose tables do not map it triple-faults, and the story says why', () => {
  const stop = inKernel(() => {
    ring0.fill(0x4000, 0, 4096)
    ring0.setCr3(0x4000n)
  })
  expect(stop).toMatchObject({
    reason: 'reset',
    story: expect.stringMatching(
      /^#PF \(address 0x40000, error code 0x10\) at rip 0x40000; .*reading IDT\[14\] at 0x550e0.*triple fault$/,
    ),
  })
})
test('the keys a, f and e start the kernel again with other programs; memory keeps its contents', () => {
  const lab = start()
  lab.ticks(30)
  const ticks = lab.machine.memory.read32(TICKS_ADDR)
  const heap = lab.machine.memory.bytes.slice(0x102000, 0x103000)
  lab.machine.devices.keyboard.type('f')
  expect(lab.ticks(5)).toMatchObject({ reason: 'panic' }) // p-fork, and fork is not there
  expect(lab.machine.memory.read32(TICKS_ADDR)).toBeGreaterThanOrEqual(ticks)
  expect(lab.machine.memory.bytes.slice(0x102000, 0x103000)).toEqual(heap)
  lab.machine.devices.keyboard.type('a') // works after a panic too
  expect(lab.ticks(10)).toEqual({ reason: 'limit' })
  expect(lab.screen().rows[23]).toBe(' '.repeat(80))
})
test('q turns the machine off', () => {
  const lab = start()
  lab.ticks(2)
  lab.machine.devices.keyboard.type('q')
  expect(lab.ticks(5)).toEqual({ reason: 'exit', code: 0 })
})
test('when nobody can run, the kernel waits for keys', () => {
  const lab = start({
    kernel: {
      ...handedOut,
      exception(registers) {
        for (const p of processes) if (p.state === 1) p.state = 2
        current.registers = registers
        handedOut.schedule()
      },
    },
  })
  expect(lab.ticks(20)).toEqual({ reason: 'limit' })
  lab.machine.devices.keyboard.type('q')
  expect(lab.ticks(1)).toEqual({ reason: 'exit', code: 0 })
})
test('the same boot twice is the same machine, bit for bit', () => {
  const hash = (): string => {
    const lab = start({ flavour: 'slow' })
    lab.ticks(20)
    return lab.machine.stateHash()
  }
  expect(hash()).toBe(hash())
})

test('a loader of one’s own gets each segment of the program: where, how much, and whether it is written to', () => {
  const segments: [number, bigint, boolean][] = []
  const stop = inKernel(() => {
    const p = processes[5]!
    programLoad(p, 0, null, (of, { va, memorySize, writable }) => {
      segments.push([of.pid, va, writable])
      expect(memorySize > 0n).toBe(true)
      return 0
    })
    expect(p.registers.rip).toBe(0x100000n)
    expect(programLoad(p, 0, null, () => -1)).toBe(-1)
  })
  expect(stop).toEqual({ reason: 'limit' })
  expect(segments).toEqual([
    [5, 0x100000n, false],
    [5, 0x101000n, true],
  ])
})
test('a machine may lack pages: the kernel finds them reserved, and nobody gets them', () => {
  const lab = start({ config: { reserved: [0x30, 0x105] } })
  lab.ticks(60)
  const owner = (pn: number): number => lab.machine.memory.read8(PAGEINFO_ADDR + pn * 2)
  expect([owner(0x30), owner(0x104), owner(0x105)]).toEqual([0xff, 1, 0xff])
})
test('a trap costs what the boot says, so that ticks fall elsewhere', () => {
  const traps = (instructionsPerTrap?: number): number => {
    const lab = start({ log: ['syscall'], ...(instructionsPerTrap && { config: { instructionsPerTrap } }) })
    lab.ticks(3)
    return lab.machine.events.list.length
  }
  expect(traps()).toBe(traps(11_500))
  expect(traps(23_000)).toBeLessThan(traps() * 0.6)
})
