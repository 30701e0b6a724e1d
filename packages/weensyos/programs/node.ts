// The programs' ELF files, for hosts that have a file system.

import { readFileSync } from 'node:fs'
import { PROGRAM_NAMES } from '../lib/index.ts'

/** `slow` as in the lab: a few seconds to fill memory; `fast`: something in every turn. */
export type Flavour = 'slow' | 'fast'

/** The six programs in the order of their numbers. */
export function loadPrograms(flavour: Flavour): { name: string; elf: Uint8Array }[] {
  return PROGRAM_NAMES.map((name) => ({
    name,
    elf: new Uint8Array(readFileSync(new URL(`elf/${flavour}/${name}.elf`, import.meta.url))),
  }))
}
