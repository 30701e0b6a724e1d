import { snapshotSchema } from '@pagewalk/grader'
import { Machine } from '@pagewalk/machine'
import { boot } from '@pagewalk/weensyos'
import * as kernel from '@pagewalk/weensyos/kernel'
import { expect, test } from 'vitest'
import { weensyos } from '../index.ts'
import { programs } from '../programs.ts'

function snapshot(instructions: number): ReturnType<typeof weensyos.view> {
  const machine = new Machine(weensyos.machine)
  boot(machine, kernel, { command: 'allocator', programs })
  machine.run(instructions)
  return weensyos.view(machine.image())
}

test('a snapshot of the handed-out kernel holds the schema and names the owners', () => {
  const view = snapshot(1_000_000)
  expect(snapshotSchema.parse(view)).toEqual(view)
  expect(new Set(view.physical.map(({ owner }) => owner))).toEqual(
    new Set(['free', 'reserved', 'kernel', 'process 1', 'process 2', 'process 3', 'process 4']),
  )
  expect(view.physical.reduce((sum, { length }) => sum + length, 0)).toBe(0x200000)
})

test('there is one address space for the kernel and one for each process', () => {
  const view = snapshot(1_000_000)
  expect(view.spaces.map(({ id, state }) => [id, state])).toEqual([
    ['kernel', undefined],
    ...[1, 2, 3, 4].map((pid) => [`process ${pid}`, 'runnable']),
  ])
})
