// The face of the machine. Constants of the architecture have a door of their own: @pagewalk/machine/x86-64.

export { vectorName } from './cpu/trap.ts'
export type { Device, InterruptLine, Saved, Timed } from './devices/device.ts'
export { ElfError, type ElfImage, type ElfSegment, PF_W, readElf } from './elf.ts'
export type { EventKind, EventLog, Happening, MachineEvent } from './events.ts'
export type { Address, Costs, Ring0 } from './host.ts'
export {
  type Devices,
  Machine,
  type MachineOptions,
  type Registers,
  type StartState,
  type TlbEntry,
} from './machine.ts'
export type { PhysicalMemory } from './memory.ts'
export type { ExplainOptions, Explanation, Mapping, WalkStep } from './mmu/explain.ts'
export { MAPPINGS_LIMIT, rights } from './mmu/explain.ts'
export { OWN } from './remote/calls.ts'
export { CHANNEL_BYTES, Channel, Outcome, Side } from './remote/channel.ts'
export { type BootMachine, RemoteMachine } from './remote/kernel-side.ts'
export { serveRing0 } from './remote/machine-side.ts'
export { hashState, type MachineImage, parseImage } from './snapshot.ts'
export { FOR_GOOD, type Stop, Told } from './stop.ts'
