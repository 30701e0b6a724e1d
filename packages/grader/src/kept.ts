// What is built of our own files, kept on disk: to build it again takes longer than to see that no file has changed.
// Where nothing can be written it is built each time. Nobody else's code comes near: a capsule may not write files.

import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { version } from 'esbuild'
import { z } from 'zod'

const FOLDER = fileURLToPath(new URL('../node_modules/.cache/pagewalk', import.meta.url))

/** What was built, and of which files, as esbuild's metafile names them; names of no file are left out. */
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
  const file = join(FOLDER, `${sha256(`${version}\0${key}`)}.json`)
  const known = read(file, schema)
  if (known !== undefined) return known
  const { value, inputs } = await make()
  write(file, value, inputs)
  return value
}
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
    const paths = inputs.filter((path) => !path.includes(':') || /^[a-zA-Z]:[\\/]/.test(path))
    const hashes = Object.fromEntries(paths.map((path) => [resolve(path), hashOf(path)]))
    mkdirSync(FOLDER, { recursive: true })
    writeFileSync(own, JSON.stringify({ inputs: hashes, value }))
    renameSync(own, file)
  } catch {
    // a folder that cannot be written to: nothing is kept
  }
}
const hashOf = (path: string): string => sha256(readFileSync(path))
const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
