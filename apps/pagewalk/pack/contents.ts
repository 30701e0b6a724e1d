// The repository's files that a package has as they are: what students get, and what is read while a kernel is graded.
// A reference, a mutant, a design or a sample of a mistake is none of them.

import { readdirSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { ROOT } from './bundles.ts'

/** Files, and folders with all that is in them; from the root of the repository. */
const CONTENTS = [
  'packages/machine/src/x86-64.ts',
  'packages/weensyos/README.md',
  'packages/weensyos/kernel.ts',
  'packages/weensyos/lib',
  'packages/weensyos/handout',
  'packages/weensyos/programs/process.h',
  'packages/weensyos/programs/p-allocator.c',
  'packages/weensyos/programs/p-fork.c',
  'packages/weensyos/programs/p-forkexit.c',
  'packages/weensyos/programs/elf',
  'packages/nautilus-aspace/README.md',
  'packages/nautilus-aspace/STATUS.md',
  'packages/nautilus-aspace/paging.ts',
  'packages/nautilus-aspace/shell.ts',
  'packages/nautilus-aspace/lib',
  'grading/weensyos/probes',
  'grading/weensyos/programs/elf',
  'grading/nautilus-aspace/probes',
  'apps/pagewalk/starter',
  'apps/pagewalk/templates',
  'apps/pagewalk/package.json',
]
/** The packages whose exports are looked up at run time. */
export const LOOKED_UP: readonly string[] = [
  'packages/machine',
  'packages/weensyos',
  'packages/nautilus-aspace',
]

/** From the root of the repository, in order. */
export const contents = (): string[] => CONTENTS.flatMap(filesAt).sort()

function filesAt(path: string): string[] {
  const at = join(ROOT, path)
  if (!statSync(at).isDirectory()) return [path]
  return readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
}
