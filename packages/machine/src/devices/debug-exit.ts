// Two ways for a kernel to end the machine. Answers to: QEMU's isa-debug-exit (port F4h, any write ends with its
// value) and the ACPI specification §4.8.3.2, PM1 Control Registers (SLP_EN), at the ports 604h and B004h where
// QEMU's two PC boards have them. The sleep type is not looked at: every sleep is power off.

import type { Device, Saved } from './device.ts'

const EXIT = 0xf4
const SLP_EN = 0x2000

export class DebugExit implements Device {
  readonly name = 'debug-exit'
  readonly ports: Device['ports'] = [
    [0xf4, 0xf7],
    [0x604, 0x605],
    [0xb004, 0xb005],
  ]
  readonly widest = 32
  readonly #onExit: (code: number) => void
  readonly #onPowerOff: () => void

  /**
   * @param onExit      a write to port F4h, with the value written
   * @param onPowerOff  the ACPI power off; if absent, onExit with code 0
   */
  constructor(onExit: (code: number) => void, onPowerOff: () => void = () => onExit(0)) {
    this.#onExit = onExit
    this.#onPowerOff = onPowerOff
  }

  read(): number {
    return 0
  }

  write(port: number, _width: number, value: number): void {
    if (port === EXIT) this.#onExit(value)
    else if ((port === 0x604 || port === 0xb004) && value & SLP_EN) this.#onPowerOff()
  }

  save(): Saved {
    return null
  }

  restore(saved: Saved): void {
    if (saved !== null) throw new Error(`debug-exit: saved state must be null, got ${JSON.stringify(saved)}`)
  }
}
