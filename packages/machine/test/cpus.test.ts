// Several CPUs in one thread: turns, a TLB and a local APIC for each, interrupts between them, and gate calls that wait.

import { expect, test } from 'vitest'
import { Machine } from '../src/index.ts'
import { assemble, DATA, type Kit, kit, PML4, RING0 } from './kit.ts'

const AP = 0x18000
const AP_STACK = 0x17000n
const HANDLER = 0x1a000
const gate = (n: number): number[] => [0x0f, 0x3f, n, 0]
/** Turn the x2APIC on: IA32_APIC_BASE, then SVR. */
const APIC_ON =
  'mov ecx, 0x1b; rdmsr; or eax, 0xc00; wrmsr; mov ecx, 0x80f; mov eax, 0x1ff; xor edx, edx; wrmsr'
const EOI = 'mov ecx, 0x80b; xor eax, eax; xor edx, edx; wrmsr'
/** Send vector 0x40 to the CPU with this APIC ID. */
const ipi = (to: number): string => `mov ecx, 0x830; mov eax, 0x40; mov edx, ${to}; wrmsr`

/** Two CPUs; the second one starts at AP when the first one runs. */
function two(options: { seed?: number; ap?: string | readonly number[] } = {}): Kit {
  const k = kit({
    cpus: 2,
    seed: options.seed ?? 1,
    log: ['irq', 'ipi', 'fault', 'invlpg', 'cr3'],
  })
  k.gate(0x40, HANDLER)
  k.place(
    HANDLER,
    `push rax; push rcx; push rdx; inc dword [${DATA + 0x100}]; ${EOI}; pop rdx; pop rcx; pop rax; iretq`,
  )
  k.place(AP - 0x20, `lgdt [0x7f00]; lidt [0x6f00]; mov eax, ${AP}; jmp rax`)
  if (options.ap !== undefined) k.place(AP, options.ap)
  k.machine.ring0.gate(9, () =>
    k.machine.ring0.startCpu(1, { rip: AP - 0x20, rsp: AP_STACK, cr3: BigInt(PML4) }),
  )
  return k
}
/** Code of the first CPU that starts the second one and goes on with `code`. */
const first = (k: Kit, code: string | readonly number[]): void => {
  k.place(RING0, gate(9))
  k.place(RING0 + 4, code)
}

const RACE = `mov ecx, 20000; .l: mov eax, [${DATA}]; inc eax; mov [${DATA}], eax; dec ecx; jnz .l; hlt`

test('CPUs take turns: an increment that is no single instruction loses updates, the same ones for the same seed', () => {
  const count = (seed: number): [number, string] => {
    const k = two({ seed, ap: RACE })
    first(k, RACE)
    expect(k.run(RING0, 1_000_000)).toEqual({ reason: 'halt' })
    return [k.machine.memory.read32(DATA), k.machine.stateHash()]
  }
  const [once, again, other] = [count(1), count(1), count(2)]
  expect(again).toEqual(once)
  expect(once[0]).toBeGreaterThan(20_000)
  expect(once[0]).toBeLessThan(40_000)
  expect(other[0]).not.toBe(once[0])
})
test('a locked increment loses none', () => {
  const code = `mov ecx, 20000; .l: lock inc dword [${DATA}]; dec ecx; jnz .l; hlt`
  const k = two({ ap: code })
  first(k, code)
  k.run(RING0, 1_000_000)
  expect(k.machine.memory.read32(DATA)).toBe(40_000)
})
test('a CPU that is not started does nothing, and the machine halts without it', () => {
  const k = two()
  k.place(RING0, 'hlt')
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers(1).rip).toBe(0n)
})
test('each CPU has its own TLB: INVLPG on one leaves the translation of the other', () => {
  const k = two({ ap: `mov eax, [${DATA}]; hlt` })
  first(k, `mov ecx, 20000; .l: dec ecx; jnz .l; mov eax, [${DATA}]; invlpg [${DATA}]; hlt`)
  k.run(RING0, 1_000_000)
  const holds = (cpu: number): boolean => k.machine.tlb(cpu).some(({ va }) => va === BigInt(DATA))
  expect([holds(0), holds(1)]).toEqual([false, true])
  expect(k.machine.events.list.filter(({ kind }) => kind === 'invlpg').map(({ cpu }) => cpu)).toEqual([0])
})
test('an interprocessor interrupt ends the HLT of the CPU that it is for', () => {
  const k = two({ ap: `${APIC_ON}; sti; hlt; mov dword [${DATA}], 7; cli; hlt` })
  first(k, `${APIC_ON}; mov ecx, 9000; .l: dec ecx; jnz .l; ${ipi(1)}; hlt`)
  expect(k.run(RING0, 1_000_000)).toEqual({ reason: 'halt' })
  expect([k.machine.memory.read32(DATA), k.machine.memory.read32(DATA + 0x100)]).toEqual([7, 1])
  expect(k.machine.events.list.filter(({ kind }) => kind === 'irq' || kind === 'ipi')).toMatchObject([
    { kind: 'ipi', cpu: 0, vector: 0x40, mode: 0, to: 1 },
    { kind: 'irq', cpu: 1, vector: 0x40 },
  ])
})
test('the APIC’s timer interrupts after exactly so many instructions', () => {
  const k = two()
  k.place(
    RING0,
    `${APIC_ON}; mov ecx, 0x83e; mov eax, 0xb; wrmsr; mov ecx, 0x832; mov eax, 0x40; wrmsr
     mov ecx, 0x838; mov eax, 1000; wrmsr; xor ebx, ebx; sti; .l: inc ebx; jmp .l`,
  )
  k.place(HANDLER, 'cli; hlt')
  expect(k.run(RING0, 100_000)).toEqual({ reason: 'halt' })
  // xor and sti, then pairs of inc and jmp until the thousandth instruction
  expect(k.machine.registers().rbx).toBe(499n)
})
test('MOV to CR8 holds back interrupts of lower classes', () => {
  const k = two({
    ap: `${APIC_ON}; mov eax, 5; mov cr8, rax; sti; ${ipi(1)}; nop; mov ebx, [${DATA + 0x100}]; xor eax, eax; mov cr8, rax; nop; cli; hlt`,
  })
  first(k, 'hlt')
  k.run(RING0, 1_000_000)
  expect([k.machine.registers(1).rbx, k.machine.memory.read32(DATA + 0x100)]).toEqual([0n, 1])
})
test('an image taken in the middle of a race goes on as the machine does', () => {
  const k = two({ ap: RACE })
  first(k, RACE)
  k.run(RING0, 50_000)
  const copy = Machine.fromImage(k.machine.image())
  expect(k.machine.run(1_000_000)).toEqual({ reason: 'halt' })
  copy.run(1_000_000)
  expect(copy.stateHash()).toBe(k.machine.stateHash())
})
test('an image holds the pages that are not zero, and restoring it clears all others', () => {
  const k = kit()
  const before = k.machine.image()
  expect([...before.pages]).toEqual([1, 2, 3, 4, 5, 6, 7])
  k.machine.memory.write8(0x12345, 1)
  k.machine.memory.write8(0x55555, 0)
  expect([...k.machine.image().pages]).toEqual([1, 2, 3, 4, 5, 6, 7, 0x12])
  k.machine.restore(before)
  expect(k.machine.memory.read8(0x12345)).toBe(0)
})

/** CPU 0 sends vector 0x40 to CPU 1 in a gate call and waits until its handler has counted. */
function waiting(ap: string, ringZero: (k: Kit) => void = () => {}): Kit {
  const k = two({ ap })
  first(k, gate(1))
  k.place(RING0 + 8, 'hlt')
  k.machine.ring0.gate(1, () => {
    const { ring0 } = k.machine
    ringZero(k)
    ring0.wrmsr(0x1b, ring0.rdmsr(0x1b) | 0xc00n)
    ring0.wrmsr(0x80f, 0x1ffn)
    ring0.wait('CPU 1 to be up', () => ring0.read32(DATA) === 1)
    ring0.wrmsr(0x830, (1n << 32n) | 0x40n)
    ring0.wait('the answer of CPU 1', () => ring0.read32(DATA + 0x100) > 0)
  })
  return k
}
test('a gate call that waits for another CPU’s answer lets it run', () => {
  const k = waiting(`${APIC_ON}; sti; mov dword [${DATA}], 1; .l: hlt; jmp .l`)
  expect(k.run(RING0, 1_000_000).reason).toBe('halt')
  expect(k.machine.memory.read32(DATA + 0x100)).toBe(1)
  expect(k.machine.registers(0).rip).toBe(BigInt(RING0 + 9))
})
test('two gate calls may wait for each other’s interrupts if they let themselves be interrupted', () => {
  const k = waiting('nop', ({ machine: { ring0 } }) => ring0.setInterrupts(true))
  k.place(AP, gate(2))
  k.place(AP + 4, 'sti; .l: hlt; jmp .l')
  k.machine.ring0.gate(2, () => {
    const { ring0 } = k.machine
    ring0.setInterrupts(true)
    ring0.wrmsr(0x1b, ring0.rdmsr(0x1b) | 0xc00n)
    ring0.wrmsr(0x80f, 0x1ffn)
    ring0.write32(DATA, 1)
    ring0.wrmsr(0x830, 0x40n) // to CPU 0, which waits too
    ring0.wait('the answer of CPU 0', () => ring0.read32(DATA + 0x100) > 0)
  })
  k.run(RING0, 1_000_000)
  expect(k.machine.memory.read32(DATA + 0x100)).toBe(2) // each has had the other's
})
test.each([
  ['is halted', `${APIC_ON}; mov dword [${DATA}], 1; cli; hlt`],
  ['spins', `${APIC_ON}; mov dword [${DATA}], 1; cli; .l: jmp .l`],
])('a deadlock is told: the other CPU %s with interrupts off', (_, ap) => {
  const k = waiting(ap)
  const stop = k.run(RING0, 1_000_000)
  expect(stop).toMatchObject({ reason: 'deadlock' })
  expect((stop as { message: string }).message).toMatch(
    /^CPU 0 waits for the answer of CPU 1 \(\d+ instructions so far\); CPU 1 (runs|is halted) at 0x18\w+ with interrupts off$/,
  )
})
test('a CPU that waits for itself is told at once', () => {
  const k = kit()
  k.place(RING0, gate(1))
  k.machine.ring0.gate(1, () => k.machine.ring0.wait('the lock l, held by CPU 0', () => false))
  expect(k.run()).toMatchObject({
    reason: 'deadlock',
    message: expect.stringMatching(/^CPU 0 waits for the lock l, held by CPU 0 /),
  })
  expect(k.machine.time).toBeLessThan(10_000)
})
test('CPUID tells each CPU its APIC ID', () => {
  const k = two({ ap: 'mov eax, 1; cpuid; hlt' })
  first(k, 'mov eax, 1; cpuid; hlt')
  k.run()
  const id = (cpu: number): bigint => k.machine.registers(cpu).rbx >> 24n
  expect([id(0), id(1)]).toEqual([0n, 1n])
})
test('a triple fault of any CPU resets the machine, and the story tells it', () => {
  const k = two({ ap: 'ud2' })
  k.place(AP - 0x20, 'ud2') // no IDT yet
  first(k, '.l: jmp .l')
  expect(k.run(RING0, 1_000_000)).toMatchObject({
    reason: 'reset',
    story: expect.stringContaining('#UD at rip 0x17fe0'),
  })
})
test('a machine that takes over an old one’s memory is as a new one', () => {
  const options = { memoryBytes: 4 << 20, instructionsPerSecond: 1_000_000, cpus: 2 }
  const old = two({ ap: RACE })
  first(old, RACE)
  old.run(RING0, 30_000)
  const [fresh, reused] = [new Machine(options), new Machine(options, old.machine)]
  expect(reused.image().pages).toHaveLength(0)
  for (const machine of [fresh, reused]) {
    machine.memory.writeBytes(0x1000, Uint8Array.of(0x03, 0x20))
    machine.memory.writeBytes(0x2000, Uint8Array.of(0x83)) // a 1 GiB page at 0
    machine.memory.writeBytes(RING0, assemble(`mov ecx, 500; .l: inc dword [${DATA}]; dec ecx; jnz .l; hlt`))
    machine.start({ rip: BigInt(RING0), rsp: 0x9000n, cr3: 0x1000n })
    expect(machine.run(100_000)).toEqual({ reason: 'halt' })
  }
  expect(reused.stateHash()).toBe(fresh.stateHash())
})
