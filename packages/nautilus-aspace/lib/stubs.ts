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

const MEMCMP_CODE: readonly Code[] = [
  [0x48, 0x89, 0xd1], // mov rcx, rdx
  [0x83, 0xe2, 7], // and edx, 7
  [0x48, 0xc1, 0xe9, 3], // shr rcx, 3: ZF says that there are no quadwords
  [0xf3, 0x48, 0xa7], // repe cmpsq
  [0x74, 13], // je bytes
  [0x48, 0x83, 0xef, 8], // sub rdi, 8
  [0x48, 0x83, 0xee, 8], // sub rsi, 8
  [0xba, ...le32(8)], // mov edx, 8
  // bytes:
  [0x89, 0xd1], // mov ecx, edx
  [0x85, 0xc9], // test ecx, ecx
  [0xf3, 0xa6], // repe cmpsb
  [0xb8, ...le32(0)], // mov eax, 0
  [0x74, 10], // je equal
  [0x0f, 0xb6, 0x47, 0xff], // movzx eax, byte [rdi - 1]
  [0x0f, 0xb6, 0x56, 0xff], // movzx edx, byte [rsi - 1]
  [0x29, 0xd0], // sub eax, edx
  // equal:
  RET,
]
const MEMCPY_CODE: readonly Code[] = [
  [0x48, 0x89, 0xf8], // mov rax, rdi
  [0x48, 0x89, 0xd1], // mov rcx, rdx
  [0x48, 0xc1, 0xe9, 3], // shr rcx, 3
  [0xf3, 0x48, 0xa5], // rep movsq
  [0x48, 0x89, 0xd1], // mov rcx, rdx
  [0x83, 0xe1, 7], // and ecx, 7
  [0xf3, 0xa4], // rep movsb
  RET,
]
const MEMSET_CODE: readonly Code[] = [
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
    at(MEMCMP, MEMCMP_CODE.flat()),
    at(MEMCPY, MEMCPY_CODE.flat()),
    at(MEMSET, MEMSET_CODE.flat()),
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
