// The submissions that paths on the command line lead to.

import { existsSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { findSubmissions, type Lab, type Submission, submissionOf, UsageError } from '@pagewalk/grader'
import { tell } from './terminal.ts'

/** What is odd about them is told. Archives and exports are for the intake, which takes long to load. */
export async function submissionsAt(paths: readonly string[], labs: readonly Lab[]): Promise<Submission[]> {
  if (paths.every((path) => isPlain(path, labs))) return paths.flatMap((path) => findSubmissions(path, labs))
  const { intake } = await import('@pagewalk/intake')
  const { entries, notes } = await intake(paths, { labs })
  tell(notes.map(({ where, what }) => `${where}: ${what}`))
  tell(entries.flatMap(({ name, warnings }) => warnings.map((words) => `${name}: ${words}`)))
  return entries.map(({ submission }) => submission)
}
/** Not there, a file of TypeScript, or the folder of one submission. */
function isPlain(path: string, labs: readonly Lab[]): boolean {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat?.isDirectory()) return !stat || path.endsWith('.ts')
  return labs.some(({ files }) => existsSync(join(path, files[0]!)))
}
/** Who was told which lab it is, and finds nothing of it, has a submission without its file: that is its student's affair. */
export async function handedInAt(paths: readonly string[], labs: readonly Lab[]): Promise<Submission[]> {
  try {
    return await submissionsAt(paths, labs)
  } catch (error) {
    const [lab, ...others] = labs
    const clear = lab && others.length === 0 && paths.every((path) => existsSync(path))
    if (!(error instanceof UsageError) || !clear) throw error
    return paths.map((path) => submissionOf(basename(resolve(path)), lab, { files: new Map(), library: [] }))
  }
}
