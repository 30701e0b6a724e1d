// A submission's kernel with the lab's library, evaluated in this realm, and its boot.

import type { BootMachine, Machine } from '@pagewalk/machine'
import { adopt, harden, heard, hush } from './bare-realm.ts'
import type { BootHost } from './lab.ts'

/** What the library's script gives. */
export interface Library {
  readonly boot: (machine: BootMachine, kernel: unknown, config: unknown, host: BootHost) => void
  /** By their paths as in './lib/x.ts'. */
  readonly modules: { readonly [path: string]: unknown }
}
export interface Submission {
  readonly kernel: { readonly [name: string]: unknown }
  readonly boot: Library['boot']
}
/** A submission, freshly evaluated: to be booted once. */
export interface Kernel<M extends BootMachine = BootMachine> {
  /** Another thread has it, so that the machine's memory must be shared. */
  readonly elsewhere: boolean
  /** @throws what the kernel's code throws while it boots */
  boot(machine: M, config: unknown, host: BootHost): void
  /** What it has said to the host's console. */
  said(): string
}

/** @param lasting  it will be there for several submissions, none of which may change it */
export function library(script: unknown, lasting: boolean): Library {
  const { boot, modules } = script as Library
  if (lasting) {
    const seen = new Set<object>()
    // what a module exports comes from getters, since it may change
    for (const module of Object.values(modules)) {
      for (const value of Object.values(module as object)) harden(value, seen)
      harden(module, seen)
    }
    harden(modules, seen)
  }
  return { boot, modules }
}
/** @param script  what the student's script is: a function of the library's modules */
export function submission(script: unknown, { boot, modules }: Library): Submission {
  return { boot, kernel: (script as (modules: Library['modules']) => Submission['kernel'])(modules) }
}

/**
 * @param wanted  functions, or objects where a name ends in `{}`
 * @returns what of it the submission does not export, as "function tick"
 */
export function missing({ kernel, boot }: Submission, wanted: readonly string[]): string[] {
  const absent = Array.from(wanted, String).flatMap((name) => {
    const kind = name.endsWith('{}') ? 'object' : 'function'
    const plain = name.replace('{}', '')
    const value = kernel?.[plain]
    return typeof value === kind && value !== null ? [] : [`${kind} ${plain}`]
  })
  return typeof boot === 'function' ? absent : [...absent, 'function boot']
}

/** A submission, wherever it is evaluated. */
export interface Submitted {
  /** Wait until it can be asked. */
  open(): void
  /** @returns what it does not export. @throws what it throws */
  load(): string[]
  /** A fresh instance. @throws what it throws */
  kernel(): Kernel<Machine>
}
/** @param evaluate  gives a fresh instance in this realm; @param exports  as `missing` wants them */
export const here = (
  evaluate: () => Submission,
  exports: readonly string[],
): Submitted & { kernel(): Kernel } => ({
  open() {},
  load: () => missing(evaluate(), exports),
  kernel: () => kernelOf(evaluate()),
})
const kernelOf = ({ kernel, boot }: Submission): Kernel => ({
  elsewhere: false,
  boot(machine, config, host) {
    hush()
    boot(machine, kernel, adopt(config), host)
  },
  said: heard,
})
