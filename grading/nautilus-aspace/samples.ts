// The samples: folders whose files, one over the other, make a submission. In the package that students install only
// the handed-out files are there.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const handedOut = fileURLToPath(new URL('..', import.meta.resolve('@pagewalk/nautilus-aspace')))
/** Files of a student's own over those of the reference. */
const own = (name: string): readonly string[] => [handedOut, here('reference'), here(`samples/${name}`)]

const all: { readonly [name: string]: readonly string[] } = {
  'compares-one-page': own('compares-one-page'),
  'handed-out': [handedOut],
  'never-flushes': own('never-flushes'),
  reference: [handedOut, here('reference')],
  'task-1-only': own('task-1-only'),
  'with-extra-credit': [handedOut, here('reference'), here('reference-extra')],
}
export const SAMPLES: typeof all = Object.fromEntries(
  Object.entries(all).filter(([, folders]) => folders.every((folder) => existsSync(folder))),
)
