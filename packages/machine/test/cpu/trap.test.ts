// Interrupts and exceptions, through GDT, IDT and TSS in guest memory. SDM Vol. 3 §6.14, Exception and Interrupt
// Handling in 64-bit Mode; §6.15, Exception and Interrupt Reference.

import { expect, test } from 'vitest'
import { PTE_P, PTE_W } from '../../src/x86-64.ts'
import {
  DATA,
  GDT,
  IDT,
  KERNEL_CS,
  type Kit,
  kit,
  RING0,
  RING0_STACK,
  RING3,
  RING3_STACK,
  TSS,
  toRing3,
  USER_CS,
  USER_SS,
} from '../kit.ts'

const HANDLER = 0x11000

/** The quadwords on ring 0's stack from rsp up, at HLT. */
function stackOf(k: Kit, count: number): number[] {
  const rsp = Number(k.machine.registers().rsp)
  return Array.from({ length: count }, (_, i) => Number(k.machine.memory.read64(rsp + i * 8)))
}
function inRing3(code: string, flags = 2, set: (k: Kit) => void = () => {}): Kit {
  const k = kit()
  k.place(HANDLER, 'hlt')
  set(k)
  k.place(RING3, code)
  k.place(RING0, toRing3(RING3, flags))
  k.run()
  return k
}

test('INT from ring 3 switches to RSP0 and pushes ss, rsp, rflags, cs, rip', () => {
  const k = inRing3('int 48', 0x202, (kk) => kk.gate(48, HANDLER, { dpl: 3 }))
  expect(stackOf(k, 5)).toEqual([RING3 + 2, USER_CS, 0x202, RING3_STACK, USER_SS])
  expect(k.machine.registers()).toMatchObject({ cs: KERNEL_CS, ss: 0, cpl: 0, rsp: BigInt(RING0_STACK - 40) })
  expect(k.machine.registers().rflags & 0x200n).toBe(0n)
})
test('a trap gate leaves IF as it is', () => {
  const k = inRing3('int 48', 0x202, (kk) => {
    kk.gate(48, HANDLER, { dpl: 3, trap: true })
    kk.place(HANDLER, 'pushf; pop rdi; cli; hlt')
  })
  expect(k.machine.registers().rdi & 0x200n).toBe(0x200n)
})
test('INT of a gate whose DPL is inner raises #GP with the entry in the error code', () => {
  const k = inRing3('int 48', 2, (kk) => {
    kk.gate(48, HANDLER)
    kk.gate(13, HANDLER)
  })
  expect(stackOf(k, 2)).toEqual([48 * 8 + 2, RING3])
})
test('a fault pushes its own rip, an error code where it has one, and RF in the flags', () => {
  const k = inRing3('hlt', 2, (kk) => kk.gate(13, HANDLER))
  expect(stackOf(k, 4)).toEqual([0, RING3, USER_CS, 0x1_0002])
  const divide = inRing3('nop; xor ecx, ecx; div ecx', 2, (kk) => kk.gate(0, HANDLER))
  expect(stackOf(divide, 2)).toEqual([RING3 + 3, USER_CS])
})
test('ring 0 keeps its stack, aligned to 16 bytes', () => {
  const k = kit()
  k.gate(48, HANDLER)
  k.place(HANDLER, 'hlt')
  k.place(RING0, 'push 1; int 48')
  k.run()
  expect(k.machine.registers().rsp).toBe(BigInt(RING0_STACK - 16 - 40))
  expect(stackOf(k, 4)[3]).toBe(RING0_STACK - 8)
})
test('an IST stack is used whatever the privilege', () => {
  const k = kit()
  k.machine.memory.write64(TSS + 0x24, 0xe000n)
  k.gate(48, HANDLER, { ist: 1 })
  k.place(HANDLER, 'hlt')
  k.place(RING0, 'int 48')
  k.run()
  expect(k.machine.registers().rsp).toBe(0xe000n - 40n)
})
test('IRETQ restores all five values and the flags that ring 3 may have', () => {
  const k = inRing3('pushf; pop rdi; mov rsi, rsp; int 48', 0x3ed7, (kk) => kk.gate(48, HANDLER, { dpl: 3 }))
  const { rdi, rsi } = k.machine.registers()
  expect(rdi & 0xed5n).toBe(0xed5n & 0x3ed7n)
  expect(rsi).toBe(BigInt(RING3_STACK))
})
test('POPF in ring 3 changes neither IF nor IOPL', () => {
  const k = inRing3('push 0x3202; popf; pushf; pop rdi; int 48', 2, (kk) => kk.gate(48, HANDLER, { dpl: 3 }))
  expect(k.machine.registers().rdi).toBe(2n)
})
test('privileged instructions in ring 3 raise #GP', () => {
  const codes = [
    'hlt',
    'cli',
    'sti',
    'mov rax, cr3',
    'mov cr3, rax',
    'invlpg [rax]',
    'lgdt [rax]',
    'ltr ax',
    'rdmsr',
    'wrmsr',
    'in al, dx',
    'out dx, al',
    'swapgs',
    'clts',
  ]
  for (const code of codes) {
    const k = inRing3(code, 2, (kk) => kk.gate(13, HANDLER))
    expect([code, ...stackOf(k, 2)]).toEqual([code, 0, RING3])
  }
})
test('an interrupt gate that is not present raises #NP with the entry in the error code', () => {
  const k = kit()
  k.gate(48, HANDLER, { present: false })
  k.gate(11, HANDLER)
  k.place(HANDLER, 'hlt')
  k.place(RING0, 'int 48')
  k.run()
  expect(stackOf(k, 2)).toEqual([48 * 8 + 2, RING0])
})
test('a page fault while a page fault is delivered is a double fault', () => {
  const k = kit()
  k.gate(8, HANDLER, { ist: 1 })
  k.machine.memory.write64(TSS + 0x24, 0xe000n)
  k.gate(14, HANDLER + 0x100)
  k.place(HANDLER, 'pop rdi; hlt')
  k.map(0xa000, 0n)
  k.place(RING0, `mov rsp, 0xa800; mov al, [${DATA + 0x5000}]; hlt`)
  k.map(DATA + 0x5000, 0n)
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers()).toMatchObject({ rdi: 0n, rsp: 0xe000n - 40n, cr2: 0xa7f8n })
})
test('a #GP while #UD is delivered is that #GP, not a double fault', () => {
  const k = kit()
  k.gate(13, HANDLER)
  k.place(HANDLER, 'pop rdi; hlt')
  k.place(RING0, 'ud2')
  k.machine.memory.write64(IDT + 6 * 16, 0n) // no gate of any type
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers().rdi).toBe(BigInt(6 * 8 + 2 + 1))
})
test('a double fault that cannot be delivered resets the machine, and the story is told', () => {
  const k = kit()
  k.place(RING0, `mov al, [${DATA}]`)
  k.map(DATA, 0n)
  const stop = k.run()
  expect(stop).toEqual({
    reason: 'reset',
    story:
      '#PF (address 0x30000, error code 0x0) at rip 0x10000; #PF could not be delivered: IDT[14] being no interrupt or trap gate raised #GP (error code 0x73); ' +
      '#DF could not be delivered: IDT[8] being no interrupt or trap gate raised #GP (error code 0x43): triple fault',
  })
  expect(k.machine.run(10)).toEqual(stop)
})
test('a kernel stack that is not mapped ends in a triple fault, told with the walk that failed first and no other', () => {
  const k = kit()
  k.gate(48, HANDLER, { dpl: 3 })
  k.gate(14, HANDLER)
  k.gate(8, HANDLER)
  k.machine.memory.write64(TSS + 4, 0x20_0000n)
  k.map(0x1f_f000, 0n)
  k.place(RING3, 'int 48')
  k.place(RING0, toRing3())
  const stop = k.run()
  const { words } = k.machine.explain(0x1f_ffd0n, { access: 'write' })
  expect(words).toMatch(/ -> PT\[511\] .*: PT\[511\] is not present$/)
  const { story } = stop as Extract<typeof stop, { reason: 'reset' }>
  expect(story).toMatch(/pushing the frame of #PF at 0x1fffd0 raised #PF.*triple fault$/)
  expect(story.split(' by the walk ')).toEqual([
    expect.stringMatching(/raised #PF \(address 0x[0-9a-f]+, error code 0x2\)$/),
    expect.stringContaining(`${words}; #`),
  ])
})
test('the timer interrupts ring 3 and IRETQ goes on where it was', () => {
  const k = kit({ log: ['irq'] })
  k.gate(32, HANDLER)
  k.gate(48, HANDLER + 0x100, { dpl: 3 })
  k.place(HANDLER, 'inc r15; push rax; mov al, 0x20; out 0x20, al; pop rax; iretq')
  k.place(HANDLER + 0x100, 'hlt')
  k.place(RING3, 'mov ecx, 30000; .l: dec ecx; jnz .l; int 48')
  const pic = [
    [0x20, 0x11],
    [0x21, 32],
    [0x21, 4],
    [0x21, 1],
    [0x21, 0xfe],
    [0x43, 0x34],
    [0x40, 0xa9],
    [0x40, 0x04],
  ]
  k.place(
    RING0,
    `xor r15d, r15d; ${pic.map(([port, v]) => `mov al, ${v}; out ${port}, al`).join('; ')}; ${toRing3(RING3, 0x202)}`,
  )
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers()).toMatchObject({ rcx: 0n })
  expect(Number(k.machine.registers().r15)).toBeGreaterThan(50) // every 1193 of 1193182 Hz: 1000 instructions at 1 MHz
  const times = k.machine.events.list.map((e) => e.time)
  for (let i = 1; i < times.length; i++) expect(times[i]! - times[i - 1]!).toBeLessThanOrEqual(1001)
})
test('HLT sleeps to the next interrupt; with interrupts off nothing wakes it', () => {
  const k = kit()
  k.gate(32, HANDLER)
  k.place(HANDLER, 'inc r15; cli; hlt')
  const pic = [
    [0x20, 0x11],
    [0x21, 32],
    [0x21, 4],
    [0x21, 3],
    [0x21, 0xfe],
    [0x43, 0x34],
    [0x40, 0],
    [0x40, 0],
  ]
  k.place(
    RING0,
    `xor r15d, r15d; ${pic.map(([port, v]) => `mov al, ${v}; out ${port}, al`).join('; ')}; sti; hlt; ud2`,
  )
  expect(k.run(RING0, 1_000_000)).toEqual({ reason: 'halt' })
  expect(k.machine.registers().r15).toBe(1n)
})
test('STI lets one more instruction run before an interrupt is taken', () => {
  const k = kit()
  k.gate(32, HANDLER)
  k.place(HANDLER, 'hlt')
  const pic = [
    [0x20, 0x11],
    [0x21, 32],
    [0x21, 4],
    [0x21, 3],
    [0x21, 0xfe],
    [0x43, 0x34],
    [0x40, 9],
    [0x40, 0],
  ]
  const wait = 'mov ecx, 100; .w: dec ecx; jnz .w'
  k.place(
    RING0,
    `xor r15d, r15d; ${pic.map(([port, v]) => `mov al, ${v}; out ${port}, al`).join('; ')}; ${wait}; sti; inc r15; inc r15`,
  )
  k.run()
  expect(k.machine.registers().r15).toBe(1n)
})
test('SYSCALL and SYSRET change rings by STAR, LSTAR and SFMASK', () => {
  const k = kit()
  const wrmsr = (n: number, v: bigint): string =>
    `mov ecx, ${n}; mov eax, ${v & 0xffff_ffffn}; mov edx, ${v >> 32n}; wrmsr`
  k.machine.memory.write64(GDT + 0x10, 0x0000_9200_0000_0000n) // SYSCALL wants ss after cs, SYSRET ss before cs
  k.machine.memory.write64(GDT + 0x18, 0x0000_f200_0000_0000n)
  k.machine.memory.write64(GDT + 0x20, 0x0020_f800_0000_0000n)
  k.place(HANDLER, 'inc edi; cmp edi, 2; je .done; sysretq; .done: hlt')
  k.place(RING3, 'syscall; mov esi, 5; syscall')
  const star = (0x0010n << 48n) | (8n << 32n)
  k.place(
    RING0,
    `${wrmsr(0xc000_0081, star)}; ${wrmsr(0xc000_0082, BigInt(HANDLER))}; ${wrmsr(0xc000_0084, 0x200n)}; xor edi, edi; mov ecx, ${RING3}; mov r11, 0x202; sysretq`,
  )
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers()).toMatchObject({
    rdi: 2n,
    rsi: 5n,
    cs: 8,
    ss: 0x10,
    r11: 0x202n,
    rcx: BigInt(RING3 + 9),
  })
  expect(k.machine.registers().rflags & 0x200n).toBe(0n)
})
test('user pages are out of reach of ring 3 without U, for the stack of an interrupt they need none', () => {
  const k = kit({ log: ['fault'] })
  k.map(RING0_STACK - 0x1000, BigInt(RING0_STACK - 0x1000) | PTE_P | PTE_W)
  k.map(HANDLER, BigInt(HANDLER) | PTE_P)
  k.map(IDT, BigInt(IDT) | PTE_P)
  k.map(GDT, BigInt(GDT) | PTE_P | PTE_W)
  k.gate(48, HANDLER, { dpl: 3 })
  k.place(HANDLER, 'hlt')
  k.place(RING3, 'int 48')
  k.place(RING0, toRing3())
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.events.list).toEqual([])
})
