// The TLB keeps what the architecture lets it keep. SDM Vol. 3 §4.10, Caching Translation Information.

import { expect, test } from 'vitest'
import { PTE_G, PTE_P, PTE_PS, PTE_U, PTE_W } from '../../src/x86-64.ts'
import { ALL, DATA, type Kit, kit, PD, PT, RING0 } from '../kit.ts'

const OTHER = 0x31000
const PTE = PT + (DATA >> 12) * 8
/** After a first read, the data page's entry is changed to map OTHER; then `between`, then a second read into rbx. */
function afterChange(
  between: string,
  entry = BigInt(OTHER) | ALL,
  first = BigInt(DATA) | ALL,
): number | 'fault' {
  const k = kit()
  k.gate(14, 0x11000)
  k.place(0x11000, 'mov ebx, 0xfa; hlt')
  k.map(DATA, first)
  k.machine.memory.write32(DATA, 1)
  k.machine.memory.write32(OTHER, 2)
  k.place(
    RING0,
    `mov eax, [${DATA}]; mov rax, ${entry}; mov [${PTE}], rax; ${between}; mov ebx, [${DATA}]; hlt`,
  )
  expect(k.run()).toEqual({ reason: 'halt' })
  const rbx = Number(k.machine.registers().rbx)
  return rbx === 0xfa ? 'fault' : rbx
}

test('a changed entry is not seen until the TLB is told', () => {
  expect(afterChange('nop')).toBe(1)
  expect(afterChange('nop', 0n)).toBe(1) // even if the page is gone
})
test('INVLPG, a load of CR3 and a load of CR4 each make it seen', () => {
  expect(afterChange(`invlpg [${DATA}]`)).toBe(2)
  expect(afterChange('mov rax, cr3; mov cr3, rax')).toBe(2)
  expect(afterChange('mov rax, cr4; mov cr4, rax')).toBe(2)
  expect(afterChange(`invlpg [${DATA}]`, 0n)).toBe('fault')
})
test('INVLPG of another page does not', () => {
  expect(afterChange(`invlpg [${OTHER}]`)).toBe(1)
})
test('a global page survives a load of CR3 while CR4.PGE is set, and not INVLPG', () => {
  const global = BigInt(DATA) | ALL | PTE_G
  const withPge = (between: string): number | 'fault' => {
    const k = kit()
    k.map(DATA, global)
    k.machine.memory.write32(DATA, 1)
    k.machine.memory.write32(OTHER, 2)
    const change = `mov eax, [${DATA}]; mov rax, ${BigInt(OTHER) | ALL}; mov [${PTE}], rax`
    k.place(RING0, `mov rax, cr4; bts rax, 7; mov cr4, rax; ${change}; ${between}; mov ebx, [${DATA}]; hlt`)
    k.run()
    return Number(k.machine.registers().rbx)
  }
  expect(withPge('mov rax, cr3; mov cr3, rax')).toBe(1)
  expect(withPge(`invlpg [${DATA}]`)).toBe(2)
  expect(afterChange('mov rax, cr3; mov cr3, rax', BigInt(OTHER) | ALL, global)).toBe(2) // without PGE, G means nothing
})
test('rights that were taken away are still there until the TLB is told', () => {
  const write = (between: string): Kit => {
    const k = kit()
    k.gate(14, 0x11000)
    k.place(0x11000, 'hlt')
    const readOnly = BigInt(DATA) | PTE_P | PTE_U
    k.place(
      RING0,
      `mov dword ptr [${DATA}], 1; mov rax, ${readOnly}; mov [${PTE}], rax; ${between}; mov dword ptr [${DATA}], 7; hlt`,
    )
    k.run()
    return k
  }
  expect(write('nop').machine.memory.read32(DATA)).toBe(7)
  expect(write(`invlpg [${DATA}]`).machine.memory.read32(DATA)).toBe(1)
})
test('a right that was added may be missed once: the fault drops the translation, the retry finds it', () => {
  const k = kit()
  k.gate(14, 0x11000)
  k.place(0x11000, 'inc edi; add rsp, 8; iretq')
  k.map(DATA, BigInt(DATA) | PTE_P)
  k.place(
    RING0,
    `mov eax, [${DATA}]; mov rax, ${BigInt(DATA) | ALL}; mov [${PTE}], rax; mov dword ptr [${DATA}], 7; hlt`,
  )
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers().rdi).toBe(1n)
  expect(k.machine.memory.read32(DATA)).toBe(7)
})
test('an entry that was not present is never remembered', () => {
  const k = kit()
  k.gate(14, 0x11000)
  k.place(0x11000, `mov rax, ${BigInt(DATA) | ALL}; mov [${PTE}], rax; inc edi; add rsp, 8; iretq`)
  k.map(DATA, 0n)
  k.place(RING0, `mov ebx, [${DATA}]; hlt`)
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers().rdi).toBe(1n)
})
test('INVLPG anywhere in a large page drops it whole', () => {
  const k = kit()
  const large = (base: bigint): bigint => base | ALL | PTE_PS
  k.machine.memory.write64(PD + 2 * 8, large(0n))
  k.machine.memory.write32(0x30_0000, 2) // seen once the page maps 2 MiB instead of 0
  k.machine.memory.write32(0x10_0000, 1)
  const change = `mov eax, [0x500000]; mov eax, [0x5ff000]; mov rax, ${large(0x20_0000n)}; mov [${PD + 16}], rax`
  k.place(RING0, `${change}; mov ebx, [0x500000]; invlpg [0x5ff000]; mov ecx, [0x500000]; hlt`)
  expect(k.run()).toEqual({ reason: 'halt' })
  expect(k.machine.registers()).toMatchObject({ rbx: 1n, rcx: 2n })
})
test('tlb() lists what is held, with the rights as they were when it was filled', () => {
  const k = kit()
  k.map(DATA, BigInt(OTHER) | PTE_P | PTE_W)
  k.place(RING0, `mov eax, [${DATA}]; hlt`)
  k.run()
  const entry = k.machine.tlb().find((e) => e.va === BigInt(DATA))
  expect(entry).toMatchObject({
    pa: BigInt(OTHER),
    size: 4096,
    writable: true,
    user: false,
    executable: true,
    dirty: false,
  })
})
test('thousands of translations are held at once, each until it is dropped', () => {
  const k = kit({ memoryBytes: 16 << 20 })
  const pages = 3000
  for (let i = 0; i < 8; i++) k.machine.memory.write64(PD + i * 8, BigInt(0x40_0000 + i * 4096) | ALL)
  for (let i = 0; i < 4096; i++)
    k.machine.memory.write64(0x40_0000 + i * 8, BigInt((i < 1024 ? i : 1024 + (i % 3)) * 4096) | ALL)
  k.place(
    RING0,
    `mov esi, 0x400000; mov ecx, ${pages}; .loop: mov al, [rsi]; add rsi, 4096; dec ecx; jnz .loop; invlpg [0x500000]; hlt`,
  )
  expect(k.run()).toEqual({ reason: 'halt' })
  const held = new Set(k.machine.tlb().map((e) => e.va))
  for (let i = 0; i < pages; i++)
    expect(held.has(BigInt(0x40_0000 + i * 4096))).toBe(0x40_0000 + i * 4096 !== 0x50_0000)
})
test('a full TLB drops all and goes on; what is held is right, and flushing leaves nothing', () => {
  const k = kit() // 4 MiB: room for 4096, full at 3072
  const tables = 0x20_0000
  const pages = 3500
  for (let i = 0; i < 8; i++) k.machine.memory.write64(PD + (i + 2) * 8, BigInt(tables + i * 4096) | ALL)
  for (let i = 0; i < 4096; i++) k.machine.memory.write64(tables + i * 8, BigInt(DATA + (i % 7) * 4096) | ALL)
  const touch = `mov esi, 0x400000; mov ecx, ${pages}; .loop: mov al, [rsi]; add rsi, 4096; dec ecx; jnz .loop`
  k.place(RING0, `${touch}; hlt`)
  expect(k.run()).toEqual({ reason: 'halt' })
  const held = k.machine.tlb().filter((e) => e.va >= 0x40_0000n)
  expect(held.length).toBeGreaterThan(300)
  expect(held.length).toBeLessThan(3072)
  for (const { va, pa } of held) expect(pa).toBe(BigInt(DATA + (Number((va - 0x40_0000n) >> 12n) % 7) * 4096))
  k.place(RING0, `${touch}; mov rax, cr3; mov cr3, rax; hlt`)
  k.run()
  expect(k.machine.tlb().length).toBeLessThan(4)
})
