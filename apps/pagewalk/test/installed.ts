// The package as a student or a CI has it: unpacked, with its dependencies beside it, in a folder that knows nothing of the
// repository. What npm does with a registry is done here by copying, so that the tests need no network.

import { execFile, execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** @returns the path of its command */
export function install(tarball: Uint8Array, dir: string): string {
  const modules = join(dir, 'node_modules')
  mkdirSync(modules, { recursive: true })
  writeFileSync(join(dir, 'package.tgz'), tarball)
  execFileSync('tar', ['-xzf', join(dir, 'package.tgz'), '-C', modules])
  cpSync(join(modules, 'package'), join(modules, 'pagewalk'), { recursive: true })
  const { dependencies } = manifestIn(join(modules, 'pagewalk'))
  const grader = import.meta.resolve('@pagewalk/grader')
  for (const name of Object.keys(dependencies)) copyPackage(name, createRequire(grader), modules)
  return join(modules, 'pagewalk', 'bin', 'pagewalk.mjs')
}

interface Manifest {
  readonly dependencies: { readonly [name: string]: string }
  readonly optionalDependencies?: { readonly [name: string]: string }
}
const manifestIn = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** With those of its optional dependencies that are there: the programs for this host. */
function copyPackage(name: string, from: NodeJS.Require, modules: string): void {
  const manifest = from.resolve(`${name}/package.json`)
  cpSync(dirname(manifest), join(modules, name), {
    recursive: true,
    dereference: true,
    filter: (path) => !path.slice(dirname(manifest).length).includes('node_modules'),
  })
  const { optionalDependencies = {} } = manifestIn(dirname(manifest))
  for (const optional of Object.keys(optionalDependencies))
    if (isThere(optional, createRequire(manifest))) copyPackage(optional, createRequire(manifest), modules)
}
function isThere(name: string, from: NodeJS.Require): boolean {
  try {
    from.resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}

export interface Done {
  readonly code: number
  readonly out: string
  readonly err: string
}
/** Run a program with `dir` as working folder and home, and an environment without anything of this process's. */
export function runIn(
  dir: string,
  program: string,
  args: readonly string[],
  env: { readonly [name: string]: string } = {},
): Promise<Done> {
  const { PATH = '', SystemRoot } = process.env // Windows needs the second
  const own = { PATH, HOME: dir, TMPDIR: dir, ...(SystemRoot && { SystemRoot }), ...env }
  return new Promise((resolve) => {
    execFile(program, args, { cwd: dir, env: own, maxBuffer: 64 << 20 }, (error, out, err) => {
      const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0
      resolve({ code, out, err })
    })
  })
}
