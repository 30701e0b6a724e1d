// A kernel in another thread does to the machine what it does in the machine's own, to the last bit and instruction.

import { Worker } from 'node:worker_threads'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CHANNEL_BYTES, Channel, Machine, Side, type Stop, serveRing0 } from '../../src/index.ts'
import { ALL, assemble, DATA, type Kit, kit, PT, RING0 } from '../kit.ts'
import type { ThreadData } from './kernel-thread.ts'
import { ELSEWHERE, KERNELS, WAITING } from './kernels.ts'

const gate = (n: number): number[] => [0x0f, 0x3f, n, 0]
const HLT = 0xf4
const LOG = ['fault', 'cr0', 'cr3', 'invlpg', 'ipi', 'reset', 'stop'] as const

/** Text of ring 0 for all kernels, and what some of them need. */
function placed(name: string, options: Parameters<typeof kit>[0]): Kit {
  const k = kit({ log: LOG, ...options })
  k.place(RING0, [...gate(1), HLT])
  k.place(ELSEWHERE, [HLT])
  k.place(ELSEWHERE + 0x800, [HLT])
  if (name.startsWith('memory past')) {
    // xor ecx, ecx; again: mov ebx, 1; test ecx, ecx; jnz end; inc ecx; gate; jmp again; end: hlt
    k.place(RING0, [
      0x31,
      0xc9,
      0xbb,
      1,
      0,
      0,
      0,
      0x85,
      0xc9,
      0x75,
      8,
      0xff,
      0xc1,
      ...gate(1),
      0xeb,
      0xef,
      HLT,
    ])
  } else if (name.startsWith('a fault')) {
    k.map(DATA, 0n)
    k.gate(14, ELSEWHERE)
    const mend = `push rax; mov rax, ${BigInt(DATA) | ALL}; mov [${PT + (DATA >> 12) * 8}], rax; pop rax;`
    const end = assemble(`${name.includes('mends') ? mend : ''} inc r15; add rsp, 8; iretq`)
    k.place(ELSEWHERE, [...(name.includes('mends') ? [] : gate(2)), ...end])
  } else if (name in WAITING) k.place(ELSEWHERE, [...gate(2), 0xeb, 0xfa]) // again and again
  return k
}
interface Played {
  readonly machine: Machine
  readonly stops: readonly Stop[]
}
const play = (k: Kit): Played => ({ machine: k.machine, stops: [k.run(), k.machine.run(5000)] })

const kernelOf = (name: string) => (KERNELS[name] ?? WAITING[name])!
function here(name: string, cpus: number): Played {
  const k = placed(name, { cpus })
  kernelOf(name)(k.machine)
  return play(k)
}
function there(name: string, cpus: number): Played {
  const k = placed(name, { cpus, shared: true })
  const buffer = new SharedArrayBuffer(CHANNEL_BYTES)
  const channel = new Channel(buffer, Side.machine)
  serveRing0(k.machine, channel)
  const { options, sharedMemory: memory } = k.machine
  const data: ThreadData = { name, options, channel: buffer, memory }
  const thread = new Worker(new URL('kernel-thread.ts', import.meta.url), { workerData: data })
  onTestFinished(() => void thread.terminate())
  channel.open()
  return play(k)
}
const told = ({ machine, stops }: Played): unknown => ({
  stops: stops.map((stop) => ({ ...stop, ...('stack' in stop && { stack: placesIn(stop.stack) }) })),
  places: placesIn(machine.kernelStack),
  time: machine.time,
  retired: machine.retired,
  events: machine.events.list,
  printed: machine.devices.parallel.output,
  image: machine.stateHash(),
})
/** Where in the kernels' file. */
const placesIn = (stack: string): string[] =>
  [...stack.matchAll(/kernels\.ts:(\d+:\d+)/g)].map(([, at]) => at!)

describe('is the same run in a thread of its own', () => {
  test.each(Object.keys(KERNELS).filter((name) => !name.startsWith('a recursion')))('%s', (name) => {
    expect(told(there(name, 1))).toEqual(told(here(name, 1)))
  })
  test.each(Object.keys(WAITING))('%s', (name) => {
    expect(told(there(name, 2))).toEqual(told(here(name, 2)))
  })
})
test('a kernel that uses up its stack is told so, and the machine goes on being one', () => {
  const { machine, stops } = there('a recursion without end', 1)
  expect(stops[0]).toMatchObject({ reason: 'error', message: expect.stringContaining('call stack size') })
  expect(machine.memory.read8(DATA)).toBe(0)
})
test('memory that is shared makes no difference to the state of a machine', () => {
  const [alone, shared] = [false, true].map((each) => {
    const k = kit({ shared: each })
    k.place(RING0, `mov ecx, 1000; .l: mov [${DATA} + rcx * 8], rcx; dec ecx; jnz .l; hlt`)
    k.run()
    return k.machine
  })
  expect(shared!.stateHash()).toBe(alone!.stateHash())
  expect(new Machine(alone!.options).memory.bytes.buffer).toBeInstanceOf(ArrayBuffer)
  expect(shared!.sharedMemory).toBe(shared!.memory.bytes.buffer)
  expect(() => alone!.sharedMemory).toThrow('option shared')
})
test('a machine is made of the memory of an old one only if both are shared, or none', () => {
  const { machine: old } = kit({ shared: true })
  expect(new Machine(old.options, old).sharedMemory).toBe(old.sharedMemory)
  const { shared: _, ...options } = old.options
  expect(() => new Machine(options, old).sharedMemory).toThrow('option shared')
})
