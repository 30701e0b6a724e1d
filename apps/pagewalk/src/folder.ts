// What an editor, or the compiler, needs in a student's folder to know every type: the machine's and the compiler's options.
// Nothing is looked up outside the folder.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Lab } from '@pagewalk/grader'

/** Write `text` to `path` in the folder, and make what folders that takes. */
export function put(dir: string, path: string, text: string): void {
  mkdirSync(dirname(join(dir, path)), { recursive: true })
  writeFileSync(join(dir, path), text)
}

/** Beside the student's files and the lab's `lib`: the folder `types`, and tsconfig.json. */
export function putTypes(dir: string, lab: Lab): void {
  const here = (name: string): string => readFileSync(new URL(`../starter/${name}`, import.meta.url), 'utf8')
  for (const name of ['machine.d.ts', 'console.d.ts']) put(dir, `types/${name}`, here(name))
  for (const [specifier, path] of Object.entries(lab.bundle.modules))
    put(dir, `types/${typeName(specifier)}`, readFileSync(path, 'utf8'))
  put(dir, 'tsconfig.json', `${JSON.stringify(tsconfig(lab), null, 2)}\n`)
}
/** "@pagewalk/machine/x86-64" -> "x86-64.ts" */
const typeName = (specifier: string): string => `${basename(specifier)}.ts`

/** For editor and compiler: the grader's bundle reads nothing of it. */
function tsconfig({ bundle, files }: Lab): object {
  const modules = Object.keys(bundle.modules).map((specifier) => [
    specifier,
    [`./types/${typeName(specifier)}`],
  ])
  return {
    compilerOptions: {
      target: 'esnext',
      lib: ['esnext'],
      module: 'esnext',
      moduleResolution: 'bundler',
      types: [],
      strict: true,
      noUncheckedIndexedAccess: true,
      erasableSyntaxOnly: true,
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: true,
      paths: { '@pagewalk/machine': ['./types/machine.d.ts'], ...Object.fromEntries(modules) },
    },
    include: [...files.filter((file) => file.endsWith('.ts')), 'lib', 'types'],
  }
}
