// The memory map on the console. Handout: the memshow functions of kernel.c.
//
// A page is a letter: K kernel, R reserved, . free, 1 to F its process. Reverse video: the process may go there. Darker: shared.

import { ENTRY_ADDR, ENTRY_P, ENTRY_U, lookupRange, readPageinfo } from './bulk.ts'
import { assert as assertIn, consolePrintf } from './console.ts'
import {
  CONSOLE_ADDR,
  CPOS,
  HZ,
  LAST_TICKS_ADDR,
  MEMSIZE_PHYSICAL,
  MEMSIZE_VIRTUAL,
  NPAGES,
  NPROC,
  P_FREE,
  PAGENUMBER,
  SHOWING_ADDR,
} from './layout.ts'
import { KernelInt, type Proc, processes, ticks, type X8664Pagetable } from './proc.ts'
import { ring0 } from './ring0.ts'

/** Letter and colour by owner: PO_KERNEL, PO_RESERVED, PO_FREE, then processes 1 to 15. */
const LETTERS = 'KR.123456789ABCDEF'
const COLORS = [0xd, 0x7, 0x7, 0xc, 0xa, 0x9, 0xe, 0xf, 0xc, 0xa, 0x9, 0xe, 0xf, 0xc, 0xa, 0x9, 0xe, 0xf]
const SHARED = 0x77ff // a shared page loses its bright bits
const PAGES_PER_ROW = 64
const MAP_COLUMN = 12
const VIRTUAL_PAGES = PAGENUMBER(MEMSIZE_VIRTUAL)

const cells = new Uint16Array(VIRTUAL_PAGES)
const cellBytes = new Uint8Array(cells.buffer)
const lookups = new Uint32Array(VIRTUAL_PAGES)
const lastTicks = new KernelInt(LAST_TICKS_ADDR)
const showing = new KernelInt(SHOWING_ADDR)

/** Does anybody look at the screen? Else the maps, which cost more than all the rest of a trap, are not drawn. */
let watched = true
export function mapsAreWatched(yes: boolean): void {
  watched = yes
}

/** What a map was drawn from: pageinfo, the time, and which address space. */
class Drawn {
  private readonly info = new Int8Array(NPAGES * 2)
  private machine: unknown
  private tick = -1
  private space = -1
  /**
   * Is the same map asked for again? Traps are many and changes few; so a map is drawn when pageinfo or the space have changed,
   * and once in a tick, since somebody may have written over it.
   */
  again(info: Int8Array, space: number): boolean {
    const tick = ticks.value
    const same =
      ring0 === this.machine &&
      tick === this.tick &&
      space === this.space &&
      info.every((value, i) => value === this.info[i])
    this.machine = ring0
    this.tick = tick
    this.space = space
    if (!same) this.info.set(info)
    return same
  }
}
const drawnPhysical = new Drawn()
const drawnVirtual = new Drawn()

function cellOf(info: Int8Array, pn: number): number {
  const refcount = info[pn * 2 + 1]!
  const owner = refcount === 0 ? 0 : info[pn * 2]!
  const kind = owner + 2
  const cell = (LETTERS.charCodeAt(kind) & 0xff) | ((COLORS[kind] ?? 0xf) << 8)
  return refcount > 1 ? cell & SHARED : cell
}
function drawRows(firstRow: number, pages: number): void {
  for (let page = 0; page < pages; page += PAGES_PER_ROW) {
    const row = firstRow + page / PAGES_PER_ROW
    const at = Number(CONSOLE_ADDR) + CPOS(row, MAP_COLUMN) * 2
    ring0.writeBytes(at, cellBytes.subarray(page * 2, (page + PAGES_PER_ROW) * 2))
  }
}
/** The addresses of the rows, which only a cleared screen lacks. */
function drawAddresses(firstRow: number, pages: number): void {
  for (let page = 0; page < pages; page += PAGES_PER_ROW)
    consolePrintf(CPOS(firstRow + page / PAGES_PER_ROW, 3), 0x0f00, '0x%06X ', page * 4096)
}
const lacksTitle = (at: number, letter: string): boolean =>
  ring0.read16(Number(CONSOLE_ADDR) + at * 2) !== (letter.charCodeAt(0) | 0x0f00)

/** `memshow_physical()`: the map of physical memory, rows 0 to 8. */
export function memshowPhysical(): void {
  if (!watched) return
  const info = readPageinfo()
  if (lacksTitle(CPOS(0, 32), 'P') || lacksTitle(CPOS(8, 3), '0')) {
    consolePrintf(CPOS(0, 32), 0x0f00, 'PHYSICAL MEMORY')
    drawAddresses(1, NPAGES)
  } else if (drawnPhysical.again(info, 0)) return
  for (let pn = 0; pn < NPAGES; pn++) cells[pn] = cellOf(info, pn)
  drawRows(1, NPAGES)
}

/** `memshow_virtual(pagetable, name)`: the map of an address space, rows 10 to 22. */
export function memshowVirtual(pagetable: X8664Pagetable, name: string): void {
  const info = readPageinfo()
  const blank = lacksTitle(CPOS(22, 3), '0') || lacksTitle(CPOS(11, 3), '0')
  if (drawnVirtual.again(info, Number(pagetable.address)) && !blank) return
  consolePrintf(CPOS(10, 26), 0x0f00, 'VIRTUAL ADDRESS SPACE FOR %s', name)
  if (blank) drawAddresses(11, VIRTUAL_PAGES)
  lookupRange(Number(pagetable.address), 0, VIRTUAL_PAGES, lookups)
  for (let page = 0; page < VIRTUAL_PAGES; page++) cells[page] = virtualCell(info, lookups[page]!)
  drawRows(11, VIRTUAL_PAGES)
}
function virtualCell(info: Int8Array, found: number): number {
  if (!(found & ENTRY_P)) return 0x20
  const pa = (found & ENTRY_ADDR) >>> 0
  assertIn(pa < Number(MEMSIZE_PHYSICAL), 'vam.pa < MEMSIZE_PHYSICAL', 'memshow.ts')
  const cell = cellOf(info, pa / 4096)
  if (!(found & ENTRY_U)) return cell
  return (cell & 0xff) | ((cell & 0x0f00) << 4) | ((cell & 0xf000) >> 4)
}

/**
 * `memshow_virtual_animate()`: the address spaces of all processes in turn, half a second each.
 */
export function memshowVirtualAnimate(): void {
  if (!watched) return
  if (lastTicks.value === 0 || ticks.value - lastTicks.value >= HZ / 2) {
    lastTicks.value = ticks.value
    showing.value += 1
  }
  let p: Proc | undefined
  for (let tries = 0; tries < NPROC && !p; tries++) {
    const candidate = processes[showing.value % NPROC]!
    if (candidate.state === P_FREE) showing.value += 1
    else p = candidate
  }
  showing.value %= NPROC
  if (p) memshowVirtual(p.pagetable, `${p.pid} `)
}
