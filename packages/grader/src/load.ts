// Finds submissions: a folder with the lab's file, the file itself, or a folder of such folders. Reads the student's
// files and nothing else; what cannot be read is a submission with trouble, so that one bad folder stops nobody.

import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { isCode, type Trouble } from './bundle.ts'
import type { Lab } from './lab.ts'

export interface Submission {
  readonly name: string
  readonly lab: Lab
  /** Name -> source. */
  readonly files: ReadonlyMap<string, string>
  /** Over names and contents of the student's files, in order of name. */
  readonly sha256: string
  /** Files of the student's copy of the library that are not the lab's: what they say is not used. */
  readonly changedLibrary: readonly string[]
  /** Why it cannot be used, if so. */
  readonly trouble?: Trouble
}

/** The user of the command line erred; the message is one sentence for them. */
export class UsageError extends Error {}

/** Bytes of a file; the labs' references have less than 20,000. A compiler's stack may grow by kilobytes for each byte. */
export const FILE_LIMIT: number = 1 << 17
export const SUBMISSION_LIMIT = 10_000
/** So many changed files of the library are named. */
const CHANGES_LIMIT = 20

/**
 * The submissions at `path`, in order of name.
 *
 * Does not look deeper than a folder of folders.
 * @param labs  the labs that may be meant: all, or the one that was named
 * @throws UsageError if there is none
 */
export function findSubmissions(path: string, labs: readonly Lab[]): Submission[] {
  const wanted = firstFiles(labs)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat)
    throw new UsageError(
      `${path}: expected a folder with ${wanted}, the file, or a folder of such folders; got nothing there`,
    )
  if (!stat.isDirectory()) return [single(path, labs)]
  const own = labOf(path, labs)
  if (own) return [read(basename(resolve(path)), path, own)]
  const folders = readdirSync(path, { withFileTypes: true })
    .filter((entry) => !entry.isFile() && !entry.name.startsWith('.') && entry.name !== 'node_modules')
    .map(({ name }) => name)
    .sort()
  if (folders.length > SUBMISSION_LIMIT)
    throw new UsageError(
      `${path}: expected at most ${SUBMISSION_LIMIT} submissions, got ${folders.length} folders`,
    )
  const found = folders.map((name) => [name, labOf(join(path, name), labs)] as const)
  const fallback = found.find(([, lab]) => lab)?.[1]
  if (!fallback) throw new UsageError(`${path}: expected ${wanted} in it, or in folders in it; got neither`)
  return found.map(([name, lab]) => read(name, join(path, name), lab ?? fallback))
}

/** What makes a folder a submission: "kernel.ts or paging.ts". */
export const firstFiles = (labs: readonly Lab[]): string =>
  [...new Set(labs.map(({ files }) => files[0]!))].join(' or ')

/** The samples that come with a lab. */
export function sampleSubmissions(lab: Lab): Submission[] {
  const { samples = {} } = lab
  if (typeof samples === 'string') return findSubmissions(samples, [lab])
  return Object.entries(samples).map(([name, folders]) =>
    contents(
      name,
      lab,
      lab.files.map((file) => {
        const there = folders.filter((folder) => lstatSync(join(folder, file), { throwIfNoEntry: false }))
        return [file, join(there.at(-1) ?? folders[0] ?? '', file)] as const
      }),
    ),
  )
}

/** A path that is a file. A file of another name counts if there is only one lab it can be. */
function single(path: string, labs: readonly Lab[]): Submission {
  const file = basename(path)
  const candidates = labs.filter((lab) => lab.files[0] === file)
  const usual = candidates.length > 0
  const among = usual ? candidates : labs.filter(({ files }) => files.length === 1 && file.endsWith('.ts'))
  const lab = recognised(path, among)
  if (!lab) {
    throw new UsageError(
      `${path}: expected a file named ${firstFiles(labs)}, or --lab to say which lab it is; got ${file}`,
    )
  }
  const name = usual ? basename(dirname(resolve(path))) : file.replace(/\.ts$/, '')
  return usual ? read(name, dirname(path), lab) : contents(name, lab, [[lab.files[0]!, path]])
}
/** The lab that the folder is a submission of, by its first file. */
function labOf(folder: string, labs: readonly Lab[]): Lab | undefined {
  const first = (lab: Lab): string => join(folder, lab.files[0] ?? '')
  const candidates = labs.filter((lab) => lstatSync(first(lab), { throwIfNoEntry: false }))
  const [lab, another] = candidates
  return lab && another ? recognised(first(lab), candidates) : lab
}
function recognised(path: string, labs: readonly Lab[]): Lab | undefined {
  if (labs.length < 2) return labs[0]
  const source = readFileSync(path, 'utf8').slice(0, FILE_LIMIT)
  return labs.find((lab) => lab.recognise?.(source)) ?? labs[0]
}

const read = (name: string, folder: string, lab: Lab): Submission =>
  contents(
    name,
    lab,
    [...lab.files].map((file) => [file, join(folder, file)] as const),
  )

/** The lab's files of a folder or of several, and the copy of the library beside the first one. */
function contents(
  name: string,
  lab: Lab,
  paths: readonly (readonly [file: string, path: string])[],
): Submission {
  const files = new Map<string, Handed>()
  for (const [file, path] of paths) {
    const handed = readOne(file, path)
    if (handed) files.set(file, handed)
  }
  return submissionOf(name, lab, { files, library: copyOf(join(dirname(paths[0]?.[1] ?? ''), 'lib')) })
}
/** The modules of a copy of the library, in order of name. Folders in it are not looked into. */
function* copyOf(folder: string): Iterable<readonly [name: string, file: Handed]> {
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  const modules = readdirSync(folder, { withFileTypes: true }).filter(
    (entry) => entry.isFile() && isCode(entry.name),
  )
  for (const name of modules.map((entry) => entry.name).sort()) {
    const handed = readOne(name, join(folder, name))
    if (handed) yield [name, handed]
  }
}

/** A file as it was handed in: its bytes, or why they cannot be used. */
export type Handed = Uint8Array | Trouble
export interface HandedIn {
  /** Those of the lab's files that are there, by name. */
  readonly files: ReadonlyMap<string, Handed>
  /** The modules of the student's copy of the library, by name. */
  readonly library: Iterable<readonly [name: string, file: Handed]>
}

/** A submission of what was handed in, wherever it comes from: what is not there or cannot be used is its trouble. */
export function submissionOf(name: string, lab: Lab, { files, library }: HandedIn): Submission {
  const hash = createHash('sha256')
  const sources = new Map<string, string>()
  let trouble: Trouble | undefined
  for (const file of [...lab.files].sort()) {
    const handed = files.get(file)
    // code must be there; what is not code is read if it is
    if (!handed && !isCode(file)) continue
    const source = handed ? textOf(file, handed) : unusable(file, 'is in the folder', 'not there')
    if (typeof source === 'string') {
      sources.set(file, source)
      hash.update(`${file}\0${Buffer.byteLength(source)}\0`).update(source)
    } else trouble ??= source
  }
  const changedLibrary = changes(library, lab.bundle.lib)
  return {
    name,
    lab,
    files: sources,
    sha256: hash.digest('hex'),
    changedLibrary,
    ...(trouble && { trouble }),
  }
}
/** Files of `copy` that the library does not have, or has otherwise. */
function changes(copy: HandedIn['library'], library: string): string[] {
  const changed: string[] = []
  for (const [name, file] of copy) {
    if (changed.length === CHANGES_LIMIT) break
    const own = readOne(name, join(library, name))
    if (!own || textOf(name, file) !== textOf(name, own)) changed.push(`lib/${name}`)
  }
  return changed
}

/** @returns the bytes, or why they cannot be used; undefined if there is nothing */
function readOne(file: string, path: string): Handed | undefined {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (!stat) return undefined
    if (stat.isSymbolicLink()) return unusable(file, 'is a file', 'a symbolic link, which is not followed')
    if (!stat.isFile()) return unusable(file, 'is a file', 'something else')
    if (stat.size > FILE_LIMIT) return tooLong(file, stat.size)
    return readFileSync(path)
  } catch (error) {
    return unusable(file, 'can be read', (error as NodeJS.ErrnoException).code ?? (error as Error).message)
  }
}
/** @returns the text, or why it cannot be used */
function textOf(file: string, handed: Handed): string | Trouble {
  if (!(handed instanceof Uint8Array)) return handed
  if (handed.length > FILE_LIMIT) return tooLong(file, handed.length)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(handed)
  } catch {
    return unusable(file, 'is text in UTF-8', 'bytes that are not UTF-8')
  }
}
const tooLong = (file: string, bytes: number): Trouble =>
  unusable(file, `has at most ${FILE_LIMIT} bytes`, `${bytes} bytes`)

/** What is told of a file that cannot be used. */
export const unusable = (file: string, expected: string, got: string): Trouble => ({
  expected: `${file} ${expected}`,
  observed: `${file}: ${got}`,
  hint: 'Is this the file you meant to hand in?',
})
