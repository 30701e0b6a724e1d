// Boots the smallest lab there is: flat memory, one gate that starts the kernel, one that is called for ever.

import type { Machine } from '@pagewalk/machine'
import { PTE_P, PTE_PS, PTE_W } from '@pagewalk/machine/x86-64'
import { setRoom } from './room.ts'

export interface Kernel {
  kernel(): void
  tick(count: number): void
}
/** 0F 3F 1, 0F 3F 2, and a jump back to the second. */
const TEXT = [0x0f, 0x3f, 1, 0, 0x0f, 0x3f, 2, 0, 0xeb, 0xfa]
const ENTRY = 0x10000

export function boot(machine: Machine, kernel: Kernel, config: { first: number }): void {
  const { memory, ring0 } = machine
  const tables = [0x1000, 0x2000, 0x3000]
  memory.write64(tables[0]!, BigInt(tables[1]!) | PTE_P | PTE_W)
  memory.write64(tables[1]!, BigInt(tables[2]!) | PTE_P | PTE_W)
  memory.write64(tables[2]!, PTE_P | PTE_W | PTE_PS)
  for (const [i, byte] of TEXT.entries()) memory.write8(ENTRY + i, byte)
  setRoom(ring0)
  ring0.setCosts({ access: 1, entry: 10, limit: 1_000_000 })
  let count = config.first
  ring0.gate(1, () => kernel.kernel())
  ring0.gate(2, () => kernel.tick(count++))
  machine.start({ rip: BigInt(ENTRY), rsp: 0x9000n, cr3: BigInt(tables[0]!) })
}
