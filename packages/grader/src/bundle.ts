// Makes one script of a submission and the lab's library. Nothing of it is run here.
//
// `./lib/*` is always the lab's own library. What a student's file may import besides, the lab says; anything else is
// refused with a sentence that names the place. A lab may add code of its own that no student's file can import.

import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type { BuildFailure, Message, OnResolveResult, Plugin } from 'esbuild'
import { type ImportSite, importsOf } from './imports.ts'
import type { LabSources } from './lab.ts'

/** Why a submission could not be used; becomes the finding of `loads`. */
export interface Trouble {
  readonly expected: string
  readonly observed: string
  readonly hint: string
}
export interface Bundle {
  /** One script; its completion value is the entry's exports. */
  readonly code: string
  /** Source map of `code`, JSON. */
  readonly map: string
}
export type Bundled =
  | { readonly ok: true; readonly bundle: Bundle }
  | { readonly ok: false; readonly trouble: Trouble }

/** The name under which the script's exports are known while it runs. */
const NAME = 'submission'

/**
 * @param files  the student's files: name -> source
 * @throws Error if the lab's own library does not bundle: our error, not the student's
 */
export async function bundle(files: ReadonlyMap<string, string>, sources: LabSources): Promise<Bundled> {
  for (const [name, source] of files) {
    if (!isCode(name)) continue
    const trouble = refusal(name, source, sources.modules, files)
    if (trouble) return { ok: false, trouble }
  }
  const { build } = await import('esbuild')
  try {
    const { outputFiles } = await build({
      entryPoints: ['entry.ts'],
      bundle: true,
      write: false,
      outfile: '/bundle.js',
      format: 'iife',
      globalName: NAME,
      platform: 'neutral',
      target: 'esnext',
      sourcemap: 'external',
      sourcesContent: false,
      legalComments: 'none',
      logLevel: 'silent',
      tsconfigRaw: '{}', // what the student's folder says about TypeScript is the editor's
      plugins: [rooms(files, sources)],
    })
    const text = (end: string): string => outputFiles.find((file) => file.path.endsWith(end))?.text ?? ''
    return { ok: true, bundle: { code: scriptOf(text('.js'), NAME), map: text('.map') } }
  } catch (failure) {
    const errors = (failure as Partial<BuildFailure>).errors
    if (!errors?.length || !errors.every(isStudents)) throw failure
    return { ok: false, trouble: compileTrouble(errors) }
  }
}

/** A script whose value is what an IIFE bundle assigned to `name`; no global is made, and lines stay where they are. */
export const scriptOf = (bundled: string, name: string): string =>
  `(() => { 'use strict'; ${bundled}; return ${name} })()`

/** Namespace of the student's files in the build. */
export const STUDENT = 'student'
const ENTRY = 'entry'
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

/** Resolves every import of the build: nothing is looked up anywhere else. */
function rooms(
  files: ReadonlyMap<string, string>,
  { entry, lib: library, modules, trusted = {} }: LabSources,
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
        const beside = namespace === STUDENT || namespace === ENTRY
        const own = path.replace(/^\.\//, '')
        if (beside && inLibrary(path)) return inLib(path, join(lib, own.slice('lib/'.length)))
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
        contents: files.get(path) ?? '',
        loader: 'ts',
      }))
      build.onLoad({ filter: /.*/, namespace: ENTRY }, () => ({ contents: entry, loader: 'ts' }))
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
