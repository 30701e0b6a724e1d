// Submissions and what was handed out, as folders for JPlag or MOSS.

import { join } from 'node:path'
import { starterOf } from '@pagewalk/batch'
import type { Lab, Submission } from '@pagewalk/grader'
import { fileNames } from '../file-names.ts'
import { writeText } from '../results.ts'
import { tell } from '../terminal.ts'

/** Into DIR/LAB: a folder of each submission in `submissions`, and `base` with what was handed out. */
export async function writeExport(dir: string, lab: Lab, submissions: readonly Submission[]): Promise<void> {
  const root = join(dir, lab.id)
  const folders = fileNames(
    submissions.map(({ name }) => name),
    '',
  )
  for (const { name, files } of submissions)
    await writeAll(join(root, 'submissions', folders.get(name)!), files)
  await writeAll(join(root, 'base'), starterOf(lab).files)
  tell([
    `${root}: ${submissions.length} submissions; for JPlag: jplag -l typescript -bc ${join(root, 'base')} ${join(root, 'submissions')}`,
  ])
}
async function writeAll(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  for (const [file, text] of files) await writeText(text, join(folder, file))
}
