// All mutants: wrong kernels, each with the checks that must see its mistake, no more and no fewer.

import type { Mutant } from './kit.ts'
import { step1 } from './step1.ts'
import { step2 } from './step2.ts'
import { step3 } from './step3.ts'
import { step4 } from './step4.ts'
import { step5 } from './step5.ts'
import { step6 } from './step6.ts'
import { step7 } from './step7.ts'

export type { Mutant } from './kit.ts'
export const mutants: readonly Mutant[] = [
  ...step1,
  ...step2,
  ...step3,
  ...step4,
  ...step5,
  ...step6,
  ...step7,
]
