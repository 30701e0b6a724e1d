// The labs that this command line knows. One line for each; it is loaded when it may be meant, which takes long.

import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Lab, UsageError } from '@pagewalk/grader'

interface Known {
  /** As the lab itself says: the file that makes a folder a submission. */
  readonly file: string
  readonly load: () => Promise<Lab>
}
const LABS: ReadonlyMap<string, Known> = new Map([
  [
    'weensyos',
    { file: 'kernel.ts', load: async () => (await import('@pagewalk/grading-weensyos')).weensyos },
  ],
  [
    'nautilus',
    { file: 'paging.ts', load: async () => (await import('@pagewalk/grading-nautilus-aspace')).nautilus },
  ],
])

/** @throws UsageError if no lab has this id */
export async function labNamed(id: string): Promise<Lab> {
  const known = LABS.get(id)
  if (known) return known.load()
  throw new UsageError(`expected a lab (${[...LABS.keys()].join(', ')}), got ${JSON.stringify(id)}`)
}
/** The lab that was named, else those that `paths` may be of: all labs, unless each path is a submission that tells. */
export function labsMeant(id: string | undefined, paths: readonly string[] = []): Promise<readonly Lab[]> {
  const told = paths.flatMap((path) => labsAt(path).slice(0, 1))
  const some = paths.length > 0 && told.length === paths.length ? new Set(paths.flatMap(labsAt)) : LABS.keys()
  return Promise.all([...(id === undefined ? some : [id])].map(labNamed))
}
const labsAt = (path: string): string[] =>
  [...LABS].flatMap(([id, { file }]) => (basename(path) === file || existsSync(join(path, file)) ? [id] : []))
