// Names of entries: what people know a submission by, fit to be a file's name on every system, and unique.

import { createHash } from 'node:crypto'
import { printable } from './path.ts'

/** Bytes in UTF-8; most systems allow 255, and reports put something behind it. */
const BYTES_LIMIT = 180
const RESERVED = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i

/** A name that Windows, macOS and Linux take as it is, and that no command takes for an option. */
export function fileName(label: string): string {
  const name = cut(
    printable(label.normalize('NFC'))
      .replace(/[<>:"/\\|?*\p{C}]/gu, '_')
      .replace(/\s+/gu, ' '),
  )
  const trimmed = name.replace(/^[\s.-]+|[\s.]+$/gu, '')
  return trimmed === '' ? 'submission' : RESERVED.test(trimmed) ? `_${trimmed}` : trimmed
}
function cut(text: string): string {
  const characters = [...text].slice(0, BYTES_LIMIT)
  while (Buffer.byteLength(characters.join('')) > BYTES_LIMIT) characters.pop()
  return characters.join('')
}

export interface Wanted {
  readonly label: string
  /** Where it comes from: a path, maybe with what is in it. */
  readonly source: string
}
/**
 * A name for each label. Labels whose names would be the same on some system get a piece of a hash too, of the end of their
 * source by which they differ: so a name depends neither on order nor on where on a machine all this lies.
 */
export function uniqueNames(wanted: readonly Wanted[]): string[] {
  const named = wanted.map(({ label, source }) => ({ name: fileName(label), source }))
  const alike = Map.groupBy(named, ({ name }) => folded(name))
  const taken = new Set<string>()
  return named.map(({ name, source }) => {
    const group = alike.get(folded(name))!.map((other) => other.source)
    const told = group.length === 1 ? name : `${name} ${hashOf(tailOf(source, group))}`
    let unique = told
    for (let again = 2; taken.has(folded(unique)); again++) unique = `${told} ${again}`
    taken.add(folded(unique))
    return unique
  })
}
const folded = (name: string): string => name.toUpperCase().toLowerCase()
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 6)
/** So many parts of the path, from the end, that all of the group differ. */
function tailOf(source: string, group: readonly string[]): string {
  const tail = (path: string, parts: number): string => path.split(/[\\/]/).slice(-parts).join('/')
  const most = source.split(/[\\/]/).length
  for (let parts = 1; parts < most; parts++)
    if (new Set(group.map((path) => tail(path, parts))).size === group.length) return tail(source, parts)
  return source
}
