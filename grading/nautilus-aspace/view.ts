// The machine as data, with this lab's words for owners, threads and address spaces.

import { type RegionToSurvey, type Snapshot, type SpaceToSurvey, survey } from '@pagewalk/grader'
import { Machine, type MachineImage } from '@pagewalk/machine'
import {
  DEFAULT_CR3,
  KMEM_MAP_ADDR,
  KMEM_START,
  type LedgerRegion,
  ledgerOf,
} from '@pagewalk/nautilus-aspace'
import { spacesOf, threadsOf } from './kernel-state.ts'

/** What the allocator has given a page for, by the byte in its map. */
const OWNERS = [
  'free',
  'continued',
  'kernel',
  'thread',
  'stack',
  'page table',
  'address space',
  'console',
  'file',
]
const CONTINUED = 1

/** The default address space, and each one that a CPU has entered. */
export function view(image: MachineImage): Snapshot {
  const machine = Machine.fromImage(image)
  const spaces = spacesOf(machine).filter(({ cr3 }) => cr3 !== 0n)
  const byAddress = new Map(spaces.map((space) => [space.address, space.name]))
  const owners = pageOwners(machine)
  return survey(machine, {
    lab: 'nautilus',
    spaces: [
      { id: 'default', name: 'default', cr3: DEFAULT_CR3 },
      ...spaces
        .filter(({ cr3 }) => cr3 !== DEFAULT_CR3)
        .map(
          ({ name, cr3, address }): SpaceToSurvey => ({
            id: `${name} ${address.toString(16)}`,
            name,
            cr3,
            regions: ledgerOf(machine.memory, address).map(regionTold),
          }),
        ),
    ],
    threads: threadsOf(machine).map(({ tid, name, status, aspace }) => ({
      id: tid,
      name,
      state: status,
      space: byAddress.get(aspace) ?? 'default',
    })),
    owner: (pn) => owners[pn] ?? { owner: 'free', refcount: 0 },
  })
}
/** Of a region, bit by bit. */
const FLAGS = 'READ WRITE EXEC PIN KERN SWAP EAGER ANON FILE GROWS_UP GROWS_DOWN'.split(' ')
/** Their memory is found when it is first used. */
const FRESH = (1 << FLAGS.indexOf('ANON')) | (1 << FLAGS.indexOf('FILE'))
function regionTold({ vaStart, paStart, lenBytes, flags }: LedgerRegion): RegionToSurvey {
  const rights = FLAGS.filter((_, bit) => flags & (1 << bit)).join(' ')
  return { va: vaStart, length: lenBytes, rights, ...(!(flags & FRESH) && { pa: paStart }) }
}
function pageOwners(machine: Machine): { owner: string; refcount: number }[] {
  let last = 'free'
  return Array.from({ length: machine.options.memoryBytes / 4096 }, (_, pn) => {
    if (pn < KMEM_START / 4096) return { owner: 'kernel', refcount: 1 }
    const tag = machine.memory.read8(KMEM_MAP_ADDR + pn)
    if (tag !== CONTINUED) last = OWNERS[tag] ?? 'kernel'
    return { owner: last, refcount: last === 'free' ? 0 : 1 }
  })
}
