// Program images: the lab's own six without their waiting, and the grader's probes.

import { readFileSync } from 'node:fs'
import type { BootConfig } from '@pagewalk/weensyos'
import { loadPrograms } from '@pagewalk/weensyos/programs/node.ts'

export type Program = BootConfig['programs'][number]

/** In the order of their numbers. */
export const programs: readonly Program[] = loadPrograms('fast')

/** A program of ./programs, by name. */
export function probe(name: string): Program {
  return { name, elf: new Uint8Array(readFileSync(new URL(`./programs/elf/${name}.elf`, import.meta.url))) }
}
