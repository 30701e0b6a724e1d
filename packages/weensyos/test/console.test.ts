import { expect, test } from 'vitest'
import * as handedOut from '../kernel.ts'
import { CPOS, consolePrintf, logPrintf } from '../lib/kernel.ts'
import { type Screen, start } from './lab.ts'

/** The screen after `print` ran in the kernel, before any map is drawn. */
function after(print: () => void): Screen & { log: string } {
  const lab = start({
    kernel: {
      ...handedOut,
      kernel(command) {
        handedOut.kernel(command)
        print()
      },
    },
  })
  lab.machine.run(1)
  return { ...lab.screen(), log: lab.machine.devices.parallel.output }
}

test('printf converts as C does', () => {
  const { log } = after(() => {
    logPrintf('%d|%5d|%-5d|%05d|%+d|%u', -7, 42, 42, -42, 7, -1)
    logPrintf('|%x|%06X|%#x|%p', 255, 0xbeef, 16, 0xffff_ffff_8000_0000n)
    logPrintf('|%s|%5s|%.2s|%c|%c|%%', 'abc', 'x', 'xyz', 'Q', 65)
  })
  expect(log).toBe('-7|   42|42   |-0042|+7|4294967295|ff|00BEEF|0x10|0xffffffff80000000|abc|    x|xy|Q|A|%')
})
test('too few arguments are an error that names the format', () => {
  const lab = start({
    kernel: {
      ...handedOut,
      kernel: (command) => {
        handedOut.kernel(command)
        consolePrintf(0, 0x700, '%d and %d', 1)
      },
    },
  })
  expect(lab.machine.run(1)).toMatchObject({
    reason: 'error',
    message: "Error: printf: too few arguments for '%d and %d'",
  })
})
test('a newline fills its row with blanks of the colour, and %C changes the colour', () => {
  const screen = after(() => consolePrintf(CPOS(5, 70), 0x1e00, 'ab%Ccd\ne', 0x4f00))
  expect(screen.rows[5]!.slice(70)).toBe('abcd      ')
  expect([71, 72, 79].map((column) => screen.attribute(5, column))).toEqual([0x1e, 0x4f, 0x4f])
  expect(screen.rows[6]![0]).toBe('e')
})
test('text that runs off the last row goes on at the first', () => {
  const screen = after(() => consolePrintf(CPOS(24, 78), 0x700, 'wxyz'))
  expect([screen.rows[24]!.slice(78), screen.rows[0]!.slice(0, 2)]).toEqual(['wx', 'yz'])
})
