// A correct kernel's screen against captures of the original's complete solution (packages/weensyos/test/golden): what may be
// compared whatever the order in which pages are handed out.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { MachineImage } from '@pagewalk/machine'
import { Machine } from '@pagewalk/machine'
import { INSTRUCTIONS_PER_TICK } from '@pagewalk/weensyos'
import { beforeAll, expect, test } from 'vitest'
import { playKernel, reference } from '../try-kernels.ts'

interface Cell {
  readonly letter: string
  readonly attribute: number
}
interface Screen {
  readonly rows: readonly string[]
  cell(row: number, column: number): Cell
}

function golden(name: string): Screen {
  const path = fileURLToPath(import.meta.resolve('@pagewalk/weensyos/package.json'))
  const file = path.replace('package.json', `test/golden/${name}.json`)
  const { rows, attributes } = JSON.parse(readFileSync(file, 'utf8')) as {
    rows: string[]
    attributes: string[]
  }
  const attribute = (row: number, column: number): number =>
    Number.parseInt(attributes[row]!.slice(column * 2, column * 2 + 2), 16)
  return { rows, cell: (row, column) => ({ letter: rows[row]![column]!, attribute: attribute(row, column) }) }
}
function screenOf(image: MachineImage): Screen {
  const machine = Machine.fromImage(image)
  const { rows, attributes } = machine.devices.vga.text(machine.memory.bytes)
  return {
    rows,
    cell: (row, column) => ({ letter: rows[row]![column]!, attribute: attributes[row * 80 + column]! }),
  }
}
/** The map's cells from row `first` on, 64 pages a row. */
const pages = (screen: Screen, first: number, rows: number): Cell[] =>
  Array.from({ length: rows * 64 }, (_, i) => screen.cell(first + Math.floor(i / 64), 12 + (i % 64)))
const physical = (screen: Screen): Cell[] => pages(screen, 1, 8)
const virtual = (screen: Screen): Cell[] => pages(screen, 11, 12)
const reversed = ({ attribute }: Cell): number => ((attribute & 0x0f) << 4) | (attribute >> 4)

const COLOURS: Readonly<Record<string, number>> = {
  1: 0x0c,
  2: 0x0a,
  3: 0x09,
  4: 0x0e,
  K: 0x0d,
  R: 0x07,
  '.': 0x07,
}
const PER_PROCESS = 60 // ticks between pictures: longer than a process is shown
let full: readonly Screen[]
let first: Screen

beforeAll(async () => {
  const run = (ticks: number): { do: 'run'; instructions: number } => ({
    do: 'run',
    instructions: ticks * INSTRUCTIONS_PER_TICK,
  })
  const pictures = Array.from({ length: 8 }, (_, i) => [
    run(PER_PROCESS),
    { do: 'image' as const, label: `full ${i}` },
  ])
  const { images } = await playKernel('reference', reference, [
    run(1),
    { do: 'image', label: 'first' },
    run(120),
    ...pictures.flat(),
  ])
  first = screenOf(images.first!)
  full = pictures.map((_, i) => screenOf(images[`full ${i}`]!))
}, 60_000)

/** The picture that shows process `pid`. */
function showing(pid: number): Screen {
  const screen = full.find(({ rows }) => rows[10]!.includes(`FOR ${pid} `))
  if (!screen) throw new Error(`process ${pid} is shown in none of ${full.length} pictures`)
  return screen
}

test('page tables come first in low memory, as in the original', () => {
  const original = golden('sol-allocator-start')
  const tables = (screen: Screen): string => screen.rows[1]!.slice(12, 37)
  expect(tables(first).replaceAll('.', '')).toMatch(/^R1{6}2{6}3{6}4+/)
  expect(tables(original)).toMatch(/^R1{6}2{6}3{6}4{6}/)
})
test('reserved and kernel cells are the original’s; every other page has an owner when memory is full', () => {
  const [ours, original] = [physical(full.at(-1)!), physical(golden('sol-allocator-full'))]
  for (const [pn, cell] of original.entries()) {
    if ('KR'.includes(cell.letter)) expect([pn, ours[pn]]).toEqual([pn, cell])
    else expect('1234').toContain(ours[pn]!.letter)
  }
})
test('a letter has its owner’s colour, bright, and the physical map is never reversed', () => {
  for (const cell of physical(full.at(-1)!)) expect(cell.attribute).toBe(COLOURS[cell.letter])
})
test('in a process’s map exactly its own pages and the console are reversed', () => {
  for (const pid of [1, 2, 3, 4])
    for (const [page, cell] of virtual(showing(pid)).entries()) {
      if (cell.letter === ' ') expect([page, cell.attribute]).toEqual([page, 0])
      else if (page === 0xb8) expect(cell).toEqual({ letter: 'R', attribute: 0x70 })
      else if (page < 0x100) expect([page, cell.attribute]).toEqual([page, COLOURS[cell.letter]])
      else expect([page, cell.letter, reversed(cell)]).toEqual([page, String(pid), COLOURS[String(pid)]])
    }
})
test('the map of a process has the original’s shape: one strip from its window on, and the stack at the end', () => {
  const strips = (screen: Screen): [number, boolean, string] => {
    const map = virtual(screen)
      .map(({ letter }) => (letter === ' ' ? ' ' : '#'))
      .join('')
      .slice(0x100)
    const strip = /^ *#+/.exec(map.slice(0, -1))![0]
    return [strip.lastIndexOf(' ') + 1, map.at(-1) === '#', map.slice(strip.length, -1).trim()]
  }
  expect(strips(showing(4))).toEqual(strips(golden('sol-allocator-end-proc4')))
  expect(strips(showing(4))).toEqual([0xc0, true, ''])
})
test('the message is where the original has it', () => {
  const [ours, original] = [full.at(-1)!, golden('sol-allocator-full')]
  expect(ours.rows[24]).toBe('Out of physical memory!'.padEnd(80))
  expect(ours.cell(24, 0).attribute).toBe(0x0c)
  expect(golden('sol-allocator-end-proc4').rows[24]).toBe(ours.rows[24])
  expect(original.rows[0]).toBe(ours.rows[0])
})
