// What hosts of this lab need: how to boot it and what its numbers are. A kernel uses ./kernel.ts instead.

import type { MachineOptions } from '@pagewalk/machine'
import { INSTRUCTIONS_PER_SECOND, MEMSIZE_PHYSICAL } from './layout.ts'

export { type BootConfig, boot, type KernelModule } from './boot.ts'
export * from './layout.ts'
/** The machine that this lab runs on. */
export const machineOptions: MachineOptions = {
  memoryBytes: Number(MEMSIZE_PHYSICAL),
  instructionsPerSecond: INSTRUCTIONS_PER_SECOND,
}
/** Programs by number, as kernel() starts them. */
export const PROGRAM_NAMES: readonly string[] = [
  'p-allocator',
  'p-allocator2',
  'p-allocator3',
  'p-allocator4',
  'p-fork',
  'p-forkexit',
]
/** What boot's `command` may be; anything else runs the allocators. */
export const COMMANDS: readonly string[] = ['allocator', 'fork', 'forkexit']
