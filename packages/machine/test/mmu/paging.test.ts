// What an access to a page gets, against SDM Vol. 3 §4.6 "Access Rights" and §4.7 "Page-Fault Exceptions".

import { expect, test } from 'vitest'
import { PTE_A, PTE_D, PTE_NX, PTE_P, PTE_PS, PTE_U, PTE_W, type u64 } from '../../src/x86-64.ts'
import { ALL, DATA, type Kit, kit, PD, PML4, PT, RING0, RING3, toRing3 } from '../kit.ts'

const HANDLER = 0x11000
const READ = 'mov al, [0x30000]'
const WRITE = 'mov byte ptr [0x30000], 1'
const FETCH = 'mov eax, 0x30000; jmp rax'

/** Run `access` in ring 3 or 0 with `entry` for the data page. @returns the error code of its #PF, or 'none' */
function errorOf(
  access: string,
  entry: u64,
  { ring = 3, before = '' } = {},
  change: (k: Kit) => void = () => {},
): number | 'none' {
  const k = kit()
  k.gate(14, HANDLER)
  k.gate(48, HANDLER + 0x100, { dpl: 3 })
  k.place(HANDLER, 'pop rdi; hlt')
  k.place(HANDLER + 0x100, 'mov rdi, -1; hlt')
  k.place(DATA, 'int 48')
  k.map(DATA, entry)
  change(k)
  k.place(RING3, `${access}; int 48`)
  k.place(RING0, `${before || 'nop'}; ${ring === 3 ? toRing3() : `${access}; mov rdi, -1; hlt`}`)
  expect(k.run()).toEqual({ reason: 'halt' })
  const error = k.machine.registers().rdi
  if (error === 0xffff_ffff_ffff_ffffn) return 'none'
  expect(k.machine.registers().cr2).toBe(BigInt(DATA))
  return Number(error)
}

test('an access that every level allows raises nothing', () => {
  for (const access of [READ, WRITE, FETCH]) expect(errorOf(access, BigInt(DATA) | ALL)).toBe('none')
})
test('an absent page raises #PF with P clear, and W, U, I as the access was', () => {
  expect(errorOf(READ, 0n)).toBe(0x4)
  expect(errorOf(WRITE, 0n)).toBe(0x6)
  expect(errorOf(FETCH, 0n)).toBe(0x14)
  expect(errorOf(READ, 0n, { ring: 0 })).toBe(0)
  expect(errorOf(WRITE, 0n, { ring: 0 })).toBe(0x2)
})
test('a missing right raises #PF with P set', () => {
  expect(errorOf(WRITE, BigInt(DATA) | PTE_P | PTE_U)).toBe(0x7)
  expect(errorOf(READ, BigInt(DATA) | PTE_P | PTE_W)).toBe(0x5)
  expect(errorOf(FETCH, BigInt(DATA) | ALL | PTE_NX)).toBe(0x15)
})
test('a right missing at an upper level is missing, and an absent entry below outranks it', () => {
  const far = 0x23_0000 // has the second page directory entry for itself
  const errorAt = (access: string, entry: u64, upper: u64): bigint => {
    const k = kit()
    k.gate(14, HANDLER)
    k.place(HANDLER, 'pop rdi; hlt')
    k.map(far, entry)
    k.machine.memory.write64(PD + 8, BigInt(PT + 4096) | upper)
    k.place(RING3, access.replace('0x30000', `${far}`))
    k.place(RING0, toRing3())
    expect(k.run()).toEqual({ reason: 'halt' })
    return k.machine.registers().rdi
  }
  const open = BigInt(far) | ALL
  expect(errorAt(WRITE, open, PTE_P | PTE_U)).toBe(0x7n)
  expect(errorAt(READ, open, PTE_P | PTE_W)).toBe(0x5n)
  expect(errorAt(FETCH, open, ALL | PTE_NX)).toBe(0x15n)
  expect(errorAt(WRITE, 0n, PTE_P | PTE_U)).toBe(0x6n)
})
test('with CR0.WP clear ring 0 writes to read-only pages, with it set it may not', () => {
  const readOnly = BigInt(DATA) | PTE_P
  expect(errorOf(WRITE, readOnly, { ring: 0 })).toBe(0x3)
  expect(errorOf(WRITE, readOnly, { ring: 0, before: 'mov rax, cr0; btr rax, 16; mov cr0, rax' })).toBe(
    'none',
  )
})
test('NX is a reserved bit while EFER.NXE is clear', () => {
  const clear = 'mov ecx, 0xc0000080; rdmsr; btr eax, 11; wrmsr'
  expect(errorOf(READ, BigInt(DATA) | ALL | PTE_NX, { before: clear })).toBe(0xd)
  expect(errorOf(FETCH, 0n, { before: clear })).toBe(0x4) // and a fetch is not told apart
})
test('an address bit beyond the physical width is reserved: RSVD and P', () => {
  expect(errorOf(READ, BigInt(DATA) | ALL | (1n << 45n))).toBe(0xd)
  expect(errorOf(WRITE, BigInt(DATA) | ALL | (1n << 51n), { ring: 0 })).toBe(0xb)
})
test('PS is reserved in a PML4 entry', () => {
  expect(
    errorOf(READ, BigInt(DATA) | ALL, { ring: 0 }, (k) =>
      k.machine.memory.write64(PML4 + 8, 0x2000n | ALL | PTE_PS),
    ),
  ).toBe('none')
  const { outcome } = ((): ReturnType<Kit['machine']['explain']> => {
    const k = kit()
    k.machine.memory.write64(PML4 + 8, 0x2000n | ALL | PTE_PS)
    return k.machine.explain(1n << 39n, { cr3: BigInt(PML4) })
  })()
  expect(outcome).toMatchObject({ fault: { vector: 14, error: 0x9 } })
})
test('SMEP keeps ring 0 from executing user pages', () => {
  const smep = 'mov rax, cr4; bts rax, 20; mov cr4, rax'
  expect(errorOf(FETCH, BigInt(DATA) | PTE_P | PTE_W, { ring: 0 })).toBe('none')
  const k = kit()
  k.gate(14, HANDLER)
  for (let page = 0; page < 0x20000; page += 4096) k.map(page, BigInt(page) | PTE_P | PTE_W)
  k.place(HANDLER, 'pop rdi; hlt')
  k.place(RING0, `${smep}; ${FETCH}`)
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers().rdi).toBe(0x11n)
})
test('a read sets A at every level and D nowhere; a write sets D on the leaf only; a denied access sets nothing', () => {
  const bits = (access: string, entry: u64): u64[] => {
    const k = kit()
    k.gate(14, HANDLER)
    k.place(HANDLER, 'hlt')
    k.map(DATA, entry)
    k.machine.memory.write64(PD + 8, BigInt(PT + 4096) | ALL) // unused: a level that no access goes through
    k.place(RING0, `${access}; hlt`)
    k.run()
    const { memory } = k.machine
    return [PML4, 0x2000, PD, PT + (DATA >> 12) * 8, PD + 8].map((at) => memory.read64(at) & (PTE_A | PTE_D))
  }
  expect(bits(READ, BigInt(DATA) | ALL)).toEqual([PTE_A, PTE_A, PTE_A, PTE_A, 0n])
  expect(bits(WRITE, BigInt(DATA) | ALL)).toEqual([PTE_A, PTE_A, PTE_A, PTE_A | PTE_D, 0n])
  expect(bits(`${READ}; ${WRITE}`, BigInt(DATA) | ALL)[3]).toBe(PTE_A | PTE_D)
  expect(bits(WRITE, BigInt(DATA) | PTE_P)[3]).toBe(0n)
})
test('a 2 MiB and a 1 GiB leaf translate with their own offsets', () => {
  const k = kit()
  k.machine.memory.write64(PD + 2 * 8, 0x20_0000n | ALL | PTE_PS) // VA 4 MiB -> PA 2 MiB
  k.machine.memory.write64(0x2000 + 8, 0n | ALL | PTE_PS) // VA 1 GiB -> PA 0
  k.machine.memory.write32(0x2f_1234, 0xcafe)
  k.place(RING0, 'mov ebx, [0x4f1234]; mov edx, 0x402f1234; mov ecx, [rdx]; hlt')
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers()).toMatchObject({ rbx: 0xcafen, rcx: 0xcafen })
  expect(
    k.machine
      .tlb()
      .filter((e) => e.size > 4096)
      .map((e) => [e.va, e.pa, e.size]),
  ).toEqual([
    [0x40_0000n, 0x20_0000n, 0x20_0000],
    [0x4000_0000n, 0n, 0x4000_0000],
  ])
})
test('address bits below the size of a large page are reserved', () => {
  const k = kit()
  k.machine.memory.write64(PD + 2 * 8, 0x20_0000n | (1n << 13n) | ALL | PTE_PS)
  expect(k.machine.explain(0x40_0000n, { cr3: BigInt(PML4) }).outcome).toMatchObject({
    fault: { error: 0x9 },
  })
})
test('a non-canonical address raises #GP, through the stack #SS', () => {
  const vectorOf = (code: string): bigint => {
    const k = kit()
    k.gate(13, HANDLER)
    k.gate(12, HANDLER + 0x100)
    k.place(HANDLER, 'mov edi, 13; hlt')
    k.place(HANDLER + 0x100, 'mov edi, 12; hlt')
    k.map(RING0, BigInt(RING0) | ALL)
    k.place(RING0, code)
    k.run()
    return k.machine.registers().rdi
  }
  expect(vectorOf('mov rax, 0x800000000000; mov al, [rax]')).toBe(13n)
  expect(vectorOf('mov rbp, 0x800000000000; mov al, [rbp]')).toBe(12n)
})
test('an access across a page needs both pages, and tells the address of the one it lacks', () => {
  const k = kit()
  k.gate(14, HANDLER)
  k.place(HANDLER, 'mov rdi, cr2; hlt')
  k.map(DATA + 0x1000, 0n)
  k.machine.memory.write64(DATA + 0xff8, 0x1111_1111_1111_1111n)
  k.place(RING0, 'mov qword ptr [0x30ffc], -1; hlt')
  k.run()
  expect(k.machine.registers().rdi).toBe(BigInt(DATA + 0x1000))
  expect(k.machine.memory.read64(DATA + 0xff8)).toBe(0x1111_1111_1111_1111n)
})
test('RAM ends: beyond it reads give ones and writes are lost', () => {
  const k = kit()
  k.map(DATA, 0x8000_0000n | ALL)
  k.place(RING0, 'mov dword ptr [0x30000], 5; mov ebx, [0x30000]; hlt')
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers().rbx).toBe(0xffff_ffffn)
})
test('explain tells the walk, with the rights of every level and the reason', () => {
  const k = kit()
  k.map(DATA, BigInt(DATA) | PTE_P | PTE_W)
  const { words, steps } = k.machine.explain(BigInt(DATA), { cr3: BigInt(PML4), user: true, access: 'write' })
  expect(steps.map((s) => [s.level, s.index])).toEqual([
    ['PML4', 0],
    ['PDPT', 0],
    ['PD', 0],
    ['PT', 0x30],
  ])
  expect(words).toBe(
    'PML4[0] 0x2007 P W U -> PDPT[0] 0x3007 P W U -> PD[0] 0x4007 P W U -> PT[48] 0x30003 P W: no U in PT[48]',
  )
})
