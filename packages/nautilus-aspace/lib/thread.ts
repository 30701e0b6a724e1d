// Threads: what the kernel keeps about each, and what a thread can ask for. Handout: thread.h.
//
// The TypeScript of a thread is a generator that the scheduler (sched.ts) resumes in a gate on the thread's own stack.
// What it yields is a request: to run machine code, to sleep, to wait. So a thread can be preempted wherever it runs
// machine code; between two requests it is not.

import type { u64 } from '@pagewalk/machine/x86-64'
import type { NkAspace } from './aspace.ts'
import { FIRST_THREAD_ADDR, INSTRUCTIONS_PER_SECOND, STACK_BYTES } from './layout.ts'
import { ring0 } from './ring0.ts'
import { getCpu } from './smp.ts'
import { JUMP_TO, MEMCMP, MEMCPY, MEMSET, READ_BYTE, WRITE_BYTE } from './stubs.ts'

// struct nk_thread: offsets of its fields.
const RSP = 0
const STACK = 8
const ASPACE = 24
const STACK_SIZE = 32
const TID = 40
const STATUS = 48
const BOUND_CPU = 56
const CURRENT_CPU = 64
const IS_IDLE = 72
const REFCOUNT = 80
const PARENT = 88
const NAME = 96
const NAME_BYTES = 32
const NEXT = 128
const VC = 136

// Thread status.
export const NK_THR_INIT = 0
export const NK_THR_RUNNING = 1
export const NK_THR_WAITING = 2
export const NK_THR_SUSPENDED = 3
export const NK_THR_EXITED = 4

/** Threads that wait for the same thing, longest first. */
export type WaitQueue = NkThread[]
/** What a thread's TypeScript can ask of the scheduler. */
export type ThreadRequest =
  | { readonly kind: 'call'; readonly address: u64; readonly args: readonly u64[] }
  | { readonly kind: 'yield' }
  | { readonly kind: 'sleep'; readonly instructions: number }
  | { readonly kind: 'wait'; readonly queue: WaitQueue }
/** The TypeScript of a thread, or a part of it, to be called with `yield*`. */
export type Thread<T = void> = Generator<ThreadRequest, T, u64>

/** `struct nk_thread`: a thread. Its control block is a page of guest memory. */
export class NkThread {
  readonly address: u64
  readonly tid: number
  readonly stack: u64
  readonly isIdle: boolean
  readonly boundCpu: number
  /** Where the rest of its TypeScript is. */
  generator: Thread | null = null
  /** Who waits for its end. */
  readonly joiners: WaitQueue = []
  exited = false
  /** How often it has got a CPU. */
  switches = 0
  /** Machine time at which it wants to be woken. */
  wakeAt = 0
  readonly #at: number
  #name = ''
  #aspace: NkAspace | null = null
  #vc: { readonly address: u64; readonly name: string } | null = null

  constructor(at: { block: u64; stack: u64; tid: number; boundCpu: number; isIdle: boolean }) {
    this.address = at.block
    this.tid = at.tid
    this.stack = at.stack
    this.boundCpu = at.boundCpu
    this.isIdle = at.isIdle
    this.#at = Number(at.block)
    ring0.fill(this.#at, 0, NEXT + 16)
    ring0.write64(this.#at + STACK, at.stack)
    ring0.write64(this.#at + STACK_SIZE, BigInt(STACK_BYTES))
    ring0.write64(this.#at + TID, BigInt(at.tid))
    ring0.write64(this.#at + BOUND_CPU, BigInt.asUintN(64, BigInt(at.boundCpu)))
    ring0.write64(this.#at + IS_IDLE, at.isIdle ? 1n : 0n)
    ring0.write64(this.#at + REFCOUNT, 1n)
  }
  get stackTop(): number {
    return Number(this.stack) + STACK_BYTES
  }
  /** `rsp`: while it does not run, where its saved registers lie. */
  get rsp(): u64 {
    return ring0.read64(this.#at + RSP)
  }
  set rsp(rsp: u64) {
    ring0.write64(this.#at + RSP, rsp)
  }
  /** `aspace`: the address space that it lives in; null: the default one. */
  get aspace(): NkAspace | null {
    return this.#aspace
  }
  set aspace(aspace: NkAspace | null) {
    this.#aspace = aspace
    ring0.write64(this.#at + ASPACE, aspace === null ? 0n : BigInt(aspace.address))
  }
  /** One of NK_THR_... */
  get status(): number {
    return this.exited ? NK_THR_EXITED : ring0.read32(this.#at + STATUS)
  }
  set status(status: number) {
    if (status === NK_THR_EXITED) this.exited = true
    ring0.write64(this.#at + STATUS, BigInt(status))
  }
  get currentCpu(): number {
    return ring0.read32(this.#at + CURRENT_CPU)
  }
  set currentCpu(cpu: number) {
    ring0.write64(this.#at + CURRENT_CPU, BigInt(cpu))
  }
  set parent(parent: NkThread | null) {
    ring0.write64(this.#at + PARENT, parent?.address ?? 0n)
  }
  get name(): string {
    return this.#name
  }
  /** At most 31 characters. */
  set name(name: string) {
    this.#name = name.slice(0, NAME_BYTES - 1)
    ring0.fill(this.#at + NAME, 0, NAME_BYTES)
    ring0.writeBytes(
      this.#at + NAME,
      Uint8Array.from(this.#name, (c) => c.charCodeAt(0)),
    )
  }
  /** The console that it reads from and prints to. */
  get vc(): { readonly address: u64; readonly name: string } | null {
    return this.#vc
  }
  set vc(vc: { readonly address: u64; readonly name: string } | null) {
    this.#vc = vc
    ring0.write64(this.#at + VC, vc?.address ?? 0n)
  }
  set next(thread: NkThread | undefined) {
    ring0.write64(this.#at + NEXT, thread?.address ?? 0n)
  }
}

/** All threads, oldest first. */
export let threads: readonly NkThread[] = []
let lastTid = 0
export function threadInit(): void {
  threads = []
  lastTid = 0
  ring0.write64(FIRST_THREAD_ADDR, 0n)
}
export const newTid = (): number => ++lastTid
export function enlist(thread: NkThread): void {
  const last = threads.at(-1)
  if (last) last.next = thread
  else ring0.write64(FIRST_THREAD_ADDR, thread.address)
  threads = [...threads, thread]
}
export function delist(thread: NkThread): void {
  const i = threads.indexOf(thread)
  if (i < 0) return
  const [before, after] = [threads[i - 1], threads[i + 1]]
  if (before) before.next = after
  else ring0.write64(FIRST_THREAD_ADDR, after?.address ?? 0n)
  threads = threads.filter((other) => other !== thread)
}

/** `get_cur_thread()`: the thread that runs on this CPU. */
export const getCurThread = (): NkThread => getCpu().curThread
/** `nk_thread_name(thread, name)` */
export function nkSetThreadName(thread: NkThread, name: string): void {
  thread.name = name
}

/** `nk_yield()`: let other threads of this CPU run. */
export function* nkYield(): Thread {
  yield { kind: 'yield' }
}
/** `nk_sleep(ns)` */
export function* nkSleep(ns: u64): Thread {
  const instructions = Number((ns * BigInt(INSTRUCTIONS_PER_SECOND)) / 1_000_000_000n)
  yield { kind: 'sleep', instructions }
}
/** `nk_join(thread)`: wait until a thread has ended. */
export function* nkJoin(thread: NkThread): Thread {
  while (!thread.exited) yield { kind: 'wait', queue: thread.joiners }
}
/**
 * Run machine code at `address`, in this thread and on its stack, until it returns.
 *
 * @param args  at most four: rdi, rsi, rdx, rcx
 * @returns     its rax
 */
export function* callMachine(address: u64, ...args: readonly u64[]): Thread<u64> {
  return yield { kind: 'call', address, args }
}

/** `memcmp(a, b, n)`, as machine code: each load is the thread's own. @returns below, equal to or above 0 */
export function* memcmp(a: u64, b: u64, n: u64): Thread<number> {
  return Number(BigInt.asIntN(32, yield* callMachine(MEMCMP, a, b, n)))
}
/** `memcpy(dst, src, n)`, as machine code. @returns dst */
export function* memcpy(dst: u64, src: u64, n: u64): Thread<u64> {
  return yield* callMachine(MEMCPY, dst, src, n)
}
/** `memset(dst, c, n)`, as machine code. @returns dst */
export function* memset(dst: u64, c: number, n: u64): Thread<u64> {
  return yield* callMachine(MEMSET, dst, BigInt(c & 0xff), n)
}
/** Load a byte, as machine code. */
export function* readByte(va: u64): Thread<u64> {
  return yield* callMachine(READ_BYTE, va)
}
/** Store a byte, as machine code. */
export function* writeByte(va: u64, value: number): Thread<u64> {
  return yield* callMachine(WRITE_BYTE, va, BigInt(value & 0xff))
}
/** Run what is at `va`, as machine code that ends with a RET. @returns its rax */
export function* jumpTo(va: u64): Thread<u64> {
  return yield* callMachine(JUMP_TO, va)
}
