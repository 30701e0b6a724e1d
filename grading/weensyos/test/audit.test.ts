// The audit of physical memory on a real machine: it has nothing to say of a right kernel, and sees each kind of wrong.

import { Machine } from '@pagewalk/machine'
import { expect, test } from 'vitest'
import { PROC_PAGETABLE, pageinfoAddress, processAddress } from '../layout.ts'
import { readPageinfo } from '../os.ts'
import { audit, WRONG } from '../probes/audit.ts'
import { playKernel, reference } from '../try-kernels.ts'

const run = await playKernel('reference', reference, [
  { do: 'key', key: 'f' },
  { do: 'run', instructions: 2_000_000 },
])
const machine = (): Machine => Machine.fromImage(run.final)
const pages = readPageinfo(machine())
const pageOf = (owner: number): number =>
  pages.findIndex((page) => page.owner === owner && page.refcount === 1)
/** `audit` after the books have been made to say this of a page. */
const after = (pn: number, owner: number, refcount: number): number | undefined => {
  const { memory } = machine()
  memory.write8(pageinfoAddress(pn), owner & 0xff)
  memory.write8(pageinfoAddress(pn) + 1, refcount)
  return audit(memory.bytes)?.[0]
}

test('a right kernel’s pages are all accounted for', () => {
  expect(new Set(pages.map(({ owner }) => owner)).size).toBeGreaterThan(5) // it has forked
  expect(audit(machine().memory.bytes)).toBeUndefined()
})
test('a page that nobody has any more is lost', () => {
  const free = pages.findIndex(({ refcount }) => refcount === 0)
  expect(after(free, 2, 1)).toBe(WRONG.lost)
})
test('a page in use must not be free, nor counted wrongly, nor somebody else’s', () => {
  const pn = pageOf(2)
  expect(after(pn, 2, 0)).toBe(WRONG.free)
  expect(after(pn, 2, 2)).toBe(WRONG.count)
  expect(after(pn, 3, 1)).toBe(WRONG.owner)
  expect(after(pn, 2, 1)).toBeUndefined()
})
test('two may share what neither can write, counted twice; what one can write is nobody else’s', () => {
  const { memory } = machine()
  const root = (pid: number): number => memory.read32(processAddress(pid) + PROC_PAGETABLE)
  const table = (at: number, index: number): number => memory.read32(at + index * 8) & ~0xfff
  const last = (pid: number): number => table(table(table(root(pid), 0), 0), 0)
  memory.write64(last(2) + 0x150 * 8, memory.read64(last(1) + 0x101 * 8)) // the page behind the code
  expect(audit(memory.bytes)?.[0]).toBe(WRONG.shared)
})
test('a page table that is somebody’s memory is open', () => {
  const { memory } = machine()
  const root = memory.read32(processAddress(1) + PROC_PAGETABLE)
  const at = (table: number, index: number): number => (memory.read32(table + index * 8) & ~0xfff) >>> 0
  const last = at(at(at(root, 0), 0), 0)
  memory.write64(last + 0x150 * 8, BigInt(root) | 7n)
  expect(audit(memory.bytes)?.[0]).toBe(WRONG.open)
})
