// What a seed may choose, and what not.

import { RAMIMAGES, RAMIMAGES_END } from '@pagewalk/weensyos'
import { expect, test } from 'vitest'
import type { GradedBoot } from '../probes/boot.ts'
import { scenarios } from '../scenarios.ts'

const SEEDS = Array.from({ length: 50 }, (_, i) => i + 1)
const bootOf = (seed: number): GradedBoot[] => scenarios(seed).map(({ boot }) => boot as GradedBoot)

test('a seed gives the same runs each time, and another seed others with the same names', () => {
  expect(scenarios(3)).toEqual(scenarios(3))
  for (const seed of SEEDS)
    expect(scenarios(seed).map(({ id }) => id)).toEqual(scenarios(1).map(({ id }) => id))
  expect(scenarios(3)).not.toEqual(scenarios(4))
})
test('no seed reserves the kernel’s memory, the tables of the boot, or what is not there', () => {
  for (const { reserved = [] } of SEEDS.flatMap(bootOf)) {
    expect(reserved.filter((pn) => pn <= 0 || pn >= 512 || (pn >= 0x40 && pn < 0x5c) || pn === 0x7f)).toEqual(
      [],
    )
    expect(new Set(reserved).size).toBe(reserved.length)
  }
})
test('the programs of every boot have room in the kernel’s data', () => {
  for (const { programs } of SEEDS.flatMap(bootOf)) {
    const bytes = programs.reduce((sum, { elf }) => sum + ((elf.length + 15) & ~15), 16 * 16)
    expect(bytes).toBeLessThanOrEqual(RAMIMAGES_END - RAMIMAGES)
  }
})
