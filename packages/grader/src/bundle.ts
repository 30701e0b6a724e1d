// Makes two scripts of a submission: the lab's library, which is the same for all, and the student's files. Nothing of
// them is run here.
//
// `./lib/*` is always the lab's own library. What a student's file may import besides, the lab says; anything else is
// refused with a sentence that names the place. A lab may add code of its own that no student's file can import.

import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BuildFailure, BuildOptions, Message, OnResolveResult, Plugin } from 'esbuild'
import { z } from 'zod'
import { buildSafely, Overwhelmed } from './compiler.ts'
import { type ImportSite, importsOf } from './imports.ts'
import { type Built, fromRoot, kept, ROOT } from './kept.ts'
import type { LabSources } from './lab.ts'

/** Why a submission could not be used; becomes the finding of `loads`. */
export interface Trouble {
  readonly expected: string
  readonly observed: string
  readonly hint: string
}
export interface Script {
  readonly code: string
  /** Source map of `code`, JSON. */
  readonly map: string
}
/** Its `code` is a function that is given the library's modules and returns the exports of the student's files. */
export interface Bundle extends Script {
  /** Its completion value has `boot` and, by their paths as in './lib/x.ts', all `modules`. */
  readonly library: Script
}
export type Bundled =
  | { readonly ok: true; readonly bundle: Bundle }
  | { readonly ok: false; readonly trouble: Trouble }

/** The names under which the scripts' exports are known while they run. */
const NAME = 'submission'
const LIBRARY = '__library'

/**
 * @param files  the student's files: name -> source
 * @throws Error if the lab's own library does not bundle: our error, not the student's
 */
export async function bundle(files: ReadonlyMap<string, string>, sources: LabSources): Promise<Bundled> {
  for (const [name, source] of files) {
    if (!isCode(name)) continue
    const trouble = tooDeep(name, source) ?? refusal(name, source, sources.modules, files)
    if (trouble) return { ok: false, trouble }
  }
  const library = await libraryOf(sources)
  try {
    const { outputFiles } = await buildSafely({
      ...OPTIONS,
      entryPoints: ['entry.ts'],
      outfile: 'bundle.js',
      globalName: NAME,
      plugins: [rooms(sources.student, files, sources, library.names)],
    })
    const text = (end: string): string => outputFiles.find((file) => file.path.endsWith(end))?.text ?? ''
    const code = `((${LIBRARY}) => { 'use strict'; ${text('.js')}; return ${NAME} })`
    return { ok: true, bundle: { code, map: text('.map'), library } }
  } catch (failure) {
    if (failure instanceof Overwhelmed) return { ok: false, trouble: GAVE_UP }
    const errors = (failure as Partial<BuildFailure>).errors
    if (!errors?.length || !errors.every(isStudents)) throw failure
    return { ok: false, trouble: compileTrouble(errors) }
  }
}
const GAVE_UP: Trouble = {
  expected: 'the file compiles',
  observed: 'the compiler gave up on it',
  hint: 'Is this a program that a person has written?',
}
/** Brackets in brackets: more than any program has, and less than a compiler's stack holds. */
const DEPTH_LIMIT = 500
/** Strings and comments are not told from code: they have not so many brackets either. */
function tooDeep(name: string, source: string): Trouble | undefined {
  let depth = 0
  for (const [bracket] of source.matchAll(/[()[\]{}]/g)) {
    depth = Math.max(0, depth + ('([{'.includes(bracket) ? 1 : -1))
    if (depth > DEPTH_LIMIT)
      return {
        expected: `${name} has brackets in brackets at most ${DEPTH_LIMIT} deep`,
        observed: `${name}: more than that`,
        hint: 'Is this a program that a person has written?',
      }
  }
  return undefined
}

/** What a student's file says of its own source map is not believed; the columns stay as they are. */
const MAP_COMMENT = /([#@]\s*sourceMapping)URL=/g

const OPTIONS = {
  absWorkingDir: ROOT,
  bundle: true,
  write: false,
  format: 'iife',
  platform: 'neutral',
  target: 'esnext',
  sourcemap: 'external',
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'silent',
  tsconfigRaw: '{}', // what the student's folder says about TypeScript is the editor's
} as const satisfies BuildOptions

interface Library extends Script {
  /** What each module exports, by its path as in './lib/x.ts'. */
  readonly names: ReadonlyMap<string, readonly string[]>
}
const libraries = new WeakMap<LabSources, Promise<Library>>()
/** A lab's library is made once. */
export function libraryOf(sources: LabSources): Promise<Library> {
  const known = libraries.get(sources) ?? makeLibrary(sources)
  libraries.set(sources, known)
  return known
}
async function makeLibrary(sources: LabSources): Promise<Library> {
  const lib = realpathSync(sources.lib)
  const paths = readdirSync(lib, { recursive: true, encoding: 'utf8' })
    .filter(isCode)
    .map((file) => file.split(sep).join('/'))
    .sort()
  const imports = paths.map((path, i) => `import * as m${i} from './lib/${path}'`)
  const modules = paths.map((path, i) => `'./lib/${path}': m${i}`)
  const entry = [sources.entry, ...imports, `export const modules = { ${modules.join(', ')} }`].join('\n')
  const key = JSON.stringify([
    'library',
    fromRoot(lib),
    entry,
    places(sources.modules),
    places(sources.trusted),
  ])
  const { names, ...script } = await kept(key, librarySchema, () => buildLibrary(lib, paths, entry, sources))
  return { ...script, names: new Map(names) }
}
const places = (paths: { readonly [name: string]: string } = {}): object =>
  Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, fromRoot(path)]))
const librarySchema = z.strictObject({
  code: z.string(),
  map: z.string(),
  names: z.array(z.tuple([z.string(), z.array(z.string())])),
})
async function buildLibrary(
  lib: string,
  paths: readonly string[],
  entry: string,
  sources: LabSources,
): Promise<Built<z.infer<typeof librarySchema>>> {
  const { build } = await import('esbuild')
  const [script, parts] = await Promise.all([
    build({
      ...OPTIONS,
      entryPoints: ['entry.ts'],
      outfile: 'library.js',
      globalName: LIBRARY,
      metafile: true,
      plugins: [rooms(entry, new Map(), sources)],
    }),
    // for the names of their exports only
    build({
      ...OPTIONS,
      entryPoints: paths.map((path) => join(lib, path)),
      format: 'esm',
      outdir: '/parts',
      outbase: lib,
      packages: 'external',
      sourcemap: false,
      metafile: true,
    }),
  ])
  const text = (end: string): string => script.outputFiles.find((file) => file.path.endsWith(end))?.text ?? ''
  const names = Object.values(parts.metafile.outputs).map(
    ({ exports, entryPoint = '' }): [string, string[]] => [`./lib/${pathIn(lib, entryPoint)}`, exports],
  )
  return {
    value: { code: scriptOf(text('.js'), LIBRARY), map: text('.map'), names },
    inputs: [
      fileURLToPath(import.meta.url), // how it is built counts, too
      ...Object.keys(script.metafile.inputs),
      ...Object.keys(parts.metafile.inputs),
    ],
  }
}
/** esbuild tells entry points from where it works. */
const pathIn = (folder: string, entryPoint: string): string =>
  relative(folder, resolve(ROOT, entryPoint)).split(sep).join('/')

/** A script whose value is what an IIFE bundle assigned to `name`; no global is made, and lines stay where they are. */
export const scriptOf = (bundled: string, name: string): string =>
  `(() => { 'use strict'; ${bundled}; return ${name} })()`

/** Namespace of the student's files in the build. */
export const STUDENT = 'student'
const ENTRY = 'entry'
/** Of the library's modules as a student's file sees them: what they export; and where it comes from when it runs. */
const FACE = 'library'
const BODY = 'library-body'
/** What the entry takes from a student's file, and it is not there. */
const MISSING = /^No matching export in "student:(.+)" for import "(.+)"$/
const isStudents = ({ location, text }: Message): boolean =>
  ofStudent(location?.file ?? '') || MISSING.test(text)
/** Is this, as esbuild names files, one of the student's? */
export const ofStudent = (file: string): boolean => file.startsWith(`${STUDENT}:`)

/** The first import that the lab does not allow. */
function refusal(
  name: string,
  source: string,
  modules: LabSources['modules'],
  files: ReadonlyMap<string, string>,
): Trouble | undefined {
  for (const site of importsOf(source)) {
    const why = forbidden(site, modules, files)
    if (why === undefined) continue
    const others = [...files.keys()].filter((other) => other !== name && isCode(other))
    const doors = ['./lib/*', ...others.map((other) => `./${other}`), ...Object.keys(modules)]
    return {
      expected: `${name} imports ${doors.map((door) => `'${door}'`).join(' and ')} only`,
      observed: `${name}:${site.line}:${site.column}: ${why}`,
      hint: 'A kernel has no operating system below it. Which function of lib does what you need?',
    }
  }
  return undefined
}
function forbidden(
  { kind, specifier, attributes }: ImportSite,
  modules: LabSources['modules'],
  files: ReadonlyMap<string, string>,
): string | undefined {
  if (kind === 'type') return undefined
  if (kind === 'dynamic') return `import(${specifier && `'${specifier}'`}) at run time`
  if (kind === 'require') return `require(${specifier && `'${specifier}'`})`
  if (kind === 'meta') return 'import.meta'
  if (attributes) return `import of '${specifier}' with attributes`
  const allowed = inLibrary(specifier) || Object.hasOwn(modules, specifier) || isBeside(specifier, files)
  return allowed ? undefined : `import of '${specifier}'`
}
/** Another of the student's own files. */
const isBeside = (specifier: string, files: ReadonlyMap<string, string>): boolean =>
  specifier.startsWith('./') && isCode(specifier) && files.has(specifier.slice(2))
export const isCode = (file: string): boolean => file.endsWith('.ts')
const inLibrary = (specifier: string): boolean =>
  specifier.startsWith('./lib/') && !specifier.includes('\\') && !specifier.split('/').includes('..')

/**
 * Resolves every import of a build: nothing is looked up anywhere else.
 *
 * @param names  of the library's exports, if the library is a script of its own; else its files become part of the build
 */
function rooms(
  entry: string,
  files: ReadonlyMap<string, string>,
  { lib: library, modules, trusted = {} }: LabSources,
  names?: ReadonlyMap<string, readonly string[]>,
): Plugin {
  // one file, one name: what comes by a prefix and what comes by './lib/' is then the same module
  const lib = realpathSync(library)
  const folders = Object.entries(trusted).map(([prefix, folder]) => [prefix, realpathSync(folder)] as const)
  return {
    name: 'rooms',
    setup(build) {
      build.onResolve({ filter: /.*/ }, ({ path, importer, namespace, kind }) => {
        const module = Object.hasOwn(modules, path) ? modules[path] : undefined
        if (module !== undefined) return { path: module }
        if (kind === 'entry-point') return { path, namespace: ENTRY }
        if (namespace === FACE) return { path, namespace: BODY }
        const beside = namespace === STUDENT || namespace === ENTRY
        const own = path.replace(/^\.\//, '')
        if (beside && inLibrary(path)) {
          const file = join(lib, own.slice('lib/'.length))
          return names?.has(path) ? { path, namespace: FACE } : inLib(path, file)
        }
        if (beside && isCode(own) && files.has(own)) return { path: own, namespace: STUDENT }
        const [prefix, folder] =
          namespace === STUDENT ? [] : (folders.find(([start]) => path.startsWith(start)) ?? [])
        if (prefix !== undefined) return inLib(path, join(folder!, path.slice(prefix.length)))
        const room = folders.find(([, each]) => within(each, importer))?.[1] ?? dirname(importer)
        const target = join(dirname(importer), path)
        if (!beside && path.startsWith('.') && within(room, target)) return { path: target }
        return { errors: [{ text: `${kind} of '${path}' is not allowed` }] }
      })
      build.onLoad({ filter: /.*/, namespace: STUDENT }, ({ path }) => ({
        contents: (files.get(path) ?? '').replace(MAP_COMMENT, '$1Url='),
        loader: 'ts',
      }))
      // not TypeScript, where what is exported again and is not there may be a type
      build.onLoad({ filter: /.*/, namespace: ENTRY }, () => ({ contents: entry, loader: 'js' }))
      // names, so that a wrong one is an error; the values stay the library's, also when they change
      build.onLoad({ filter: /.*/, namespace: FACE }, ({ path }) => ({
        contents: `export { ${(names?.get(path) ?? []).join(', ')} } from '${path}'`,
        loader: 'js',
      }))
      build.onLoad({ filter: /.*/, namespace: BODY }, ({ path }) => ({
        contents: `module.exports = ${LIBRARY}['${path}']`,
        loader: 'js',
      }))
    },
  }
}
const inLib = (wanted: string, path: string): OnResolveResult =>
  existsSync(path) ? { path } : { errors: [{ text: `there is no '${wanted}' in the lab's library` }] }
const within = (folder: string, path: string): boolean => {
  const way = relative(folder, path)
  return way !== '' && !way.startsWith('..') && !way.startsWith(sep)
}

function compileTrouble(errors: readonly Message[]): Trouble {
  const told = errors.slice(0, 3).map(({ location, text }) => {
    const { file = '', line = 0, column = 0 } = location ?? {}
    const [, from, name] = ofStudent(file) ? [] : (MISSING.exec(text) ?? [])
    if (from) return `${from} exports no ${name}`
    return `${file.replace(`${STUDENT}:`, '')}:${line}:${column + 1}: ${text}`
  })
  const more = errors.length > 3 ? `; and ${errors.length - 3} more` : ''
  const hint = 'Does your editor mark this place too?'
  return { expected: 'the file compiles', observed: `${told.join('; ')}${more}`, hint }
}
