// The screen against captures of the original lab under QEMU (golden/): layout, letters, colours, reverse video. The order in
// which pages are handed out depends on the timer's phase, so it is not compared.

import { expect, test } from 'vitest'
import { PAGEINFO_ADDR } from '../lib/index.ts'
import { golden, type Lab, PHYSICAL_ROWS, pagesOf, type Screen, start, VIRTUAL_ROWS } from './lab.ts'

/** Cells that say what the map is: titles and the addresses of the rows, with their attributes. */
function frame(screen: Screen): string[] {
  const cell = (row: number, column: number): string =>
    `${screen.rows[row]![column]}${screen.attribute(row, column).toString(16)}`
  const range = (row: number, from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => cell(row, from + i)).join(' ')
  return [
    range(0, 32, 47),
    range(10, 26, 51),
    ...[...PHYSICAL_ROWS, ...VIRTUAL_ROWS].map((row) => range(row, 3, 12)),
  ]
}
/** Run until the map of process `pid` is shown. */
function showing(lab: Lab, pid: number): Screen {
  for (let i = 0; i < 20; i++) {
    const screen = lab.screen()
    if (screen.rows[10]!.includes(`FOR ${pid} `)) return screen
    lab.ticks(25)
  }
  throw new Error(`process ${pid} is never shown`)
}

test('titles and addresses stand where the original has them', () => {
  const lab = start()
  lab.ticks(3)
  for (const name of ['naive-allocator-start', 'naive-allocator-t4', 'sol-allocator-full'])
    expect(frame(lab.screen())).toEqual(frame(golden(name)))
})
test('the handed-out kernel settles into the original’s final maps, cell by cell', () => {
  const lab = start()
  lab.ticks(40)
  for (const [pid, name] of [
    [1, 'naive-allocator-end-proc1'],
    [4, 'naive-allocator-end-proc4'],
  ] as const) {
    const [ours, original] = [showing(lab, pid), golden(name)]
    for (const rows of [PHYSICAL_ROWS, VIRTUAL_ROWS])
      expect(pagesOf(ours, rows)).toEqual(pagesOf(original, rows))
  }
})
test('the first map of the handed-out kernel is the original’s', () => {
  const lab = start({ flavour: 'slow' })
  lab.ticks(2)
  expect(pagesOf(lab.screen(), PHYSICAL_ROWS)).toEqual(
    pagesOf(golden('naive-allocator-start'), PHYSICAL_ROWS),
  )
})
test('fork without an implementation panics in row 23 as the original does', () => {
  const lab = start({ command: 'fork' })
  expect(lab.ticks(10)).toEqual({ reason: 'panic', message: 'PANIC: Unexpected exception 52!' })
  const [ours, original] = [lab.screen(), golden('naive-fork-panic')]
  expect(ours.rows[23]).toBe(original.rows[23])
  for (let column = 0; column < 80; column++)
    expect(ours.attribute(23, column)).toBe(original.attribute(23, column))
  expect(lab.machine.devices.parallel.output).toBe('PANIC: Unexpected exception 52!\n')
})
test('each letter has the colour of its owner, in the physical map never reversed', () => {
  const lab = start()
  lab.ticks(40)
  const colours = new Map(
    pagesOf(lab.screen(), PHYSICAL_ROWS).map(({ letter, attribute }) => [letter, attribute]),
  )
  expect(Object.fromEntries(colours)).toEqual({ R: 7, '.': 7, K: 0xd, 1: 0xc, 2: 0xa, 3: 9, 4: 0xe })
})
test('where nobody looks at the screen no map is drawn, and the processes run as ever', () => {
  const lab = start({ config: { watched: false } })
  expect(lab.ticks(60)).toEqual({ reason: 'limit' })
  expect(lab.screen().rows[0]!.trim()).toBe('')
  const pageinfo = lab.machine.memory.bytes.slice(PAGEINFO_ADDR, PAGEINFO_ADDR + 1024)
  for (const pid of [1, 2, 3, 4])
    expect(pageinfo.filter((owner, i) => i % 2 === 0 && owner === pid)).toHaveLength(64)
})
