// A fault that comes back for ever: whatever handles it does not mend what is wrong, so that no CPU time brings an end.

import { Slot, type State } from './cpu/state.ts'
import { type Fault, vectorName } from './cpu/trap.ts'
import { VECTOR_PF } from './x86-64.ts'

/** So often the same fault may come in a row. Handlers that need more than one go need a few, not hundreds. */
const LIMIT = 1000

/** General registers and rip, as 32-bit words at the front of the CPU block. */
const WORDS = (Slot.rip + 1) * 2

/** Of one CPU. No part of an image: a machine that goes on from one counts anew. */
export class Stall {
  readonly #before = new Int32Array(WORDS)
  #last: Fault = { vector: -1, error: 0, address: 0n, during: '' }
  #count = 0

  /** The CPU got on: an interrupt was delivered, and something else may happen now. */
  reset(): void {
    this.#count = 0
  }
  /**
   * A fault is about to be delivered.
   * @returns what to tell, once it has come back with all registers as they were, LIMIT times without an interrupt between
   */
  fault(fault: Fault, { i32, rip }: State): string | undefined {
    if (this.#count === 0 || !this.#isSame(fault, i32)) {
      for (let i = 0; i < WORDS; i++) this.#before[i] = i32[i]!
      this.#last = fault
      this.#count = 0
    }
    if (++this.#count <= LIMIT) return undefined
    const at = fault.vector === VECTOR_PF ? ` for address 0x${fault.address.toString(16)}` : ''
    return `${vectorName(fault.vector)}${at} at rip 0x${rip.toString(16)} has come back ${LIMIT} times: what handles it does not mend it`
  }
  #isSame({ vector, error, address }: Fault, i32: Int32Array): boolean {
    const last = this.#last
    if (vector !== last.vector || error !== last.error || address !== last.address) return false
    for (let i = 0; i < WORDS; i++) if (i32[i] !== this.#before[i]) return false
    return true
  }
}
