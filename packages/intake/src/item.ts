// A file among those handed over, in a folder or in an archive: its path, and its bytes when they are asked for.

import { type Handed, unusable } from '@pagewalk/grader'

export interface Item {
  /** From the top of what was handed over, with slashes. Fit to be shown. */
  readonly path: string
  /** Why it is not used, whatever it holds. */
  readonly flaw?: Flaw
  /** Its bytes, or why they cannot be had: that there are more than `limit`, for one. Call `take`, which sees the flaw. */
  read(limit: number): Promise<Handed>
}
/** Completes "FILE ..." and "FILE: ...". */
export interface Flaw {
  readonly expected: string
  readonly got: string
}
/** Never throws. @param limit  bytes */
export const take = async (item: Item, limit: number): Promise<Handed> =>
  item.flaw ? unusable(item.path, item.flaw.expected, item.flaw.got) : item.read(limit)

export interface Tree {
  /** In order of path; without what systems and tools leave behind. */
  readonly items: readonly Item[]
  /** All folders, empty ones too. */
  readonly folders: ReadonlySet<string>
  /** Folders that are clones of a Git repository; '' is the top. */
  readonly repositories: ReadonlySet<string>
}

export const baseOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))
export const depthOf = (path: string): number => path.split('/').length
/** The first folder or the file itself. */
export const topOf = (path: string): string => path.split('/', 1)[0]!
export const isZip = (path: string): boolean => /\.zip$/i.test(path)
export const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
export const byPath = (a: Item, b: Item): number => byText(a.path, b.path)

/** What no student wrote: macOS and Windows leave it behind, tools made it, or it is hidden. */
const LEFT_BEHIND = new Set(['__MACOSX', 'node_modules', 'Thumbs.db', 'desktop.ini'])
export const isLeftBehind = (name: string): boolean => name.startsWith('.') || LEFT_BEHIND.has(name)

/** What is in `folder`, with paths from there. */
export function within(tree: Tree, folder: string): Tree {
  const prefix = `${folder}/`
  const inside = (paths: Iterable<string>): string[] =>
    [...paths].filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length))
  const items = tree.items.filter(({ path }) => path.startsWith(prefix))
  return {
    items: items.map((item) => ({ ...item, path: item.path.slice(prefix.length) })),
    folders: new Set(inside(tree.folders)),
    repositories: new Set([...(tree.repositories.has(folder) ? [''] : []), ...inside(tree.repositories)]),
  }
}
/** The files of each folder at the top, with paths from there. */
export function itemsByTop({ items }: Tree): Map<string, Item[]> {
  const inside = items.filter(({ path }) => path.includes('/'))
  const groups = Map.groupBy(inside, ({ path }) => topOf(path))
  return new Map(
    [...groups].map(([top, group]) => [
      top,
      group.map((item) => ({ ...item, path: item.path.slice(top.length + 1) })),
    ]),
  )
}
/** The only folder at the top, if there is nothing beside it. */
export function wrapperOf(tree: Tree): string | undefined {
  const [first, ...more] = topFolders(tree)
  return more.length === 0 && tree.items.every(({ path }) => path.includes('/')) ? first : undefined
}
/** In order of name. */
export function topFolders({ items, folders }: Tree): string[] {
  const inside = items.filter(({ path }) => path.includes('/'))
  return [...new Set([...folders, ...inside.map(({ path }) => path)].map(topOf))].sort(byText)
}
/** "a, b, c and 4 more" */
export function some(names: readonly string[], most = 3): string {
  const more = names.length - most
  return `${names.slice(0, most).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
