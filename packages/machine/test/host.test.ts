// A kernel written in TypeScript is ring 0 of this machine: what it does meets the same MMU, the same faults.

import { expect, test } from 'vitest'
import { PTE_P, PTE_W } from '../src/x86-64.ts'
import { ALL, DATA, type Kit, kit, PT, RING0, RING0_STACK, RING3, toRing3 } from './kit.ts'

const gate = (n: number): number[] => [0x0f, 0x3f, n, 0]
const HLT = 0xf4

/** A machine whose ring 0 code is gate 1, then HLT. */
function hosted(kernel: (k: Kit) => void, options: Parameters<typeof kit>[0] = {}): Kit {
  const k = kit(options)
  k.place(RING0, [...gate(1), HLT])
  k.machine.ring0.gate(1, () => kernel(k))
  return k
}

test('a gate runs its function and goes on behind itself', () => {
  let calls = 0
  const k = hosted(() => calls++)
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(calls).toBe(1)
  expect(k.machine.registers().rip).toBe(BigInt(RING0 + 5))
})
test('a gate in ring 3, and a gate that nothing is bound to, raise #UD', () => {
  const k = kit({ log: ['fault'] })
  k.gate(6, 0x11000)
  k.place(0x11000, [HLT])
  k.machine.ring0.gate(1, () => {})
  k.place(RING3, gate(1))
  k.place(RING0, toRing3())
  k.run()
  k.place(RING0, gate(2))
  k.run()
  expect(k.machine.events.list.map((e) => e.kind === 'fault' && [e.vector, e.cpl])).toEqual([
    [6, 3],
    [6, 0],
  ])
})
test('loads and stores go through the page tables in force', () => {
  const k = hosted(({ machine: { ring0 } }) => {
    ring0.write64(DATA + 0x1ffc, 0x1122_3344_5566_7788n) // across two pages that are not neighbours
    expect(ring0.read64(BigInt(DATA + 0x1ffc))).toBe(0x1122_3344_5566_7788n)
    ring0.writeBytes(DATA + 0xfff, Uint8Array.of(1, 2, 3))
    expect([...ring0.readBytes(DATA + 0xffe, 4)]).toEqual([0, 1, 2, 3])
    ring0.fill(DATA, 7, 4096)
    ring0.copy(DATA + 0x800, DATA + 0xffe, 4)
    expect([ring0.read8(DATA + 0x800), ring0.readInt8(DATA + 0x803)]).toEqual([7, 3])
  })
  k.map(DATA + 0x2000, BigInt(DATA + 0x8000) | ALL)
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.memory.read32(DATA + 0x1ffc)).toBe(0x5566_7788)
  expect(k.machine.memory.read32(DATA + 0x8000)).toBe(0x1122_3344)
})
test('a fault of the kernel is delivered at the gate, its handler mends it, and the access is tried again', () => {
  const k = hosted(
    ({ machine: { ring0 } }) => {
      ring0.write32(DATA, 5)
      ring0.setReg(6, ring0.read64(DATA))
    },
    { log: ['fault'] },
  )
  k.map(DATA, 0n)
  k.gate(14, 0x11000)
  k.place(
    0x11000,
    `push rax; mov rax, ${BigInt(DATA) | ALL}; mov [${PT + (DATA >> 12) * 8}], rax; inc r15; pop rax; add rsp, 8; iretq`,
  )
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers()).toMatchObject({ r15: 1n, rsi: 5n })
  expect(k.machine.events.list).toMatchObject([
    { vector: 14, error: 2, rip: BigInt(RING0), cpl: 0, address: BigInt(DATA) },
  ])
})
test('a store to a read-only page faults in the kernel too, while CR0.WP is set', () => {
  const k = hosted(({ machine: { ring0 } }) => ring0.write8(DATA, 1), { log: ['fault'] })
  k.map(DATA, BigInt(DATA) | PTE_P)
  expect(k.run()).toMatchObject({ reason: 'reset' })
  expect(k.machine.events.list[0]).toMatchObject({ vector: 14, error: 3 })
})
test('a kernel that loads tables which do not map it dies of its own next instruction fetch', () => {
  let after = false
  const k = hosted(({ machine: { ring0, memory } }) => {
    for (let at = 0; at < 4096; at += 8) memory.write64(0x5_0000 + at, 0n)
    ring0.setCr3(0x5_0000n)
    after = true
  })
  k.gate(14, 0x11000)
  expect(k.run()).toMatchObject({
    reason: 'reset',
    story: expect.stringMatching(
      /^#PF \(address 0x10000, error code 0x10\) at rip 0x10000; #PF could not be delivered: reading IDT\[14\] at 0x70e0 raised #PF/,
    ),
  })
  expect(after).toBe(false)
})
test('a stale translation serves the kernel until it says INVLPG', () => {
  const seen: number[] = []
  const k = hosted(({ machine: { ring0 } }) => {
    seen.push(ring0.read8(DATA))
    ring0.write64(PT + (DATA >> 12) * 8, BigInt(DATA + 0x1000) | PTE_P | PTE_W)
    seen.push(ring0.read8(DATA))
    ring0.invlpg(DATA)
    seen.push(ring0.read8(DATA))
  })
  k.place(DATA, [1])
  k.place(DATA + 0x1000, [2])
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(seen).toEqual([1, 1, 2])
})
test('code that the kernel overwrites is seen when it runs', () => {
  const k = kit()
  const code = [0x31, 0xc9, 0xbb, 1, 0, 0, 0, 0x85, 0xc9, 0x75, 8, 0xff, 0xc1, ...gate(1), 0xeb, 0xef, HLT]
  k.place(RING0, code) // xor ecx, ecx; again: mov ebx, 1; test ecx, ecx; jnz end; inc ecx; gate; jmp again; end: hlt
  k.machine.ring0.gate(1, () => k.machine.ring0.write8(RING0 + 3, 2))
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers().rbx).toBe(2n)
})
test('resume chooses where the CPU goes on', () => {
  const k = hosted(({ machine: { ring0 } }) => ring0.resume(0x11000, RING0_STACK - 64))
  k.place(0x11000, [HLT])
  k.run()
  expect(k.machine.registers()).toMatchObject({ rip: 0x11001n, rsp: BigInt(RING0_STACK - 64) })
})
test('stop ends the kernel’s code at once, keeps the state, and running on goes to the stop loop', () => {
  let after = false
  const k = hosted(({ machine: { ring0 } }) => {
    ring0.setStopLoop(0x11000, RING0_STACK)
    ring0.write8(DATA, 9)
    ring0.stop('no more')
    after = true
  })
  k.place(0x11000, [HLT])
  expect(k.run()).toEqual({ reason: 'panic', message: 'no more' })
  expect(k.machine.kernelStack).toContain('host.test.ts') // where the kernel’s code was
  expect([after, k.machine.memory.read8(DATA)]).toEqual([false, 9])
  expect(k.machine.run(100)).toEqual({ reason: 'halt' })
})
test('catching the machine’s signal helps nobody: every further access throws it again', () => {
  let accesses = 0
  const k = hosted(({ machine: { ring0 } }) => {
    for (let i = 0; i < 3; i++) {
      try {
        if (i === 0) ring0.stop('the end')
        ring0.write8(DATA, 1)
        accesses++
      } catch {}
    }
  })
  expect(k.run()).toEqual({ reason: 'panic', message: 'the end' })
  expect([accesses, k.machine.memory.read8(DATA)]).toEqual([0, 0])
})
test('a kernel call that never returns is ended by what it is charged', () => {
  const k = hosted(({ machine: { ring0 } }) => {
    ring0.setCosts({ access: 10, entry: 1, limit: 1000 })
    for (;;) ring0.read8(DATA)
  })
  expect(k.run()).toMatchObject({ reason: 'hang', message: expect.stringContaining('does not return') })
})
test('a fault that comes back unmended is ended, in ring 0’s TypeScript and in ring 3', () => {
  const handled = { calls: 0 }
  const faulting = (program: (k: Kit) => void): Kit => {
    handled.calls = 0
    const k = hosted(({ machine: { ring0 } }) => ring0.read8(0x7000_0000_0000n))
    k.gate(14, 0x11000)
    k.place(0x11000, [...gate(2), 0x48, 0x83, 0xc4, 8, 0x48, 0xcf]) // add rsp, 8; iretq
    k.machine.ring0.gate(2, () => handled.calls++)
    program(k)
    return k
  }
  const end = {
    reason: 'stall',
    message: expect.stringMatching(/^#PF for address 0x700000000000 at rip 0x\w+ has come back 1000 times/),
  }
  expect(faulting(() => {}).run()).toMatchObject(end)
  expect(handled.calls).toBe(1000)
  const ring3 = faulting((k) => {
    k.place(RING0, toRing3())
    k.place(RING3, [0x48, 0xb8, 0, 0, 0, 0, 0, 0x70, 0, 0, 0x8a, 0x00]) // mov rax, 0x700000000000; mov al, [rax]
  })
  expect(ring3.run(RING0, 1e6)).toMatchObject(end)
  expect(ring3.machine.run(1000)).toMatchObject(end) // for good
  expect(handled.calls).toBe(1000)
})
test('a fault that is mended late, or comes back with other registers, ends nothing', () => {
  const k = hosted(({ machine: { ring0 } }) => {
    for (let i = 0; i < 3000; i++) {
      ring0.setReg(3, BigInt(i))
      k.map(DATA, 0n)
      ring0.invlpg(DATA)
      ring0.read8(DATA)
    }
    ring0.setReg(3, 7n)
    k.map(DATA, 0n)
    ring0.invlpg(DATA)
    tries = 900
    ring0.read8(DATA)
  })
  let tries = 0
  k.gate(14, 0x11000)
  k.place(0x11000, [...gate(2), 0x48, 0x83, 0xc4, 8, 0x48, 0xcf])
  k.machine.ring0.gate(2, () => {
    if (--tries <= 0) k.map(DATA, BigInt(DATA) | ALL)
  })
  expect(k.run(RING0, 1e7)).toEqual({ reason: 'halt' })
})
test('a JavaScript exception of the kernel is told with its stack', () => {
  const k = hosted(() => {
    throw new TypeError('no such page')
  })
  expect(k.run()).toMatchObject({
    reason: 'error',
    message: 'TypeError: no such page',
    stack: expect.stringContaining('host.test.ts'),
  })
})
test('time is what is retired plus what the kernel is charged', () => {
  const k = hosted(({ machine: { ring0 } }) => {
    ring0.read8(DATA)
    ring0.charge(500)
  })
  k.machine.ring0.setCosts({ access: 10, entry: 1000, limit: 1e6 })
  k.run()
  expect(k.machine.time - k.machine.retired).toBe(1510)
})
test('what is behind ring 0’s face is out of a kernel’s reach', () => {
  const k = kit()
  expect(Reflect.ownKeys(k.machine.ring0)).toEqual(['stopLoop'])
})
test('an array that lies about itself reads and writes what a real one would, or nothing', () => {
  let stolen: unknown
  class Liar extends Uint8Array {
    override subarray(): never {
      return new Uint8Array(0x8000).fill(0xee) as never
    }
    override set(bytes: ArrayLike<number>): void {
      stolen = bytes
    }
  }
  const thief = { length: 4, set: (bytes: unknown) => void (stolen = bytes) }
  const k = hosted(({ machine: { ring0 } }) => {
    ring0.writeBytes(DATA, Liar.of(1, 2, 3))
    const target = new Liar(4)
    ring0.readInto(DATA, target)
    ring0.writeBytes(DATA + 8, Uint8Array.from(target))
    ring0.readInto(DATA, thief as never)
  })
  expect(k.run()).toMatchObject({ reason: 'error', message: expect.stringContaining('TypeError') })
  expect([...k.machine.memory.bytes.subarray(DATA, DATA + 16)]).toEqual([
    1, 2, 3, 0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 0, 0, 0,
  ])
  expect([k.machine.memory.read8(DATA + 0x1000), stolen]).toEqual([0, undefined])
})
test('ports reach the devices', () => {
  const k = hosted(({ machine: { ring0 } }) => {
    for (const c of 'ok') {
      ring0.out8(0x378, c.charCodeAt(0))
      ring0.out8(0x37a, 0x0d)
      ring0.out8(0x37a, 0x0c)
    }
    ring0.out8(0xf4, 3)
  })
  expect(k.run()).toEqual({ reason: 'exit', code: 3 })
  expect(k.machine.devices.parallel.output).toBe('ok')
})
test('an image restored into another machine goes on to the same state', () => {
  const program = `mov ecx, 1000; .l: add rax, rcx; mov [${DATA} + rcx * 8], rax; dec ecx; jnz .l; hlt`
  const k = kit()
  k.place(RING0, program)
  k.run(RING0, 1234)
  const image = structuredClone(k.machine.image())
  const twin = kit().machine
  twin.restore(image)
  expect(twin.stateHash()).toBe(k.machine.stateHash())
  expect([k.machine.run(100_000), twin.run(100_000)]).toEqual([{ reason: 'halt' }, { reason: 'halt' }])
  expect(twin.stateHash()).toBe(k.machine.stateHash())
})
