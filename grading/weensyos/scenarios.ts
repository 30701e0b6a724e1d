// The runs that the checks read: what is booted, for how long. Data only. A scenario's programs stand at the places
// of the lab's own six: 0 to 3 are the four that "allocator" starts, 4 is the one that 'fork' starts, 5 that of 'forkexit'.
//
// The seed chooses what a kernel could be fitted to: who stands where, which addresses are asked for, which pages are
// reserved when the kernel starts, what a trap costs (and so where timer interrupts fall), in which order processes exit.

import type { Action, Scenario } from '@pagewalk/grader'
import type { u64 } from '@pagewalk/machine/x86-64'
import { INSTRUCTIONS_PER_TRAP } from '@pagewalk/weensyos'
import { Dice } from './dice.ts'
import type { GradedBoot } from './probes/boot.ts'
import { type Program, probe, programs } from './programs.ts'

/** So many pages are free when p-fork-once starts: from none left at fork to enough. */
const SWEEP = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24] as const
export type SweepId = `fork-sweep-${(typeof SWEEP)[number]}`
export const SWEEPS: readonly SweepId[] = SWEEP.map((free) => `fork-sweep-${free}` as const)

export type ScenarioId =
  | 'allocators'
  | 'trespass-kernel'
  | 'trespass-foreign'
  | 'filler'
  | 'requests'
  | 'mapped-address'
  | 'kernel-addresses'
  | 'odd-addresses'
  | 'greedy'
  | 'reboot-a'
  | 'fork-probe'
  | 'fork'
  | 'fork-large'
  | 'fork-many'
  | 'fork-full'
  | 'reboot-f'
  | 'code-writer'
  | 'exits-owner-first'
  | 'exits-children-first'
  | 'recover'
  | 'forkexit'
  | 'reboot-e'
  | SweepId

// What probes have at known places; the same numbers stand in programs/*.c.
export const FORK_REGISTERS = 0x104000n
export const FORK_SAME = 0x105000n
export const FORK_OWN = 0x106000n
/** An address that page_alloc is asked for by a process that exit has not ended. */
export const AFTER_EXIT = 0x1ee7n
export const EXITS_INHERITED = 0x150000n
export const EXITS_PRIVATE = 0x1a0000n
export const HIGH_SEED = 16
export const LARGE_SEED = 64

/** The bytes that probe.h's pattern() writes. */
export function pattern(count: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => seed + index * 7)
}

// Pages that a seed may reserve: low ones that are free at boot. A kernel without step 3 needs the others where they are.
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
const LOW_PAGES = [...range(1, 0x40), ...range(0x5c, 0x7f), ...range(0x80, 0xa0)]
const PAGE = 0x1000n
/** Behind the programs, and not where stacks are in step 3. */
const HIGH_PAGES = range(0x100, 0x200).filter((pn) => pn % 64 >= 8 && pn % 64 !== 63)
const WINDOW = 0x40000n
const windowOf = (slot: number): u64 => 0x100000n + WINDOW * BigInt(slot)

/**
 * Reserved pages, so that `free` are left beside the kernel's and those where programs are loaded: half of them low and half
 * at the top of memory, since page tables that a kernel takes from either end must not be where a program is to be loaded.
 */
function allBut(free: number, programs: number, pages = PROGRAM_PAGES): number[] {
  const loaded = new Set(range(0, programs).flatMap((slot) => range(pageOf(slot), pageOf(slot) + pages)))
  const low = Math.ceil(free / 2)
  const left = new Set([
    ...range(0, low).map((i) => LOW_PAGES[Math.floor((i * LOW_PAGES.length) / low)]!), // from all places
    ...range(0x200 - Math.floor(free / 2), 0x200),
  ])
  return [...LOW_PAGES, ...range(0x100, 0x200)].filter((pn) => !loaded.has(pn) && !left.has(pn))
}
/** The largest program has fewer beside its heap and stack. */
const PROGRAM_PAGES = 8
const pageOf = (slot: number): number => Number(windowOf(slot) / PAGE)

/** A probe linked for `slot`: the digit at the end of an image's name is its window. */
const inSlot = (name: string, slot: number, parameters?: readonly (u64 | number)[]): Program =>
  probe(slot === 0 ? name : `${name}${slot + 1}`, parameters)

type Role = readonly [name: string, parameters?: (slot: number) => readonly (u64 | number)[]]
const IDLE: Role = ['p-idle']

class Stage {
  readonly dice: Dice
  readonly #seed: number
  readonly all: Scenario[] = []
  /** From step 3 on it does not matter which physical pages there are. */
  anywhere = false

  constructor(seed: number) {
    this.#seed = seed
    this.dice = new Dice(seed)
  }
  /**
   * @param traps  room for so many; the probes end the run themselves, so only a kernel that goes wrong uses it up
   */
  add(id: ScenarioId, boot: GradedBoot, traps: number, before: readonly Action[] = []): void {
    const dice = new Dice(this.#seed * 1000 + this.all.length)
    const instructionsPerTrap = INSTRUCTIONS_PER_TRAP + dice.below(1500)
    const reserved = boot.reserved ?? [
      ...dice.some(LOW_PAGES, 8),
      ...(this.anywhere ? dice.some(HIGH_PAGES, 16) : []),
    ]
    // what a trap costs at most: what is charged, and as much again for the kernel's loads and stores and the probe's work
    const run: Action = { do: 'run', instructions: traps * 2 * instructionsPerTrap }
    this.all.push({
      id,
      boot: { ...boot, instructionsPerTrap, reserved, watched: false },
      plan: [...before, run],
    })
  }
  /** Four roles for the programs of "allocator", in an order of the seed's. */
  four(roles: readonly [Role, Role, Role, Role]): Pick<GradedBoot, 'command' | 'programs'> {
    const cast = this.dice.shuffled(roles).map(([name, tell], slot) => inSlot(name, slot, tell?.(slot)))
    return { command: 'allocator', programs: [...cast, ...programs.slice(4)] }
  }
  /** An address of `slot`'s window, some pages behind its program. */
  inWindow(slot: number): u64 {
    return windowOf(slot) + PAGE * BigInt(0x10 + this.dice.below(0x20))
  }
}
const forking = (program: Program): Pick<GradedBoot, 'command' | 'programs'> => ({
  command: 'fork',
  programs: [...programs.slice(0, 4), program, ...programs.slice(5)],
})

export function scenarios(seed: number): readonly Scenario[] {
  const stage = new Stage(seed)
  isolation(stage)
  stage.anywhere = true
  allocation(stage)
  forks(stage)
  exits(stage)
  return stage.all
}

function isolation(stage: Stage): void {
  const { dice } = stage
  // the lab's own programs, until each has a few heap pages; what goes wrong later is other scenarios' matter
  stage.add('allocators', { command: 'allocator', programs }, 65)
  const kernels = dice.some([0x3, 0x40, 0x45, 0x52, 0x54, 0x56, 0x7f], 3).map((pn) => PAGE * BigInt(pn))
  stage.add('trespass-kernel', stage.four(trespassers((how) => kernels[how]!)), 60)
  const neighbour = (_how: number, slot: number): u64 => windowOf((slot + 1 + dice.below(3)) % 4)
  stage.add('trespass-foreign', stage.four(trespassers(neighbour)), 60)
  const kernelAddresses = [
    PAGE * BigInt(dice.some(range(1, 0x40), 1)[0]!),
    PAGE * BigInt(dice.some(range(0x80, 0xa0), 1)[0]!),
    ...[0xff000n, 0xb8000n, 0x0n, 0x7f000n, 0x40000n],
  ]
  const asks = (addresses: readonly u64[]): Role => ['p-ask', () => [addresses.length, ...addresses]]
  stage.add('kernel-addresses', stage.four([asks(kernelAddresses), IDLE, IDLE, IDLE]), 200)
  stage.add('reboot-a', fillers(), 60, reboot('a', 90))
}
/** One who reads, one who writes, one who jumps; and one who watches. Nobody's address is another's, so that it tells who it was. */
const trespassers = (page: (how: number, slot: number) => u64): [Role, Role, Role, Role] => {
  const role = (how: number): Role => ['p-trespass', (slot) => [how, page(how, slot) + BigInt(8 + 16 * slot)]]
  return [role(0), role(1), role(2), ['p-watch']]
}
/** Programs that make memory dirty, and what else is booted by a key. */
const fillers = (): GradedBoot => ({
  command: 'allocator',
  reserved: allBut(64, 4),
  programs: [
    ...range(0, 4).map((slot) => inSlot('p-filler', slot, [1])),
    probe('p-fork-probe'),
    probe('p-exits', EXITS_IN_ORDER),
  ],
})
const EXITS_IN_ORDER = [0, 1, 2, 3, 3]
/** Let the machine get dirty for so many traps, then press the key. */
const reboot = (key: string, traps: number): Action[] => [
  { do: 'run', instructions: traps * 2 * INSTRUCTIONS_PER_TRAP },
  { do: 'key', key },
]

const requests = (addresses: readonly u64[]): (u64 | number)[] => [
  addresses.length,
  ...addresses.flatMap((va, i) => [va, i + 1]),
]
function allocation(stage: Stage): void {
  const { dice } = stage
  const request = (slot: number): readonly (u64 | number)[] => {
    const own = stage.inWindow(slot)
    const [first, second] = dice.some(
      [0, 1, 2, 3].filter((other) => other !== slot),
      2,
    )
    // the physical page of the third's number holds a neighbour's code
    return requests([own, own + PAGE, windowOf(first!), stage.inWindow(second!)])
  }
  const twice = (slot: number): readonly (u64 | number)[] => {
    const own = stage.inWindow(slot)
    return requests([own, own + PAGE, own])
  }
  const high = (): u64[] => [0x200000n, 0x210000n + PAGE * BigInt(dice.below(0xd0)), 0x2fe000n]
  stage.add('requests', stage.four([['p-requests', request], ['p-high', high], IDLE, IDLE]), 200)
  stage.add('mapped-address', stage.four([['p-requests', twice], IDLE, IDLE, IDLE]), 200)
  const odd = [
    ...[0x300000n, 0x301000n, 0x7fff_ffff_f000n, 0xffff_8000_0000_0000n, 0xffff_ffff_ffff_f000n],
    0x4000_0012_0000n,
    0x120000n + BigInt(1 + dice.below(4094)),
    0x120001n,
  ]
  stage.add('odd-addresses', stage.four([['p-ask', () => [odd.length, ...odd]], IDLE, IDLE, IDLE]), 200)
  const greedy = range(0, 4).map((slot) => inSlot('p-greedy', slot))
  stage.add(
    'greedy',
    { command: 'allocator', programs: [...greedy, ...programs.slice(4)], reserved: allBut(100, 4) },
    500,
  )
  const filler: Role = ['p-filler', () => [0]]
  stage.add('filler', { ...stage.four([filler, filler, IDLE, IDLE]), reserved: allBut(180, 4) }, 500)
}

function forks(stage: Stage): void {
  const { dice } = stage
  stage.add('fork-probe', forking(probe('p-fork-probe')), 100)
  stage.add('fork', { command: 'fork', programs }, 40)
  const places = [0x120000n, 0x1c0000n, 0x240000n].map((from) => from + PAGE * BigInt(dice.below(0x30)))
  stage.add('fork-large', forking(probe('p-fork-large', places)), 100)
  stage.add('fork-many', forking(probe('p-fork-many')), 400)
  stage.add('fork-full', { ...forking(probe('p-fork-full')), reserved: allBut(60, 1) }, 500)
  stage.add('reboot-f', fillers(), 100, reboot('f', 90))
  stage.add('code-writer', { ...forking(probe('p-code-writer')), audited: true }, 150)
}

function exits(stage: Stage): void {
  const { dice } = stage
  const audited = true
  // 3 lives on. First the children exit and the parent, whose code they share, outlives them, and has more children than there are
  // slots, one after the other; then the parent goes first, among strangers.
  const childrenFirst = [3, ...dice.shuffled([0, 1, 2]), 14]
  stage.add('exits-children-first', { ...forking(probe('p-exits', childrenFirst)), audited }, 300)
  const parentFirst: Role = ['p-exits', () => [0, ...dice.shuffled([1, 2, 3]), 3]]
  stage.add('exits-owner-first', { ...stage.four([parentFirst, IDLE, IDLE, IDLE]), audited }, 400)
  const few = (free: number): number[] => allBut(free, 1)
  stage.add('recover', { ...forking(probe('p-recover', [5])), reserved: few(45), audited }, 500)
  stage.add('forkexit', { command: 'forkexit', programs, reserved: few(90), audited }, 150)
  // dirty from forks and exits, and so are variables of the kernel's that a soft reboot keeps
  stage.add('reboot-e', { ...fillers(), command: 'forkexit', audited }, 150, reboot('e', 150))
  for (const free of SWEEP)
    stage.add(
      `fork-sweep-${free}`,
      { ...forking(probe('p-fork-once')), reserved: allBut(free, 1, 2), audited },
      60,
    )
}
