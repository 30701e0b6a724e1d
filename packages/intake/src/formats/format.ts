// What the readers of export formats share.

import type { Lab } from '@pagewalk/grader'
import { type Item, some, type Tree, topOf } from '../item.ts'
import type { Layout, Note } from '../types.ts'

export interface Context {
  /** Where the tree is, for people. */
  readonly source: string
  readonly labs: readonly Lab[]
  /** GitHub logins of the roster, in small letters. */
  readonly logins: ReadonlySet<string>
}
/** @returns undefined if the tree is no export of this format */
export type Format = (tree: Tree, context: Context) => Layout | undefined | Promise<Layout | undefined>

/** Files that are no submission's. */
export function strangers(tree: Tree, where: string, isKnown: (item: Item) => boolean): Note[] {
  const names = new Set(tree.items.filter((item) => !isKnown(item)).map(({ path }) => topOf(path)))
  return names.size > 0 ? [{ where, what: `not read, because it is no submission: ${some([...names])}` }] : []
}
