// The port bus. Answers to: Intel SDM Vol. 1 §19.3, I/O Address Space, and the ISA bus's byte steering: a device
// with an 8-bit data path sees a 16-bit access as two 8-bit ones, the lower port first.

import type { Device } from './device.ts'

const NOBODY = 0

export class PortBus {
  readonly #devices: readonly Device[]
  /** For each port the device's number plus 1, or NOBODY. */
  readonly #owner: Uint8Array = new Uint8Array(0x10000)

  /** @throws Error if two devices claim one port, or a claim is no port range */
  constructor(devices: readonly Device[]) {
    this.#devices = devices
    devices.forEach((device, number) => {
      for (const [first, last] of device.ports) this.#claim(device, number + 1, first, last)
    })
  }

  /** What a read of `width` bits (8, 16 or 32) at `port` gives, unsigned. Ports of nobody read as all ones. */
  read(port: number, width: number): number {
    const device = this.#at(port)
    if (device !== undefined && width <= (device.widest ?? 8)) return device.read(port, width) >>> 0
    if (width === 8) return 0xff
    let value = 0
    for (let bit = 0; bit < width; bit += 8) value |= this.read((port + bit / 8) & 0xffff, 8) << bit
    return value >>> 0
  }

  /** Write the low `width` bits (8, 16 or 32) of `value` at `port`. Writes to ports of nobody are lost. */
  write(port: number, width: number, value: number): void {
    const device = this.#at(port)
    if (device !== undefined && width <= (device.widest ?? 8)) {
      device.write(port, width, width === 32 ? value >>> 0 : value & ((1 << width) - 1))
    } else if (width > 8) {
      for (let bit = 0; bit < width; bit += 8) this.write((port + bit / 8) & 0xffff, 8, value >>> bit)
    }
  }

  #at(port: number): Device | undefined {
    const owner = this.#owner[port] ?? NOBODY
    return owner === NOBODY ? undefined : this.#devices[owner - 1]
  }

  #claim(device: Device, owner: number, first: number, last: number): void {
    const range = `0x${first.toString(16)}..0x${last.toString(16)}`
    if (!(first >= 0 && first <= last && last <= 0xffff))
      throw new Error(`bus: ports must lie in 0..0xffff, got ${range} of ${device.name}`)
    for (let port = first; port <= last; port += 1) {
      const other = this.#at(port)
      if (other !== undefined)
        throw new Error(
          `bus: a port must have one device, got ${other.name} and ${device.name} at 0x${port.toString(16)}`,
        )
      this.#owner[port] = owner
    }
  }
}
