// What hosts of this lab need: how to boot it and what its numbers are. paging.ts and shell.ts use ./kernel.ts instead.

import type { MachineOptions } from '@pagewalk/machine'
import { INSTRUCTIONS_PER_SECOND, MEMSIZE } from './layout.ts'

export { type BootConfig, boot, bootWith, type KernelModule, type Spawn } from './boot.ts'
export * from './layout.ts'
export { type LedgerRegion, ledgerOf } from './ledger.ts'
/** The machine that this lab runs on; it may have up to 8 CPUs. */
export const machineOptions: MachineOptions = {
  memoryBytes: Number(MEMSIZE),
  instructionsPerSecond: INSTRUCTIONS_PER_SECOND,
}
