// Program images: the lab's own six without their waiting, and the grader's probes.

import { readFileSync } from 'node:fs'
import { PF_W, readElf } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import type { BootConfig } from '@pagewalk/weensyos'
import { loadPrograms } from '@pagewalk/weensyos/programs/node.ts'

export type Program = BootConfig['programs'][number]

/** In the order of their numbers. */
export const programs: readonly Program[] = loadPrograms('fast')

const images = new Map<string, Uint8Array>()
function image(name: string): Uint8Array {
  const known = images.get(name)
  if (known) return known
  const elf = new Uint8Array(readFileSync(new URL(`./programs/elf/${name}.elf`, import.meta.url)))
  images.set(name, elf)
  return elf
}

/**
 * A program of ./programs, by name.
 *
 * @param parameters  what it finds at the start of its data (probe.h, PARAMETERS); at most 16
 */
export function probe(name: string, parameters: readonly (u64 | number)[] = []): Program {
  const elf = image(name)
  if (parameters.length === 0) return { name, elf }
  const told = elf.slice()
  const view = parametersIn(name, told)
  for (const [i, value] of parameters.entries()) view.setBigUint64(i * 8, BigInt(value), true)
  return { name, elf: told }
}
/** What `probe` was told; those that were not are 0. */
export function parametersOf({ name, elf }: Program): u64[] {
  const view = parametersIn(name, elf)
  return Array.from({ length: PARAMETERS }, (_, i) => view.getBigUint64(i * 8, true))
}
const PARAMETERS = 16
function parametersIn(name: string, elf: Uint8Array): DataView {
  const data = readElf(elf).segments.find(({ flags }) => (flags & PF_W) !== 0)
  if (!data || data.fileSize < PARAMETERS * 8)
    throw new Error(`${name}: the program has no room for parameters`)
  return new DataView(elf.buffer, elf.byteOffset + data.offset, PARAMETERS * 8)
}
