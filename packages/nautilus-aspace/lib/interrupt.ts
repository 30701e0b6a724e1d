// Interrupts and exceptions: who serves which. Handout: idt.c, and the handlers of excp.c.

import { nkAspaceException } from './aspace.ts'
import { DF_EXCP, ExcpEntry, GP_EXCP, PF_EXCP } from './exception.ts'
import { keyboardInterrupt } from './keyboard.ts'
import {
  VECTOR_APIC_TIMER,
  VECTOR_KEYBOARD,
  VECTOR_KICK,
  VECTOR_PIC,
  VECTOR_SPURIOUS,
  VECTOR_XCALL,
} from './layout.ts'
import { panic } from './panic.ts'
import { hex, hex16, nkPrintk } from './print.ts'
import { ring0 } from './ring0.ts'
import { afterException, afterInterrupt, timerInterrupt, wakeAll, withoutSwitch } from './sched.ts'
import { cpus, getCpu, serveXcall } from './smp.ts'
import { placeOf, SAVED_REGISTERS } from './stubs.ts'
import { nkSwitchToNextVc, vcKey } from './vc.ts'

// A frame: 15 registers, the vector, and what the CPU has pushed.
const FRAME_VECTOR = 15 * 8
const FRAME_PUSHED = 16 * 8
const EXCEPTIONS = 32
const RDI = 7
const MSR_EFER = 0xc000_0080
const MSR_FS_BASE = 0xc000_0100
const MSR_GS_BASE = 0xc000_0101
const MSR_EOI = 0x80b
const PIC_COMMAND = 0x20
const PIC_EOI = 0x20
const PIC_SPURIOUS = VECTOR_PIC + 7

const REGISTER_NAMES = [
  'rax',
  'rcx',
  'rdx',
  'rbx',
  'rsp',
  'rbp',
  'rsi',
  'rdi',
  'r8',
  'r9',
  'r10',
  'r11',
  'r12',
  'r13',
  'r14',
  'r15',
]
const EXCEPTION_NAMES: Readonly<Record<number, string>> = {
  0: 'Divide Error <#DE>',
  1: 'Debug <#DB>',
  2: 'Non-Maskable Interrupt <NMI>',
  3: 'Breakpoint <#BP>',
  4: 'Overflow <#OF>',
  5: 'Bound Range Exceeded <#BR>',
  6: 'Invalid Opcode <#UD>',
  7: 'Device Not Available <#NM>',
  10: 'Invalid TSS <#TS>',
  11: 'Segment Not Present <#NP>',
  12: 'Stack Fault <#SS>',
  13: 'General Protection Fault <#GP>',
  16: 'Floating-Point Error <#MF>',
  17: 'Alignment Check <#AC>',
}

/** Gate ENTRY: an interrupt or exception has happened; rdi is the address of its frame. */
export function entryGate(): void {
  const frame = Number(ring0.reg(RDI))
  const vector = ring0.read32(frame + FRAME_VECTOR)
  const cpu = cpus[ring0.cpu]!
  cpu.interruptNestingLevel++
  if (vector < EXCEPTIONS) {
    cpu.countException()
    withoutSwitch(() => exception(frame, vector))
  } else {
    cpu.countInterrupt()
    withoutSwitch(() => interrupt(vector))
  }
  cpu.interruptNestingLevel--
  if (vector < EXCEPTIONS) afterException()
  else afterInterrupt(frame)
}

function interrupt(vector: number): void {
  switch (vector) {
    case VECTOR_KEYBOARD:
      ring0.out8(PIC_COMMAND, PIC_EOI)
      return keys(keyboardInterrupt())
    case VECTOR_APIC_TIMER:
      ring0.wrmsr(MSR_EOI, 0n)
      return timerInterrupt()
    case VECTOR_XCALL:
      ring0.wrmsr(MSR_EOI, 0n)
      return serveXcall()
    case VECTOR_KICK:
      return ring0.wrmsr(MSR_EOI, 0n)
    case VECTOR_SPURIOUS:
    case PIC_SPURIOUS:
      return
    default:
      panic(`Received illegal interrupt ${vector}`)
  }
}
function keys(pressed: readonly string[]): void {
  for (const key of pressed) {
    if (key === 'Ctrl-N') nkSwitchToNextVc()
    else wakeAll(vcKey(key))
  }
}

function exception(frame: number, vector: number): void {
  const excp = new ExcpEntry(frame + FRAME_PUSHED)
  if ((vector === PF_EXCP || vector === GP_EXCP) && nkAspaceException(excp, vector) === 0) return
  if (vector === DF_EXCP) panic('DOUBLE FAULT. Dying.')
  const what = vector === PF_EXCP ? pageFault(excp) : unhandled(excp, vector)
  dumpRegisters(frame, excp)
  dumpCallTrace(excp)
  panic(`+++ HALTING +++ ${what}`)
}
function pageFault({ rip, errorCode }: ExcpEntry): string {
  const [address, error] = [ring0.cr2, hex(errorCode)]
  nkPrintk('\n+++ Page Fault +++\n')
  nkPrintk(`RIP: ${hex(rip)}    Fault Address: ${hex(address)} \n`)
  nkPrintk(`Error Code: ${error}    (core=${ring0.cpu})\n`)
  return `page fault for ${hex(address)} at rip ${hex(rip)}, error code ${error}`
}
function unhandled({ rip, errorCode }: ExcpEntry, vector: number): string {
  const name = EXCEPTION_NAMES[vector] ?? 'Unknown'
  nkPrintk(`\n+++ UNHANDLED EXCEPTION +++\n[${name}] (${hex(vector)}) error=${hex(errorCode)}\n`)
  nkPrintk(`RIP: ${hex(rip)}    (core=${ring0.cpu})\n`)
  return `${name} at rip ${hex(rip)}, error code ${hex(errorCode)}`
}
/** `nk_print_regs(r)` */
function dumpRegisters(frame: number, excp: ExcpEntry): void {
  const { curThread: thread } = getCpu()
  const saved = new Map(SAVED_REGISTERS.map((register, i) => [register, ring0.read64(frame + i * 8)]))
  const line = (...of: [string, bigint][]): void =>
    nkPrintk(`${of.map(([name, value]) => `${name}: ${hex16(value)}`).join('  ')}\n`)
  const general = REGISTER_NAMES.map((name, i): [string, bigint] => [
    name.padStart(3),
    saved.get(i) ?? excp.rsp,
  ])
  nkPrintk(`Current Thread=${hex(thread.address)} (tid=${thread.tid}) "${thread.name}"\n`)
  nkPrintk('[-------------- Register Contents --------------]\n')
  line(['RIP', excp.rip], ['RFLAGS', excp.rflags])
  for (let i = 0; i < general.length; i += 2) line(general[i]!, general[i + 1]!)
  line(['FS base', ring0.rdmsr(MSR_FS_BASE)], ['GS base', ring0.rdmsr(MSR_GS_BASE)])
  line(['CR0', ring0.cr0], ['CR2', ring0.cr2])
  line(['CR3', ring0.cr3], ['CR4', ring0.cr4])
  line(['EFER', ring0.rdmsr(MSR_EFER)])
  nkPrintk('[-----------------------------------------------]\n')
}
function dumpCallTrace({ rip, rsp }: ExcpEntry): void {
  nkPrintk(`[---------------- Call Trace -------------------]\n`)
  nkPrintk(`[ 0] RIP: ${hex16(rip)} RSP: ${hex16(rsp)} ${placeOf(rip)}\n`)
  nkPrintk(`[ 1] thread ${getCpu().curThread.tid} "${getCpu().curThread.name}"\n`)
  nkPrintk('[-----------------------------------------------]\n')
}
