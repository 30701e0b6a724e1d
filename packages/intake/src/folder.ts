// Lists the files of a folder on disk, and reads them one by one when asked for. Symbolic links are not followed.

import { type Dirent, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Handed, UsageError, unusable } from '@pagewalk/grader'
import { byPath, type Flaw, type Item, isLeftBehind, type Tree } from './item.ts'
import { cleanPath, printable } from './path.ts'

const FILE_COUNT_LIMIT = 200_000
const DEPTH_LIMIT = 20

/** @throws UsageError if there is too much in it to be what a course hands over */
export function folderTree(top: string): Tree {
  const items: Item[] = []
  const folders = new Set<string>()
  const repositories = new Set<string>()
  const visit = (folder: string, depth: number): void => {
    for (const entry of entriesOf(top, folder, items)) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.name === '.git') repositories.add(folder)
      if (isLeftBehind(entry.name)) continue
      if (entry.isDirectory() && depth < DEPTH_LIMIT) {
        folders.add(printable(path))
        visit(path, depth + 1)
      } else items.push(itemOf(top, path, entry))
      if (items.length > FILE_COUNT_LIMIT)
        throw new UsageError(`${top}: expected at most ${FILE_COUNT_LIMIT} files in it, got more`)
    }
  }
  visit('', 1)
  return { items: items.sort(byPath), folders, repositories }
}
/** A folder that cannot be listed is an item with a flaw. */
function entriesOf(top: string, folder: string, items: Item[]): Dirent[] {
  try {
    return readdirSync(join(top, folder), { withFileTypes: true })
  } catch (error) {
    if (folder === '')
      throw new UsageError(`${top}: expected a folder that can be read, got ${codeOf(error)}`)
    items.push(flawed(folder, { expected: 'can be read', got: codeOf(error) }))
    return []
  }
}
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? (error as Error).message

function itemOf(top: string, path: string, entry: Dirent): Item {
  if (entry.isSymbolicLink())
    return flawed(path, { expected: 'is a file', got: 'a symbolic link, which is not followed' })
  if (!entry.isFile()) return flawed(path, { expected: 'is a file', got: 'something else' })
  const { flaw } = cleanPath(path)
  return {
    path: printable(path),
    ...(flaw && { flaw }),
    read: async (limit) => readOne(join(top, path), path, limit),
  }
}
const flawed = (path: string, flaw: Flaw): Item => ({
  path: printable(path),
  flaw,
  read: async () => unusable(path, flaw.expected, flaw.got),
})
function readOne(file: string, path: string, limit: number): Handed {
  try {
    const { size } = lstatSync(file)
    if (size > limit) return unusable(path, `has at most ${limit} bytes`, `${size} bytes`)
    return readFileSync(file)
  } catch (error) {
    return unusable(path, 'can be read', codeOf(error))
  }
}
