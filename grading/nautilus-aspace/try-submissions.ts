// Grades submissions that are at hand as text. Used by the tests and by mutants-all.ts.

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Grade, type GradeOptions, grade, type Submission } from '@pagewalk/grader'
import { nautilus } from './index.ts'
import { SAMPLES } from './samples.ts'

export type Files = { readonly [name: string]: string }

/** The files of a sample. */
export function sampleFiles(name: string): Files {
  const files: { [name: string]: string } = {}
  for (const folder of SAMPLES[name] ?? [])
    for (const file of nautilus.files)
      if (existsSync(join(folder, file))) files[file] = readFileSync(join(folder, file), 'utf8')
  return files
}
export function submissionOf(name: string, files: Files): Submission {
  return { name, lab: nautilus, files: new Map(Object.entries(files)), sha256: '', changedLibrary: [] }
}
export const gradeFiles = (name: string, files: Files, options: GradeOptions = {}): Promise<Grade> =>
  grade(submissionOf(name, files), options)
