// `npm run bench -- NAME ...`: runs a program of one of the folders `bench`, by its name.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['packages', 'apps', 'grading'].flatMap((group) =>
  readdirSync(join(root, group)).map((name) => join(root, group, name, 'bench')),
)
const programs = new Map(
  folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .map((file) => [basename(file, '.ts'), join(folder, file)] as const),
  ),
)
/** What a program says of itself in its first line. */
const about = (path: string): string => readFileSync(path, 'utf8').split('\n')[0]?.replace('// ', '') ?? ''

const [, , name = '', ...args] = process.argv
const program = programs.get(name)
if (program) {
  process.argv = [process.execPath, program, ...args]
  await import(pathToFileURL(program).href)
} else {
  const known = [...programs].sort().map(([each, path]) => `  ${each.padEnd(6)} ${about(path)}`)
  console.error(`usage: npm run bench -- NAME ...\n${known.join('\n')}`)
  process.exitCode = 2
}
