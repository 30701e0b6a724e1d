// Virtual consoles: 80 by 25 cells each, in guest memory; one of them is shown, in the VGA's text buffer. What is printed to
// any of them also goes to the serial port. Handout: vc.h, vc.c.

import type { u64 } from '@pagewalk/machine/x86-64'
import { free, malloc } from './kmem.ts'
import { KMEM_CONSOLE, PAGE_BYTES, VGA_ADDR } from './layout.ts'
import { serialPrint } from './print.ts'
import { ring0 } from './ring0.ts'
import { cpus } from './smp.ts'
import { getCurThread, type NkThread, type Thread, type WaitQueue } from './thread.ts'

const COLUMNS = 80
const ROWS = 25
const CELLS = COLUMNS * ROWS
const ROW_BYTES = COLUMNS * 2
const ATTRIBUTE = 0x9f // white on bright blue
const CRTC = 0x3d4
const CRTC_CURSOR = 0x0e
const TAB = 8
/** Keys that are typed ahead; more are lost. */
const KEYS = 256

/** `struct nk_virtual_console` */
export class Vc {
  readonly name: string
  /** Of its cells, as the VGA has them. */
  readonly address: u64
  /** The cell where the next character goes. */
  cursor = 0
  readonly keys: string[] = []
  readonly readers: WaitQueue = []

  constructor(name: string, address: u64) {
    this.name = name
    this.address = address
  }
}

/** All consoles, oldest first. */
export let vcs: readonly Vc[] = []
let shown: Vc | null = null

/** Begin: no consoles. */
export function vcInit(): void {
  vcs = []
  shown = null
}
/** `nk_create_default_vc(name)`: a console, empty and not shown. @returns null if there is no memory */
export function nkCreateVc(name: string): Vc | null {
  const address = malloc(PAGE_BYTES, KMEM_CONSOLE)
  if (address === 0n) return null
  const vc = new Vc(name, address)
  vcs = [...vcs, vc]
  clear(vc)
  return vc
}
/** `nk_destroy_vc(vc)`: nobody may be bound to it any more. If it was shown, the oldest one is. */
export function nkDestroyVc(vc: Vc): void {
  vcs = vcs.filter((other) => other !== vc)
  if (shown === vc) {
    shown = null
    if (vcs[0]) nkSwitchToVc(vcs[0])
  }
  free(vc.address)
}
/** `nk_bind_vc(thread, vc)`: what the thread prints goes there, and what is typed there goes to the thread. */
export function nkBindVc(thread: NkThread, vc: Vc | null): void {
  thread.vc = vc
}
/** `nk_switch_to_vc(vc)`: show it. */
export function nkSwitchToVc(vc: Vc): void {
  shown = vc
  ring0.copy(VGA_ADDR, vc.address, CELLS * 2)
  showCursor(vc)
}
/** `nk_switch_to_next_vc()` */
export function nkSwitchToNextVc(): void {
  const next = vcs[(shown ? vcs.indexOf(shown) + 1 : 0) % Math.max(1, vcs.length)]
  if (next) nkSwitchToVc(next)
}
export const shownVc = (): Vc | null => shown

/** The console of whoever runs: the thread's own, or else the one that is shown. */
function currentVc(): Vc | null {
  const cpu = cpus[ring0.cpu]
  return (cpu?.hasThread ? (cpu.curThread.vc as Vc | null) : null) ?? shown
}
/** `nk_vc_printf(...)`: print to the current thread's console. */
export function nkVcPrint(text: string): void {
  serialPrint(text)
  vcPrint(text)
}
/** As nkVcPrint, without the serial port. */
export function vcPrint(text: string): void {
  const vc = currentVc()
  if (!vc) return
  for (const [part] of text.matchAll(/[^\n\b\t\r]+|[\n\b\t\r]/g)) {
    if (part === '\n') newline(vc)
    else if (part === '\r') vc.cursor -= vc.cursor % COLUMNS
    else if (part === '\b') vc.cursor = Math.max(0, vc.cursor - 1)
    else if (part === '\t') put(vc, ' '.repeat(TAB - (vc.cursor % TAB)))
    else put(vc, part)
  }
  if (vc === shown) showCursor(vc)
}
/** `nk_vc_clear()`: blank the current thread's console. */
export function nkVcClear(): void {
  const vc = currentVc()
  if (vc) clear(vc)
}
function clear(vc: Vc): void {
  vc.cursor = 0
  write(vc, 0, cells(' '.repeat(CELLS)))
  if (vc === shown) showCursor(vc)
}
function put(vc: Vc, text: string): void {
  for (let from = 0; from < text.length; ) {
    const part = text.slice(from, from + COLUMNS - (vc.cursor % COLUMNS))
    write(vc, vc.cursor, cells(part))
    vc.cursor += part.length
    from += part.length
    if (vc.cursor === CELLS) scroll(vc)
  }
}
function newline(vc: Vc): void {
  vc.cursor += COLUMNS - (vc.cursor % COLUMNS)
  if (vc.cursor === CELLS) scroll(vc)
}
function scroll(vc: Vc): void {
  vc.cursor -= COLUMNS
  const rest = new Uint8Array(CELLS * 2)
  rest.set(ring0.readBytes(Number(vc.address) + ROW_BYTES, CELLS * 2 - ROW_BYTES))
  rest.set(cells(' '.repeat(COLUMNS)), CELLS * 2 - ROW_BYTES)
  write(vc, 0, rest)
}
function cells(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2).fill(ATTRIBUTE)
  for (let i = 0; i < text.length; i++) bytes[i * 2] = text.charCodeAt(i)
  return bytes
}
function write(vc: Vc, cell: number, bytes: Uint8Array): void {
  ring0.writeBytes(Number(vc.address) + cell * 2, bytes)
  if (vc === shown) ring0.writeBytes(VGA_ADDR + cell * 2, bytes)
}
function showCursor({ cursor }: Vc): void {
  for (const [register, value] of [cursor >> 8, cursor & 0xff].entries()) {
    ring0.out8(CRTC, CRTC_CURSOR + register)
    ring0.out8(CRTC + 1, value)
  }
}

/** A key has been pressed: it goes to the console that is shown. @returns the threads that wait for keys there */
export function vcKey(key: string): WaitQueue {
  if (!shown) return []
  if (shown.keys.length < KEYS) shown.keys.push(key)
  return shown.readers
}
/**
 * `nk_vc_getchar()`: the next key that is typed on the current thread's console; the thread sleeps until there is one.
 *
 * @returns  a character, or a name: Enter, Backspace, Tab, Escape, ArrowUp, ..., Ctrl-C, ...
 */
export function* nkVcGetchar(): Thread<string> {
  for (;;) {
    const vc = (getCurThread().vc as Vc | null) ?? shown
    const key = vc?.keys.shift()
    if (key !== undefined) return key
    yield { kind: 'wait', queue: vc?.readers ?? [] }
  }
}
