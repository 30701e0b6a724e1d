// A run of the student's own shell as the checks see it: from the threads and address spaces in guest memory, the page
// tables and the event log. What stands on the screen earns nothing.

import type { Machine } from '@pagewalk/machine'
import { type u64, VECTOR_PF } from '@pagewalk/machine/x86-64'
import { MEMSIZE } from '@pagewalk/nautilus-aspace'
import type { Wrong } from './checks/kit.ts'
import { type Space, spacesOf, type Thread, threadsOf } from './kernel-state.ts'
import { hex, type Probed, translate, walk } from './run.ts'

/** Where the handout's test code puts its lazy region; as long as memory. */
export const HIGH_VA = 0xffff_8000_0000_0000n
const COMPARED_FROM = 0x10_0000n
const MEMORY = BigInt(MEMSIZE)
const PAGE = 4096n

/** The shell's thread waits for a key, in a space of its own that maps what the shell's test has looked at. */
export function shellSpace(probed: Probed, name: string, label: string): Wrong | undefined {
  const machine = probed.machine(label)
  const expected = `a thread "${name}" waits for keys in an address space "${name}"`
  if (!machine || probed.stopped(label)) return { expected, observed: probed.ending }
  const thread = threadsOf(machine).find((each) => each.name === name)
  if (!thread) return { expected, observed: `there is no such thread; ${probed.ending}` }
  return waitsIn(probed, machine, thread, expected)
}
function waitsIn(probed: Probed, machine: Machine, thread: Thread, expected: string): Wrong | undefined {
  const { name } = thread
  const space = spacesOf(machine).find(({ address }) => address === thread.aspace)
  if (!space) return { expected, observed: `thread "${name}" is in the default address space` }
  if (space.name !== name) return { expected, observed: `it is in the address space "${space.name}"` }
  if (thread.status !== 'waiting')
    return { expected, observed: `thread "${name}" is ${thread.status}, not waiting` }
  const others = spacesOf(machine).filter(({ cr3, name: other }) => cr3 === space.cr3 && other !== name)
  // the kernel's memory is the student's to write; the log of what the CPU did is not
  const entered = probed.run.events.some(
    (event) => event.kind === 'cr3' && (event.value & ~0xfffn) === space.cr3,
  )
  if (!entered) return { expected, observed: `no CPU has ever loaded its CR3, ${hex(space.cr3)}` }
  if (space.cr3 === 0n || others.length > 0)
    return { expected, observed: `its CR3 ${hex(space.cr3)} is not its own` }
  return undefined
}
export const shellRoot = (machine: Machine, name: string): Space | undefined =>
  spacesOf(machine).find((space) => space.name === name)

/** How the shell's comparison went through the lazy region: it faulted, and it has been everywhere. */
export function highFaults(probed: Probed): Wrong | { readonly faults: number } {
  const machine = probed.machine('one')
  const space = machine && shellRoot(machine, 'root-shell')
  if (!machine || !space) return { expected: 'the shell boots', observed: probed.ending }
  const inside = (address: u64): boolean => address >= HIGH_VA && address < HIGH_VA + MEMORY
  const faults = probed
    .faults()
    .filter(
      ({ vector, address, cr3 }) => vector === VECTOR_PF && inside(address) && (cr3 & ~0xfffn) === space.cr3,
    )
  let leaves = 0
  for (let offset = COMPARED_FROM; offset < MEMORY; ) {
    const found = translate(machine, space.cr3, HIGH_VA + offset)
    if (!found || found.pa !== offset)
      return {
        expected: `memcmp has read every page from ${hex(HIGH_VA + COMPARED_FROM)} to ${hex(HIGH_VA + MEMORY)}`,
        observed: walk(machine, space.cr3, HIGH_VA + offset),
      }
    leaves++
    offset += found.size === 4096 ? PAGE : BigInt(found.size) - (offset % BigInt(found.size))
  }
  // a handler may bring in the neighbours of a page, but not the whole region
  const least = Math.ceil(leaves / 512)
  return faults.length >= least
    ? { faults: faults.length }
    : {
        expected: `the region is lazy: at least ${least} page faults for ${leaves} pages`,
        observed: `${faults.length} page faults`,
      }
}
