// What no student may get: sources that are, or show how to come to, a kernel that is right; and how to see that a file has any.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { transform } from 'esbuild'
import { ROOT } from '../pack/bundles.ts'

/** Paths from the root of the repository. A lab's stages are complete up to a step; its tests have kernels of their own. */
const HIDDEN =
  /^grading\/[^/]+\/((reference|reference-extra|designs|mutants|samples|test)\/|stages|students|mutants-all|seeds-all|try-)/

const sources = ['packages', 'grading', 'apps'].flatMap((top) =>
  readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(ts|md|json)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !/(^|\/)(node_modules|dist)\//.test(path)),
)
export const isHidden = (path: string): boolean => HIDDEN.test(path)
export const hiddenSources: readonly string[] = sources.filter(isHidden)
/** A test is nobody's; what it has of a kernel that is right is as hidden as that is. */
const isForAll = (path: string): boolean => !isHidden(path) && !path.includes('/test/')
const readSource = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Letters of a line, without what a bundler changes: blanks, quotes, ends of statements. */
const letters = (line: string): string => line.replace(/[\s'"`;,()]/g, '')
/** So many of them say something: `return -1` is in every kernel. */
const TELLING = 24
/** The lines of a text, and those of the strings in it. */
export function linesOf(text: string): Set<string> {
  const lines = text.replaceAll(/\\r?\\n|\\n/g, '\n').replaceAll(/\\(["'`$\\])/g, '$1')
  return new Set(lines.split('\n').map(letters))
}

/**
 * Lines that only hidden files have, as they were written and as a bundler would write them -> the file.
 *
 * A line that is also in a file for everybody gives nothing away.
 */
export async function hiddenLines(): Promise<Map<string, string>> {
  const known = new Set(sources.filter(isForAll).flatMap((path) => [...linesOf(readSource(path))]))
  const found = new Map<string, string>()
  for (const path of hiddenSources)
    for (const text of await writings(path))
      for (const line of linesOf(text)) if (line.length >= TELLING && !known.has(line)) found.set(line, path)
  return found
}
async function writings(path: string): Promise<string[]> {
  const source = readSource(path)
  if (!path.endsWith('.ts')) return [source]
  const { code } = await transform(source, { loader: 'ts', target: 'node24', tsconfigRaw: '{}' })
  return [source, code]
}

/** Hidden files with lines in `text`, each with one of these lines. */
export function leaks(text: string, hidden: ReadonlyMap<string, string>): string[] {
  const files = new Map<string, string>()
  for (const line of linesOf(text)) {
    const path = hidden.get(line)
    if (path !== undefined) files.set(path, line)
  }
  return [...files].map(([path, line]) => `${path}: ${line}`)
}
