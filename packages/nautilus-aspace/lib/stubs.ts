// The kernel's machine code: entry stubs, and the routines that threads run as machine code, so that each of their
// accesses happens at a rip of its own. Handout: excp_early.S, thread_lowlevel.S, and the compiled memcmp.
//
//     0x100000  boot           gate BOOT: CPU 0 begins
//     0x100040  start of an AP gate AP
//     0x100080  thread         gate THREAD, again and again: a thread's TypeScript goes on
//     0x1000c0  idle           sti; hlt, again and again
//     0x100200  entry          save 15 registers, gate ENTRY; falls through into
//               return         restore 15 registers from rsp, iretq
//     0x101000  256 stubs of 16 bytes: push an error code of 0 if the hardware has pushed none, push the vector
//     0x102000  memcmp, memcpy, memset, readByte, writeByte, jumpTo: arguments in rdi, rsi, rdx; result in rax

import type { u64 } from '@pagewalk/machine/x86-64'
import { TEXT_ADDR } from './layout.ts'

export const GATE_BOOT = 1
export const GATE_AP = 2
export const GATE_THREAD = 3
export const GATE_ENTRY = 4

export const BOOT_ENTRY: number = TEXT_ADDR
export const AP_ENTRY: number = TEXT_ADDR + 0x40
export const THREAD_LOOP: number = TEXT_ADDR + 0x80
export const IDLE_LOOP: number = TEXT_ADDR + 0xc0
const SAVE_ALL = TEXT_ADDR + 0x200
const STUBS = TEXT_ADDR + 0x1000
const ROUTINES = TEXT_ADDR + 0x2000
const ROUTINE_BYTES = 0x400

export const MEMCMP: u64 = BigInt(ROUTINES)
export const MEMCPY: u64 = BigInt(ROUTINES + ROUTINE_BYTES)
export const MEMSET: u64 = BigInt(ROUTINES + ROUTINE_BYTES + 0x40)
export const READ_BYTE: u64 = BigInt(ROUTINES + ROUTINE_BYTES + 0x80)
export const WRITE_BYTE: u64 = BigInt(ROUTINES + ROUTINE_BYTES + 0xa0)
export const JUMP_TO: u64 = BigInt(ROUTINES + ROUTINE_BYTES + 0xc0)

type Code = readonly number[]
const le32 = (n: number): Code => [n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, (n >> 24) & 0xff]
const gate = (number: number): Code => [0x0f, 0x3f, number, 0]
const RET = [0xc3]

// General registers by their numbers in encodings.
const [RAX, RCX, RDX, RBX, RBP, RSI, RDI] = [0, 1, 2, 3, 5, 6, 7] as const
const pushes = (r: number): Code => (r < 8 ? [0x50 + r] : [0x41, 0x48 + r])
const pops = (r: number): Code => (r < 8 ? [0x58 + r] : [0x41, 0x50 + r])
/** In the order in which they lie in the frame, lowest address first. */
export const SAVED_REGISTERS: readonly number[] = [
  RAX,
  RCX,
  RDX,
  RBX,
  RBP,
  RSI,
  RDI,
  8,
  9,
  10,
  11,
  12,
  13,
  14,
  15,
]

const ENTER: Code = [
  ...[...SAVED_REGISTERS].reverse().flatMap(pushes),
  ...[0x48, 0x89, 0xe7], // mov rdi, rsp
  ...gate(GATE_ENTRY),
]
const LEAVE: Code = [
  ...SAVED_REGISTERS.flatMap(pops),
  ...[0x48, 0x83, 0xc4, 0x10], // add rsp, 16: vector and error code
  ...[0x48, 0xcf], // iretq
]
/** With rsp at a saved frame: go on there. */
export const RETURN: number = SAVE_ALL + ENTER.length

/** Exceptions for which the hardware pushes an error code. SDM Vol. 3 §6.13, Error Code. */
const HAS_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21, 29, 30])
const stubAt = (vector: number): number => STUBS + vector * 16
function stub(vector: number): Code {
  const push = [...(HAS_ERROR_CODE.has(vector) ? [] : [0x6a, 0]), 0x68, ...le32(vector)] // push 0; push vector
  return [...push, 0xe9, ...le32(SAVE_ALL - (stubAt(vector) + push.length + 5))] // jmp
}
/** The IDT's entry for `vector`: an interrupt gate, DPL 0, IST 0, on the stub. */
export function idtEntry(vector: number): [low: u64, high: u64] {
  const at = BigInt(stubAt(vector))
  return [(at & 0xffffn) | (8n << 16n) | (0x8en << 40n) | ((at & 0xffff_0000n) << 32n), at >> 32n]
}

/** A line of a routine: bytes, a place to jump to, or a jump there (its opcode; a 32-bit distance follows). */
type Line = Code | string | { readonly jump: Code; readonly to: string }
function assemble(lines: readonly Line[]): Code {
  const size = (line: Line): number =>
    typeof line === 'string' ? 0 : 'jump' in line ? line.jump.length + 4 : line.length
  const places = new Map<string, number>()
  let at = 0
  for (const line of lines) {
    if (typeof line === 'string') places.set(line, at)
    at += size(line)
  }
  const code: number[] = []
  for (const line of lines) {
    if (typeof line === 'string') continue
    if (!('jump' in line)) code.push(...line)
    else code.push(...line.jump, ...le32(places.get(line.to)! - (code.length + line.jump.length + 4)))
  }
  return code
}
const jb = (to: string): Line => ({ jump: [0x0f, 0x82], to })
const jae = (to: string): Line => ({ jump: [0x0f, 0x83], to })
const je = (to: string): Line => ({ jump: [0x0f, 0x84], to })
const jne = (to: string): Line => ({ jump: [0x0f, 0x85], to })
const jmp = (to: string): Line => ({ jump: [0xe9], to })

/** mov r, [rdi + distance] and xor r, [rsi + distance]: 64 bits. */
const movFromRdi = (r: number, distance: number): Code => [
  0x48 | ((r >> 3) << 2),
  0x8b,
  0x87 | ((r & 7) << 3),
  ...le32(distance),
]
const xorWithRsi = (r: number, distance: number): Code => [
  0x48 | ((r >> 3) << 2),
  0x33,
  0x86 | ((r & 7) << 3),
  ...le32(distance),
]
const orIntoRax = (r: number): Code => [0x48 | ((r >> 3) << 2), 0x09, 0xc0 | ((r & 7) << 3)]

// memcmp takes twelve quadwords of one side, then the twelve of the other: two copies of memory at the same distance
// from a megabyte would else turn each other out of the fast TLB at every step.
const QUADWORDS = [RAX, RDX, RBX, RBP, 8, 9, 10, 11, 12, 13, 14, 15] as const
const ROUND = 2 * QUADWORDS.length * 8
const half = (from: number): Line[] => [
  ...QUADWORDS.map((r, i) => movFromRdi(r, from + i * 8)),
  ...QUADWORDS.map((r, i) => xorWithRsi(r, from + i * 8)),
  ...QUADWORDS.slice(1).map(orIntoRax),
  jne('again in small steps'),
]
const MEMCMP_CODE: readonly Line[] = [
  [0x48, 0x89, 0xd1], // mov rcx, rdx: how much is left
  'rounds',
  [0x48, 0x81, 0xe9, ...le32(ROUND)], // sub rcx, ROUND
  jb('again in small steps'),
  'round',
  ...half(0),
  ...half(ROUND / 2),
  [0x48, 0x81, 0xc7, ...le32(ROUND)], // add rdi, ROUND
  [0x48, 0x81, 0xc6, ...le32(ROUND)], // add rsi, ROUND
  [0x48, 0x81, 0xe9, ...le32(ROUND)], // sub rcx, ROUND
  jae('round'),
  'again in small steps',
  [0x48, 0x81, 0xc1, ...le32(ROUND)], // add rcx, ROUND
  [0x48, 0x83, 0xf9, 8], // cmp rcx, 8
  jb('byte'),
  [0x48, 0x8b, 0x07], // mov rax, [rdi]
  [0x48, 0x3b, 0x06], // cmp rax, [rsi]
  jne('byte'),
  [0x48, 0x83, 0xc7, 8], // add rdi, 8
  [0x48, 0x83, 0xc6, 8], // add rsi, 8
  [0x48, 0x83, 0xe9, 8], // sub rcx, 8
  jmp('rounds'), // another CPU may have made the difference vanish
  'byte',
  [0x48, 0x85, 0xc9], // test rcx, rcx
  je('equal'),
  [0x0f, 0xb6, 0x07], // movzx eax, byte [rdi]
  [0x0f, 0xb6, 0x16], // movzx edx, byte [rsi]
  [0x29, 0xd0], // sub eax, edx
  jne('differ'),
  [0x48, 0xff, 0xc7], // inc rdi
  [0x48, 0xff, 0xc6], // inc rsi
  [0x48, 0xff, 0xc9], // dec rcx
  jmp('rounds'),
  'equal',
  [0x31, 0xc0], // xor eax, eax
  'differ',
  RET,
]
const MEMCPY_CODE: readonly Line[] = [
  [0x48, 0x89, 0xf8], // mov rax, rdi
  [0x48, 0x89, 0xd1], // mov rcx, rdx
  [0x48, 0xc1, 0xe9, 3], // shr rcx, 3
  [0xf3, 0x48, 0xa5], // rep movsq
  [0x48, 0x89, 0xd1], // mov rcx, rdx
  [0x83, 0xe1, 7], // and ecx, 7
  [0xf3, 0xa4], // rep movsb
  RET,
]
const MEMSET_CODE: readonly Line[] = [
  [0x49, 0x89, 0xf8], // mov r8, rdi
  [0x40, 0x0f, 0xb6, 0xc6], // movzx eax, sil
  [0x49, 0xb9, 1, 1, 1, 1, 1, 1, 1, 1], // mov r9, 0x0101010101010101
  [0x49, 0x0f, 0xaf, 0xc1], // imul rax, r9
  [0x48, 0x89, 0xd1], // mov rcx, rdx
  [0x48, 0xc1, 0xe9, 3], // shr rcx, 3
  [0xf3, 0x48, 0xab], // rep stosq
  [0x48, 0x89, 0xd1], // mov rcx, rdx
  [0x83, 0xe1, 7], // and ecx, 7
  [0xf3, 0xaa], // rep stosb
  [0x4c, 0x89, 0xc0], // mov rax, r8
  RET,
]
const READ_BYTE_CODE = [0x0f, 0xb6, 0x07, ...RET] // movzx eax, byte [rdi]
const WRITE_BYTE_CODE = [0x40, 0x88, 0x37, 0x31, 0xc0, ...RET] // mov [rdi], sil; xor eax, eax
const JUMP_TO_CODE = [0xff, 0xe7] // jmp rdi: what is there returns to the thread

/** The kernel's text: pieces of code and their physical addresses. */
export function kernelText(): [number, Uint8Array][] {
  const at = (address: number | u64, code: Code): [number, Uint8Array] => [
    Number(address),
    Uint8Array.from(code),
  ]
  return [
    at(BOOT_ENTRY, gate(GATE_BOOT)),
    at(AP_ENTRY, gate(GATE_AP)),
    at(THREAD_LOOP, [...gate(GATE_THREAD), 0xeb, 0xfa]), // jmp back to the gate
    at(IDLE_LOOP, [0xfb, 0xf4, 0xeb, 0xfc]), // sti; hlt; jmp back
    at(SAVE_ALL, [...ENTER, ...LEAVE]),
    ...Array.from({ length: 256 }, (_, vector) => at(stubAt(vector), stub(vector))),
    at(MEMCMP, assemble(MEMCMP_CODE)),
    at(MEMCPY, assemble(MEMCPY_CODE)),
    at(MEMSET, assemble(MEMSET_CODE)),
    at(READ_BYTE, READ_BYTE_CODE),
    at(WRITE_BYTE, WRITE_BYTE_CODE),
    at(JUMP_TO, JUMP_TO_CODE),
  ]
}

const PLACES: readonly (readonly [from: number, to: number, name: string])[] = [
  [BOOT_ENTRY, BOOT_ENTRY + 4, 'the boot'],
  [AP_ENTRY, AP_ENTRY + 4, 'the start of a CPU'],
  [THREAD_LOOP, THREAD_LOOP + 6, "a thread's TypeScript"],
  [IDLE_LOOP, IDLE_LOOP + 4, 'the idle thread'],
  [SAVE_ALL, RETURN, 'the entry of an interrupt or exception'],
  [RETURN, RETURN + LEAVE.length, 'the return from an interrupt or exception'],
  [ROUTINES, ROUTINES + ROUTINE_BYTES, 'memcmp'],
  [Number(MEMCPY), Number(MEMSET), 'memcpy'],
  [Number(MEMSET), Number(READ_BYTE), 'memset'],
  [Number(READ_BYTE), Number(WRITE_BYTE), 'readByte'],
  [Number(WRITE_BYTE), Number(JUMP_TO), 'writeByte'],
  [Number(JUMP_TO), Number(JUMP_TO) + 2, 'jumpTo'],
]
/** What the kernel's text has at an address, for people; '' if nothing that has a name. */
export function placeOf(rip: u64): string {
  const place = PLACES.find(([from, to]) => rip >= BigInt(from) && rip < BigInt(to))
  return place ? `in ${place[2]}` : ''
}
