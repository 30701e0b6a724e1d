// Booting the lab in a test, and looking at its screen.

import { readFileSync } from 'node:fs'
import { type EventKind, Machine, type Stop } from '@pagewalk/machine'
import * as handedOut from '../kernel.ts'
import {
  type BootConfig,
  boot,
  INSTRUCTIONS_PER_TICK,
  type KernelModule,
  machineOptions,
} from '../lib/index.ts'
import { type Flavour, loadPrograms } from '../programs/node.ts'

export interface Lab {
  readonly machine: Machine
  /** Run for so many timer ticks. */
  ticks(count: number): Stop
  screen(): Screen
}
export interface Screen {
  readonly rows: readonly string[]
  /** Attribute of the cell, as VGA has it. */
  attribute(row: number, column: number): number
}

export function start(
  options: {
    kernel?: KernelModule
    flavour?: Flavour
    command?: string
    log?: readonly EventKind[]
    config?: Pick<BootConfig, 'reserved' | 'instructionsPerTrap' | 'watched'>
  } = {},
): Lab {
  const machine = new Machine({ ...machineOptions, log: options.log ?? [] })
  const config: BootConfig = {
    programs: loadPrograms(options.flavour ?? 'fast'),
    ...(options.command === undefined ? {} : { command: options.command }),
    ...options.config,
  }
  boot(machine, options.kernel ?? handedOut, config)
  return {
    machine,
    ticks: (count) => machine.run(count * INSTRUCTIONS_PER_TICK),
    screen: () => {
      const { rows, attributes } = machine.devices.vga.text(machine.memory.bytes)
      return { rows, attribute: (row, column) => attributes[row * 80 + column]! }
    },
  }
}

/** A screen of the original lab under QEMU. */
export function golden(name: string): Screen {
  const text = readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')
  const { rows, attributes } = JSON.parse(text) as { rows: string[]; attributes: string[] }
  return {
    rows,
    attribute: (row, column) => Number.parseInt(attributes[row]!.slice(column * 2, column * 2 + 2), 16),
  }
}

export const PHYSICAL_ROWS: readonly number[] = [1, 2, 3, 4, 5, 6, 7, 8]
export const VIRTUAL_ROWS: readonly number[] = [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22]
/** The letter and attribute of each page of a map, row after row. */
export function pagesOf(screen: Screen, rows: readonly number[]): { letter: string; attribute: number }[] {
  return rows.flatMap((row) =>
    Array.from({ length: 64 }, (_, i) => ({
      letter: screen.rows[row]![12 + i]!,
      attribute: screen.attribute(row, 12 + i),
    })),
  )
}
