// What the BIOS, the boot sector and the linker do: put the kernel into memory, bind its gates, start it. Handout:
// bootstart.S, boot.c, and the call of kernel() in k-exception.S.

import type { Machine, Ring0 } from '@pagewalk/machine'
import type { u64 } from '@pagewalk/machine/x86-64'
import {
  afterException,
  bootPagetables,
  checkKeyboard,
  forgetKeys,
  memoryLacks,
  type Status,
} from './hardware.ts'
import {
  BOOT_PAGETABLES_ADDR,
  COMMAND_ADDR,
  ENTRY_FROM_BOOT,
  INSTRUCTIONS_PER_ACCESS,
  INSTRUCTIONS_PER_TRAP,
  INSTRUCTIONS_PER_TRAP_LIMIT,
  KERNEL_STACK_TOP,
  kernelEnd,
  RAMIMAGES,
  RAMIMAGES_END,
  START_DATA,
} from './layout.ts'
import { loaderUses, RAMIMAGE_SLOTS } from './loader.ts'
import { mapsAreWatched } from './memshow.ts'
import { registersAt, type X8664Registers } from './proc.ts'
import { attachRing0 } from './ring0.ts'
import { FAIL, GATE_EXCEPTION, GATE_FAIL, GATE_IDLE, GATE_KERNEL, kernelText } from './stubs.ts'

/** What the student's file must export for the kernel to be called. */
export interface KernelModule {
  kernel(command: string | null): void
  exception(registers: X8664Registers): void
  schedule(): void
  assignPhysicalPage(addr: u64, owner: number): Status
}
export interface BootConfig {
  /** What the boot loader passes on: which programs to run. */
  readonly command?: string
  /** Program images in the order of their numbers; at most 16. */
  readonly programs: readonly { readonly name: string; readonly elf: Uint8Array }[]
  /** Numbers of physical pages that are reserved beyond the usual ones; none of the kernel's. */
  readonly reserved?: readonly number[]
  /** False: nobody looks at the screen, so that memshow draws nothing. */
  readonly watched?: boolean
  /** What a trap costs, in instructions; absent: INSTRUCTIONS_PER_TRAP. */
  readonly instructionsPerTrap?: number
}

/**
 * Put `kernel` into `machine` and start it: the next `machine.run` begins with kernel(command). Whatever an earlier boot has
 * left in the library's variables is gone then.
 *
 * @throws Error if the kernel lacks a function, or the program images do not fit
 */
export function boot(machine: Machine, kernel: KernelModule, config: BootConfig): void {
  for (const name of ['kernel', 'exception', 'schedule', 'assignPhysicalPage'] as const)
    if (typeof kernel[name] !== 'function') throw new Error(`kernel.ts: must export a function ${name}`)
  const { memory, ring0 } = machine
  for (const [at, bytes] of kernelText()) memory.writeBytes(at, bytes)
  memory.writeBytes(Number(START_DATA), new Uint8Array(Number(kernelEnd - START_DATA)))
  placePrograms(machine, config.programs)
  bootPagetables((at, entry) => memory.write64(at, entry))
  if (config.command !== undefined)
    memory.writeBytes(
      COMMAND_ADDR,
      Uint8Array.from([...config.command, '\0'], (c) => c.charCodeAt(0)),
    )

  attachRing0(ring0)
  loaderUses(kernel.assignPhysicalPage)
  memoryLacks(config.reserved ?? [])
  forgetKeys()
  mapsAreWatched(config.watched ?? true)
  bindGates(ring0, kernel, config.instructionsPerTrap ?? INSTRUCTIONS_PER_TRAP)
  machine.start({
    rip: ENTRY_FROM_BOOT,
    rsp: KERNEL_STACK_TOP,
    cr3: BigInt(BOOT_PAGETABLES_ADDR),
    rdi: config.command === undefined ? 0n : BigInt(COMMAND_ADDR),
  })
}

function bindGates(ring0: Ring0, kernel: KernelModule, instructionsPerTrap: number): void {
  ring0.setCosts({
    access: INSTRUCTIONS_PER_ACCESS,
    entry: instructionsPerTrap,
    limit: INSTRUCTIONS_PER_TRAP_LIMIT,
  })
  ring0.setStopLoop(FAIL, KERNEL_STACK_TOP)
  ring0.gate(GATE_KERNEL, () => kernel.kernel(commandAt(ring0, ring0.reg(7))))
  ring0.gate(GATE_EXCEPTION, () => {
    kernel.exception(registersAt(Number(ring0.reg(7))))
    afterException()
  })
  ring0.gate(GATE_IDLE, () => {
    checkKeyboard()
    kernel.schedule()
    afterException()
  })
  ring0.gate(GATE_FAIL, () => {
    checkKeyboard()
    afterException()
  })
}
function commandAt(ring0: Ring0, address: u64): string | null {
  if (address === 0n) return null
  let command = ''
  for (let at = Number(address), c = ring0.read8(at); c !== 0 && command.length < 64; c = ring0.read8(++at))
    command += String.fromCharCode(c)
  return command
}

/** The images lie in the kernel's data, behind a table of where each begins and ends. */
function placePrograms({ memory }: Machine, programs: BootConfig['programs']): void {
  if (programs.length > RAMIMAGE_SLOTS)
    throw new Error(`boot: at most ${RAMIMAGE_SLOTS} programs, got ${programs.length}`)
  let at = RAMIMAGES + RAMIMAGE_SLOTS * 16
  for (const [i, { name, elf }] of programs.entries()) {
    if (at + elf.length > RAMIMAGES_END)
      throw new Error(
        `boot: program images must fit into ${RAMIMAGES_END - RAMIMAGES} bytes, ${name} does not`,
      )
    memory.write64(RAMIMAGES + i * 16, BigInt(at))
    memory.write64(RAMIMAGES + i * 16 + 8, BigInt(at + elf.length))
    memory.writeBytes(at, elf)
    at += (elf.length + 15) & ~15
  }
}
