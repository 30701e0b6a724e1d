// All mutants: the mistake, and the checks that must see it, no more and no fewer.

import { extra } from './extra.ts'
import type { Mistake } from './kit.ts'
import { MUST_FAIL } from './must-fail.ts'
import { shells } from './shells.ts'
import { task1 } from './task1.ts'
import { task2 } from './task2.ts'
import { task3 } from './task3.ts'
import { task4 } from './task4.ts'

export interface Mutant extends Mistake {
  readonly mustFail: readonly string[]
}
export const mutants: readonly Mutant[] = [...task1, ...task2, ...task3, ...task4, ...shells, ...extra].map(
  (mistake) => ({ ...mistake, mustFail: MUST_FAIL[mistake.id] ?? [] }),
)
