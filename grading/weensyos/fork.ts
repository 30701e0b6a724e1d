// What can be wrong with a fork: the child against its parent.

import type { u64 } from '@pagewalk/machine/x86-64'
import { INT_SYS_FORK, INT_SYS_GETPID } from './layout.ts'
import { heapLeaves, hex, type Os, type Space } from './os.ts'
import { FORK_OWN, FORK_REGISTERS, FORK_SAME, pattern } from './scenarios.ts'
import { type Seen, same } from './troubles.ts'

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

export function copyTrouble(run: Os, parent: Space, child: Space): Seen | undefined {
  const stack = (parent.entry.rsp - 1n) & ~0xfffn
  const code = parent.entry.rip & ~0xfffn
  const inherited: readonly [u64, Uint8Array | undefined, string][] = [
    [FORK_SAME, pattern(4096, 32), 'bss'],
    [stack, pattern(256, 33), 'stack'],
    [code, run.bytes(parent, code, 256), 'code'],
  ]
  for (const [va, bytes, what] of inherited) {
    const copy = run.bytes(child, va, bytes?.length ?? 0)
    const trouble = (observed: string, space: Space): Seen => ({
      observed: `${what}: ${observed}`,
      shows: run.show(space, va),
    })
    if (copy === undefined || !run.leaf(child, va)?.user) return trouble(run.walk(child, va, 'read'), child)
    if (bytes === undefined || !same(copy, bytes))
      return trouble(`the child finds other bytes at ${hex(va)}`, child)
    if (bytes && !same(run.bytes(parent, va, bytes.length), bytes))
      return trouble(`the parent's bytes at ${hex(va)} changed`, parent)
  }
  return ownTrouble(run, parent, 'P') ?? ownTrouble(run, child, 'C')
}

function ownTrouble(run: Os, space: Space, wrote: string): Seen | undefined {
  const byte = run.bytes(space, FORK_OWN, 1)?.[0]
  if (byte === wrote.charCodeAt(0)) return undefined
  const found = byte === undefined ? run.walk(space, FORK_OWN) : `there is ${hex(byte)}`
  return {
    observed: `${run.name(space.cr3)} wrote '${wrote}' at ${hex(FORK_OWN)} after fork; ${found}`,
    shows: run.show(space, FORK_OWN),
  }
}

const SAVED = ['rcx', 'rdx', 'rbx', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15']

/** The probe had 0x1111111111111101, ...02, ... in its registers and stored them behind fork. */
export function registerTrouble(run: Os, parent: Space, child: Space): Seen | undefined {
  const call = run.calls.find((each) => each.vector === INT_SYS_FORK)
  if (call?.rsp !== undefined && child.entry.rsp !== call.rsp)
    return { observed: `rsp is ${hex(call.rsp)} in the parent, ${hex(child.entry.rsp)} in the child` }
  for (const space of [parent, child]) {
    const bytes = run.bytes(space, FORK_REGISTERS, 8 * (SAVED.length + 1))
    if (bytes === undefined)
      return { observed: run.walk(space, FORK_REGISTERS), shows: run.show(space, FORK_REGISTERS) }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (const [index, name] of SAVED.entries()) {
      const [had, has] = [0x1111111111111101n + BigInt(index), view.getBigUint64(8 * (index + 1), true)]
      if (had !== has)
        return {
          observed: `${run.name(space.cr3)}: ${name} was ${hex(had)} before fork and is ${hex(has)} behind it`,
        }
    }
  }
  return undefined
}

/** Of the stack page, so many bytes are the same in both: from there on each has called functions of its own. */
const STACK_BYTES = 1024
/** Each page of the parent's, byte by byte. What is written at the parent's pages has to be what was there at fork. */
export function everyPageTrouble(
  run: Os,
  parent: Space,
  child: Space,
  wrote: readonly (readonly [va: u64, bytes: Uint8Array])[],
): Seen | undefined {
  const stack = (parent.entry.rsp - 1n) & ~0xfffn
  for (const { va } of heapLeaves(parent)) {
    const length = va === stack ? STACK_BYTES : 4096
    const [had, has] = [run.bytes(parent, va, length), run.bytes(child, va, length)]
    const shows = run.show(child, va)
    if (has === undefined || !run.leaf(child, va)?.user)
      return { observed: run.walk(child, va, 'read'), shows }
    if (had === undefined || !same(has, had))
      return { observed: `the page at ${hex(va)} has other bytes in the child than in the parent`, shows }
  }
  const lost = wrote.find(([va, bytes]) => !same(run.bytes(child, va, bytes.length), bytes))
  if (lost === undefined) return undefined
  const [va] = lost
  return {
    observed: `the parent wrote a page at ${hex(va)}; the child has not got it`,
    shows: run.show(child, va),
  }
}
