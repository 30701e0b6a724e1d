// The runs that the checks read: what is booted, for how long. Data only. A scenario's programs stand at the places
// of the lab's own six: 0 to 3 are the four that "allocator" starts, 4 is the one that 'fork' starts.

import type { Scenario } from '@pagewalk/grader'
import type { u64 } from '@pagewalk/machine/x86-64'
import { type BootConfig, INSTRUCTIONS_PER_TRAP } from '@pagewalk/weensyos'
import { probe, programs } from './programs.ts'

export type ScenarioId =
  | 'allocators'
  | 'filler'
  | 'requests'
  | 'kernel-addresses'
  | 'odd-addresses'
  | 'greedy'
  | 'fork-probe'
  | 'fork'
  | 'fork-many'
  | 'fork-full'

/** A page that a probe fills with `pattern(256, seed)` if it gets it. */
export type Patterned = readonly [va: u64, seed: number]

// What the probes ask for; the same numbers stand in programs/*.c.
export const FORBIDDEN: readonly u64[] = [0x1000n, 0x90000n, 0xff000n, 0xb8000n, 0x0n, 0x7f000n, 0x40000n]
export const ODD: readonly u64[] = [
  0x300000n,
  0x301000n,
  0x7fff_ffff_f000n,
  0xffff_8000_0000_0000n,
  0xffff_ffff_ffff_f000n,
  0x4000_0012_0000n,
  0x120800n,
  0x120001n,
]
/** In process 2's window, but free in process 1's address space. */
export const NEIGHBOUR = 0x140000n
export const REQUESTS: readonly Patterned[] = [
  [0x120000n, 1],
  [0x121000n, 2],
  [NEIGHBOUR, 3],
  [0x1a0000n, 4],
]
export const HIGH: readonly Patterned[] = [
  [0x200000n, 16],
  [0x280000n, 17],
  [0x2fe000n, 18],
]
export const FORK_REGISTERS = 0x180000n
export const FORK_OWN = 0x181000n
export const FORK_SAME = 0x190000n

/** The bytes that probe.h's pattern() writes. */
export function pattern(count: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => seed + index * 7)
}

/** The four programs of "allocator" mode. */
function four(...names: readonly [string, string, string, string]): BootConfig {
  return { command: 'allocator', programs: [...names.map(probe), ...programs.slice(4)] }
}

/** The program of 'fork' mode. */
function forking(name: string): BootConfig {
  return { command: 'fork', programs: [...programs.slice(0, 4), probe(name), ...programs.slice(5)] }
}

const IDLE = ['p-idle2', 'p-idle3', 'p-idle4'] as const

/** What a trap costs at most: what the lab charges, and as much again for the kernel's loads and stores and the probe's work. */
const MOST_PER_TRAP = 2 * INSTRUCTIONS_PER_TRAP

/** Room for so many traps; the probes end the run themselves, so only a kernel that goes wrong uses it up. */
function scenario(id: ScenarioId, boot: BootConfig, traps: number): Scenario {
  return { id, boot, plan: [{ do: 'run', instructions: traps * MOST_PER_TRAP }] }
}

export const scenarios: readonly Scenario[] = [
  // the lab's own programs, until each has a few heap pages; what goes wrong later is other scenarios' matter
  {
    id: 'allocators',
    boot: { command: 'allocator', programs },
    plan: [{ do: 'run', instructions: 1_500_000 }],
  },
  scenario('filler', four('p-filler', 'p-filler2', 'p-filler3', 'p-filler4'), 1000),
  scenario('requests', four('p-requests', 'p-high2', 'p-idle3', 'p-idle4'), 200),
  scenario('kernel-addresses', four('p-kernel-addresses', ...IDLE), 200),
  scenario('odd-addresses', four('p-odd-addresses', ...IDLE), 200),
  scenario('greedy', four('p-greedy', 'p-greedy2', 'p-greedy3', 'p-greedy4'), 1000),
  scenario('fork-probe', forking('p-fork-probe'), 100),
  scenario('fork', { command: 'fork', programs }, 80),
  scenario('fork-many', forking('p-fork-many'), 400),
  scenario('fork-full', forking('p-fork-full'), 500),
]
