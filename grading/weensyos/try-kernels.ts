// Grades kernels that are at hand as text. Used by the tests and by mutants-all.ts.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type Grade, grade } from '@pagewalk/grader'
import { weensyos } from './index.ts'

const text = (url: string): string => readFileSync(fileURLToPath(url), 'utf8')

export const handout: string = text(import.meta.resolve('@pagewalk/weensyos/kernel'))
export const reference: string = text(new URL('./reference/kernel.ts', import.meta.url).href)

export function gradeKernel(name: string, source: string): Promise<Grade> {
  return grade({
    name,
    lab: weensyos,
    files: new Map([['kernel.ts', source]]),
    sha256: '',
    changedLibrary: [],
  })
}

/** Ids of the checks with this verdict, in the rubric's order. */
export function withVerdict({ result }: Grade, verdict: string): string[] {
  return result.steps.flatMap((step) =>
    step.checks.filter((check) => check.verdict === verdict).map(({ id }) => id),
  )
}
