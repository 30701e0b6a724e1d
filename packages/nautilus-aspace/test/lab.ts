// Booting the kernel in a test and talking to it: by keys, and by what it prints to the serial port.

import { type EventKind, Machine, type MachineEvent, type Stop } from '@pagewalk/machine'
import { type BootConfig, bootWith, type KernelModule, machineOptions, type Spawn } from '../lib/index.ts'
import type { NkAspaceImpl, Thread } from '../lib/kernel.ts'

/** What a kernel's library has for hosts: `index.ts` of some instance of it. */
type Host = Pick<typeof import('../lib/index.ts'), 'bootWith' | 'machineOptions'>
export interface LabOptions extends BootConfig {
  readonly cpus?: number
  readonly seed?: number
  readonly log?: readonly EventKind[]
  readonly start?: (spawn: Spawn) => void
}

/** An implementation of address spaces that makes none. */
const NO_PAGING: NkAspaceImpl = { implName: 'paging', getCharacteristics: () => -1, create: () => null }

const SLICE = 100_000

export class Lab {
  readonly machine: Machine

  /** @param host  the library that `kernel` was made with, if it is not the test's own */
  constructor(kernel: KernelModule, options: LabOptions = {}, host: Host = { bootWith, machineOptions }) {
    const { cpus = 1, seed = 1, log = [], start, ...config } = options
    this.machine = new Machine({ ...host.machineOptions, cpus, seed, log })
    host.bootWith(this.machine, kernel, config, start)
  }
  /** All that has been printed. */
  get said(): string {
    return this.machine.devices.serial.output
  }
  faults(): Extract<MachineEvent, { kind: 'fault' }>[] {
    return this.machine.events.list.filter((event) => event.kind === 'fault')
  }
  /** Run until `done`, or the machine stops. @param limit  most instructions of time */
  runUntil(done: () => boolean, limit = 100_000_000): Stop {
    const end = this.machine.time + limit
    let stop: Stop = { reason: 'limit' }
    while (!done() && stop.reason === 'limit' && this.machine.time < end) stop = this.machine.run(SLICE)
    return stop
  }
  /** Press keys, a few at a time: the keyboard keeps no more than 64 bytes. */
  press(...keys: string[]): void {
    for (const key of keys) {
      this.machine.devices.keyboard.type(key)
      this.machine.run(SLICE)
    }
  }
  /** Type a line, and run until `text` is printed behind it. @returns what was printed since */
  type(line: string, text = '> ', limit?: number): string {
    const from = this.said.length
    this.press(...line, 'Enter')
    this.runUntil(() => this.said.slice(from).includes(text), limit)
    return this.said.slice(from)
  }
  screen(): readonly string[] {
    return this.machine.devices.vga.text(this.machine.memory.bytes).rows.map((row) => row.trimEnd())
  }
}

/** The body of a thread that asks for nothing. */
export const once = (act: () => void): (() => Thread) =>
  // biome-ignore lint/correctness/useYield: that is its point
  function* () {
    act()
  }
/** A kernel without a student's files. */
export const BARE: KernelModule = { pagingImpl: NO_PAGING, shell: once(() => {}) }

/** Run `body` as a thread of a kernel without a student's files. @throws what it throws */
export function inThread(body: () => Thread, options: LabOptions = {}): Lab {
  let ended = false
  let thrown: unknown
  function* main(): Thread {
    try {
      yield* body()
    } catch (error) {
      thrown = error
    }
    ended = true
  }
  const lab = new Lab(BARE, {
    shells: [],
    ...options,
    start(spawn) {
      spawn(main, null, 'test', 0)
      options.start?.(spawn)
    },
  })
  const stop = lab.runUntil(() => ended)
  if (thrown !== undefined) throw thrown
  if (!ended) throw new Error(`the thread has not come to its end: ${JSON.stringify(stop)}`)
  return lab
}
