// package.json of the package.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, posix } from 'node:path'
import { EXTERNAL, ROOT } from './bundles.ts'
import { LOOKED_UP } from './contents.ts'

interface Manifest {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly license: string
  readonly exports: { readonly [subpath: string]: string }
}
const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8')) as Manifest

export const VERSION: string = manifestIn('.').version

/** @param files  paths in the package */
export function manifest(files: ReadonlySet<string>): string {
  const { name, description, license } = manifestIn('.')
  const told = {
    name,
    version: VERSION,
    description,
    license,
    type: 'module',
    bin: { pagewalk: 'bin/pagewalk.mjs' },
    engines: { node: '>=24.11' },
    imports: Object.fromEntries(LOOKED_UP.flatMap((folder) => importsOf(folder, files))),
    dependencies: Object.fromEntries(
      EXTERNAL.map((dependency) => [dependency, installedVersion(dependency)]),
    ),
  }
  return `${JSON.stringify(told, null, 2)}\n`
}
/** What `folder` exports of the files in the package, as files.ts looks it up. */
function importsOf(folder: string, files: ReadonlySet<string>): [string, string][] {
  const { name, exports } = manifestIn(folder)
  return Object.entries(exports).flatMap(([subpath, path]): [string, string][] => {
    const target = posix.join('files', folder, path)
    const there = target.includes('*') || files.has(target)
    return there ? [[`#${posix.join(name, subpath)}`, `./${target}`]] : []
  })
}
/** The very version that the tests ran with. */
const installedVersion = (name: string): string => {
  const require = createRequire(join(ROOT, 'packages/grader/package.json'))
  return (require(`${name}/package.json`) as Manifest).version
}
