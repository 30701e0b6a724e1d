// The shell command pagingTest.

import { beforeAll, describe, expect, test } from 'vitest'
import { boot, inThread, type Kernel, load } from './kit.ts'

let reference: Kernel
let extra: Kernel
beforeAll(async () => {
  reference = await load('reference')
  extra = await load('reference-extra')
})

const STEPS = `    Survived Region overlapping test
    Survived: moving thread into paging space at 0xADDRESS
    Survived: comparing an eager and a lazy region
    Survived: comparing two eager regions
    Survived: move region test
    Survived: removal region test
    Survived: Protection test
Destroy succeeded
Paging check sanity test Passed!
`
const withoutAddress = (text: string): string => text.replace(/at 0x[0-9a-f]+\n/, 'at 0xADDRESS\n')

describe.each(['reference', 'reference-extra'])('%s', (name) => {
  const kernel = (): Kernel => (name === 'reference' ? reference : extra)

  test('passes pagingTest in its shell, under both of its names', () => {
    const booted = boot(kernel())
    booted.machine.run(200_000_000)
    for (const command of ['pagingTest', 'testpaging'])
      expect(withoutAddress(booted.type(command))).toContain(STEPS)
    expect(booted.machine.registers().cr0 & 0x1_0000n).toBe(0x1_0000n)
  })
  test('gives back all memory that pagingTest takes', () => {
    const { lib, pagingTest } = kernel()
    const { stop } = inThread(kernel(), function* twice() {
      const before = lib.kmemStats().pagesInUse
      for (let n = 0; n < 2; n++) {
        expect(yield* pagingTest()).toBe(0)
        expect(lib.kmemStats().pagesInUse).toBe(before)
      }
      expect(lib.getCurThread().aspace).toBe(null)
    })
    expect(stop).toBe(undefined)
  })
})
test('pagingTest on the handed-out paging.ts fails, and does not reset the machine', async () => {
  const kernel = await load('handed-out')
  const { stop, said } = inThread(kernel, function* fails() {
    expect(yield* kernel.pagingTest()).toBe(-1)
  })
  expect(stop).toBe(undefined)
  expect(said()).toContain('failed to detect a region inside another one\n')
  expect(said()).toContain('Paging check sanity test Failed!')
})
