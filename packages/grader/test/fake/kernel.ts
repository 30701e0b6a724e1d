// A right kernel of the fake lab: counts its calls in memory and shows a letter.

import { PTE_P } from '@pagewalk/machine/x86-64'
import { COUNT, read32, write32 } from './lib/room.ts'

export function kernel(): void {
  write32(COUNT, 0)
  write32(0xb8000, 0x1f41)
  write32(COUNT + 4, Number(PTE_P))
}

export function tick(count: number): void {
  write32(COUNT, read32(COUNT) + 1)
  write32(COUNT + 8, count)
}
