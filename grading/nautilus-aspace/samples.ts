// The samples: folders whose files, one over the other, make a submission.

import { fileURLToPath } from 'node:url'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const handedOut = fileURLToPath(new URL('..', import.meta.resolve('@pagewalk/nautilus-aspace')))

export const SAMPLES: { readonly [name: string]: readonly string[] } = {
  'handed-out': [handedOut],
  reference: [handedOut, here('reference')],
  'with-extra-credit': [handedOut, here('reference'), here('reference-extra')],
}
