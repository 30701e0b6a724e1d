// All checks, in the order in which a student meets them.

import type { Check } from '@pagewalk/grader'
import { extra } from './checks/extra.ts'
import { task1 } from './checks/task1.ts'
import { task2 } from './checks/task2.ts'
import { task3 } from './checks/task3.ts'
import { task4 } from './checks/task4.ts'
import { task5 } from './checks/task5.ts'

export const checks: readonly Check[] = [...task1, ...task2, ...task3, ...task4, ...task5, ...extra]
