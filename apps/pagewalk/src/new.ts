// `pagewalk new`: a student's folder. What is in it the lab says; folder.ts adds what the editor needs to show types.

import { cpSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type Lab, UsageError } from '@pagewalk/grader'
import { put, putTypes } from './folder.ts'
import { labNamed } from './labs.ts'
import { write } from './terminal.ts'

/** Does nothing to a folder that has something in it. */
export async function newFolder(id: string, dir: string): Promise<void> {
  const lab = await labNamed(id)
  mustBeEmpty(dir)
  try {
    mkdirSync(dir, { recursive: true })
    fill(dir, lab)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new UsageError(`${dir}: expected a folder that can be written, got ${(error as Error).message}`)
  }
  const edit = lab.files.join(', ')
  await write(`${dir}: ${lab.title}. Edit ${edit}; start with README.md.\n`)
}
function mustBeEmpty(dir: string): void {
  const stat = statSync(dir, { throwIfNoEntry: false })
  if (!stat) return
  if (!stat.isDirectory()) throw new UsageError(`${dir}: expected a new or empty folder, got a file`)
  const count = readdirSync(dir).length
  if (count > 0)
    throw new UsageError(
      `${dir}: expected a new or empty folder, got one with ${count} ${count === 1 ? 'entry' : 'entries'} in it`,
    )
}

function fill(dir: string, lab: Lab): void {
  for (const [path, source] of Object.entries(lab.starter.files)) {
    if ('text' in source) put(dir, path, source.text)
    else
      cpSync(source.copy, join(dir, path), {
        recursive: true,
        filter: (from) => basename(from) !== 'node_modules',
      })
  }
  putTypes(dir, lab)
  if (!existsSync(join(dir, 'README.md'))) throw new Error(`the starter of ${lab.id} must have a README.md`)
}
