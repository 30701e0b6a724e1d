// The kernel's threads, CPUs and address spaces, read from guest memory.

import type { Machine } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import { FIRST_ASPACE_ADDR, FIRST_THREAD_ADDR } from '@pagewalk/nautilus-aspace'

const STATES = ['new', 'running', 'waiting', 'suspended', 'exited'] as const
export interface Thread {
  readonly address: u64
  readonly tid: number
  readonly name: string
  readonly status: (typeof STATES)[number] | 'unknown'
  /** Guest address of its address space; 0: the default one. */
  readonly aspace: u64
}
export interface Space {
  readonly address: u64
  readonly name: string
  /** What was in CR3 when a CPU had last entered it; 0: never. */
  readonly cr3: u64
}
/** Lists are chained through memory that a broken kernel may have overwritten. */
const MOST = 256

function chain<T extends { readonly address: u64 }>(
  machine: Machine,
  head: number,
  next: number,
  read: (at: number) => T,
): T[] {
  const found: T[] = []
  const size = machine.memory.bytes.length
  for (let at = machine.memory.read64(head); found.length < MOST; ) {
    if (at === 0n || at % 8n !== 0n || at + 4096n > BigInt(size)) break
    found.push(read(Number(at)))
    at = machine.memory.read64(Number(at) + next)
  }
  return found
}
function text(machine: Machine, at: number, length: number): string {
  const bytes = machine.memory.bytes.subarray(at, at + length)
  const end = bytes.indexOf(0)
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? length : end))
}

export function threadsOf(machine: Machine): Thread[] {
  const { memory } = machine
  return chain(machine, FIRST_THREAD_ADDR, 128, (at) => {
    const status = STATES[Number(memory.read64(at + 48) & 0xffn)] ?? 'unknown'
    return {
      address: BigInt(at),
      tid: Number(memory.read64(at + 40) & 0xffff_ffffn),
      name: text(machine, at + 96, 32),

      status,
      aspace: memory.read64(at + 24),
    }
  })
}
export function spacesOf(machine: Machine): Space[] {
  const { memory } = machine
  return chain(machine, FIRST_ASPACE_ADDR, 56, (at) => ({
    address: BigInt(at),
    name: text(machine, at + 8, 32),
    cr3: memory.read64(at + 64) & 0xff_ffff_f000n,
  }))
}
