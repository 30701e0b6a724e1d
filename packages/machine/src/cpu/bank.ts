// Several CPUs, one window. The block at the start of the machine's memory is that of the CPU whose turn it is; the
// others' are parked. So every reader of instructions works on one fixed block, and compiled code serves all CPUs; a
// change of turn costs two copies of a block and the fast TLB.

import type { Mmu } from '../mmu/mmu.ts'
import { Tlb } from '../mmu/tlb.ts'
import type { u64 } from '../x86-64.ts'
import { CPUS_MOST, PARKED, PARKED_BYTES, type Slot, STATE_SLOTS, type State } from './state.ts'

type SlotNumber = (typeof Slot)[keyof typeof Slot] | number

export class Bank {
  readonly tlbs: readonly Tlb[]
  /** Whose turn it is. */
  current = 0
  private readonly state: State
  private readonly mmu: Mmu

  /** @param count  1 to 8; the state has room for so many TLBs */
  constructor(state: State, mmu: Mmu, count: number) {
    if (!Number.isInteger(count) || count < 1 || count > CPUS_MOST)
      throw new RangeError(`Bank: a machine has 1 to ${CPUS_MOST} CPUs, got ${count}`)
    this.state = state
    this.mmu = mmu
    this.tlbs = Array.from({ length: count }, (_, cpu) => (cpu === 0 ? mmu.tlb : new Tlb(state, cpu)))
  }
  get count(): number {
    return this.tlbs.length
  }
  /** It is `cpu`'s turn. */
  select(cpu: number): void {
    if (cpu === this.current) return
    const { u64 } = this.state
    u64.copyWithin(parked(this.current), 0, STATE_SLOTS)
    u64.copyWithin(0, parked(cpu), parked(cpu) + STATE_SLOTS)
    this.current = cpu
    this.mmu.use(this.tlbs[cpu]!)
  }
  /** A slot of any CPU. */
  get(cpu: number, slot: SlotNumber): u64 {
    return this.state.u64[this.at(cpu, slot)]!
  }
  /** The low half of a slot, as a signed 32-bit number. */
  low(cpu: number, slot: SlotNumber): number {
    return this.state.i32[this.at(cpu, slot) * 2]!
  }
  private at(cpu: number, slot: number): number {
    return (cpu === this.current ? 0 : parked(cpu)) + slot
  }
  /** All blocks, one behind the other. */
  save(): BigUint64Array {
    const blocks = new BigUint64Array(this.count * STATE_SLOTS)
    for (let cpu = 0; cpu < this.count; cpu++) {
      const from = cpu === this.current ? 0 : parked(cpu)
      blocks.set(this.state.u64.subarray(from, from + STATE_SLOTS), cpu * STATE_SLOTS)
    }
    return blocks
  }
  /** @param current  whose turn it is */
  load(blocks: BigUint64Array, current: number): void {
    this.current = current
    this.mmu.use(this.tlbs[current]!)
    for (let cpu = 0; cpu < this.count; cpu++)
      this.state.u64.set(
        blocks.subarray(cpu * STATE_SLOTS, (cpu + 1) * STATE_SLOTS),
        cpu === current ? 0 : parked(cpu),
      )
  }
}
const parked = (cpu: number): number => (PARKED + cpu * PARKED_BYTES) >> 3
