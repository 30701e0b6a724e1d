// A live run feels like the original: the slow allocators fill their windows in 5 to 10 seconds of virtual time. (The original
// needs 6.4 s under QEMU.)

import { expect, test } from 'vitest'
import { HZ, INSTRUCTIONS_PER_TICK } from '../lib/index.ts'
import { start } from './lab.ts'

test('the slow allocators have filled their windows after 5 to 10 seconds', () => {
  const lab = start({ flavour: 'slow', log: ['syscall'] })
  const allocations = (): number =>
    lab.machine.events.list.filter((e) => e.kind === 'syscall' && e.vector === 51).length
  lab.machine.run(5 * HZ * INSTRUCTIONS_PER_TICK)
  expect(allocations()).toBeLessThan(4 * 61)
  lab.machine.run(5 * HZ * INSTRUCTIONS_PER_TICK)
  expect(allocations()).toBe(4 * 61)
})
