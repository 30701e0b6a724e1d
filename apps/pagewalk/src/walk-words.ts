// A walk told for people: level by level, why it ends, and what that means for an access. Fits 80 columns.

import { plain, type SnapshotSpace, type TreeEntry, type TreeTable, treeOf } from '@pagewalk/grader'
import { vectorName } from '@pagewalk/machine'
import {
  PFERR_I,
  PFERR_P,
  PFERR_RSVD,
  PFERR_U,
  PFERR_W,
  PTE_A,
  PTE_D,
  PTE_G,
  PTE_NX,
  PTE_P,
  PTE_PS,
  PTE_U,
  PTE_W,
  VECTOR_PF,
} from '@pagewalk/machine/x86-64'
import { folded } from './page.ts'
import type { Outcome, PageRights, TlbFinding, WalkFound, WalkLevel } from './walk.ts'

const SHOWN_FAULTS = 5

export function walkWords(found: WalkFound, tables: SnapshotSpace['tables'] | undefined): string[] {
  const { va, space, levels } = found
  return folded([
    `${va} in ${plain(space.name)} (CR3 ${space.cr3})`,
    '',
    ...levels.flatMap(levelWords),
    ...endWords(found),
    '',
    ...item('rights', rightsLine(found)),
    ...item('access', accessWords(found)),
    ...item('page', pageWords(found)),
    ...item('TLB', ...tlbWords(found)),
    ...(found.region === undefined ? [] : item('region', regionWords(found.region))),
    ...(found.faults === undefined ? [] : item('faults', ...faultWords(found.faults))),
    ...(tables && levels.length > 0
      ? ['', 'The tables around it:', ...treeWords(treeOf(tables, [BigInt(va)]))]
      : []),
  ])
}
const HEAD = 8
/** A name, and beside it the sentences, each on lines of its own. */
const item = (name: string, ...sentences: readonly string[]): string[] =>
  sentences.flatMap((sentence, n) =>
    folded([`${' '.repeat(HEAD)}${sentence}`]).map((line, m) =>
      n + m === 0 ? name.padEnd(HEAD) + line.slice(HEAD) : line,
    ),
  )

const FLAGS: readonly (readonly [bit: bigint, word: string])[] = [
  [PTE_P, 'present'],
  [PTE_W, 'writable'],
  [PTE_U, 'user'],
  [PTE_A, 'accessed'],
  [PTE_D, 'dirty'],
  [PTE_G, 'global'],
  [PTE_NX, 'no execute'],
]
function flagWords({ entry, level }: WalkLevel): string {
  const bits = BigInt(entry)
  if (!(bits & PTE_P)) return 'not present'
  const words = FLAGS.filter(([bit]) => bits & bit).map(([, word]) => word)
  return [...words, ...(level !== 'PT' && bits & PTE_PS ? ['large page'] : [])].join(', ')
}
const TABLE_BELOW = { PML4: 'PDPT', PDPT: 'PD', PD: 'PT', PT: '' } as const
function levelWords(step: WalkLevel): string[] {
  const { level, index, table, owner, entry, to, leaf } = step
  const target = to && ` -> ${leaf ? 'page' : TABLE_BELOW[level]} ${to}`
  return [
    `  ${`${level}[${index}]`.padEnd(10)}of the table at ${table} (${plain(owner)})`,
    `            ${entry}: ${flagWords(step)}${target ?? ''}`,
  ]
}
function endWords({ levels, page, outcome }: WalkFound): string[] {
  const last = levels.at(-1)
  if (page) return []
  const reason = 'reason' in outcome ? outcome.reason : ''
  return last ? [`  The walk ends here: ${reason}.`] : [`  There is no walk: ${reason}.`]
}

/** `read, write, execute` */
const canDo = ({ writable, executable }: PageRights): string =>
  ['read', ...(writable ? ['write'] : []), ...(executable ? ['execute'] : [])].join(', ')
function rightsLine({ page }: WalkFound): string {
  if (!page) return 'none: the address is not mapped'
  return page.user ? `ring 3 and ring 0 may ${canDo(page)}` : `ring 0 may ${canDo(page)}; ring 3 nothing`
}
function accessWords({ access, ring, outcome }: WalkFound): string {
  const verb = access === 'fetch' ? 'an instruction fetch' : `a ${access}`
  return `${verb} by ring ${ring} ${outcomeWords(outcome)}`
}
function outcomeWords(outcome: Outcome): string {
  if ('physical' in outcome) return `goes to physical address ${outcome.physical}`
  const { vector, error, reason } = outcome
  const meaning = vector === VECTOR_PF ? ` (${errorWords(error)})` : ''
  return `raises ${vectorName(vector)} with error code 0x${error.toString(16)}${meaning}: ${reason}`
}
function errorWords(error: number): string {
  const present = error & PFERR_P ? 'page is present' : 'page is not present'
  const access = error & PFERR_I ? 'fetch' : error & PFERR_W ? 'write' : 'read'
  const reserved = error & PFERR_RSVD ? ['reserved bit set'] : []
  return [present, access, error & PFERR_U ? 'ring 3' : 'ring 0', ...reserved].join(', ')
}
function pageWords({ page }: WalkFound): string {
  if (!page) return 'none'
  const { address, size, owner, refcount } = page
  const kept = refcount === 1 ? '1 reference' : `${refcount} references`
  return `${address}, ${size} bytes: ${plain(owner)}, ${kept}`
}

function tlbWords({ tlb }: WalkFound): string[] {
  return tlb.length === 0 ? ['no CPU holds a translation of this page'] : tlb.map(tlbLine)
}
function tlbLine({ cpu, va, pa, stale, inForce, ...rights }: TlbFinding): string {
  const who = rights.user ? 'ring 3 and ring 0 may' : 'ring 0 may'
  const held = `CPU ${cpu} holds ${va} -> ${pa}, ${who} ${canDo(rights)}`
  if (stale) return `${held}: STALE, the tables say something else; who changed them must invalidate it`
  return inForce
    ? `${held}: as the tables say`
    : `${held}: in the address space that it is in now, not in this one`
}
function regionWords(region: NonNullable<WalkFound['region']> | null): string {
  if (!region) return 'none holds this address'
  const { va, length, pa, rights } = region
  const end = `0x${(BigInt(va) + BigInt(length)).toString(16)}`
  return `${va} to ${end} (${length} bytes)${pa ? ` is physical ${pa}` : ''}, ${plain(rights)}`
}
function faultWords(faults: NonNullable<WalkFound['faults']>): string[] {
  if (faults.length === 0) return ['no page fault for this page in this space']
  const more = faults.length - SHOWN_FAULTS
  const last = faults
    .slice(-SHOWN_FAULTS)
    .map(
      ({ tick, cpu, address, error, rip, ring }) =>
        `tick ${tick}, CPU ${cpu}: ${address}, error code 0x${error.toString(16)} (${errorWords(error)}), ring ${ring} at rip ${rip}`,
    )
  return more > 0 ? [`${more} earlier ones, then`, ...last] : last
}

/** So many entries before and after that of the walk. */
const NEIGHBOURS = 2
function treeWords({ level, address, owner, entries, omitted }: TreeTable, depth = 1): string[] {
  const indent = '  '.repeat(depth)
  const here = entries.findIndex(({ marked }) => marked)
  const near = entries.slice(Math.max(0, here - NEIGHBOURS), here + NEIGHBOURS + 1)
  const rest = entries.length + omitted - near.length
  return [
    `${indent}${level} at ${address} (${plain(owner)})${rest > 0 ? `, ${rest} more` : ''}`,
    ...near.flatMap((entry) => entryWords(entry, depth + 1)),
  ]
}
function entryWords({ index, count, entry, rights, marked, table }: TreeEntry, depth: number): string[] {
  const which = count > 1 ? `${index} to ${index + count - 1}` : `${index}`
  const line = `${'  '.repeat(depth - 1)}${marked ? '> ' : '  '}[${which}] ${entry} ${rights}`
  return marked && table ? [line, ...treeWords(table, depth + 1)] : [line]
}
