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

/** Tag of the note that the kernel begins: at the boot, and after each soft reboot. */
export const BEGINS = 'kernel'
/** So many troubles are noted; the first is what matters. */
const TROUBLES = 8

/**
 * Notes `kernel` each time the kernel begins; and, if audited, `wrong` with the interrupt's number (0: the boot) and what `audit`
 * says, for each event after which something is wrong.
 */
export function boot(machine: Machine, kernel: KernelModule, config: GradedBoot, host: Host): void {
  let noted = 0
  const look = (intno: bigint): void => {
    const wrong = config.audited && noted < TROUBLES ? audit(machine.memory.bytes) : undefined
    if (!wrong) return
    noted++
    host.note('wrong', intno, ...wrong.map((word) => BigInt.asUintN(32, BigInt(word))))
  }
  const watched: KernelModule = {
    ...kernel,
    kernel(command) {
      host.note(BEGINS)
      kernel.kernel(command)
      look(0n)
    },
    exception(registers) {
      const { intno } = registers
      kernel.exception(registers)
      look(intno)
    },
  }
  bootKernel(machine, config.audited ? watched : { ...kernel, kernel: watched.kernel }, config)
}
