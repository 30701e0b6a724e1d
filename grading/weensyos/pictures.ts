// The pictures of the handout: what the screen shows when a kernel is done up to some step.
//
//     node grading/weensyos/pictures.ts      writes them to packages/weensyos/handout
//
// Screens of real runs, at the pace at which `run` shows them, drawn as SVG in the colours of VGA. A test says that what is
// committed is what this makes.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Action, edited } from '@pagewalk/grader'
import { Machine, type MachineImage } from '@pagewalk/machine'
import { INSTRUCTIONS_PER_TICK } from '@pagewalk/weensyos'
import { loadPrograms } from '@pagewalk/weensyos/programs/node.ts'
import { STAGES } from './stages.ts'
import { handout, playKernel, reference } from './try-kernels.ts'

export const FOLDER: string = fileURLToPath(new URL('../handout', import.meta.resolve('@pagewalk/weensyos')))

interface Picture {
  readonly name: string
  /** What it shows, in a sentence, for who cannot see it. */
  readonly title: string
  readonly kernel: string
  readonly command: 'allocator' | 'fork' | 'forkexit'
  /** When, at the earliest, in ticks of 1/100 s. */
  readonly ticks: number
  /** Whose address space: one of four at most. Absent: whoever's turn it is. */
  readonly pid?: number
}
const upTo = (step: number): string => edited(handout, STAGES.slice(0, step).flat(), `step ${step}`)

export const PICTURES: readonly Picture[] = [
  {
    name: 'start',
    title: 'The kernel as handed out, process 1: all of physical memory in reverse video, nothing above it',
    kernel: handout,
    command: 'allocator',
    ticks: 250,
    pid: 1,
  },
  {
    name: 'step-1',
    title:
      'After step 1, process 1: below 0x100000 only the console is in reverse video, above it everything',
    kernel: upTo(1),
    command: 'allocator',
    ticks: 250,
    pid: 1,
  },
  {
    name: 'step-2',
    title:
      'After step 2, process 1: above 0x100000 there are its own pages and no others; tables in low memory',
    kernel: upTo(2),
    command: 'allocator',
    ticks: 250,
    pid: 1,
  },
  {
    name: 'step-3',
    title: 'After step 3, process 2: physical memory is a mixture, the address space a strip in its window',
    kernel: upTo(3),
    command: 'allocator',
    ticks: 250,
    pid: 2,
  },
  {
    name: 'step-4',
    title:
      'After step 4, process 4: memory is full, the heap goes beyond its window, the stack is the last page',
    kernel: upTo(4),
    command: 'allocator',
    ticks: 1000,
    pid: 4,
  },
  {
    name: 'step-5',
    title: 'After step 5, process 3 of the program fork: its strip begins at 0x100000 and has its own number',
    kernel: upTo(5),
    command: 'fork',
    ticks: 250,
    pid: 3,
  },
  {
    name: 'step-6',
    title:
      'After step 6, process 3 of the program fork: the first page of its strip is a dark 1, which all share',
    kernel: reference,
    command: 'fork',
    ticks: 250,
    pid: 3,
  },
  {
    name: 'step-7',
    title: 'After step 7, the program forkexit: strips of many processes come and go',
    kernel: reference,
    command: 'forkexit',
    ticks: 600,
  },
]

/** A process is shown for 50 ticks; so often the screen is looked at, and so many times. */
const LOOK_TICKS = 30
const LOOKS = 8

/** @returns the picture as SVG */
export async function draw(picture: Picture): Promise<string> {
  const { name, kernel, command, ticks, pid } = picture
  const run = (count: number): Action => ({ do: 'run', instructions: count * INSTRUCTIONS_PER_TICK })
  const looks = Array.from({ length: LOOKS }, (_, i) => [
    run(LOOK_TICKS),
    { do: 'image' as const, label: `${i}` },
  ])
  const config = { command, programs: loadPrograms('slow') }
  const { images } = await playKernel(name, kernel, [run(ticks), ...looks.flat()], config)
  const screens = looks.map((_, i) => screenOf(images[i]!))
  const shown = `FOR ${pid ?? ''}`
  const screen = screens.find(({ rows }) => rows[10]?.includes(shown))
  if (!screen) throw new Error(`picture ${name}: process ${pid} is never shown`)
  return svg(picture.title, screen)
}

interface Screen {
  readonly rows: readonly string[]
  readonly attributes: Uint8Array
}
function screenOf(image: MachineImage): Screen {
  const machine = Machine.fromImage(image)
  return machine.devices.vga.text(machine.memory.bytes)
}

// The map has nothing outside these columns; messages may be cut.
const FIRST_COLUMN = 2
const COLUMNS = 75
const CELL = { width: 9, height: 17, baseline: 13 } as const
/** The colours of VGA by number, from black to white. */
const PALETTE = '#000 #00a #0a0 #0aa #a00 #a0a #a50 #aaa #555 #55f #5f5 #5ff #f55 #f5f #ff5 #fff'.split(' ')

/** Letters are placed one by one, so that they stand in their cells in any font. */
function svg(title: string, { rows, attributes }: Screen): string {
  const last = rows.findLastIndex((row) => row.trim() !== '')
  const [width, height] = [COLUMNS * CELL.width, (last + 2) * CELL.height]
  const lines = rows
    .slice(0, last + 1)
    .flatMap((row, y) => [...backgrounds(y, attributes), ...letters(y, row, attributes)])
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">
<title>${title}</title>
<rect width="${width}" height="${height}" fill="#000"/>
${lines.join('\n')}
</svg>
`
}
const columns = Array.from({ length: COLUMNS }, (_, i) => i)
const top = (y: number): number => CELL.height / 2 + y * CELL.height
const attributeAt = (attributes: Uint8Array, x: number, y: number): number =>
  attributes[y * 80 + FIRST_COLUMN + x]!

/** Rectangles for the cells of a row whose background is not black, neighbours of one colour together. */
function backgrounds(y: number, attributes: Uint8Array): string[] {
  const colour = (x: number): number => attributeAt(attributes, x, y) >> 4
  const starts = columns.filter((x) => colour(x) !== 0 && (x === 0 || colour(x - 1) !== colour(x)))
  return starts.map((x) => {
    const end = columns.find((other) => other > x && colour(other) !== colour(x)) ?? COLUMNS
    const place = `x="${x * CELL.width}" y="${top(y)}" width="${(end - x) * CELL.width}" height="${CELL.height}"`
    return `<rect ${place} fill="${PALETTE[colour(x)]}"/>`
  })
}
/** A text for each colour of a row. */
function letters(y: number, row: string, attributes: Uint8Array): string[] {
  const colour = (x: number): number => attributeAt(attributes, x, y) & 15
  const written = columns.filter((x) => row[FIRST_COLUMN + x] !== ' ')
  return [...new Set(written.map(colour))].map((ink) => {
    const own = written.filter((x) => colour(x) === ink)
    const text = own.map((x) => escaped(row[FIRST_COLUMN + x]!)).join('')
    const places = own.map((x) => x * CELL.width).join(' ')
    return `<text fill="${PALETTE[ink]}" y="${top(y) + CELL.baseline}" x="${places}">${text}</text>`
  })
}
const escaped = (letter: string): string => letter.replace(/[<>&]/, (sign) => `&#${sign.charCodeAt(0)};`)

if (import.meta.main) {
  mkdirSync(FOLDER, { recursive: true })
  for (const picture of PICTURES) writeFileSync(join(FOLDER, `${picture.name}.svg`), await draw(picture))
}
