// What students of this lab hand in, for whoever needs a class of them: right ones and wrong ones that differ from each other.

import { edited } from '@pagewalk/grader'
import { designs } from './designs/index.ts'
import { mutants } from './mutants/index.ts'
import { reference } from './try-kernels.ts'

type Files = { readonly [name: string]: string }
const kernel = (source: string): Files => ({ 'kernel.ts': source })

export const students: { readonly right: readonly Files[]; readonly wrong: readonly Files[] } = {
  right: [kernel(reference), ...designs.map(({ name, edits }) => kernel(edited(reference, edits, name)))],
  wrong: mutants.map(({ id, edits }) => kernel(edited(reference, edits, id))),
}
