// What is built of our own files, kept on disk: to build it again takes longer than to see that no file has changed.
// Where nothing can be written it is built each time. Nobody else's code comes near: a capsule may not write files.
// An installed package comes with it, and without most of the files that it is built of.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { version } from 'esbuild'
import { z } from 'zod'

/** All our own files are below it. What is built names them from here, so that it is the same wherever that is. */
export const ROOT: string = resolve(fileURLToPath(new URL('../../..', import.meta.url)))
/** A path from `ROOT`, with slashes. */
export const fromRoot = (path: string): string => relative(ROOT, path).split(sep).join('/')

const FOLDER = fileURLToPath(new URL('../node_modules/.cache/pagewalk', import.meta.url))
/** In a package only. */
const PACKED = fileURLToPath(new URL('../packed', import.meta.url))
/** What this process has asked for, by the name of its file. */
const asked = new Map<string, unknown>()

/** What was built, and of which files, as esbuild's metafile names them from `ROOT`; names of no file are left out. */
export interface Built<T> {
  readonly value: T
  readonly inputs: readonly string[]
}
const recordSchema = z.strictObject({
  /** Path -> SHA-256 of the contents. */
  inputs: z.record(z.string(), z.string()),
  value: z.unknown(),
})

/**
 * @param key  all that the value depends on besides its files; the esbuild that builds it counts by itself
 * @returns what `make` returned when it last ran with the same key and the same files, or does now
 */
export async function kept<T>(key: string, schema: z.ZodType<T>, make: () => Promise<Built<T>>): Promise<T> {
  const name = `${sha256(`${version}\0${key}`)}.json`
  const known = read(join(PACKED, name), schema) ?? read(join(FOLDER, name), schema)
  const value = known ?? (await makeAndWrite(join(FOLDER, name), make))
  asked.set(name, value)
  return value
}
async function makeAndWrite<T>(file: string, make: () => Promise<Built<T>>): Promise<T> {
  const { value, inputs } = await make()
  write(file, value, inputs)
  return value
}
/** As `kept`, for what is true of this host only and is never packed. @param key  all that it depends on */
export async function remembered<T>(key: string, schema: z.ZodType<T>, find: () => Promise<T>): Promise<T> {
  const file = join(FOLDER, `${sha256(key)}.json`)
  return read(file, schema) ?? makeAndWrite(file, async () => ({ value: await find(), inputs: [] }))
}
/** All that this process has asked for so far, as files for the folder `packed` of a package: name -> text. */
export const packed = (): ReadonlyMap<string, string> =>
  new Map([...asked].map(([name, value]) => [name, JSON.stringify({ inputs: {}, value })]))

function read<T>(file: string, schema: z.ZodType<T>): T | undefined {
  try {
    const { inputs, value } = recordSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
    return Object.entries(inputs).every(([path, hash]) => hashOf(path) === hash)
      ? schema.parse(value)
      : undefined
  } catch {
    return undefined // not there, or nothing that can be used
  }
}
/** Whole or not at all: another process may be doing the same. */
function write(file: string, value: unknown, inputs: readonly string[]): void {
  const own = `${file}.${process.pid}`
  try {
    const paths = inputs
      .filter((path) => !path.includes(':') || /^[a-zA-Z]:[\\/]/.test(path))
      .map((path) => resolve(ROOT, path))
    const hashes = Object.fromEntries(paths.map((path) => [path, hashOf(path)]))
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(own, JSON.stringify({ inputs: hashes, value }))
    renameSync(own, file)
  } catch {
    // a folder that cannot be written to: nothing is kept
  }
}
const hashOf = (path: string): string => sha256(readFileSync(path))
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
