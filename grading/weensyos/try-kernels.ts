// Grades kernels that are at hand as text. Used by the tests and by mutants-all.ts.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type Action,
  type Grade,
  type GradeOptions,
  grade,
  playOnce,
  type Run,
  type Submission,
} from '@pagewalk/grader'
import { weensyos } from './index.ts'
import type { GradedBoot } from './probes/boot.ts'
import { programs } from './programs.ts'

const text = (url: string): string => readFileSync(fileURLToPath(url), 'utf8')

export const handout: string = text(import.meta.resolve('@pagewalk/weensyos/kernel'))
export const reference: string = text(new URL('./reference/kernel.ts', import.meta.url).href)

const submission = (name: string, source: string): Submission => ({
  name,
  lab: weensyos,
  files: new Map([['kernel.ts', source]]),
  sha256: '',
  changedLibrary: [],
})

export const gradeKernel = (name: string, source: string, options: GradeOptions = {}): Promise<Grade> =>
  grade(submission(name, source), options)

/** Boot a kernel, with the lab's own programs if nothing else is said, and let `plan` happen. */
export const playKernel = (
  name: string,
  source: string,
  plan: readonly Action[],
  config: GradedBoot = { programs },
): Promise<Run> => playOnce({ submission: submission(name, source), config }, plan)
