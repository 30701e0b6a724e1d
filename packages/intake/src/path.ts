// Names of files as archives have them: made fit to be shown, and what is wrong with them.

import { type Flaw, folderOf, type Item, some } from './item.ts'

/** Characters; most systems allow no more in a name, and few tools more in a path. */
const NAME_LIMIT = 255
const PATH_LIMIT = 1000
const SHOWN_LIMIT = 120

const CONTROL = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u
const CONTROLS = new RegExp(CONTROL, 'gu')
/** Without characters that steer a terminal or turn the direction of writing. */
export const printable = (text: string): string => text.replace(CONTROLS, '?')
/** The same, and not too long for a sentence. */
export const shown = (text: string): string =>
  text.length > SHOWN_LIMIT ? `${printable(text.slice(0, SHOWN_LIMIT))}...` : printable(text)

/**
 * An archive's name of a file as a path from its top, and its flaw if it has one. A backslash parts folders, as some
 * tools for Windows write it. The path stays inside the top whatever the name says.
 */
export function cleanPath(name: string): { readonly path: string; readonly flaw?: Flaw } {
  const slashed = name.replaceAll('\\', '/')
  const parts = slashed.replace(/^[a-z]:/i, '').split('/')
  const inside = parts.filter((part) => part !== '' && part !== '.' && part !== '..')
  const isLong = name.length > PATH_LIMIT || inside.some((part) => part.length > NAME_LIMIT)
  const flaw = isLong
    ? named(`a name of at most ${NAME_LIMIT} characters`, `${name.length}`, name)
    : flawOf(slashed, parts)
  const short = isLong ? inside.slice(-CUT.parts).map((part) => part.slice(0, CUT.characters)) : inside
  return { path: printable(short.join('/')) || '(no name)', ...(flaw && { flaw }) }
}
/** What is left of a name that is too long. */
const CUT = { parts: 5, characters: 60 }
function flawOf(name: string, parts: readonly string[]): Flaw | undefined {
  if (parts.includes('..')) return named('a name inside the archive', 'a name that leads out of it', name)
  if (/^([a-z]:|\/)/i.test(name)) return named('a name inside the archive', 'an absolute name', name)
  return CONTROL.test(name)
    ? named('a name that can be shown', 'a name with control characters', name)
    : undefined
}
const named = (expected: string, got: string, name: string): Flaw => ({
  expected: `has ${expected}`,
  got: `${got}: ${shown(name)}`,
})

/** Paths that some file systems take for the same one have the same key. */
const keyOf = (path: string): string => path.normalize('NFC').toLowerCase()

/** The same items; those whose names collide are flawed, because nobody can say which one is meant. */
export function withCollisions(items: readonly Item[]): Item[] {
  const files = Map.groupBy(
    items.filter(({ flaw }) => !flaw),
    ({ path }) => keyOf(path),
  )
  const folders = foldersOf(files.keys())
  const judged = [...files].flatMap(([key, group]) => {
    const flaw = collisionOf(group, folders.has(key))
    return flaw ? group.map((item) => ({ ...item, flaw })) : group
  })
  return [...judged, ...items.filter(({ flaw }) => flaw)]
}
function collisionOf(group: readonly Item[], isFolder: boolean): Flaw | undefined {
  const expected = 'is there once'
  const names = [...new Set(group.map(({ path }) => path))].sort()
  if (names.length > 1) return { expected, got: `under names that some systems take for one: ${some(names)}` }
  if (group.length > 1) return { expected, got: `there ${group.length} times under this name` }
  return isFolder ? { expected, got: 'a file and a folder of this name' } : undefined
}
function foldersOf(paths: Iterable<string>): Set<string> {
  const folders = new Set<string>()
  for (const path of paths)
    for (let at = folderOf(path); at !== '' && !folders.has(at); at = folderOf(at)) folders.add(at)
  return folders
}
