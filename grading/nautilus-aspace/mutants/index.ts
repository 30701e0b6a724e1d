// All mutants. What each must fail has been read from what the mistake does, and is held by the tests.

import { extra } from './extra.ts'
import type { Mutant } from './kit.ts'
import { shells } from './shells.ts'
import { task1 } from './task1.ts'
import { task2 } from './task2.ts'
import { task3 } from './task3.ts'
import { task4 } from './task4.ts'

export type { Mutant } from './kit.ts'
export const mutants: readonly Mutant[] = [...task1, ...task2, ...task3, ...task4, ...shells, ...extra]
