// Gradescope, "Export Submissions": a folder for each submission, unpacked, and submission_metadata.yml, which tells whose
// it is. Ruby has written it: its keys are symbols, ":submitters" for "submitters".

import { UsageError } from '@pagewalk/grader'
import { parse } from 'yaml'
import { z } from 'zod'
import { type Item, itemsByTop, some, type Tree, take, topFolders } from '../item.ts'
import type { Layout, Note, Student, Unit } from '../types.ts'
import { type Context, strangers } from './format.ts'

const METADATA = 'submission_metadata.yml'
/** Bytes of the file, and of what is left of it to be parsed: the parser needs a hundred times as much memory. */
const FILE_LIMIT = 64 << 20
const PARSED_LIMIT = 4 << 20
/** A bomb of aliases has thousands. */
const ALIAS_LIMIT = 100

const cell = z
  .union([z.string().max(300), z.number()])
  .transform(String)
  .nullish()
const recordSchema = z.object({
  submitters: z.array(z.object({ name: cell, sid: cell, email: cell })).max(100),
  created_at: cell,
  due_date: cell,
  history: z.number().int().nonnegative().optional(),
})
type Record = z.infer<typeof recordSchema>

export async function gradescope(tree: Tree, { source }: Context): Promise<Layout | undefined> {
  const metadata = tree.items.find(({ path }) => path === METADATA)
  if (!metadata) return undefined
  const { records, notes } = await recordsOf(metadata, source)
  const items = itemsByTop(tree)
  const names = [...new Set([...topFolders(tree), ...records.keys()])].sort()
  return {
    units: names.map((name) => unitOf(name, items.get(name) ?? [], records.get(name), source)),
    notes: [...notes, ...strangers(tree, source, ({ path }) => path.includes('/') || path === METADATA)],
  }
}
function unitOf(name: string, items: readonly Item[], record: Record | undefined, source: string): Unit {
  const students = (record?.submitters ?? []).map(studentOf)
  const number = (record?.history ?? 0) + 1
  return {
    label: name,
    source: `${source}: ${name}`,
    kind: 'gradescope',
    students,
    attempts: [{ number, late: isLate(record), items }],
    warnings: students.length > 0 ? [] : [`${METADATA} does not tell whose it is`],
  }
}
const studentOf = ({ name, sid, email }: Record['submitters'][number]): Student => ({
  ...(name && { name }),
  ...(email && { email }),
  ids: sid ? { sid } : {},
})
function isLate(record: Record | undefined): boolean {
  const [handedIn, due] = [record?.created_at, record?.due_date].map((time) => timeOf(time ?? ''))
  return handedIn! > due!
}
/** Of "2026-11-06 07:13:47.644186000 Z", as Ruby writes it; NaN if it is no time. */
const timeOf = (time: string): number =>
  Date.parse(time.replace(' ', 'T').replace(/\.\d+/, '').replace(' ', ''))

/** Folder -> what the metadata tells of it. What cannot be used is told, and costs no submission. */
async function recordsOf(
  metadata: Item,
  where: string,
): Promise<{ records: Map<string, Record>; notes: Note[] }> {
  const records = new Map<string, Record>()
  const notes: Note[] = []
  try {
    const wrong: string[] = []
    for (const [name, value] of Object.entries(parsed(await textOf(metadata)))) {
      const { success, data } = recordSchema.safeParse(value)
      if (success) records.set(name, data)
      else wrong.push(name)
    }
    if (wrong.length > 0)
      notes.push({ where, what: `${METADATA}: expected submitters, got none of ${some(wrong)}` })
  } catch (error) {
    const what = `${METADATA}: expected YAML that tells who handed in what, got ${firstLine(error)}`
    notes.push({ where, what })
  }
  return { records, notes }
}
const firstLine = (error: unknown): string => (error as Error).message.split('\n', 1)[0]!

async function textOf(metadata: Item): Promise<string> {
  const handed = await take(metadata, FILE_LIMIT)
  if (!(handed instanceof Uint8Array)) throw new UsageError(handed.observed)
  const text = withoutResults(new TextDecoder('utf-8', { fatal: true }).decode(handed))
  if (text.length > PARSED_LIMIT)
    throw new UsageError(`more than ${PARSED_LIMIT} characters without the results`)
  return text
}
/**
 * Results of other graders are most of the file and say nothing to us: they are left out before the file is parsed.
 * Of the history the number of attempts is kept.
 */
function withoutResults(text: string): string {
  const kept: string[] = []
  let skips = ''
  let attempts = 0
  for (const line of [...text.split('\n'), 'end:']) {
    const inBlock = skips !== '' && /^(\s*$| {3}| {2}- )/.test(line)
    if (inBlock && line.startsWith('  - ')) attempts++
    if (inBlock) continue
    if (skips === 'history') kept.push(`  history: ${attempts}`)
    skips = /^ {2}["']?:?(results|history)["']?:\s*$/.exec(line)?.[1] ?? ''
    attempts = 0
    if (skips === '') kept.push(line)
  }
  return kept.slice(0, -1).join('\n')
}
function parsed(text: string): object {
  const value: unknown = parse(text, { maxAliasCount: ALIAS_LIMIT, logLevel: 'error', stringKeys: true })
  const plain = withoutColons(value, 3)
  if (typeof plain !== 'object' || plain === null || Array.isArray(plain))
    throw new UsageError('something else')
  return plain
}
/** The same with keys as they are without Ruby: "name" for ":name". */
function withoutColons(value: unknown, depth: number): unknown {
  if (depth < 0 || typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((each) => withoutColons(each, depth))
  const entries = Object.entries(value).map(([key, each]) => [
    key.replace(/^:/, ''),
    withoutColons(each, depth - 1),
  ])
  return Object.fromEntries(entries)
}
