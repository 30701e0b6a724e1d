// In place of package.ts where this is the package.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PackageFiles } from './package.ts'

const FOLDER = fileURLToPath(new URL('..', import.meta.url)) // the bundles are in `dist`

export async function packageFiles(): Promise<PackageFiles> {
  const paths = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(FOLDER, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !path.split('/').includes('node_modules')) // dependencies, and what this grader has kept
    .sort()
  return new Map(
    paths.map((path) => [
      path,
      { contents: readFileSync(join(FOLDER, path)), executable: path.startsWith('bin/') },
    ]),
  )
}
