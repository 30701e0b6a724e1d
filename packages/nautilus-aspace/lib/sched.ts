// The scheduler: each CPU has its own threads and takes them in turns. Handout: scheduler.c, thread.c, thread_lowlevel.S.
//
// A thread that does not run has a frame on its stack, as an interrupt leaves it: 15 registers, vector, error code, rip, cs,
// rflags, rsp, ss. To switch is to make its address space the current one, and then to return from its frame.
// There is a timer interrupt only when somebody waits for one: threads wait for the CPU, or for a time.

import type { u64 } from '@pagewalk/machine/x86-64'
import { nkAspaceSwitch } from './aspace.ts'
import { free, malloc } from './kmem.ts'
import {
  INSTRUCTIONS_PER_QUANTUM,
  KERNEL_CS,
  KERNEL_SS,
  KMEM_STACK,
  KMEM_THREAD,
  PAGE_BYTES,
  STACK_BYTES,
} from './layout.ts'
import { ring0 } from './ring0.ts'
import { cpus, getCpu, kickCpu, type NkCpu } from './smp.ts'
import { IDLE_LOOP, RETURN, THREAD_LOOP } from './stubs.ts'
import {
  delist,
  enlist,
  NK_THR_EXITED,
  NK_THR_RUNNING,
  NK_THR_SUSPENDED,
  NK_THR_WAITING,
  NkThread,
  newTid,
  type Thread,
  type ThreadRequest,
  threads,
  type WaitQueue,
} from './thread.ts'

const FRAME_WORDS = 22
const FRAME_BYTES = FRAME_WORDS * 8
const FRAME_RIP = 17
const IF = 0x200n
const FLAGS = 0x2n
const TIMER_INITIAL_COUNT = 0x838
const NEVER = Number.POSITIVE_INFINITY
/** Argument registers of a routine, by their numbers: rdi, rsi, rdx, rcx. */
const ARGUMENTS = [7, 6, 2, 1]
const RSP = 4

/** What the scheduler keeps about a CPU. */
class Turns {
  readonly cpu: NkCpu
  readonly idle: NkThread
  /** Threads that could run, longest waiting first. */
  readonly ready: NkThread[] = []
  /** Threads that sleep, first to be woken first. */
  readonly sleepers: NkThread[] = []
  /** When the current thread's turn ends, in the machine's time. */
  quantumEnd = NEVER
  /** When the timer will interrupt. */
  timerAt = NEVER
  /** How many gate calls of this CPU are going on: a thread in one of them cannot be preempted. */
  gates = 0
  /** Something has changed that the timer does not know yet. */
  changed = false

  constructor(cpu: NkCpu, idle: NkThread) {
    this.cpu = cpu
    this.idle = idle
  }
}
let turns: Turns[] = []
let dead: NkThread[] = []

/** Begin: each CPU has a thread for when nobody wants it. */
export function schedInit(): void {
  dead = []
  turns = []
  for (const cpu of cpus) {
    const idle = newThread('idle', cpu.id, true)!
    pushFrame(idle, idle.stackTop, IDLE_LOOP, FLAGS | IF)
    cpu.curThread = idle
    turns.push(new Turns(cpu, idle))
  }
}
export const idleThread = (cpu: number): NkThread => turns[cpu]!.idle

function newThread(name: string, boundCpu: number, isIdle: boolean): NkThread | null {
  const block = malloc(PAGE_BYTES, KMEM_THREAD)
  const stack = block === 0n ? 0n : malloc(STACK_BYTES, KMEM_STACK)
  if (stack === 0n) {
    if (block !== 0n) free(block)
    return null
  }
  const thread = new NkThread({ block, stack, tid: newTid(), boundCpu, isIdle })
  thread.name = name
  thread.currentCpu = Math.max(0, boundCpu)
  enlist(thread)
  return thread
}
const frame = new BigUint64Array(FRAME_WORDS)
const frameBytes = new Uint8Array(frame.buffer)
/** Put a frame below `rsp`; its registers are 0. */
function pushFrame(thread: NkThread, rsp: number, rip: number, rflags: u64): number {
  frame.set([BigInt(rip), KERNEL_CS, rflags, BigInt(rsp), KERNEL_SS], FRAME_RIP)
  const at = rsp - FRAME_BYTES
  ring0.writeBytes(at, frameBytes)
  thread.rsp = BigInt(at)
  return at
}

/**
 * `nk_thread_start(fun, input, output, is_detached, stack_size, tid, bound_cpu)`
 *
 * Start a thread: it runs `fun(input)`. It lives in the address space of the current thread, and uses its console; the
 * address space is not told.
 *
 * @param boundCpu  where it must run; -1: where the fewest threads are
 * @returns         null if there is no memory or no such CPU
 */
export function nkThreadStart(
  fun: (input: unknown) => Thread,
  input: unknown,
  name: string,
  boundCpu = -1,
): NkThread | null {
  if (boundCpu >= cpus.length) return null
  nkSchedReap()
  const cpu = boundCpu < 0 ? leastBusy() : boundCpu
  const thread = newThread(name, boundCpu, false)
  if (!thread) return null
  const parent = getCpu().curThread
  thread.parent = parent
  thread.aspace = parent.aspace
  thread.vc = parent.vc
  thread.currentCpu = cpu
  thread.generator = fun(input)
  pushFrame(thread, thread.stackTop, THREAD_LOOP, FLAGS | IF)
  makeReady(thread)
  return thread
}
function leastBusy(): number {
  const counts = cpus.map(({ id, enabled }) =>
    enabled ? threads.filter((t) => !t.exited && !t.isIdle && t.currentCpu === id).length : NEVER,
  )
  return counts.indexOf(Math.min(...counts))
}
/** `nk_sched_reap()`: free what is left of threads that have ended. */
export function nkSchedReap(): void {
  for (const thread of dead) {
    delist(thread)
    free(thread.stack)
    free(thread.address)
  }
  dead = []
}

function makeReady(thread: NkThread): void {
  const on = turns[thread.currentCpu]!
  thread.status = NK_THR_SUSPENDED
  on.ready.push(thread)
  if (on.cpu.id === ring0.cpu) on.changed = true
  else kickCpu(on.cpu.id)
}
/** Wake all threads that wait in a queue. */
export function wakeAll(queue: WaitQueue): void {
  for (const thread of queue.splice(0)) makeReady(thread)
}

/** Gate THREAD: the TypeScript of the current thread goes on, up to its next request. */
export function threadGate(): void {
  const on = turns[ring0.cpu]!
  const thread = on.cpu.curThread
  on.gates++
  const { done, value } = thread.generator!.next(ring0.reg(0))
  on.gates--
  if (done) exit(on, thread)
  else serve(on, thread, value as ThreadRequest)
}
function serve(on: Turns, thread: NkThread, request: ThreadRequest): void {
  if (on.changed) setTimer(on)
  switch (request.kind) {
    case 'call':
      return call(request.address, request.args)
    case 'yield':
      if (on.ready.length === 0) return
      thread.status = NK_THR_SUSPENDED
      on.ready.push(thread)
      return giveUp(on, thread)
    case 'sleep':
      sleep(on, thread, request.instructions)
      return giveUp(on, thread)
    case 'wait':
      thread.status = NK_THR_WAITING
      request.queue.push(thread)
      return giveUp(on, thread)
  }
}
/** The routine returns to the thread's loop, and so into this gate again. */
function call(address: u64, args: readonly u64[]): void {
  const rsp = ring0.reg(RSP) - 8n
  ring0.write64(rsp, BigInt(THREAD_LOOP))
  for (const [i, register] of ARGUMENTS.entries()) ring0.setReg(register, args[i] ?? 0n)
  ring0.resume(address, rsp)
}
function sleep(on: Turns, thread: NkThread, instructions: number): void {
  thread.status = NK_THR_WAITING
  thread.wakeAt = ring0.time + instructions
  const later = on.sleepers.findIndex(({ wakeAt }) => wakeAt > thread.wakeAt)
  on.sleepers.splice(later < 0 ? on.sleepers.length : later, 0, thread)
}
function exit(on: Turns, thread: NkThread): void {
  thread.status = NK_THR_EXITED
  thread.generator = null
  wakeAll(thread.joiners)
  giveUp(on, thread)
  dead.push(thread) // its stack has served the switch, and is free now
}
/** The current thread does not go on: it leaves a frame that leads back to its loop. */
function giveUp(on: Turns, thread: NkThread): void {
  const rsp = Number(ring0.reg(RSP))
  const at = pushFrame(thread, rsp, THREAD_LOOP, FLAGS | (ring0.interrupts ? IF : 0n))
  ring0.setInterrupts(false)
  ring0.setReg(RSP, BigInt(at))
  switchTo(on, on.ready.shift() ?? on.idle)
}
/** Interrupts are off. */
function switchTo(on: Turns, next: NkThread): void {
  const { cpu } = on
  if (next !== cpu.curThread) {
    on.gates++
    nkAspaceSwitch(next.aspace)
    on.gates--
    cpu.curThread = next
    next.switches++
  }
  next.status = NK_THR_RUNNING
  on.quantumEnd = ring0.time + INSTRUCTIONS_PER_QUANTUM
  setTimer(on)
  ring0.resume(RETURN, next.rsp)
}
/** A CPU begins to run threads, at the end of its first gate call. */
export function schedStart(): void {
  const on = turns[ring0.cpu]!
  switchTo(on, on.ready.shift() ?? on.idle)
}

/** The timer interrupts for whoever wants it first, and not at all if nobody does. */
function setTimer(on: Turns): void {
  on.changed = false
  const shared = on.ready.length > 0 && !on.cpu.curThread.isIdle
  const at = Math.min(shared ? on.quantumEnd : NEVER, on.sleepers[0]?.wakeAt ?? NEVER)
  if (at === on.timerAt) return
  on.timerAt = at
  ring0.wrmsr(TIMER_INITIAL_COUNT, at === NEVER ? 0n : BigInt(Math.max(1, at - ring0.time)))
}
/** The timer has interrupted. */
export function timerInterrupt(): void {
  const on = turns[ring0.cpu]!
  on.timerAt = NEVER
  on.changed = true
  while (on.sleepers.length > 0 && on.sleepers[0]!.wakeAt <= ring0.time) makeReady(on.sleepers.shift()!)
}
/** While `handler` runs, nobody else gets this CPU. */
export function withoutSwitch(handler: () => void): void {
  const on = turns[ring0.cpu]!
  on.gates++
  handler()
  on.gates--
}
/** An exception has been served: it returns to where it happened. */
export function afterException(): void {
  const on = turns[ring0.cpu]!
  if (on.gates === 0 && on.changed) setTimer(on)
}
/** An interrupt has been served: before it returns, another thread may get the CPU. @param frame  what it has left on the stack */
export function afterInterrupt(frameAt: number): void {
  const on = turns[ring0.cpu]!
  if (on.gates > 0) return // it came while a gate call was waiting
  const { cpu } = on
  const thread = cpu.curThread
  const over = thread.isIdle || ring0.time >= on.quantumEnd
  if (on.ready.length === 0 || !over || cpu.preemptDisableLevel > 0) {
    if (on.changed) setTimer(on)
    return
  }
  thread.rsp = BigInt(frameAt)
  if (!thread.isIdle) on.ready.push(thread)
  thread.status = NK_THR_SUSPENDED
  switchTo(on, on.ready.shift()!)
}
