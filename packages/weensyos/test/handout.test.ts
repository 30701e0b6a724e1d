// What README.md says about the lab is so.

import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import * as lib from '../lib/kernel.ts'
import { README, withNames } from '../tools/names.ts'
import { start } from './lab.ts'

const readme = readFileSync(README, 'utf8')
const found = (pattern: RegExp): string[] => [...readme.matchAll(pattern)].map(([, what]) => what!)

test('the table of names is current (else: node packages/weensyos/tools/names.ts)', () => {
  expect(withNames(readme)).toBe(readme)
})
test('the table has the C form and the name here, with the parameters of both', () => {
  expect(readme).toContain(
    '| `assign_physical_page(addr, owner)` | `assignPhysicalPage(addr, owner)` | `kernel.ts` |',
  )
  expect(readme).toContain('| `PAGENUMBER(ptr)` | `PAGENUMBER(ptr)` | `lib/layout.ts` | number of the page')
  expect(readme).toContain('| `struct proc` | `Proc` | `lib/proc.ts` | a process descriptor, 216 bytes |')
})
test('links lead to headings and pictures that are there', () => {
  const slug = (heading: string): string =>
    heading
      .toLowerCase()
      .replace(/[^\w -]/g, '')
      .replaceAll(' ', '-')
  expect(found(/^#+ (.*)$/gm).map(slug)).toEqual(expect.arrayContaining(found(/\]\(#(.*?)\)/g)))
  for (const path of found(/\]\(([^#].*?)\)/g))
    expect([path, existsSync(fileURLToPath(new URL(`../${path}`, import.meta.url)))]).toEqual([path, true])
})
test('constants that it names are exported', () => {
  const named = new Set(found(/`((?:PTE|PO|P|INT|MEMSIZE|PROC|KERNEL|CONSOLE)_[A-Z_]+)`/g))
  expect(named.size).toBeGreaterThan(15)
  expect(Object.keys(lib)).toEqual(expect.arrayContaining([...named]))
})
test('the indexes of addresses are those of PAGEINDEX', () => {
  const rows = [...readme.matchAll(/^ (0x\w{6}) +(\S+) +(\S+) +(\S+) +(\S+) +(0x\w{3})$/gm)]
  expect(rows).toHaveLength(5)
  for (const [, address = '', ...indexes] of rows) {
    const va = BigInt(address)
    expect([address, ...indexes.map(Number)]).toEqual([
      address,
      ...[0, 1, 2, 3].map((level) => lib.PAGEINDEX(va, level)),
      Number(va & 0xfffn),
    ])
  }
})
test('as many pages are free, reserved and the kernel’s as the exercise says', () => {
  const pages = Array.from({ length: lib.NPAGES }, (_, pn) => lib.PAGEADDRESS(pn))
  const reserved = pages.filter(lib.physicalMemoryIsreserved).length
  const kernels = pages.filter(lib.isKernelMemory).length
  expect([lib.NPAGES - reserved - kernels, reserved, kernels]).toEqual([386, 97, 29])
  expect(readme).toContain("386: without the 97 reserved ones and the kernel's 29")
})
test('130 pages stay free when the handed-out kernel’s processes have filled their rows', () => {
  const lab = start()
  lab.ticks(60)
  const map = lab.screen().rows.slice(1, 9).join('')
  expect(map.match(/\./g)).toHaveLength(130)
})
