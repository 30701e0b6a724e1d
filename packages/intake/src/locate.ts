// Finds a lab's files among what one person handed in, at whatever depth. What is not there gets a sentence and a guess.

import { FILE_LIMIT, type Handed, type HandedIn, isCode, type Lab, type Trouble } from '@pagewalk/grader'
import { looksLike } from './guess.ts'
import { baseOf, byPath, depthOf, folderOf, type Item, some, take } from './item.ts'

/** Modules of a student's copy of the library that are compared with the lab's, and rivals that are compared. */
const LIBRARY_LIMIT = 64
const RIVALS_LIMIT = 8

/** What is there of one lab. */
export interface Found extends HandedIn {
  readonly lab: Lab
  readonly warnings: readonly string[]
}

/**
 * The labs that are meant: each whose first file is there; or else the one of which another file is there, or of whose
 * first file a name reminds. None if that may be several.
 */
export async function labsIn(items: readonly Item[], labs: readonly Lab[]): Promise<Lab[]> {
  const own = items.filter(isOwn)
  const groups = [...Map.groupBy(labs, ({ files }) => files[0]!)]
  const exact = groups.filter(([first]) => named(own, first).length > 0)
  if (exact.length > 0)
    return Promise.all(exact.map(([first, group]) => recognised(group, named(own, first)[0])))
  const others = groups.filter(([, group]) =>
    group.some(({ files }) => files.some((file) => isCode(file) && named(own, file).length > 0)),
  )
  const guesses = groups.filter(([first]) => own.some(({ path }) => looksLike(path, first)))
  const [only, ...more] = others.length > 0 ? others : guesses
  if (!only || more.length > 0) return []
  const [first, group] = only
  return [
    await recognised(
      group,
      own.find(({ path }) => looksLike(path, first)),
    ),
  ]
}
/** One of the labs whose first file has the same name. */
async function recognised(labs: readonly Lab[], item: Item | undefined): Promise<Lab> {
  const first = labs[0]!
  if (labs.length === 1 || !item) return first
  const handed = await take(item, FILE_LIMIT)
  if (!(handed instanceof Uint8Array)) return first
  const source = new TextDecoder().decode(handed)
  return labs.find((lab) => lab.recognise?.(source)) ?? first
}

/**
 * The lab's files among `items`: those nearest to the top, in one folder if possible.
 *
 * @param refused  what kept other files from being seen; told if a file is missing
 */
export async function findFiles(
  items: readonly Item[],
  lab: Lab,
  refused: readonly Trouble[] = [],
): Promise<Found> {
  const own = items.filter(isOwn)
  const near = folderOf(lab.files.flatMap((file) => named(own, file))[0]?.path ?? '')
  const choices = await Promise.all(lab.files.map((file) => choose(file, own, near)))
  const missing = choices.filter(({ file, handed }) => !handed && isCode(file)).map(({ file }) => file)
  const trouble = missing.length > 0 ? (refused[0] ?? notThere(missing, items)) : undefined
  const files = new Map<string, Handed>()
  for (const { file, handed } of choices) {
    const what = handed ?? (isCode(file) ? trouble : undefined)
    if (what) files.set(file, what)
  }
  const used = new Set(choices.map(({ item }) => item))
  return {
    lab,
    files,
    library: await libraryOf(items, folderOf(choices.find(({ item }) => item)?.item?.path ?? '')),
    warnings: [
      ...choices.flatMap(({ warnings }) => warnings),
      ...flawsOf(items.filter((item) => !used.has(item))),
    ],
  }
}

/** Not in a copy of the library. */
export const isOwn = ({ path }: Item): boolean => !folderOf(path).split('/').includes('lib')
/** Those called `file`: the nearest to the top first, and there those without flaw. */
const named = (items: readonly Item[], file: string): Item[] =>
  items
    .filter(({ path }) => baseOf(path) === file)
    .sort((a, b) => depthOf(a.path) - depthOf(b.path) || Number(!!a.flaw) - Number(!!b.flaw) || byPath(a, b))

/** What is taken for a file of the lab. Neither item nor bytes: it is not there. */
interface Choice {
  readonly file: string
  readonly item?: Item
  readonly handed?: Handed
  readonly warnings: readonly string[]
}
async function choose(file: string, own: readonly Item[], near: string): Promise<Choice> {
  const exact = named(own, file)
  const guesses = own.filter(({ path }) => looksLike(path, file))
  const item = exact.find(({ path, flaw }) => !flaw && folderOf(path) === near) ?? exact[0]
  if (item) return chosen(file, item, exact, guesses)
  const [guess, ...more] = guesses
  if (!guess) return { file, warnings: [] }
  if (more.length > 0) return { file, handed: whichOne(file, guesses), warnings: [] }
  const warnings = [`${file} is not there: ${guess.path} is taken for it`]
  return { file, item: guess, handed: await take(guess, FILE_LIMIT), warnings }
}
async function chosen(
  file: string,
  item: Item,
  exact: readonly Item[],
  guesses: readonly Item[],
): Promise<Choice> {
  const handed = await take(item, FILE_LIMIT)
  const others = exact.filter((other) => other !== item && !other.flaw)
  const rivals = others.filter(({ path }) => depthOf(path) === depthOf(item.path))
  if (!item.flaw && !(await allSame(handed, rivals)))
    return { file, item, handed: tooMany(file, [item, ...rivals]), warnings: [] }
  const warnings = []
  if (others.length > 0)
    warnings.push(`${file} is there more than once: ${item.path} is used, not ${pathsOf(others)}`)
  if (guesses.length > 0) warnings.push(`${pathsOf(guesses)} is not used: ${item.path} is there`)
  return { file, item, handed, warnings }
}
async function allSame(handed: Handed, rivals: readonly Item[]): Promise<boolean> {
  if (rivals.length === 0) return true
  if (rivals.length > RIVALS_LIMIT || !(handed instanceof Uint8Array)) return false
  for (const rival of rivals) {
    const other = await take(rival, FILE_LIMIT)
    if (!(other instanceof Uint8Array) || Buffer.compare(handed, other) !== 0) return false
  }
  return true
}

const pathsOf = (items: readonly Item[]): string => some(items.map(({ path }) => path))
const tooMany = (file: string, items: readonly Item[]): Trouble => ({
  expected: `${file} is there once, or one of them is nearer to the top`,
  observed: `${file}: there ${items.length} times, each different: ${pathsOf(items)}`,
  hint: 'Which of them did you mean to hand in?',
})
const whichOne = (file: string, guesses: readonly Item[]): Trouble => ({
  expected: `${file} is among the files`,
  observed: `${file}: not there`,
  hint: `Which of ${pathsOf(guesses)} is meant? Hand in one file, named ${file}.`,
})
function notThere(missing: readonly string[], items: readonly Item[]): Trouble {
  const list = missing.join(' and ')
  const there =
    items.length > 0
      ? `There is ${some(
          items.map(({ path }) => path),
          5,
        )}.`
      : 'There is nothing.'
  const packed = items.find(({ path }) => PACKED.test(path))
  return {
    expected: `${list} ${missing.length > 1 ? 'are' : 'is'} among the files`,
    observed: `${list}: not there`,
    hint: packed
      ? `${packed.path} is not opened: only zip archives are, and none inside another one. What is in it?`
      : `${there} Is this what you meant to hand in?`,
  }
}
const PACKED = /\.(zip|rar|7z|tar|t?gz|tgz|bz2|xz|zst)$/i

/** What is wrong with files that are not used anyway. */
function flawsOf(items: readonly Item[]): string[] {
  const flawed = items.flatMap(({ path, flaw }) => (flaw ? [`${path} (${flaw.got})`] : []))
  return flawed.length > 0 ? [`not read: ${some(flawed)}`] : []
}
async function libraryOf(items: readonly Item[], folder: string): Promise<[string, Handed][]> {
  const lib = folder === '' ? 'lib' : `${folder}/lib`
  const modules = items.filter(({ path }) => folderOf(path) === lib && isCode(path)).slice(0, LIBRARY_LIMIT)
  return Promise.all(
    modules.map(async (item) => [baseOf(item.path), await take(item, FILE_LIMIT)] as [string, Handed]),
  )
}
