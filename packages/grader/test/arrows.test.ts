// Who may import whom (the rooms of the tree), held for every TypeScript file of the workspace.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type ImportSite, importsOf } from '../src/imports.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const slashed = (path: string): string => path.split(sep).join('/')

interface File {
  /** From the root, with slashes. */
  readonly path: string
  /** Its package's folder, from the root: "packages/machine". */
  readonly room: string
  readonly source: string
  readonly imports: readonly ImportSite[]
}
const files: readonly File[] = ['packages', 'apps', 'grading'].flatMap((top) =>
  readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|tsx|mts)$/.test(entry.name))
    .map((entry) => slashed(relative(root, join(entry.parentPath, entry.name))))
    .filter((path) => !/(^|\/)(node_modules|dist|starter)\//.test(path))
    .map((path) => {
      const source = readFileSync(join(root, path), 'utf8')
      return { path, room: path.split('/').slice(0, 2).join('/'), source, imports: importsOf(source) }
    }),
)
const inFolder = (folder: string): readonly File[] =>
  files.filter(({ path }) => path.startsWith(`${folder}/`))
const src = (room: string): readonly File[] =>
  inFolder(room).filter(({ path }) => !path.startsWith(`${room}/test/`))

/** Our packages by name -> room. */
const rooms = new Map(
  [...new Set(files.map(({ room }) => room))].map((room) => {
    const { name } = JSON.parse(readFileSync(join(root, room, 'package.json'), 'utf8')) as { name: string }
    return [name, room]
  }),
)
/** "@pagewalk/machine/x86-64" -> "packages/machine"; undefined for what is not ours. */
const roomOf = (specifier: string): string | undefined =>
  rooms.get(specifier.split('/').slice(0, 2).join('/')) ?? rooms.get(specifier)

/** `path:line: specifier` of each import that `wrong` finds wrong. */
const offenders = (list: readonly File[], wrong: (site: ImportSite, file: File) => boolean): string[] =>
  list.flatMap((file) =>
    file.imports
      .filter((site) => wrong(site, file))
      .map((site) => `${file.path}:${site.line}: ${site.specifier}`),
  )
const isRelative = (specifier: string): boolean => specifier.startsWith('.')
const target = ({ path }: File, specifier: string): string =>
  slashed(relative(root, resolve(root, dirname(path), specifier)))

const MACHINE = 'packages/machine'
const GRADER = 'packages/grader'
/** What a class needs around the grader: where submissions come from, where results go, and the work between. */
const CLASS = ['packages/intake', 'packages/exporters', 'packages/batch']
const labs = [...rooms.values()].filter(
  (room) => room.startsWith('packages/') && ![MACHINE, GRADER, ...CLASS].includes(room),
)
const gradings = [...rooms.values()].filter((room) => room.startsWith('grading/'))
const MAY: readonly (readonly [room: string, others: readonly string[]])[] = [
  [MACHINE, []],
  [GRADER, [MACHINE]],
  ...CLASS.map((room) => [room, [GRADER, MACHINE]] as const),
  ...labs.map((lab) => [lab, [MACHINE]] as const),
  ...gradings.map((room) => [room, [GRADER, MACHINE, room.replace('grading/', 'packages/')]] as const),
  ['apps/pagewalk', [GRADER, MACHINE, ...CLASS, ...gradings]],
]

describe('import arrows', () => {
  test('every room is known, and there are files in it', () => {
    expect(
      [...rooms.values()].filter(
        (room) => room.startsWith('packages/') && !MAY.some(([known]) => known === room),
      ),
    ).toEqual([])
    for (const room of [MACHINE, GRADER, 'apps/pagewalk']) expect(src(room).length).toBeGreaterThan(0)
  })
  test.each(MAY)('%s imports only %j of ours', (room, may) => {
    const wrong = offenders(src(room), ({ specifier }) => {
      const other = roomOf(specifier)
      return other !== undefined && other !== room && !may.includes(other)
    })
    expect(wrong).toEqual([])
  })
  test('a relative import stays in its room, and names a file with its ending', () => {
    const wrong = offenders(
      files,
      ({ specifier, kind }, file) =>
        kind !== 'meta' &&
        isRelative(specifier) &&
        (!target(file, specifier).startsWith(`${file.room}/`) ||
          !/\.(ts|tsx|mts|js|mjs|json)$/.test(specifier)),
    )
    expect(wrong).toEqual([])
  })
  test('the machine runs in a browser: its src imports no node module', () => {
    const wrong = offenders(
      inFolder(`${MACHINE}/src`),
      ({ specifier, kind }) =>
        kind !== 'meta' && !isRelative(specifier) && !specifier.startsWith('@noble/hashes/'),
    )
    expect(wrong).toEqual([])
  })
  test('a device knows neither the CPU nor the MMU', () => {
    const wrong = offenders(
      inFolder(`${MACHINE}/src/devices`),
      ({ specifier, kind }, file) => kind !== 'meta' && /\/src\/(cpu|mmu)\//.test(target(file, specifier)),
    )
    expect(wrong).toEqual([])
  })
  test("a lab's library takes values from itself and from x86-64 only, and never from the student's file", () => {
    const libs = labs.flatMap((lab) => inFolder(`${lab}/lib`))
    const wrong = offenders(libs, ({ specifier, kind }, file) => {
      if (isRelative(specifier)) return !target(file, specifier).startsWith(`${file.room}/lib/`)
      return specifier === '@pagewalk/machine/x86-64'
        ? false
        : kind !== 'type' || specifier !== '@pagewalk/machine'
    })
    expect(wrong).toEqual([])
  })
  test("a student's file imports ./lib/* and x86-64 only", () => {
    const own = labs.flatMap((lab) =>
      files.filter(({ path }) => path.startsWith(`${lab}/`) && path.split('/').length === 3),
    )
    const wrong = offenders(
      own,
      ({ specifier, kind }) =>
        !(kind === 'import' || kind === 'type') ||
        !(specifier.startsWith('./lib/') || specifier === '@pagewalk/machine/x86-64'),
    )
    expect(wrong).toEqual([])
  })
  test('the grader names no lab', () => {
    const names = labs.map((lab) => lab.replace('packages/', '').replace(/-.*/, ''))
    const wrong = src(GRADER).filter(({ source }) =>
      names.some((name) => source.toLowerCase().includes(name)),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })
  test('there are no import circles', () => {
    expect(circles(files)).toEqual([])
  })
})

/** Each circle of imports that load something, as `a -> b -> a`. */
function circles(list: readonly File[]): string[] {
  const known = new Map(list.map((file) => [file.path, file]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (file: File, way: readonly string[]): void => {
    if (way.includes(file.path)) found.push([...way.slice(way.indexOf(file.path)), file.path].join(' -> '))
    if (done.has(file.path) || way.includes(file.path)) return
    for (const { specifier, kind } of file.imports) {
      const next = kind === 'import' && isRelative(specifier) ? known.get(target(file, specifier)) : undefined
      if (next) visit(next, [...way, file.path])
    }
    done.add(file.path)
  }
  for (const file of list) visit(file, [])
  return found
}
