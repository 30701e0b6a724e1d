// Canvas, "Download Submissions": all files of a class side by side, named by
// canvas-lms lib/content_zipper.rb: <sortable name>[_LATE]_<user id>_<attachment id>_<name of the file>

import type { Lab } from '@pagewalk/grader'
import { byPath, type Item, isZip, type Tree } from '../item.ts'
import type { Attempt, Layout, Student, Unit } from '../types.ts'
import { type Context, strangers } from './format.ts'

// who it is, late or not, and the user's id
const WHO = String.raw`(?:(?!LATE_)(?<who>.+?)_)?(?<late>LATE_)?(?<user>\d+|anon_[A-Za-z0-9]+)`
const FILE = new RegExp(String.raw`^${WHO}_(?<attachment>\d+)_(?<file>[^/]+)$`, 'su')
/** What was typed into a box instead of handed in as a file. */
const TYPED = new RegExp(String.raw`^${WHO}_(?:text|link)\.html$`, 'su')

interface Upload {
  readonly who: string
  readonly user: string
  readonly late: boolean
  readonly attachment: number
  /** Absent: typed. */
  readonly file?: string
  readonly item: Item
}

export function canvas(tree: Tree, context: Context): Layout | undefined {
  const uploads = tree.items.map(uploadOf).filter((upload) => upload !== undefined)
  // a student's file may be named so by chance
  if (uploads.length * 2 <= tree.items.length) return undefined
  const users = [...Map.groupBy(uploads, ({ user }) => user).values()]
  const units = users.map((group) => unitOf(group, context))
  return { units, notes: strangers(tree, context.source, (item) => uploadOf(item) !== undefined) }
}
function uploadOf(item: Item): Upload | undefined {
  const match = FILE.exec(item.path) ?? TYPED.exec(item.path)
  if (!match?.groups) return undefined
  const { who = '', late, user = '', attachment = 0, file } = match.groups
  return { who, user, late: late !== undefined, attachment: Number(attachment), ...(file && { file }), item }
}
function unitOf(uploads: readonly Upload[], { source, labs }: Context): Unit {
  const { who, user } = uploads[0]!
  const files = uploads.filter(({ file }) => file !== undefined)
  const late = uploads.some((upload) => upload.late)
  const student: Student = { ...(who && { name: who }), ids: { canvas: user } }
  const label = who ? `${who}_${user}` : user
  return {
    label,
    source: `${source}: ${label}`,
    kind: 'canvas',
    // a course that grades anonymously does not tell
    students: user.startsWith('anon_') ? [] : [student],
    attempts: attemptsOf(files, labs, late),
    warnings: files.length < uploads.length ? ['a text or a link was handed in too; it is not read'] : [],
  }
}

/** A file of one person in all its versions: Canvas puts -1, -2 behind the name of what is handed in again. */
interface Version {
  /** 0: handed in once, or first. */
  readonly again: number
  readonly upload: Upload
  readonly name: string
}
/** One attempt for each number of versions: of each file the newest that was there by then. */
function attemptsOf(files: readonly Upload[], labs: readonly Lab[], late: boolean): Attempt[] {
  const byName = Map.groupBy(files.map(versionOf), ({ name }) => name.toLowerCase())
  const versions = [...byName.values()].flatMap((group) => settled(group, labs))
  const numbers = [...new Set(versions.map(({ again }) => again))].sort((a, b) => a - b)
  if (numbers.length === 0) return [{ number: 1, late, items: [] }]
  return numbers.map((number) => ({
    number: number + 1,
    late,
    items: newest(versions.filter(({ again }) => again <= number)),
  }))
}
function versionOf(upload: Upload): Version {
  const match = /^(?<stem>.+)-(?<again>[1-9]\d?)(?<ending>\.[^.]+)?$/su.exec(upload.file!)
  const { stem, again, ending = '' } = match?.groups ?? {}
  if (stem === undefined) return { again: 0, upload, name: upload.file! }
  return { again: Number(again), upload, name: `${stem}${ending}` }
}
/** A number behind a name means a version only if the name is one of the lab's, or if there is another version of it. */
function settled(group: readonly Version[], labs: readonly Lab[]): Version[] {
  const [{ name }] = group as [Version]
  const known = labs.some(({ files }) => files.includes(name))
  if (known || (group.length > 1 && (isZip(name) || group.some(({ again }) => again === 0))))
    return [...group]
  return group.map(({ upload }) => ({ again: 0, upload, name: upload.file! }))
}
function newest(versions: readonly Version[]): Item[] {
  const byAge = versions.toSorted((a, b) => a.again - b.again || a.upload.attachment - b.upload.attachment)
  const last = new Map(byAge.map(({ upload, name }) => [name, { ...upload.item, path: name }]))
  return [...last.values()].sort(byPath)
}
