// How a submission is booted for a check: as ever, and if it is to be audited, with a look at the books after every event.

import type { Machine } from '@pagewalk/machine'
import { type BootConfig, boot as bootKernel, type KernelModule } from '@pagewalk/weensyos/lib/boot.ts'
import { audit } from './audit.ts'

/** What a scenario of this lab boots. */
export interface GradedBoot extends BootConfig {
  readonly audited?: true
}
interface Host {
  note(tag: string, ...words: bigint[]): void
}

/** So many troubles are noted; the first is what matters. */
const TROUBLES = 8

/** Notes `wrong` with the interrupt's number (0: the boot) and what `audit` says, for each event after which something is wrong. */
export function boot(machine: Machine, kernel: KernelModule, config: GradedBoot, host: Host): void {
  if (!config.audited) return bootKernel(machine, kernel, config)
  let noted = 0
  const look = (intno: bigint): void => {
    const wrong = noted < TROUBLES ? audit(machine.memory.bytes) : undefined
    if (!wrong) return
    noted++
    host.note('wrong', intno, ...wrong.map((word) => BigInt.asUintN(32, BigInt(word))))
  }
  const audited: KernelModule = {
    ...kernel,
    kernel(command) {
      kernel.kernel(command)
      look(0n)
    },
    exception(registers) {
      const { intno } = registers
      kernel.exception(registers)
      look(intno)
    },
  }
  bootKernel(machine, audited, config)
}
