// Brightspace (D2L), "Download" of an assignment's submissions: for each attempt a folder, or without folders each file,
// named <number>-<number> - <full name> - <date and time>. Beside them an index.html.

import { type Item, some, type Tree } from '../item.ts'
import { type Attempt, type Layout, type Note, nameOnly, type Unit } from '../types.ts'
import { type Context, strangers } from './format.ts'

const FOLDER = /^(?<numbers>\d+-\d+) ?- (?<who>[^/]+?) ?- (?<date>(?:(?!- )[^/])+)\//su
const FLAT = /^(?<numbers>\d+-\d+) ?- (?<who>[^/]+?) ?- (?<date>(?:(?!- )[^/])+?) - (?=[^/]+$)/su
const placeOf = (path: string): RegExpExecArray | null => FOLDER.exec(path) ?? FLAT.exec(path)

interface Upload {
  readonly numbers: string
  readonly who: string
  readonly date: string
  readonly item: Item
}

export function brightspace(tree: Tree, { source }: Context): Layout | undefined {
  const uploads = tree.items.map(uploadOf).filter((upload) => upload !== undefined)
  if (uploads.length === 0) return undefined
  const people = [...Map.groupBy(uploads, ({ who, numbers }) => `${who} ${numbers}`).values()]
  const notes = namesakes(people, source)
  return {
    units: people.flatMap((group) => unitsOf(group, source)),
    notes: [...notes, ...strangers(tree, source, isKnown)],
  }
}
const isKnown = ({ path }: Item): boolean => placeOf(path) !== null || path === 'index.html'
function uploadOf(item: Item): Upload | undefined {
  const match = placeOf(item.path)
  if (!match?.groups) return undefined
  const { numbers = '', who = '', date = '' } = match.groups
  return { numbers, who, date, item: { ...item, path: item.path.slice(match[0].length) } }
}
/** One unit; or one for each attempt, if nobody knows their order. */
function unitsOf(uploads: readonly Upload[], source: string): Unit[] {
  const byDate = [...Map.groupBy(uploads, ({ date }) => date)]
  const attempts = byDate
    .map(([date, group]) => ({ time: timeOf(date), items: group.map(({ item }) => item) }))
    .sort((a, b) => a.time - b.time)
    .map(({ items, time }, i) => ({ number: i + 1, late: false, items, time }))
  if (attempts.length === 1 || !attempts.some(({ time }) => Number.isNaN(time)))
    return [unitOf(uploads[0]!, source, attempts, [])]
  const dates = some(byDate.map(([date]) => date))
  const warning = `which attempt is the latest is not known: expected dates, got ${dates}`
  return attempts.map((attempt) => unitOf(uploads[0]!, source, [{ ...attempt, number: 1 }], [warning]))
}
const unitOf = (
  { who, numbers }: Upload,
  source: string,
  attempts: readonly Attempt[],
  warnings: readonly string[],
): Unit => ({
  label: `${who}_${numbers}`,
  source: `${source}: ${numbers} - ${who}`,
  kind: 'brightspace',
  students: [nameOnly(who)],
  attempts,
  warnings,
})

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const TIME = /(?<hour>\d{1,2})[:._]?(?<minute>\d{2})(?:[:._]?(?<second>\d{2}))? ?(?<half>[ap]\.?m\.?)?\s*$/iu
/** Of "Sep 12, 2026 1159 PM" or "12 September 2026 23:59": milliseconds that order dates of one time zone; NaN if it is none. */
function timeOf(date: string): number {
  const time = TIME.exec(date)
  const before = date.slice(0, time?.index ?? 0).toLowerCase()
  const words = before.match(/[a-z]+|\d+/gu) ?? []
  const month = words.map((word) => MONTHS.indexOf(word.slice(0, 3))).find((index) => index >= 0) ?? NaN
  const year = Number(words.find((word) => /^\d{4}$/.test(word)) ?? NaN)
  const day = Number(words.find((word) => /^\d{1,2}$/.test(word)) ?? NaN)
  const { hour, minute, second = 0, half } = time?.groups ?? {}
  const hours = half ? (Number(hour) % 12) + (/^p/i.test(half) ? 12 : 0) : Number(hour)
  return Date.UTC(year, month, day, hours, Number(minute), Number(second))
}

/** The numbers differ, so they are taken for two people. */
function namesakes(people: readonly (readonly Upload[])[], where: string): Note[] {
  const byName = Map.groupBy(people, ([upload]) => upload!.who)
  return [...byName]
    .filter(([, groups]) => groups.length > 1)
    .map(([who, { length }]) => ({
      where,
      what: `expected one number for ${who}, got ${length}: taken for as many people`,
    }))
}
