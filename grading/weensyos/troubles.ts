// What can be wrong with a run, each found and told once. A trouble is undefined, or says what was observed.

import { type Evidence, type Finding, fail } from '@pagewalk/grader'
import type { Mapping } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import {
  CONSOLE_ADDR,
  INT_SYS_FORK,
  INT_SYS_GETPID,
  INT_SYS_PAGE_ALLOC,
  PAGENUMBER,
  PO_FREE,
  PO_KERNEL,
  PROC_START_ADDR,
} from './layout.ts'
import { type Call, heapLeaves, hex, isConsole, list, Os, ownerWord, type Space } from './os.ts'
import { FORK_OWN, FORK_REGISTERS, FORK_SAME, type Patterned, pattern, type ScenarioId } from './scenarios.ts'

/** The three told parts of a failed check. */
export interface Trouble {
  readonly expected: string
  readonly observed: string
  readonly hint: string
}

const known = new WeakMap<object, Os>()

/** The run of a scenario, read once for all checks. */
export function os(evidence: Evidence, scenario: ScenarioId): Os {
  const run = evidence.run(scenario)
  const read = known.get(run) ?? new Os(run, evidence.machine(scenario))
  known.set(run, read)
  return read
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
  told: Omit<Trouble, 'observed'>,
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

/** Is this leaf's physical page the kernel's own, by pageinfo? */
export const isKernels = (run: Os, leaf: Mapping): boolean => {
  const { owner, refcount } = run.info(PAGENUMBER(leaf.pa))
  return refcount > 0 && owner === PO_KERNEL
}

/** Is this a page that no process may reach: below PROC_START_ADDR, or one of the kernel's that it could write? */
export const isForbidden = (run: Os, leaf: Mapping): boolean =>
  leaf.va < PROC_START_ADDR || (leaf.writable && isKernels(run, leaf))

export function consoleTrouble(run: Os, spaces: readonly Space[]): Finding | undefined {
  for (const space of spaces) {
    const leaf = run.leaf(space, CONSOLE_ADDR)
    if (leaf?.user && leaf.writable && isConsole(leaf)) continue
    const elsewhere = leaf?.user && leaf.writable ? ` (maps ${hex(leaf.pa)})` : ''
    return fail({
      expected: 'virtual address 0xB8000 maps physical address 0xB8000 with P W U',
      observed: run.walk(space, CONSOLE_ADDR) + elsewhere,
      hint: 'Which single page below 0x100000 belongs to everybody? What happened to it after it was opened?',
    })
  }
  return undefined
}

/** A table that two spaces walk through, or that is not its process's own in pageinfo. */
export function tableTrouble(run: Os): string | undefined {
  const users = new Map<number, Space>()
  for (const space of run.spaces) {
    for (const table of space.tables) {
      const other = users.get(table)
      if (other)
        return `${run.name(space.cr3)} and ${run.name(other.cr3)} both use the table at ${hex(table * 4096)}`
      users.set(table, space)
      const { owner, refcount } = run.info(table)
      if (space.pid === 0 || (owner === space.pid && refcount === 1)) continue
      return `the table at ${hex(table * 4096)} of ${run.name(space.cr3)} has owner ${ownerWord(owner)}, refcount ${refcount}`
    }
  }
  return undefined
}

/**
 * A page that two processes reach and one of them can write, or a page table that a process reaches; looked for at
 * addresses from PROC_START_ADDR on, for what lies below is step 1's matter.
 */
export function sharing(run: Os): string | undefined {
  const tables = new Set(run.spaces.flatMap((space) => space.tables))
  const users = new Map<number, { space: Space; leaf: Mapping }>()
  for (const space of run.spaces) {
    for (const leaf of heapLeaves(space)) {
      if (isConsole(leaf)) continue
      const pn = PAGENUMBER(leaf.pa)
      if (tables.has(pn))
        return `the page table at ${hex(leaf.pa)} is open: ${run.walk(space, leaf.va, 'read')}`
      const other = users.get(pn)
      users.set(pn, other ?? { space, leaf })
      if (!other || other.space === space || !(leaf.writable || other.leaf.writable)) continue
      const [first, second] = [run.name(other.space.cr3), run.name(space.cr3)]
      return `physical page ${hex(leaf.pa)} is open to ${first} at ${hex(other.leaf.va)} and to ${second}. ${run.walk(space, leaf.va, leaf.writable ? 'write' : 'read')}`
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
export function ownerTrouble(run: Os, which: (leaf: Mapping) => boolean): Trouble | undefined {
  for (const space of run.spaces) {
    for (const leaf of heapLeaves(space).filter(which)) {
      const { owner, refcount } = run.info(PAGENUMBER(leaf.pa))
      const right = leaf.writable ? owner === space.pid && refcount === 1 : refcount > 0 && owner !== PO_FREE
      if (right) continue
      const whose = `owner ${ownerWord(owner)}, refcount ${refcount}`
      return {
        ...BOOKS,
        observed: `${run.name(space.cr3)} has ${hex(leaf.va)} at physical page ${hex(leaf.pa)}: ${whose}`,
      }
    }
  }
  return undefined
}

/** The same, or a page that is owned by a process which neither maps it nor walks through it. */
export function recordTrouble(run: Os, which: (leaf: Mapping) => boolean): Trouble | undefined {
  return ownerTrouble(run, which) ?? lostTrouble(run)
}

function lostTrouble(run: Os): Trouble | undefined {
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
  return { ...BOOKS, observed: `owned, but neither mapped nor a page table: physical pages ${pages}` }
}

// Contents

export function patternTrouble(run: Os, space: Space, pages: readonly Patterned[]): string | undefined {
  for (const [va, seed] of pages) {
    const call = request(run, space.cr3, va)
    if (call === undefined || isRefused(call)) continue
    const leaf = run.leaf(space, va)
    const bytes = run.bytes(space, va, 256)
    if (!leaf?.user || !leaf.writable || bytes === undefined) return run.walk(space, va)
    if (!same(bytes, pattern(256, seed)))
      return `${run.name(space.cr3)} finds other bytes at ${hex(va)} than it wrote`
  }
  return undefined
}

/** In p-allocator's heap each page that page_alloc gave begins with its process's id. */
export function heapByteTrouble(run: Os): string | undefined {
  for (const space of run.spaces) {
    const last = run.calls.findLast((call) => call.cr3 === space.cr3) // what it does after that call may not be done
    for (const call of run.callsOf(space.cr3, INT_SYS_PAGE_ALLOC)) {
      if (call === last || call.result === undefined || isRefused(call)) continue
      const leaf = run.leaf(space, call.argument)
      if (!leaf?.user || !leaf.writable) return run.walk(space, call.argument)
      const byte = run.bytes(space, call.argument, 1)?.[0]
      if (byte !== space.pid)
        return `${run.name(space.cr3)} wrote ${space.pid} at ${hex(call.argument)}, there is ${byte}`
    }
  }
  return undefined
}

// Fork

/** The two spaces of the fork probe: the child is the one that was entered behind fork. */
export function family(run: Os): { parent: Space | undefined; child: Space | undefined } {
  const call = run.calls.find((each) => each.vector === INT_SYS_FORK)
  const parent = run.spaces.find((space) => space.cr3 === call?.cr3)
  const child = run.spaces.find((space) => space !== parent && space.entry.rip === call?.rip)
  return { parent, child }
}

/** Why there is no child behind fork. */
export function childless(run: Os): string {
  const other = run.spaces[1]
  const entered = other
    ? `another space was entered at rip ${hex(other.entry.rip)}`
    : 'no other space was ever entered'
  return `${entered}; ${run.ending}`
}

/** What getpid last told the process. */
export const getpid = (run: Os, space: Space): number | undefined =>
  run.callsOf(space.cr3, INT_SYS_GETPID).at(-1)?.result

export function copyTrouble(run: Os, parent: Space, child: Space): string | undefined {
  const stack = (parent.entry.rsp - 1n) & ~0xfffn
  const code = parent.entry.rip & ~0xfffn
  const inherited: readonly [u64, Uint8Array | undefined, string][] = [
    [FORK_SAME, pattern(4096, 32), 'heap'],
    [stack, pattern(256, 33), 'stack'],
    [code, run.bytes(parent, code, 256), 'code'],
  ]
  for (const [va, bytes, what] of inherited) {
    const copy = run.bytes(child, va, bytes?.length ?? 0)
    if (copy === undefined || !run.leaf(child, va)?.user) return `${what}: ${run.walk(child, va, 'read')}`
    if (bytes === undefined || !same(copy, bytes)) return `${what}: the child finds other bytes at ${hex(va)}`
    if (bytes && !same(run.bytes(parent, va, bytes.length), bytes))
      return `${what}: the parent's bytes at ${hex(va)} changed`
  }
  return ownTrouble(run, parent, 'P') ?? ownTrouble(run, child, 'C')
}

function ownTrouble(run: Os, space: Space, wrote: string): string | undefined {
  const byte = run.bytes(space, FORK_OWN, 1)?.[0]
  if (byte === wrote.charCodeAt(0)) return undefined
  const found = byte === undefined ? run.walk(space, FORK_OWN) : `there is ${hex(byte)}`
  return `${run.name(space.cr3)} wrote '${wrote}' at ${hex(FORK_OWN)} after fork; ${found}`
}

const SAVED = ['rcx', 'rdx', 'rbx', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15']

/** The probe had 0x1111111111111101, ...02, ... in its registers and stored them behind fork. */
export function registerTrouble(run: Os, parent: Space, child: Space): string | undefined {
  const call = run.calls.find((each) => each.vector === INT_SYS_FORK)
  if (call?.rsp !== undefined && child.entry.rsp !== call.rsp)
    return `rsp is ${hex(call.rsp)} in the parent, ${hex(child.entry.rsp)} in the child`
  for (const space of [parent, child]) {
    const bytes = run.bytes(space, FORK_REGISTERS, 8 * (SAVED.length + 1))
    if (bytes === undefined) return run.walk(space, FORK_REGISTERS)
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (const [index, name] of SAVED.entries()) {
      const [had, has] = [0x1111111111111101n + BigInt(index), view.getBigUint64(8 * (index + 1), true)]
      if (had !== has)
        return `${run.name(space.cr3)}: ${name} was ${hex(had)} before fork and is ${hex(has)} behind it`
    }
  }
  return undefined
}

function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, index) => byte === b[index])
}
