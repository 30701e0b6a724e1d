// esbuild as Gradescope's hosts need it, to be taken along: what compiles a submission is a program of its own.

import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { UsageError } from '@pagewalk/grader'
import type { PackageFile } from '../pack/package.ts'

const PROGRAM = '@esbuild/linux-x64'

/**
 * Paths for `node_modules`, and the files.
 *
 * @throws UsageError if this host's esbuild is for another system only
 */
export function esbuildFiles(): [path: string, file: PackageFile][] {
  const manifest = fileURLToPath(import.meta.resolve('esbuild/package.json'))
  const wanted = ['package.json', 'LICENSE.md', join('lib', 'main.js')]
  return [
    ...filesIn('esbuild', dirname(manifest)).filter(([path]) =>
      wanted.some((each) => path.endsWith(`esbuild/${each.split(sep).join('/')}`)),
    ),
    ...filesIn(PROGRAM, programFolder(manifest)),
  ]
}
function programFolder(manifest: string): string {
  try {
    return dirname(createRequire(manifest).resolve(`${PROGRAM}/package.json`))
  } catch {
    throw new UsageError(
      `gradescope: expected ${PROGRAM} beside esbuild, got none: make the zip on Linux, or install pagewalk with --os=linux --cpu=x64`,
    )
  }
}
const filesIn = (name: string, folder: string): [path: string, file: PackageFile][] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort()
    .map((path) => [
      `node_modules/${name}/${path}`,
      { contents: readFileSync(join(folder, path)), executable: path.startsWith('bin/') },
    ])
