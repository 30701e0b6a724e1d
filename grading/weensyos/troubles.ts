// What can be wrong with a run, each found and told once. A trouble is undefined, or says what was observed and where
// it shows.

import { type Evidence, type Failure, type Finding, fail } from '@pagewalk/grader'
import type { Mapping } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import type { Patterned } from './cast.ts'
import {
  CONSOLE_ADDR,
  INT_SYS_FORK,
  INT_SYS_GETPID,
  INT_SYS_PAGE_ALLOC,
  KERNEL_STACK_TOP,
  KERNEL_START_ADDR,
  kernelEnd,
  PAGENUMBER,
  PO_FREE,
  PROC_START_ADDR,
} from './layout.ts'
import { type Call, heapLeaves, hex, isConsole, list, Os, ownerWord, type Space } from './os.ts'
import { BEGINS } from './probes/boot.ts'
import { pattern, type ScenarioId } from './scenarios.ts'

export type Seen = Pick<Failure, 'observed' | 'shows'>

const known = new WeakMap<object, Os>()

/** The run of a scenario, read once for all checks. */
export function os(evidence: Evidence, scenario: ScenarioId): Os {
  const run = evidence.run(scenario)
  const read = known.get(run) ?? new Os(run, evidence.machine(scenario))
  known.set(run, read)
  return read
}

/** The run after the soft reboot; nothing, if the kernel never began again. */
export function rebooted(evidence: Evidence, scenario: 'reboot-a' | 'reboot-f' | 'reboot-e'): Os {
  const run = evidence.run(scenario)
  const [, ...again] = run.notes.filter(({ tag }) => tag === BEGINS)
  return new Os(run, evidence.machine(scenario), again.at(-1)?.time ?? Number.POSITIVE_INFINITY)
}

// System calls

export const isRefused = (call: Call): boolean => call.result !== undefined && call.result < 0

/** The answers (int) that a system call ever gave. */
export function answers(run: Os, vector: number): Set<number> {
  const calls = run.calls.filter((call) => call.vector === vector)
  return new Set(calls.flatMap((call) => (call.result === undefined ? [] : [call.result])))
}

/** The page_alloc for `va` by the process with these tables. */
export function request(run: Os, cr3: u64, va: u64): Call | undefined {
  return run.callsOf(cr3, INT_SYS_PAGE_ALLOC).find((call) => call.argument === va)
}

const NAMES = new Map([
  [INT_SYS_GETPID, () => 'getpid'],
  [INT_SYS_PAGE_ALLOC, (call: Call) => `page_alloc(${hex(call.argument)})`],
  [INT_SYS_FORK, () => 'fork'],
])

/** `page_alloc(0x140000) returned -1` */
export function answered(call: Call | undefined): string {
  if (call === undefined) return 'the call was never made'
  const name = NAMES.get(call.vector)?.(call) ?? `system call ${call.vector}`
  return call.result === undefined ? `${name} never returned` : `${name} returned ${call.result}`
}

/** page_alloc must have refused each of `addresses`, opened none, and the run must have come to its end. */
export function refused(
  run: Os,
  addresses: readonly u64[],
  told: Omit<Failure, 'observed'>,
): Finding | undefined {
  for (const address of addresses) {
    const call = run.calls.find((each) => each.vector === INT_SYS_PAGE_ALLOC && each.argument === address)
    if (call && isRefused(call)) continue
    const ending = call?.result === undefined ? `; ${run.ending}` : ''
    const answer = call ? answered(call) : `page_alloc(${hex(address)}) was never called`
    return fail({ ...told, observed: answer + ending })
  }
  return run.finished ? undefined : fail({ ...told, observed: `after the last refusal: ${run.ending}` })
}

// Address spaces

/** Is this leaf's physical page the kernel's own: text, data, page tables, stack? */
export const isKernels = ({ pa }: Mapping): boolean =>
  (pa >= KERNEL_START_ADDR && pa < kernelEnd) || (pa >= KERNEL_STACK_TOP - 4096n && pa < KERNEL_STACK_TOP)

/** Is this a page that no process may reach: below PROC_START_ADDR, or one of the kernel's that it could write? */
export const isForbidden = (leaf: Mapping): boolean =>
  leaf.va < PROC_START_ADDR || (leaf.writable && isKernels(leaf))

export function consoleTrouble(run: Os, spaces: readonly Space[]): Finding | undefined {
  for (const space of spaces) {
    const leaf = run.leaf(space, CONSOLE_ADDR)
    if (leaf?.user && leaf.writable && isConsole(leaf)) continue
    const elsewhere = leaf?.user && leaf.writable ? ` (maps ${hex(leaf.pa)})` : ''
    return fail({
      expected: 'virtual address 0xB8000 maps physical address 0xB8000 with P W U',
      observed: run.walk(space, CONSOLE_ADDR) + elsewhere,
      shows: run.show(space, CONSOLE_ADDR),
      hint: 'Which single page below 0x100000 belongs to everybody? What happened to it after it was opened?',
    })
  }
  return undefined
}

/** A table that two spaces walk through, or that is not its process's own in pageinfo. */
export function tableTrouble(run: Os): Seen | undefined {
  const users = new Map<number, Space>()
  for (const space of run.spaces) {
    for (const table of space.tables) {
      const other = users.get(table)
      const shows = run.showPages([table])
      if (other) {
        const both = `${run.name(space.cr3)} and ${run.name(other.cr3)}`
        return { observed: `${both} both use the table at ${hex(table * 4096)}`, shows }
      }
      users.set(table, space)
      const { owner, refcount } = run.info(table)
      if (space.pid === 0 || (owner === space.pid && refcount === 1)) continue
      const whose = `the table at ${hex(table * 4096)} of ${run.name(space.cr3)}`
      return { observed: `${whose} has owner ${ownerWord(owner)}, refcount ${refcount}`, shows }
    }
  }
  return undefined
}

/**
 * A page that two processes reach and one of them can write, or a page table that a process reaches; looked for at
 * addresses from PROC_START_ADDR on, for what lies below is step 1's matter.
 */
export function sharing(run: Os): Seen | undefined {
  const tables = new Set(run.spaces.flatMap((space) => space.tables))
  const users = new Map<number, { space: Space; leaf: Mapping }>()
  for (const space of run.spaces) {
    for (const leaf of heapLeaves(space)) {
      if (isConsole(leaf)) continue
      const pn = PAGENUMBER(leaf.pa)
      const shows = run.show(space, leaf.va)
      if (tables.has(pn))
        return {
          observed: `the page table at ${hex(leaf.pa)} is open: ${run.walk(space, leaf.va, 'read')}`,
          shows,
        }
      const other = users.get(pn)
      users.set(pn, other ?? { space, leaf })
      if (!other || other.space === space || !(leaf.writable || other.leaf.writable)) continue
      const [first, second] = [run.name(other.space.cr3), run.name(space.cr3)]
      const open = `physical page ${hex(leaf.pa)} is open to ${first} at ${hex(other.leaf.va)} and to ${second}`
      return { observed: `${open}. ${run.walk(space, leaf.va, leaf.writable ? 'write' : 'read')}`, shows }
    }
  }
  return undefined
}

/** Is some address of the processes' own part in use in two spaces? */
export function overlap(spaces: readonly Space[]): boolean {
  const vas = spaces.flatMap((space) => heapLeaves(space).map((leaf) => leaf.va))
  return new Set(vas).size < vas.length
}

// Books: pageinfo against the page tables

const BOOKS = {
  expected:
    'a page that a process can write has this process as owner and one reference, and is mapped as long as it is owned',
  hint: 'Where is a page’s owner written down, and when? Which function does both?',
}

/** User pages (those that `which` selects) whose owner or refcount is wrong. */
export function ownerTrouble(run: Os, which: (leaf: Mapping) => boolean): Failure | undefined {
  for (const space of run.spaces) {
    for (const leaf of heapLeaves(space).filter(which)) {
      const { owner, refcount } = run.info(PAGENUMBER(leaf.pa))
      const right = leaf.writable ? owner === space.pid && refcount === 1 : refcount > 0 && owner !== PO_FREE
      if (right) continue
      const whose = `owner ${ownerWord(owner)}, refcount ${refcount}`
      return {
        ...BOOKS,
        observed: `${run.name(space.cr3)} has ${hex(leaf.va)} at physical page ${hex(leaf.pa)}: ${whose}`,
        shows: run.show(space, leaf.va),
      }
    }
  }
  return undefined
}

/** The same, or a page that is owned by a process which neither maps it nor walks through it. */
export function recordTrouble(run: Os, which: (leaf: Mapping) => boolean): Failure | undefined {
  return ownerTrouble(run, which) ?? lostTrouble(run)
}

function lostTrouble(run: Os): Failure | undefined {
  const used = new Set<number>()
  for (const space of run.spaces) {
    for (const table of space.tables) used.add(table)
    for (const leaf of space.leaves)
      if (leaf.user || leaf.va >= PROC_START_ADDR) used.add(PAGENUMBER(leaf.pa))
  }
  const lost = run.pageinfo.flatMap(({ owner, refcount }, pn) =>
    owner > 0 && refcount > 0 && !used.has(pn) ? [pn] : [],
  )
  if (lost.length === 0) return undefined
  const pages = list(lost.map((pn) => `${hex(pn * 4096)} of ${ownerWord(run.info(pn).owner)}`))
  return {
    ...BOOKS,
    observed: `owned, but neither mapped nor a page table: physical pages ${pages}`,
    shows: run.showPages(lost),
  }
}

// Contents

/** Of the pages that `space` was given: is there what it wrote? The last answer for an address counts. */
export function patternTrouble(run: Os, space: Space, pages: readonly Patterned[]): Seen | undefined {
  for (const [va, seed] of new Map(pages.filter((page) => wasGiven(run, space, pages, page)))) {
    const shows = run.show(space, va)
    const leaf = run.leaf(space, va)
    const bytes = run.bytes(space, va, 256)
    if (!leaf?.user || !leaf.writable || bytes === undefined) return { observed: run.walk(space, va), shows }
    if (!same(bytes, pattern(256, seed)))
      return { observed: `${run.name(space.cr3)} finds other bytes at ${hex(va)} than it wrote`, shows }
  }
  return undefined
}
/** `page` may be asked for more than once: its n-th place in the list is the n-th call. */
function wasGiven(run: Os, space: Space, pages: readonly Patterned[], page: Patterned): boolean {
  const [va] = page
  const nth = pages.filter((other) => other[0] === va).indexOf(page)
  const call = run.callsOf(space.cr3, INT_SYS_PAGE_ALLOC).filter(({ argument }) => argument === va)[nth]
  return call?.result !== undefined && !isRefused(call)
}

/** In p-allocator's heap each page that page_alloc gave begins with its process's id. */
export function heapByteTrouble(run: Os): Seen | undefined {
  for (const space of run.spaces) {
    const last = run.calls.findLast((call) => call.cr3 === space.cr3) // what it does after that call may not be done
    for (const call of run.callsOf(space.cr3, INT_SYS_PAGE_ALLOC)) {
      if (call === last || call.result === undefined || isRefused(call)) continue
      const va = call.argument
      const shows = run.show(space, va)
      const leaf = run.leaf(space, va)
      if (!leaf?.user || !leaf.writable) return { observed: run.walk(space, va), shows }
      const byte = run.bytes(space, va, 1)?.[0]
      if (byte !== space.pid)
        return {
          observed: `${run.name(space.cr3)} wrote ${space.pid} at ${hex(va)}, there is ${byte}`,
          shows,
        }
    }
  }
  return undefined
}

export function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, index) => byte === b[index])
}
