// Physical memory as devices, loaders and readers of an image see it. No paging, no rights: addresses are physical.

import { RAM, type State } from './cpu/state.ts'
import type { u64 } from './x86-64.ts'

/** Guest RAM by physical address. An address outside it throws RangeError; the CPU never comes this way. */
export class PhysicalMemory {
  /** All of RAM; index = physical address. A view, not a copy, to be read: writes through it are not noticed. */
  readonly bytes: Uint8Array
  private readonly view: DataView
  private readonly state: State
  private readonly codeWritten: (page: number) => void

  /** @param codeWritten  told each physical page that holds compiled code and is written */
  constructor(state: State, codeWritten: (page: number) => void) {
    this.state = state
    this.codeWritten = codeWritten
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
    for (let page = pa >>> 12; page <= (pa + length - 1) >>> 12; page++) this.noticePage(page)
  }
  /** Somebody has written to a page past the MMU. */
  noticePage(page: number): void {
    const { codePages, written } = this.state
    written[page] = 1
    if (codePages[page]) this.codeWritten(page)
  }

  /** The pages that are not all zeros: their numbers, ascending, and their bytes in the same order. */
  save(): { pages: Uint32Array; bytes: Uint8Array } {
    const { written } = this.state
    const pages: number[] = []
    for (let page = written.indexOf(1); page >= 0; page = written.indexOf(1, page + 1))
      if (this.isUsed(page)) pages.push(page)
    const bytes = new Uint8Array(pages.length * 4096)
    for (const [i, page] of pages.entries())
      bytes.set(this.bytes.subarray(page * 4096, page * 4096 + 4096), i * 4096)
    return { pages: Uint32Array.from(pages), bytes }
  }
  /** Make memory what `save` gave; all other pages become zeros. */
  load(pages: Uint32Array, bytes: Uint8Array): void {
    const { codePages, written } = this.state
    for (let page = written.indexOf(1); page >= 0; page = written.indexOf(1, page + 1)) {
      this.bytes.fill(0, page * 4096, page * 4096 + 4096)
      if (codePages[page]) this.codeWritten(page)
    }
    written.fill(0)
    for (const [i, page] of pages.entries())
      this.writeBytes(page * 4096, bytes.subarray(i * 4096, i * 4096 + 4096))
  }
  private isUsed(page: number): boolean {
    const { u64 } = this.state
    const from = (RAM >> 3) + page * 512
    for (let i = from; i < from + 512; i++) if (u64[i] !== 0n) return true
    return false
  }
}
