// Clones of a class's repositories, as Classroom 50 (`gh teacher download`) and GitHub Classroom (`gh classroom clone`)
// make them: a folder <classroom>-<assignment>-<login> for each, and beside them scores.csv. What lies inside a repository
// is the student's, so nothing in it is believed about whose it is.

import { UsageError } from '@pagewalk/grader'
import { readTable } from '../csv.ts'
import { byText, type Item, itemsByTop, type Tree, take, topFolders } from '../item.ts'
import type { Attempt, Layout, Note, Unit } from '../types.ts'
import { type Context, strangers } from './format.ts'

const SCORES = 'scores.csv'
const SCORES_LIMIT = 8 << 20
/** A submission's tag: submit/<UTC>-<beginning of the commit's hash>. */
const TAG = /^(?:submit[-_])?(\d{4}-\d{2}-\d{2}T\d{2}-\d{2}-\d{2}Z)-[0-9a-f]{7,40}$/

export async function classroom50(tree: Tree, context: Context): Promise<Layout | undefined> {
  const folders = topFolders(tree)
  const { late, notes } = await scoresOf(tree, context.source)
  const logins = [...new Set([...context.logins, ...late.keys()])]
  const cloned = folders.length > 1 && folders.some((folder) => tree.repositories.has(folder))
  const known = folders.some((folder) => loginOf(folder, logins) !== undefined)
  if (!(cloned || known) || tree.repositories.has('')) return undefined
  const prefix = prefixOf(folders)
  const items = itemsByTop(tree)
  const units = folders.map((folder): Unit => {
    const login = loginOf(folder, logins) ?? (prefix && folder.slice(prefix.length))
    return {
      label: folder,
      source: `${context.source}: ${folder}`,
      kind: 'classroom50',
      students: login ? [{ ids: { github: login } }] : [],
      attempts: attemptsOf(items.get(folder) ?? [], late.get(login?.toLowerCase() ?? '') ?? false),
      warnings: [],
    }
  })
  const isKnown = ({ path }: Item): boolean => path.includes('/') || path === SCORES
  return { units, notes: [...notes, ...strangers(tree, context.source, isKnown)] }
}
/** The longest of the known logins that the folder's name is or ends with, as the folder writes it. */
function loginOf(folder: string, logins: readonly string[]): string | undefined {
  const name = folder.toLowerCase()
  const fitting = logins.filter((login) => login !== '' && (name === login || name.endsWith(`-${login}`)))
  const [longest] = fitting.sort((a, b) => b.length - a.length)
  return longest && folder.slice(-longest.length)
}
/** What the names of all folders begin with, up to a hyphen; '' if that is nothing, or if there is one folder only. */
function prefixOf(folders: readonly string[]): string {
  const [first = '', ...others] = folders
  if (others.length === 0) return ''
  let length = first.lastIndexOf('-') + 1
  while (length > 0 && !others.every((folder) => folder.startsWith(first.slice(0, length))))
    length = first.lastIndexOf('-', length - 2) + 1
  return first.slice(0, length)
}
function attemptsOf(items: readonly Item[], late: boolean): Attempt[] {
  const byTag = Map.groupBy(items, ({ path }) => path.split('/').find((part) => TAG.test(part)) ?? '')
  const tags = [...byTag.keys()].filter((tag) => tag !== '').sort((a, b) => byText(timeOf(a), timeOf(b)))
  if (tags.length === 0) return [{ number: 1, late, items }]
  return tags.map((tag, i) => ({ number: i + 1, late, items: byTag.get(tag)! }))
}
const timeOf = (tag: string): string => TAG.exec(tag)![1]!

/** Login in small letters -> late? From what the teacher's download has written. */
async function scoresOf(tree: Tree, where: string): Promise<{ late: Map<string, boolean>; notes: Note[] }> {
  const late = new Map<string, boolean>()
  const file = tree.items.find(({ path }) => path === SCORES)
  const handed = file && (await take(file, SCORES_LIMIT))
  if (!handed) return { late, notes: [] }
  if (!(handed instanceof Uint8Array)) return { late, notes: [{ where, what: handed.observed }] }
  try {
    const { header, rows } = readTable(SCORES, handed)
    const [who, when] = [header.indexOf('username'), header.indexOf('late')]
    for (const { cells } of rows) if (cells[who]) late.set(cells[who].toLowerCase(), cells[when] === 'true')
    return { late, notes: [] }
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { late, notes: [{ where, what: error.message }] }
  }
}
