// What the kernel says: to the console and to the serial port. Handout: printk.h, and ERROR_PRINT and its kin.

import { ring0 } from './ring0.ts'
import { cpus } from './smp.ts'

const COM1 = 0x3f8

let console: (text: string) => void = () => {}
let debugging = false
/** Where printed text goes besides the serial port, and whether DEBUG says anything. */
export function printInit(to: (text: string) => void, debug: boolean): void {
  console = to
  debugging = debug
}

/** Text only for the serial port. */
export function serialPrint(text: string): void {
  for (let i = 0; i < text.length; i++) ring0.out8(COM1, text.charCodeAt(i) & 0xff)
}
/** `printk(...)`: to the console of the thread that runs, and to the serial port. */
export function nkPrintk(text: string): void {
  serialPrint(text)
  console(text)
}

/** A message, or how to make it: the second costs nothing where it is not said. */
export type Message = string | (() => string)
export interface Printers {
  /** `ERROR_PRINT(...)` */
  ERROR(message: Message): void
  /** `INFO_PRINT(...)` */
  INFO(message: Message): void
  /** `DEBUG_PRINT(...)`: says nothing unless the kernel was booted with `debug`. */
  DEBUG(message: Message): void
}
/** Who speaks: CPU, I in an interrupt or exception, P if it may be preempted, thread. */
function speaker(): string {
  const cpu = cpus[ring0.cpu]
  if (!cpu?.hasThread) return `CPU ${cpu ? cpu.id : '?'} ()`
  const { curThread: thread } = cpu
  const interrupt = cpu.interruptNestingLevel > 0 ? 'I' : ''
  const preempt = cpu.preemptDisableLevel > 0 ? '' : 'P'
  const name = thread.isIdle ? '*idle*' : thread.name
  return `CPU ${cpu.id} (${interrupt}${preempt} ${thread.tid} "${name}")`
}
const said = (kind: string, message: Message): void =>
  nkPrintk(`${speaker()}: ${kind}${typeof message === 'string' ? message : message()}\n`)
/** What ERROR, INFO and DEBUG are for a part of the kernel: each message begins with the part's name. */
export function printers(part: string): Printers {
  const tell = (kind: string, message: Message): void => said(`${kind}${part}: `, message)
  return {
    ERROR: (message) => tell('ERROR: ', message),
    INFO: (message) => tell('', message),
    DEBUG(message) {
      if (debugging) tell('DEBUG: ', message)
    },
  }
}

/** `0x` and the digits of an address. */
export const hex = (value: bigint | number): string => `0x${value.toString(16)}`
/** `%016lx` */
export const hex16 = (value: bigint | number): string => value.toString(16).padStart(16, '0')
