// `pagewalk new`: a student's folder. What is in it the lab says; what the editor needs to show types is added here.

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Lab, UsageError } from '@pagewalk/grader'
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
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), text)
  }
  for (const [path, source] of Object.entries(lab.starter.files)) {
    if ('text' in source) put(path, source.text)
    else
      cpSync(source.copy, join(dir, path), {
        recursive: true,
        filter: (from) => basename(from) !== 'node_modules',
      })
  }
  const here = (name: string): string => readFileSync(new URL(`../starter/${name}`, import.meta.url), 'utf8')
  for (const name of ['machine.d.ts', 'console.d.ts']) put(`types/${name}`, here(name))
  for (const [specifier, path] of Object.entries(lab.bundle.modules))
    put(`types/${typeName(specifier)}`, readFileSync(path, 'utf8'))
  put('tsconfig.json', `${JSON.stringify(tsconfig(lab), null, 2)}\n`)
  if (!existsSync(join(dir, 'README.md'))) throw new Error(`the starter of ${lab.id} must have a README.md`)
}
/** "@pagewalk/machine/x86-64" -> "x86-64.ts" */
const typeName = (specifier: string): string => `${basename(specifier)}.ts`

/** For the editor only: the grader reads nothing of it. */
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
