// The machine as data, with the lab's words for owners and address spaces.

import { type Snapshot, type SpaceToSurvey, survey } from '@pagewalk/grader'
import { Machine, type MachineImage } from '@pagewalk/machine'
import { KERNEL_ROOT, PO_FREE } from './layout.ts'
import { ownerWord, readPageinfo, readProcesses } from './os.ts'

const STATES = ['free', 'runnable', 'blocked', 'broken']

/** The kernel's address space, and one for each process that is not free and has tables of its own. */
export function view(image: MachineImage): Snapshot {
  const machine = Machine.fromImage(image)
  const pageinfo = readPageinfo(machine)
  const kernel: SpaceToSurvey = { id: 'kernel', name: 'Kernel', cr3: KERNEL_ROOT }
  const processes = readProcesses(machine).filter((process) => process.state !== 0)
  return survey(machine, {
    lab: 'weensyos',
    spaces: [kernel, ...processes.map(processSpace)],
    owner(pn) {
      const { owner, refcount } = pageinfo[pn] ?? { owner: PO_FREE, refcount: 0 }
      return { owner: ownerWord(refcount === 0 ? PO_FREE : owner), refcount }
    },
  })
}

function processSpace({ pid, state, cr3 }: { pid: number; state: number; cr3: bigint }): SpaceToSurvey {
  return { id: `process ${pid}`, name: `Process ${pid}`, cr3, pid, state: STATES[state] ?? `state ${state}` }
}
