// Moodle, "Download all submissions": a folder for each person, named by mod/assign/classes/downloader.php:
// <full name>_<participant>_assignsubmission_file, in older versions with _ behind it; or no folders, and the name of the
// file behind it. What was typed into a box has `onlinetext` for `file`.

import type { Item, Tree } from '../item.ts'
import type { Layout, Student, Unit } from '../types.ts'
import { type Context, strangers } from './format.ts'

const PLACE =
  /^(?<who>[^/]*?)(?:_(?<participant>\d+))?_assignsubmission_(?<plugin>[a-z]+)(?:_?\/|_(?<file>[^/]))/su

interface Upload {
  readonly who: string
  readonly participant?: string
  readonly plugin: string
  readonly item: Item
}

export function moodle(tree: Tree, { source }: Context): Layout | undefined {
  const uploads = tree.items.map(uploadOf).filter((upload) => upload !== undefined)
  if (uploads.length === 0) return undefined
  const people = Map.groupBy(uploads, ({ who, participant }) => participant ?? who)
  // with anonymous marking everybody is called Participant, in the site's language: the number tells who it is
  const isAnonymous = people.size > 1 && new Set(uploads.map(({ who }) => who)).size === 1
  const units = [...people.values()].map((group) => unitOf(group, source, isAnonymous))
  return { units, notes: strangers(tree, source, ({ path }) => PLACE.test(path)) }
}
function uploadOf(item: Item): Upload | undefined {
  const match = PLACE.exec(item.path)
  if (!match?.groups) return undefined
  const { who = '', participant, plugin = '', file } = match.groups
  const path = item.path.slice(match[0].length - (file === undefined ? 0 : file.length))
  return { who, plugin, ...(participant && { participant }), item: { ...item, path } }
}
function unitOf(uploads: readonly Upload[], source: string, isAnonymous: boolean): Unit {
  const { who, participant } = uploads[0]!
  const files = uploads.filter(({ plugin }) => plugin === 'file')
  const others = [...new Set(uploads.map(({ plugin }) => plugin))].filter((plugin) => plugin !== 'file')
  const student: Student = {
    ...(who && !isAnonymous && { name: who }),
    ids: participant ? { moodle: participant } : {},
  }
  const label = [who, participant].filter(Boolean).join('_')
  return {
    label,
    source: `${source}: ${label}`,
    kind: 'moodle',
    students: [student],
    attempts: [{ number: 1, late: false, items: files.map(({ item }) => item) }],
    warnings: others.map((plugin) => `${plugin} was handed in too; it is not read`),
  }
}
