// Opens what a path leads to, and tells whose submissions are in it.

import { statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Trouble } from '@pagewalk/grader'
import { folderTree } from './folder.ts'
import type { Context } from './formats/format.ts'
import { type Item, isZip, itemsByTop, some, type Tree, within } from './item.ts'
import { exportOf, shapeOf } from './layout.ts'
import type { Layout, Note, Unit } from './types.ts'
import { openZip } from './zip.ts'

export interface Handover extends Layout {
  /** When all is read. */
  close(): void
}
const nothingToClose = (): void => {}

/** A folder or a zip, with all that is in it. @throws UsageError if there is too much in it */
export async function handover(path: string, context: Context): Promise<Handover> {
  if (!statSync(path).isDirectory()) return zipAt(path, context)
  const tree = folderTree(path)
  const [only, ...more] = tree.items
  if (only && more.length === 0 && isZip(only.path) && !only.flaw) {
    const zip = join(path, only.path)
    return zipAt(zip, { ...context, source: zip })
  }
  const layout =
    (await exportOf(tree, context)) ?? submissionsIn(tree, 'folder', basename(resolve(path)), context)
  return { ...layout, close: nothingToClose }
}
async function zipAt(path: string, context: Context): Promise<Handover> {
  const name = basename(path)
  const archive = await openZip(name, path)
  if (!('items' in archive))
    return { units: [unitOf('zip', stemOf(name), path, [], archive)], notes: [], close: nothingToClose }
  const layout = (await exportOf(archive, context)) ?? submissionsIn(archive, 'zip', stemOf(name), context)
  return { ...layout, close: () => archive.close() }
}
const stemOf = (zip: string): string => zip.replace(/\.zip$/i, '')

/** What is no export: one submission, or one for each folder and each zip. A zip among others is never taken for an export. */
function submissionsIn(tree: Tree, kind: 'folder' | 'zip', label: string, { source, labs }: Context): Layout {
  const shape = shapeOf(tree, labs, kind === 'folder')
  if (shape.one)
    return { units: [unitOf(kind, label, source, tree.items)], notes: oneOf(shape.parts, source) }
  const { folders, zips, top } = shape
  const inside = top === '' ? tree : within(tree, top)
  const place = (name: string): string =>
    kind === 'folder' ? join(source, top, name) : `${source}: ${top === '' ? '' : `${top}/`}${name}`
  const items = itemsByTop(inside)
  const units = [
    ...folders.map((name) => unitOf(kind, name, place(name), items.get(name) ?? [])),
    ...zips.map((name) =>
      unitOf(
        'zip',
        stemOf(name),
        place(name),
        inside.items.filter(({ path }) => path === name),
      ),
    ),
  ]
  const what = `taken for ${units.length} submissions: ${some([...folders, ...zips])}`
  return { units, notes: [...(kind === 'zip' ? [{ where: source, what }] : []), ...leftOut(inside, source)] }
}
const unitOf = (
  kind: 'folder' | 'zip',
  label: string,
  source: string,
  items: readonly Item[],
  refused?: Trouble,
): Unit => ({
  label,
  source,
  kind,
  students: [],
  attempts: [{ number: 1, late: false, items, ...(refused && { refused }) }],
  warnings: [],
})
/** Somebody's submission in each of the folders would be lost. */
const oneOf = (folders: readonly string[], where: string): Note[] =>
  folders.length > 1 ? [{ where, what: `taken for one submission with the folders ${some(folders)}` }] : []
/** Files beside submissions may be meant as submissions. */
function leftOut({ items }: Tree, where: string): Note[] {
  const loose = items.filter(({ path, flaw }) => !path.includes('/') && (flaw || path.endsWith('.ts')))
  if (loose.length === 0) return []
  const what = `not read, because submissions here are folders and zips: ${some(loose.map(({ path }) => path))}`
  return [{ where, what }]
}
