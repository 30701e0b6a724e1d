// Kernels that differ from the reference and are right all the same: each must have full marks, with every seed. Mistakes that
// make no difference (M-numbers of the list) are among them. Most are the reference with some texts replaced; those in
// kernels/ are whole, as different students would write them.

import { type Design, whole } from './design.ts'
import { exits } from './exit.ts'
import { forks } from './fork.ts'
import { isolation } from './isolation.ts'
import { pages } from './pages.ts'

export type { Design } from './design.ts'

export const designs: readonly Design[] = [
  ...isolation,
  ...pages,
  ...forks,
  ...exits,
  whole('a whole kernel of lists, which sweeps what nobody uses', 'arrays.ts'),
  whole('a whole kernel of classes, which knows before it begins whether it has the pages', 'classes.ts'),
  whole('a whole kernel with a page walker of its own, out of memory an exception', 'terse.ts'),
  whole('a whole kernel as lazy as possible: pages of zeroes and copies when they are touched', 'lazy.ts'),
]
