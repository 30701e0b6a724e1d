// What students of this lab hand in, for whoever needs a class of them: right ones and wrong ones that differ from each other.

import { designs } from './designs/index.ts'
import { mutants } from './mutants/index.ts'
import { filesOf } from './mutants-all.ts'
import { type Files, sampleFiles } from './try-submissions.ts'

const reference = sampleFiles('reference')

export const students: { readonly right: readonly Files[]; readonly wrong: readonly Files[] } = {
  right: [
    reference,
    ...designs.map(({ change }) => ({ ...reference, 'paging.ts': change(reference['paging.ts'] ?? '') })),
  ],
  wrong: mutants.map(filesOf),
}
