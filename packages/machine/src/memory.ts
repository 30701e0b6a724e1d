// Physical memory as devices, loaders and readers of an image see it. No paging, no rights: addresses are physical.

import { RAM, type State } from './cpu/state.ts'
import type { u64 } from './x86-64.ts'

/** Guest RAM by physical address. An address outside it throws RangeError; the CPU never comes this way. */
export class PhysicalMemory {
  /** All of RAM; index = physical address. A view, not a copy. Writes through it bypass the check for compiled code. */
  readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly state: State
  private readonly written: (page: number) => void

  /** @param written  told each physical page that holds compiled code and is written */
  constructor(state: State, written: (page: number) => void) {
    this.state = state
    this.written = written
    this.bytes = state.u8.subarray(RAM, RAM + state.ramBytes)
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength)
  }

  read8(pa: number): number {
    return this.view.getUint8(pa)
  }
  read16(pa: number): number {
    return this.view.getUint16(pa, true)
  }
  read32(pa: number): number {
    return this.view.getUint32(pa, true)
  }
  read64(pa: number): u64 {
    return this.view.getBigUint64(pa, true)
  }
  write8(pa: number, value: number): void {
    this.view.setUint8(pa, value)
    this.notice(pa, 1)
  }
  write16(pa: number, value: number): void {
    this.view.setUint16(pa, value, true)
    this.notice(pa, 2)
  }
  write32(pa: number, value: number): void {
    this.view.setUint32(pa, value, true)
    this.notice(pa, 4)
  }
  write64(pa: number, value: u64): void {
    this.view.setBigUint64(pa, value, true)
    this.notice(pa, 8)
  }
  writeBytes(pa: number, bytes: Uint8Array): void {
    if (pa < 0 || pa + bytes.length > this.bytes.length)
      throw new RangeError(
        `writeBytes: [0x${pa.toString(16)}, +${bytes.length}) must lie in RAM of ${this.bytes.length} bytes`,
      )
    this.bytes.set(bytes, pa)
    this.notice(pa, bytes.length)
  }

  private notice(pa: number, length: number): void {
    const { codePages } = this.state
    for (let page = pa >>> 12; page <= (pa + length - 1) >>> 12; page++)
      if (codePages[page]) this.written(page)
  }
}
