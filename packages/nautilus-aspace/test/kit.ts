// Booting the kernel in a test, with the handed-out paging.ts or another one, and a thread of the test's in it.
//
// A kernel is bundled as the grader does it: `./lib/` is the lab's own library, wherever the file lies. So each has a library of
// its own: what a test calls is `lib` of its kernel.

import { fileURLToPath } from 'node:url'
import { runInThisContext } from 'node:vm'
import { type EventKind, Machine, type MachineEvent, type Stop } from '@pagewalk/machine'
import { build } from 'esbuild'
import type * as Host from '../lib/index.ts'
import type * as Lib from '../lib/kernel.ts'
import type { pagingTest } from '../lib/paging-test.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
export type Which = 'handed-out' | 'reference' | 'reference-extra'
const PAGING: Readonly<Record<Which, string>> = {
  'handed-out': here('../paging.ts'),
  reference: here('../../../grading/nautilus-aspace/reference/paging.ts'),
  'reference-extra': here('../../../grading/nautilus-aspace/reference-extra/paging.ts'),
}

export interface Kernel {
  readonly lib: typeof Lib
  readonly host: typeof Host
  readonly pagingImpl: Lib.NkAspaceImpl
  readonly pagingTest: typeof pagingTest
  readonly shell: (input: unknown) => Lib.Thread
}
export async function load(which: Which): Promise<Kernel> {
  const { outputFiles } = await build({
    stdin: {
      contents: `export * as lib from './lib/kernel.ts'
        export * as host from './lib/index.ts'
        export { pagingTest } from './lib/paging-test.ts'
        export { pagingImpl } from ${JSON.stringify(PAGING[which])}
        export { shell } from './shell.ts'`,
      resolveDir: here('..'),
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'kernel',
    platform: 'neutral',
    plugins: [
      {
        name: 'lib',
        setup({ onResolve }) {
          onResolve({ filter: /^\.\/lib\// }, ({ path }) => ({ path: here(`../${path}`) }))
        },
      },
    ],
  })
  return runInThisContext(`(() => { ${outputFiles[0]!.text}; return kernel })()`) as Kernel
}

export interface BootOptions {
  readonly shells?: readonly string[]
  readonly cpus?: number
  readonly seed?: number
  readonly log?: readonly EventKind[]
  readonly dirty?: boolean
  /** In place of the kernel's own. */
  readonly pagingImpl?: Lib.NkAspaceImpl
  /** Called when the kernel is up. */
  readonly began?: () => void
}
export interface Booted {
  readonly machine: Machine
  /** What has been printed. */
  said(): string
  faults(): Extract<MachineEvent, { kind: 'fault' }>[]
  /** Type into the console, and give the kernel time to answer. @returns what it printed then */
  type(line: string): string
}
export function boot(kernel: Kernel, options: BootOptions = {}): Booted {
  const { shells = ['root-shell'], cpus = 2, seed = 1, log = [], dirty = false, began } = options
  const { host, shell, pagingImpl } = kernel
  const machine = new Machine({ ...host.machineOptions, cpus, seed, log })
  host.bootWith(machine, { pagingImpl: options.pagingImpl ?? pagingImpl, shell }, { shells, dirty }, began)
  const said = (): string => machine.devices.serial.output
  return {
    machine,
    said,
    faults: () => machine.events.list.filter((event) => event.kind === 'fault'),
    type(line) {
      const before = said().length
      for (const key of [...line, 'Enter']) machine.devices.keyboard.type(key)
      machine.run(60_000_000)
      return said().slice(before)
    },
  }
}
/**
 * Boot without shells, and run `body` as a thread on CPU 0.
 *
 * @returns  `stop` is undefined if the thread came to its end
 * @throws   what `body` throws
 */
export function inThread(
  kernel: Kernel,
  body: (machine: Machine) => Lib.Thread,
  options: BootOptions = {},
): Booted & { stop: Stop | undefined } {
  let ended = false
  let thrown: unknown
  function* main(): Lib.Thread {
    try {
      yield* body(booted.machine)
    } catch (error) {
      thrown = error
      throw error
    }
    ended = true
  }
  const began = (): void => {
    kernel.lib.nkThreadStart(main, null, 'test', 0)
    options.began?.()
  }
  const booted = boot(kernel, { shells: [], ...options, began })
  let stop: Stop = { reason: 'limit' }
  for (let turn = 0; !ended && turn < 400 && stop.reason === 'limit'; turn++)
    stop = booted.machine.run(1_000_000)
  if (!ended && stop.reason === 'error') throw thrown
  return { ...booted, stop: ended ? undefined : stop }
}

// Regions, briefly.
export const R = 1
export const W = 2
export const X = 4
export const PIN = 8
export const KERN = 16
export const EAGER = 64
export const region = (
  vaStart: bigint,
  paStart: bigint,
  pages: number,
  flags: number,
): Lib.NkAspaceRegion => ({
  vaStart,
  paStart,
  lenBytes: BigInt(pages) * 4096n,
  protect: { flags },
})
