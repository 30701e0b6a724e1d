// The machine that this kernel runs on. boot() attaches it; a kernel has one, and no other memory than the machine's.

import type { Ring0 } from '@pagewalk/machine'

/** What ring 0 may do: loads and stores through the MMU, ports, control registers, other CPUs. */
export let ring0: Ring0
export function attachRing0(to: Ring0): void {
  ring0 = to
}
