// The evaluator on programs: exact budgets, code that changes, pages that end in the middle of something.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Micro, microOperations } from '../../src/cpu/micro.ts'
import { Leave, Slot, SystemOp } from '../../src/cpu/state.ts'
import { PTE_NX, PTE_P, PTE_U, PTE_W, VECTOR_PF, VECTOR_UD } from '../../src/x86-64.ts'
import { assemble } from '../kit.ts'
import { bytes, Random } from '../oracle/vectors.ts'
import { UserSpace } from './user-space.ts'

const CODE = 0x40_0000n
const DATA = 0x50_0000n
const READ_WRITE = PTE_U | PTE_W | PTE_NX
const EXECUTE = PTE_U
const WRITE_AND_EXECUTE = PTE_U | PTE_W
const [RAX, RCX, RDX, RSP, RSI, RDI] = [0, 1, 2, 4, 6, 7]

/** Two pages of code, two of data; rsi and rdi at the data, rsp at its end. */
function space(code: string | readonly number[], rights = EXECUTE): UserSpace {
  const s = new UserSpace(1 << 20)
  s.place(CODE, typeof code === 'string' ? assemble(code) : code, rights, 0x2000)
  s.place(DATA, [], READ_WRITE, 0x2000)
  const { u64 } = s.state
  u64[Slot.rip] = CODE
  u64[RSI] = u64[RDI] = DATA
  u64[RSP] = DATA + 0x2000n
  return s
}
const reg = (s: UserSpace, n: number): bigint => s.state.u64[n]!
const rip = (s: UserSpace): number => Number(s.state.rip - CODE)
const faultOf = ({ state: { i32, u64 } }: UserSpace): { vector: number; error: number; address: bigint } => ({
  vector: i32[Slot.vector * 2]!,
  error: i32[Slot.error * 2]!,
  address: u64[Slot.faultAddress]!,
})
const write8 = (s: UserSpace, at: bigint, value: number): void => void (s.state.u8[s.host(at)] = value)
const read8 = (s: UserSpace, at: bigint): number => s.state.u8[s.host(at)]!
/** Unmap a page, as an operating system does. */
function unmap(s: UserSpace, va: bigint): void {
  s.state.u64[s.entry(va)] = 0n
  s.mmu.invlpg(Number(va & 0xffff_ffffn) | 0, Number(va >> 32n))
}

const COUNTING = '_1: inc eax; add ecx, 2; cmp eax, 5; jne _1; xor eax, eax; jmp _1'
test('a run retires exactly its budget, wherever that ends', () => {
  const s = space(COUNTING)
  const r = new Random(3)
  let total = 0
  for (let i = 0; i < 2000; i++) {
    const budget = r.below(9)
    expect(s.evaluator.run(budget)).toBe(budget)
    expect(s.leave).toBe(Leave.none)
    total += budget
  }
  const once = space(COUNTING)
  expect(once.evaluator.run(total)).toBe(total)
  expect(s.state.u64.slice(0, 17)).toEqual(once.state.u64.slice(0, 17))
  expect(s.evaluator.rflags()).toBe(once.evaluator.rflags())
})
test('the benchmark run in random slices is in the same state after each as one run to the same instruction', () => {
  const elf = readFileSync(new URL('../../bench/guest.elf', import.meta.url))
  const [sliced, whole] = [new UserSpace(4 << 20), new UserSpace(4 << 20)]
  const r = new Random(5)
  for (const s of [sliced, whole]) s.load(elf)
  for (let round = 0; round < 60; round++) {
    let left = 1 + r.below(40_000)
    const wanted = left
    while (left > 0 && sliced.leave !== Leave.system)
      left -= sliced.evaluator.run(Math.min(left, 1 + r.below(70)))
    expect(whole.evaluator.run(wanted)).toBe(wanted - left)
    expect(whole.state.u64.slice(0, 17)).toEqual(sliced.state.u64.slice(0, 17))
    expect(whole.evaluator.rflags()).toBe(sliced.evaluator.rflags())
    for (const s of [sliced, whole]) if (s.leave === Leave.system) s.syscall()
    sliced.state.i32[Slot.leave * 2] = Leave.none
  }
})
test('flags set before the end of a budget are there after it', () => {
  const s = space('cmp eax, ecx; seta dl; setl dh; hlt')
  s.state.u64[RAX] = 0xffff_ffffn
  for (let i = 0; i < 3; i++) expect(s.evaluator.run(1)).toBe(1)
  expect(reg(s, RDX)).toBe(0x101n)
})

test('an instruction overwritten by the one before it runs as overwritten', () => {
  const s = space(
    [0xc6, 0x05, 2, 0, 0, 0, 7, /* mov byte [rip + 2], 7 */ 0x90, 0xb8, 1, 0, 0, 0, /* mov eax, 1 */ 0xf4],
    WRITE_AND_EXECUTE,
  )
  s.state.u8[s.host(CODE) + 2] = 2
  expect(s.evaluator.run(100)).toBe(1)
  expect(s.leave).toBe(Leave.code)
  expect(rip(s)).toBe(7)
  expect(s.evaluator.run(100)).toBe(2)
  expect(s.leave).toBe(Leave.system)
  expect(reg(s, RAX)).toBe(7n)
})
test('a call whose return address overwrites code jumps, counts once and then leaves', () => {
  const s = space([0xe8, 0x0b, 0, 0, 0], WRITE_AND_EXECUTE) // to CODE + 16
  s.place(CODE + 16n, assemble('mov eax, 5; hlt'), WRITE_AND_EXECUTE)
  s.state.u64[RSP] = CODE + 0x80n
  expect(s.evaluator.run(100)).toBe(1)
  expect(s.leave).toBe(Leave.code)
  expect(rip(s)).toBe(16)
  expect(read8(s, CODE + 0x78n)).toBe(5)
  expect(s.evaluator.run(100)).toBe(1)
  expect(reg(s, RAX)).toBe(5n)
})
test('a loop that rewrites itself each time adds what it wrote, for as long as it likes', () => {
  // add rcx, imm32, whose immediate is the count of rounds left
  const code = assemble('_1: mov [rdi], edx; mov eax, 0; add rcx, rax; dec edx; jne _1; hlt')
  const s = space([...code], WRITE_AND_EXECUTE)
  const rounds = 30_000
  s.state.u64[RDX] = BigInt(rounds)
  s.state.u64[RDI] = CODE + BigInt(code.indexOf(0xb8) + 1)
  let retired = 0
  while (s.leave !== Leave.system) retired += s.evaluator.run(1_000_000)
  expect(retired).toBe(rounds * 5)
  expect(reg(s, RCX)).toBe(BigInt((rounds * (rounds + 1)) / 2))
})
test('a page that writes to itself all the time, and puts its code back, does what its bytes say each time', () => {
  // xor turns `inc ecx` into `dec ecx` and back; what is behind the loop never changes
  const code = assemble('_1: xor byte ptr [rdi], 8; inc ecx; dec edx; jne _1; mov eax, 3; hlt')
  const s = space([...code], WRITE_AND_EXECUTE)
  s.state.u64[RDX] = 999n
  s.state.u64[RDI] = CODE + BigInt(code.indexOf(0xc1))
  let retired = 0
  while (s.leave !== Leave.system) retired += s.evaluator.run(1000)
  expect(retired).toBe(999 * 4 + 1)
  expect(reg(s, RCX)).toBe(0xffff_ffffn) // one `dec` more than `inc`
  expect(reg(s, RAX)).toBe(3n)
})
test('code written through another address of its page is code as written', () => {
  const s = space('mov byte ptr [rdi], 9; mov eax, 1; hlt')
  s.map(DATA + 0x4000n, READ_WRITE, s.map(CODE, 0n))
  s.state.u64[RDI] = DATA + 0x4000n + BigInt(assemble('mov byte ptr [rdi], 9').length + 1)
  while (s.leave !== Leave.system) s.evaluator.run(100)
  expect(reg(s, RAX)).toBe(9n)
})
test('one page of code at two addresses computes its addresses from where it runs', () => {
  const s = space('lea rax, [rip]; hlt')
  s.map(CODE + 0x40_0000n, EXECUTE, s.map(CODE, 0n))
  for (const at of [CODE, CODE + 0x40_0000n, CODE]) {
    s.state.u64[Slot.rip] = at
    s.evaluator.run(10)
    expect(reg(s, RAX)).toBe(at + 7n)
  }
})
test('after a remapping the other page’s code runs, and the first page’s again when it is back', () => {
  const s = space('mov eax, 1; hlt')
  const [first, second] = [s.map(CODE, 0n), s.map(DATA, 0n)]
  s.place(DATA, assemble('mov eax, 2; hlt'), READ_WRITE)
  for (const [page, value] of [
    [first, 1n],
    [second, 2n],
    [first, 1n],
    [second, 2n],
  ] as const) {
    unmap(s, CODE)
    s.map(CODE, EXECUTE, page)
    s.state.u64[Slot.rip] = CODE
    s.evaluator.run(10)
    expect(reg(s, RAX)).toBe(value)
  }
})

const CROSSING = CODE + 0xffdn
/** mov eax, imm32: three bytes on one page, two on the next; then hlt. */
function crossing(): UserSpace {
  const s = space([])
  s.place(CROSSING, [0xb8, 0x11, 0x22, 0x33, 0x44, 0xf4], EXECUTE)
  s.state.u64[Slot.rip] = CROSSING
  return s
}
test('an instruction that crosses a page is fetched from both', () => {
  const s = crossing()
  expect(s.evaluator.run(10)).toBe(1)
  expect(reg(s, RAX)).toBe(0x4433_2211n)
})
test('its second page absent, it raises #PF there with rip at the instruction; mapped differently, it is another instruction', () => {
  const s = crossing()
  s.evaluator.run(10)
  unmap(s, CODE + 0x1000n)
  s.state.u64[Slot.rip] = CROSSING
  expect(s.evaluator.run(10)).toBe(0)
  expect(faultOf(s)).toEqual({ vector: VECTOR_PF, error: 0x14, address: CODE + 0x1000n })
  expect(s.state.rip).toBe(CROSSING)
  const other = s.page()
  s.map(CODE + 0x1000n, EXECUTE, other)
  s.place(CODE + 0x1000n, [0x55, 0x66, 0xf4], EXECUTE)
  expect(s.evaluator.run(10)).toBe(1)
  expect(reg(s, RAX)).toBe(0x6655_2211n)
})
test('a write to its second page changes it', () => {
  const s = crossing()
  s.evaluator.run(10)
  s.place(CODE + 0x1000n, [0x99], EXECUTE)
  s.state.u64[Slot.rip] = CROSSING
  s.evaluator.run(10)
  expect(reg(s, RAX)).toBe(0x4499_2211n)
})
test('what the first page’s bytes already refuse is #UD without a second page', () => {
  const s = space([])
  s.place(CODE + 0xffen, [0x0f, 0x04], EXECUTE)
  unmap(s, CODE + 0x1000n)
  s.state.u64[Slot.rip] = CODE + 0xffen
  expect(s.evaluator.run(10)).toBe(0)
  expect(faultOf(s).vector).toBe(VECTOR_UD)
})
test('code that runs into an absent page raises #PF at its first byte, all before it retired', () => {
  const s = space(new Array<number>(0x1000).fill(0x90))
  unmap(s, CODE + 0x1000n)
  expect(s.evaluator.run(10_000)).toBe(0x1000)
  expect(faultOf(s)).toEqual({ vector: VECTOR_PF, error: 0x14, address: CODE + 0x1000n })
})

test('with DF set string instructions go down', () => {
  const s = space('rep movsb; hlt')
  for (let i = 0; i < 8; i++) write8(s, DATA + BigInt(i), i + 1)
  Object.assign(s.state.u64, { [RCX]: 8n, [RSI]: DATA + 7n, [RDI]: DATA + 9n })
  s.state.u64[Slot.rflags] = 0x402n
  expect(s.evaluator.run(100)).toBe(8)
  expect([2, 3, 4, 5, 6, 7, 8, 9].map((i) => read8(s, DATA + BigInt(i)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect([reg(s, RSI), reg(s, RDI), reg(s, RCX)]).toEqual([DATA - 1n, DATA + 1n, 0n])
})
test('the same code runs up and down as DF says', () => {
  const s = space('lodsb; hlt')
  for (const [flags, step] of [
    [2n, 1n],
    [0x402n, -1n],
    [2n, 1n],
  ] as const) {
    s.state.u64[Slot.rflags] = flags
    s.state.u64[Slot.rip] = CODE
    s.state.u64[RSI] = DATA + 8n
    s.evaluator.run(10)
    expect(reg(s, RSI)).toBe(DATA + 8n + step)
  }
})
test('a repeated instruction that faults has done the iterations before and goes on after the fault', () => {
  const s = space('rep stosq; hlt')
  unmap(s, DATA + 0x1000n)
  Object.assign(s.state.u64, { [RAX]: 0x1234n, [RCX]: 10n, [RDI]: DATA + 0xfe8n })
  expect(s.evaluator.run(100)).toBe(3)
  expect(faultOf(s)).toEqual({ vector: VECTOR_PF, error: 6, address: DATA + 0x1000n })
  expect([rip(s), reg(s, RCX), reg(s, RDI)]).toEqual([0, 7n, DATA + 0x1000n])
  s.map(DATA + 0x1000n, READ_WRITE)
  expect(s.evaluator.run(100)).toBe(7)
  expect(s.leave).toBe(Leave.system)
  expect(reg(s, RCX)).toBe(0n)
})
test('a repeated instruction stops in the middle when the budget ends', () => {
  const s = space('rep lodsb; hlt')
  s.state.u64[RCX] = 100n
  expect(s.evaluator.run(30)).toBe(30)
  expect([rip(s), reg(s, RCX)]).toEqual([0, 70n])
})

test('a page of the supervisor read at CPL 0 is still not the user’s', () => {
  const s = space('mov al, [rdi]; hlt')
  s.map(DATA + 0x4000n, PTE_W)
  s.state.u64[RDI] = DATA + 0x4000n
  s.user = false
  s.evaluator.run(10)
  expect(s.leave).toBe(Leave.system)
  s.user = true
  s.state.u64[Slot.rip] = CODE
  expect(s.evaluator.run(10)).toBe(0)
  expect(faultOf(s)).toEqual({ vector: VECTOR_PF, error: 5, address: DATA + 0x4000n })
})
test('code compiled for the supervisor accesses memory as the user when the user runs it', () => {
  const s = space('mov [rdi], al; hlt')
  const readOnly = PTE_U | PTE_NX | PTE_P
  s.state.u64[s.entry(DATA)] = (s.state.u64[s.entry(DATA)]! & ~0xfffn & ~PTE_NX) | readOnly
  s.state.u64[Slot.cr0]! &= ~0x1_0000n // CR0.WP clear: the supervisor may write
  for (const [user, leave] of [
    [false, Leave.system],
    [true, Leave.fault],
    [false, Leave.system],
  ] as const) {
    s.user = user
    s.state.u64[Slot.rip] = CODE
    s.evaluator.run(10)
    expect([user, s.leave]).toEqual([user, leave])
  }
  expect(faultOf(s).error).toBe(7)
})

test('a system instruction leaves with its operands, rip at it, and does not count', () => {
  const s = space('inc eax; mov edx, 0x3f8; out dx, al; inc eax')
  s.state.u64[RAX] = 0x41n
  expect(s.evaluator.run(100)).toBe(2)
  const { i32, u64 } = s.state
  expect([s.leave, i32[Slot.sysOp * 2], u64[Slot.sysA], u64[Slot.sysB], u64[Slot.sysC]]).toEqual([
    Leave.system,
    SystemOp.out,
    0x3f8n,
    8n,
    0x42n,
  ])
  expect([rip(s), Number(u64[Slot.sysNext]! - CODE)]).toEqual([7, 8])
  // it needs a budget of its own to be reached
  s.state.u64[Slot.rip] = CODE
  expect(s.evaluator.run(2)).toBe(2)
  expect(s.leave).toBe(Leave.none)
})
test('POPF leaves with what it popped, rsp already moved', () => {
  const s = space('push 0x246; popf')
  expect(s.evaluator.run(100)).toBe(1)
  expect(s.state.u64[Slot.sysA]).toBe(0x246n)
  expect(reg(s, RSP)).toBe(DATA + 0x2000n)
})
test('FS and GS overrides add their base, other overrides none, and LEA none at all', () => {
  const s = space([
    0x64, 0x8a, 0x07, /* mov al, fs:[rdi] */ 0x65, 0x8a, 0x27, /* mov ah, gs:[rdi] */ 0x36, 0x8a,
    0x17 /* mov dl, ss:[rdi] */, 0x64, 0x48, 0x8d, 0x0f, /* lea rcx, fs:[rdi] */ 0x67, 0x65, 0x8a, 0x37,
    /* mov dh, gs:[edi] */ 0xf4,
  ])
  for (let i = 0; i < 64; i++) write8(s, DATA + BigInt(i), i)
  s.state.u64[Slot.fsBase] = 0x10n
  s.state.u64[Slot.gsBase] = 0x20n
  s.evaluator.run(10)
  expect([reg(s, RAX), reg(s, RDX), reg(s, RCX)]).toEqual([0x2010n, 0x2000n, DATA])
})
test('an address beyond the canonical ones is #SS through rsp and rbp and #GP elsewhere', () => {
  const vectorOf = (code: string): number => {
    const s = space(code)
    for (const n of [3, 4, 5]) s.state.u64[n] = 0x9000_0000_0000_0000n
    s.evaluator.run(1)
    return faultOf(s).vector
  }
  expect(
    ['mov al, [rbx]', 'mov al, [rbp]', 'mov al, [rsp]', 'push rax', 'pop rax', 'ret', 'leave'].map(vectorOf),
  ).toEqual([13, 12, 12, 12, 12, 12, 12])
})

test('every label of the interpreter has the number of the micro-operation that it names', () => {
  const source = readFileSync(new URL('../../src/cpu/evaluate.ts', import.meta.url), 'utf8')
  const labels = [...source.matchAll(/case (\d+):(?: \{)?\s*\/\/ (\w+)/g)].map(([, n, name]) => [
    name,
    Number(n),
  ])
  expect(labels).toEqual(microOperations.map(({ name }) => [name, Micro[name]]))
})
test('a fault changes no register, flag or memory, in the middle of a block or at its start', () => {
  const s = space('cmp eax, ecx; xchg [rbx], rdx; cmp edx, edx; hlt')
  s.state.u64[3] = DATA + 0x8000n
  s.state.u64[RDX] = 77n
  s.state.u64[RCX] = 1n
  expect(s.evaluator.run(10)).toBe(1)
  expect(faultOf(s)).toEqual({ vector: VECTOR_PF, error: 6, address: DATA + 0x8000n })
  expect([reg(s, RDX), s.evaluator.rflags() & 0x41]).toEqual([77n, 1])
  expect(bytes(reg(s, RDX), 1)).toEqual([77])
})

test('repeated string instructions in one run do what they do one iteration at a time', () => {
  const r = new Random(11)
  const some = Uint8Array.from({ length: 0x2000 }, () => r.below(2))
  for (let round = 0; round < 400; round++) {
    const name = ['rep movs', 'rep stos', 'repe cmps', 'repne cmps', 'repe scas'][r.below(5)]!
    const width = 'bwdq'[r.below(4)]!
    const start = [r.below(0x2200), r.below(0x2200)].map((x) => DATA - 0x100n + BigInt(x)) // may begin and end outside
    const count = BigInt(r.below(round % 2 ? 3000 : 40))
    const far = r.below(4) === 0 // both are nearly one, so that elements overlap
    const make = (): UserSpace => {
      const s = space(`${name}${width}; hlt`)
      s.state.u8.set(some, s.host(DATA))
      const { u64 } = s.state
      u64[RSI] = start[0]!
      u64[RDI] = far ? start[0]! + BigInt(round % 9) : start[1]!
      u64[RCX] = count
      u64[RAX] = 0x0101_0000_0001_0101n
      return s
    }
    const [whole, single] = [make(), make()]
    const retired = whole.evaluator.run(10_000)
    let steps = 0
    while (single.leave === Leave.none) steps += single.evaluator.run(1)
    expect([retired, whole.leave, faultOf(whole)]).toEqual([steps, single.leave, faultOf(single)])
    expect(whole.state.u64.slice(0, 17)).toEqual(single.state.u64.slice(0, 17))
    expect(whole.evaluator.rflags()).toBe(single.evaluator.rflags())
    const bytesOf = (s: UserSpace): Uint8Array => s.state.u8.slice(s.host(DATA), s.host(DATA) + 0x2000)
    expect(Buffer.compare(bytesOf(whole), bytesOf(single))).toBe(0)
  }
})
