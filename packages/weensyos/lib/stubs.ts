// The kernel's machine code: what C cannot say. Handout: k-exception.S. The rest of the kernel is called through gates:
// instructions that the machine hands to TypeScript.
//
//     0x40000  entry_from_boot     gate KERNEL; then wait for ever
//     0x40100  idle                gate IDLE, again and again: nobody can run
//     0x40120  fail                gate FAIL, again and again: after a panic
//     0x40200  exception entry     save all registers, gate EXCEPTION; falls through into
//              exception_return    restore all registers from rsp, iretq
//     0x41000  256 stubs of 16 bytes: push an error code of 0 if the hardware has pushed none, push the number

import type { u64 } from '@pagewalk/machine/x86-64'
import { ENTRY_FROM_BOOT, EXCEPTION_ENTRY } from './layout.ts'

export const GATE_KERNEL = 1
export const GATE_EXCEPTION = 2
export const GATE_IDLE = 3
export const GATE_FAIL = 4

export const IDLE: u64 = ENTRY_FROM_BOOT + 0x100n
export const FAIL: u64 = ENTRY_FROM_BOOT + 0x120n
const SAVE_ALL: u64 = ENTRY_FROM_BOOT + 0x200n

const gate = (number: number): number[] => [0x0f, 0x3f, number, 0]
const HLT_FOREVER = [0xf4, 0xeb, 0xfd] // hlt; jmp .-1
const loop = (number: number): number[] => [...gate(number), 0xeb, 0xfa] // gate; jmp back to it
const PUSH_ALL = [
  0x0f,
  0xa8,
  0x0f,
  0xa0, // push gs, fs
  0x41,
  0x57,
  0x41,
  0x56,
  0x41,
  0x55,
  0x41,
  0x54,
  0x41,
  0x53,
  0x41,
  0x52,
  0x41,
  0x51,
  0x41,
  0x50, // r15 ... r8
  0x57,
  0x56,
  0x55,
  0x53,
  0x52,
  0x51,
  0x50, // rdi rsi rbp rbx rdx rcx rax
]
const POP_ALL = [
  0x58,
  0x59,
  0x5a,
  0x5b,
  0x5d,
  0x5e,
  0x5f, // rax rcx rdx rbx rbp rsi rdi
  0x41,
  0x58,
  0x41,
  0x59,
  0x41,
  0x5a,
  0x41,
  0x5b,
  0x41,
  0x5c,
  0x41,
  0x5d,
  0x41,
  0x5e,
  0x41,
  0x5f, // r8 ... r15
  0x0f,
  0xa1,
  0x0f,
  0xa9, // pop fs, gs
  0x48,
  0x83,
  0xc4,
  0x10, // add rsp, 16: number and error code
  0x48,
  0xcf, // iretq
]
const MOV_RDI_RSP = [0x48, 0x89, 0xe7]
const ENTER = [...PUSH_ALL, ...MOV_RDI_RSP, ...gate(GATE_EXCEPTION)]
export const EXCEPTION_RETURN: u64 = SAVE_ALL + BigInt(ENTER.length)

/** Exceptions for which the hardware pushes an error code. SDM Vol. 3 §6.13, Error Code. */
const HAS_ERROR_CODE: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17, 21, 29, 30])
/** Where the IDT's entry for `vector` points. */
export const exceptionStub = (vector: number): u64 => EXCEPTION_ENTRY + BigInt(vector * 16)

/** The kernel's text: pieces of code and their physical addresses. */
export function kernelText(): [number, Uint8Array][] {
  const at = (address: u64, bytes: number[]): [number, Uint8Array] => [
    Number(address),
    Uint8Array.from(bytes),
  ]
  const stubs = Array.from({ length: 256 }, (_, vector) => {
    const push = [...(HAS_ERROR_CODE.has(vector) ? [] : [0x6a, 0]), 0x68, vector, 0, 0, 0]
    const jump = Number(SAVE_ALL) - (Number(exceptionStub(vector)) + push.length + 5)
    return at(exceptionStub(vector), [
      ...push,
      0xe9,
      jump & 0xff,
      (jump >> 8) & 0xff,
      (jump >> 16) & 0xff,
      (jump >> 24) & 0xff,
    ])
  })
  return [
    at(ENTRY_FROM_BOOT, [...gate(GATE_KERNEL), ...HLT_FOREVER]),
    at(IDLE, loop(GATE_IDLE)),
    at(FAIL, loop(GATE_FAIL)),
    at(SAVE_ALL, [...ENTER, ...POP_ALL]),
    ...stubs,
  ]
}
