// What a folder or an archive is: an export of a course's system, a folder of submissions, or one submission.

import type { Lab } from '@pagewalk/grader'
import { brightspace } from './formats/brightspace.ts'
import { canvas } from './formats/canvas.ts'
import { classroom50 } from './formats/classroom50.ts'
import type { Context, Format } from './formats/format.ts'
import { gradescope } from './formats/gradescope.ts'
import { moodle } from './formats/moodle.ts'
import { looksLike } from './guess.ts'
import {
  baseOf,
  folderOf,
  type Item,
  isZip,
  type Tree,
  topFolders,
  topOf,
  within,
  wrapperOf,
} from './item.ts'
import type { Layout } from './types.ts'

const FORMATS: readonly Format[] = [gradescope, canvas, moodle, brightspace, classroom50]

/** What an export holds, maybe in a folder or two of its own; undefined if it is none. */
export async function exportOf(tree: Tree, context: Context): Promise<Layout | undefined> {
  for (const format of FORMATS) {
    const layout = await format(tree, context)
    if (layout) return layout
  }
  const wrapper = wrapperOf(tree)
  return wrapper === undefined ? undefined : exportOf(within(tree, wrapper), context)
}

/** One submission, maybe of several `parts`; or those of a class: `folders` and `zips` in the folder `top`. */
export type Shape =
  | { readonly one: true; readonly parts: readonly string[] }
  | {
      readonly one: false
      readonly top: string
      readonly folders: readonly string[]
      readonly zips: readonly string[]
    }
const ONE: Shape = { one: true, parts: [] }

/** Folders that a submission has in it, and no person is called. */
const PARTS = new Set(['packages', 'src', 'code', 'lab', 'submission'])
/** Copies that students keep beside their work. */
const COPY = /(^|[^a-z])(backup|bak|old|orig|original|copy|starter|handout|template)([^a-z]|$)/i

/**
 * @param onDisk  is it a folder? A folder with a folder that has a lab's file is a class, even if it is the only one.
 */
export function shapeOf(tree: Tree, labs: readonly Lab[], onDisk: boolean): Shape {
  const firsts = new Set(labs.map(({ files }) => files[0]!))
  const isFirst = ({ path }: Item): boolean => firsts.has(baseOf(path))
  if (tree.items.some((item) => isFirst(item) && !item.path.includes('/'))) return ONE
  const folders = topFolders(tree)
  const direct = tree.items.filter((item) => isFirst(item) && folderOf(item.path) === topOf(item.path))
  const zips = tree.items.map(({ path }) => path).filter((path) => isZip(path) && !path.includes('/'))
  const many: Shape = { one: false, top: '', folders, zips }
  if (onDisk && direct.some(({ path }) => !PARTS.has(topOf(path)))) return many
  const wrapper = wrapperOf(tree)
  if (wrapper !== undefined)
    return PARTS.has(wrapper) ? ONE : inWrapper(wrapper, shapeOf(within(tree, wrapper), labs, false))
  if (isProject(tree, folders)) return ONE
  return holders(tree, firsts).size + zips.length < 2 ? { one: true, parts: folders } : many
}
const inWrapper = (wrapper: string, shape: Shape): Shape =>
  shape.one ? shape : { ...shape, top: shape.top === '' ? wrapper : `${wrapper}/${shape.top}` }
const isProject = (tree: Tree, folders: readonly string[]): boolean =>
  folders.includes('packages') || tree.items.some(({ path }) => path === 'package.json')

/** Folders that each may be a submission; none if each is of another lab, because then they are one person's. */
function holders(tree: Tree, firsts: ReadonlySet<string>): Set<string> {
  const labsOf = new Map<string, Set<string>>()
  for (const { path } of tree.items) {
    const top = topOf(path)
    if (top === path || COPY.test(top) || PARTS.has(top)) continue
    for (const first of firsts)
      if (baseOf(path) === first || looksLike(path, first))
        labsOf.set(top, (labsOf.get(top) ?? new Set()).add(first))
  }
  const all = [...labsOf.values()].flatMap((labs) => [...labs])
  return new Set(all.length > 1 && new Set(all).size === all.length ? [] : labsOf.keys())
}
