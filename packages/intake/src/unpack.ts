// A person may have handed in a zip instead of the files: it is opened, in memory, one level deep.

import type { Lab, Trouble } from '@pagewalk/grader'
import { baseOf, byPath, type Item, isZip, some, take } from './item.ts'
import { isOwn } from './locate.ts'
import { type Archive, openZip } from './zip.ts'

/** Bytes of one person's zips: they are held in memory while their submission is read. */
const BYTES_LIMIT = 64 << 20
/** Zips of one person that are opened. */
const ZIPS_LIMIT = 5

export interface Unpacked {
  readonly items: readonly Item[]
  /** Why zips could not be opened. */
  readonly refused: readonly Trouble[]
  readonly warnings: readonly string[]
}

/** The same files, with what is in their zips: `lab.zip/kernel.ts`. Zips beside a lab's first file stay closed. */
export async function unpacked(items: readonly Item[], labs: readonly Lab[]): Promise<Unpacked> {
  const zips = items.filter(({ path }) => isZip(path))
  const first = items.find((item) => isOwn(item) && labs.some(({ files }) => files[0] === baseOf(item.path)))
  if (zips.length === 0) return { items, refused: [], warnings: [] }
  if (first) {
    const closed = some(zips.map(({ path }) => path))
    return { items, refused: [], warnings: [`not opened, because ${first.path} is there: ${closed}`] }
  }
  const opened = items.filter(({ path }) => !isZip(path))
  const refused: Trouble[] = []
  let left = BYTES_LIMIT
  for (const zip of zips.slice(0, ZIPS_LIMIT)) {
    const handed = await take(zip, left)
    const archive = handed instanceof Uint8Array ? await openZip(zip.path, handed) : handed
    if (handed instanceof Uint8Array) left -= handed.length
    if ('items' in archive) opened.push(...inside(zip, archive))
    else refused.push(archive)
  }
  const others = zips.slice(ZIPS_LIMIT).map(({ path }) => path)
  const warnings =
    others.length > 0 ? [`not opened, because there are ${zips.length} zips: ${some(others)}`] : []
  return { items: opened.sort(byPath), refused, warnings }
}
/** An archive in memory needs not be closed. */
const inside = (zip: Item, archive: Archive): Item[] =>
  archive.items.map((item) => ({ ...item, path: `${zip.path}/${item.path}` }))
