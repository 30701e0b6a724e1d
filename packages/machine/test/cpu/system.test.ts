// System instructions that trap.test.ts does not need: descriptor tables, segments, ports, MSRs, CPUID.

import { expect, test } from 'vitest'
import { assemble, DATA, GDT, type Kit, kit, RING0, USER_SS } from '../kit.ts'

const HANDLER = 0x11000
/** Run ring 0 code to HLT; #GP ends in HLT with its error code in rdi and r15 = 13. */
function run(code: string | readonly number[], set: (k: Kit) => void = () => {}): Kit {
  const k = kit()
  k.gate(13, HANDLER)
  k.place(HANDLER, 'pop rdi; mov r15d, 13; hlt')
  set(k)
  k.place(RING0, code)
  expect(k.run()).toEqual({ reason: 'halt' })
  return k
}

test('SGDT and SIDT store what LGDT and LIDT loaded', () => {
  const { memory } = run(`sgdt [${DATA}]; sidt [${DATA + 16}]; hlt`).machine
  expect([memory.read16(DATA), memory.read64(DATA + 2)]).toEqual([0x37, BigInt(GDT)])
  expect([memory.read16(DATA + 16), memory.read64(DATA + 18)]).toEqual([0xfff, 0x7000n])
})
test('LTR marks the TSS busy, and a busy one is refused', () => {
  const k = run('mov eax, 0x28; ltr ax; hlt')
  expect(Number((k.machine.memory.read64(GDT + 0x28) >> 40n) & 0xfn)).toBe(0xb)
  expect(k.machine.registers()).toMatchObject({ rdi: 0x28n, r15: 13n })
})
test('FS takes the base of its descriptor, or of its MSR', () => {
  const withBase = (k: Kit): void => k.machine.memory.write64(GDT + 0x30, 0x0000_9203_0010_ffffn)
  const k = run(
    `mov eax, 0x30; mov fs, ax; mov ecx, 0xc0000100; rdmsr; mov rsi, rax; mov eax, ${DATA}; wrmsr; mov bl, fs:[4]; hlt`,
    (kk) => {
      withBase(kk)
      kk.place(DATA + 4, [0x5a])
    },
  )
  expect(k.machine.registers()).toMatchObject({ rsi: 0x3_0010n, fs: 0x30 })
  expect(k.machine.registers().rbx & 0xffn).toBe(0x5an)
})
test('SS refuses a segment of another level, DS takes a null selector', () => {
  expect(run(`mov eax, ${USER_SS}; mov ss, ax; hlt`).machine.registers()).toMatchObject({
    rdi: 0x20n,
    r15: 13n,
  })
  expect(run('xor eax, eax; mov ds, ax; hlt').machine.registers()).toMatchObject({ ds: 0, r15: 0n })
})
test('SWAPGS exchanges the two GS bases', () => {
  const set = (n: number, v: number): string => `mov ecx, ${n}; mov eax, ${v}; xor edx, edx; wrmsr`
  const k = run(`${set(0xc0000101, 1)}; ${set(0xc0000102, 2)}; swapgs; mov ecx, 0xc0000101; rdmsr; hlt`)
  expect(k.machine.registers().rax).toBe(2n)
})
test('reserved bits of CR0, CR3, CR4 and EFER, and unknown MSRs, raise #GP', () => {
  const codes = [
    'mov rax, 0x80000000; mov cr0, rax', // PG without PE
    'mov rax, cr0; bts rax, 29; mov cr0, rax', // NW without CD
    'mov rax, cr0; btr rax, 31; mov cr0, rax', // leaving 64-bit mode
    'mov rax, 0x10000000000; mov cr3, rax',
    'mov rax, cr4; btr rax, 5; mov cr4, rax',
    'mov rax, cr4; bts rax, 21; mov cr4, rax', // SMAP is not modelled
    'mov ecx, 0xc0000080; rdmsr; btr eax, 8; wrmsr',
    'mov ecx, 0x12345; rdmsr',
    'mov ecx, 0xc0000082; mov edx, 0x8000; wrmsr', // LSTAR must be canonical
  ]
  for (const code of codes) expect([code, run(`${code}; hlt`).machine.registers().r15]).toEqual([code, 13n])
})
test('REP OUTS writes string elements to a port, forwards and, with DF, backwards', () => {
  const text = (k: Kit): void =>
    k.place(
      DATA,
      [...'abcdef'].map((c) => c.charCodeAt(0)),
    )
  const k = run(
    `mov dx, 0x3f8; mov esi, ${DATA}; mov ecx, 3; rep outsb; std; mov ecx, 2; rep outsb; cld; hlt`,
    text,
  )
  expect(k.machine.devices.serial.output).toBe('abcdc')
  expect(k.machine.registers()).toMatchObject({ rcx: 0n, rsi: BigInt(DATA + 1) })
})
test('INS with 32-bit addresses uses and wraps edi and ecx only', () => {
  const insb = [0x67, 0xf3, 0x6c] // a32 rep insb
  const set = 'mov edx, 0x999; mov rdi, 0x700030000; mov rcx, 0x500000002'
  const k = run([...assemble(set), ...insb, 0xf4])
  expect(k.machine.registers()).toMatchObject({ rdi: 0x3_0002n, rcx: 0n })
  expect([...k.machine.memory.bytes.subarray(DATA, DATA + 3)]).toEqual([0xff, 0xff, 0])
})
test('a far return reaches 64-bit code through its selector, and nothing through a null one', () => {
  const farReturn = (selector: number): number[] => [
    ...assemble(`push ${selector}; push ${RING0 + 0x100}`),
    0x48,
    0xcb,
  ]
  const there = (k: Kit): void => k.place(RING0 + 0x100, 'mov ebx, 7; hlt')
  expect(run(farReturn(8), there).machine.registers().rbx).toBe(7n)
  expect(run(farReturn(0), there).machine.registers()).toMatchObject({ rdi: 0n, r15: 13n })
})
test('a far jump and a far call through memory do, and the call pushes where it came from', () => {
  const pointer = (k: Kit): void => {
    k.machine.memory.write64(DATA, BigInt(RING0 + 0x100))
    k.machine.memory.write16(DATA + 8, 8)
    k.place(RING0 + 0x100, 'mov ebx, 7; hlt')
  }
  const through = (extension: number): number[] => [0x48, 0xff, 0x04 | (extension << 3), 0x25, 0, 0, 3, 0]
  expect(run(through(5), pointer).machine.registers().rbx).toBe(7n)
  const { machine } = run(through(3), pointer)
  const rsp = Number(machine.registers().rsp)
  expect([machine.memory.read64(rsp), machine.memory.read64(rsp + 8)]).toEqual([BigInt(RING0 + 8), 8n])
})
test('CPUID tells the vendor, and no feature that is not there', () => {
  const k = run('xor eax, eax; cpuid; mov r8, rbx; mov r9, rdx; mov r10, rcx; mov eax, 1; cpuid; hlt')
  const { r8, r9, r10, rdx } = k.machine.registers()
  const word = (v: bigint): string =>
    String.fromCharCode(...[0n, 8n, 16n, 24n].map((n) => Number((v >> n) & 0xffn)))
  expect(word(r8) + word(r9) + word(r10)).toBe('PagewalkCPU.')
  for (const bit of [0n, 23n, 25n, 26n]) expect((rdx >> bit) & 1n).toBe(0n) // x87, APIC, MMX, SSE, SSE2
})
test('RDTSC counts instructions', () => {
  const k = run('rdtsc; mov rbx, rax; nop; nop; rdtsc; sub rax, rbx; hlt')
  expect(k.machine.registers().rax).toBe(4n)
})
