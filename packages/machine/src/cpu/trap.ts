// Interrupt and exception delivery, and the way back: IRETQ. All reads and writes go through the MMU.
//
// SDM Vol. 3 §6.14 "Exception and Interrupt Handling in 64-bit Mode", §6.15 "Exception and Interrupt Reference"
// (double fault), §8.7 "Task Management in 64-bit Mode"; Vol. 2 "IRET". Handlers outside 64-bit mode, task gates and
// shadow stacks are not modelled.

import { explain } from '../mmu/explain.ts'
import { canonical } from '../mmu/mmu.ts'
import {
  FLAG_IF,
  FLAG_IOPL,
  FLAG_NT,
  FLAG_RF,
  FLAG_TF,
  PFERR_U,
  PFERR_W,
  type u64,
  VECTOR_AC,
  VECTOR_DE,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
} from '../x86-64.ts'
import {
  type Cpu,
  type Descriptor,
  descriptorOf,
  isCode,
  isConforming,
  isNull,
  isWritableData,
} from './cpu.ts'
import { Access, Slot } from './state.ts'

/** Where an interrupt comes from: it decides EXT in error codes, the DPL check and RF in the pushed flags. */
export type Source = 'exception' | 'software' | 'external'
export interface Fault {
  readonly vector: number
  readonly error: number
  /** CR2 for a #PF. */
  readonly address: u64
  /** What was being done, in words. */
  readonly during: string
}

const NAMES: Readonly<Record<number, string>> = {
  0: '#DE',
  1: '#DB',
  2: 'NMI',
  3: '#BP',
  4: '#OF',
  5: '#BR',
  6: '#UD',
  7: '#NM',
  8: '#DF',
  10: '#TS',
  11: '#NP',
  12: '#SS',
  13: '#GP',
  14: '#PF',
  16: '#MF',
  17: '#AC',
  18: '#MC',
  19: '#XM',
}
/** `#PF`, or `vector 48`. */
export const vectorName = (vector: number): string => NAMES[vector] ?? `vector ${vector}`
const HAS_ERROR: ReadonlySet<number> = new Set([
  VECTOR_DF,
  VECTOR_TS,
  VECTOR_NP,
  VECTOR_SS,
  VECTOR_GP,
  VECTOR_PF,
  VECTOR_AC,
])
const CONTRIBUTORY: ReadonlySet<number> = new Set([VECTOR_DE, VECTOR_TS, VECTOR_NP, VECTOR_SS, VECTOR_GP])
const EXT = 1
const IDT = 2
const INTERRUPT_GATE = 0xe
const TRAP_GATE = 0xf

/** #PF and contributory faults during the delivery of such a fault. SDM Vol. 3 §6.15, Interrupt 8: Double Fault. */
function makesDoubleFault(first: number, second: number): boolean {
  if (CONTRIBUTORY.has(first)) return CONTRIBUTORY.has(second)
  return first === VECTOR_PF && (second === VECTOR_PF || CONTRIBUTORY.has(second))
}

const hex = (value: u64 | number): string => `0x${value.toString(16)}`
export function tellFault(fault: Fault): string {
  const name = vectorName(fault.vector)
  if (fault.vector === VECTOR_PF)
    return `${name} (address ${hex(fault.address)}, error code ${hex(fault.error)})`
  return HAS_ERROR.has(fault.vector) ? `${name} (error code ${hex(fault.error)})` : name
}

/** The fault that the fault record holds. */
export function recordedFault(cpu: Cpu, during: string): Fault {
  const { i32, u64 } = cpu.state
  return {
    vector: i32[Slot.vector * 2]!,
    error: i32[Slot.error * 2]!,
    address: u64[Slot.faultAddress]!,
    during,
  }
}

/**
 * Raise `fault` at the current rip; faults of its delivery become what the manual says: another exception, a double fault,
 * or the end.
 * @returns undefined if a handler is about to run; else the story of the triple fault
 */
export function raise(cpu: Cpu, fault: Fault): string | undefined {
  const story = [`${tellFault(fault)} at rip ${hex(cpu.get(Slot.rip))}`]
  let walked = false // the first access that fails is where to look
  if (fault.vector === VECTOR_PF) cpu.set(Slot.cr2, fault.address)
  for (let current = fault; ; ) {
    const next = deliver(cpu, current.vector, 'exception', cpu.get(Slot.rip), current.error)
    if (!next) return undefined
    if (next.vector === VECTOR_PF) cpu.set(Slot.cr2, next.address)
    const walk: string = walked || next.vector !== VECTOR_PF ? '' : ` by the walk ${walkOf(cpu, next)}`
    walked ||= walk !== ''
    story.push(
      `${vectorName(current.vector)} could not be delivered: ${next.during} raised ${tellFault(next)}${walk}`,
    )
    if (current.vector === VECTOR_DF) return `${story.join('; ')}: triple fault`
    current = makesDoubleFault(current.vector, next.vector)
      ? { vector: VECTOR_DF, error: 0, address: 0n, during: next.during }
      : next
  }
}

/** The page walk that raised the #PF `fault` of a delivery, in words. Deliveries fetch nothing. */
function walkOf(cpu: Cpu, { address, error }: Fault): string {
  const access = error & PFERR_W ? Access.write : Access.read
  return explain(cpu.state, cpu.get(Slot.cr3), address, access, (error & PFERR_U) !== 0).words
}

/**
 * Enter the handler of `vector`: everything that can fault comes before anything that changes.
 * @param returnTo  the rip that is pushed
 * @returns undefined, or the fault that the delivery met
 */
export function deliver(
  cpu: Cpu,
  vector: number,
  source: Source,
  returnTo: u64,
  error = 0,
): Fault | undefined {
  const ext = source === 'software' ? 0 : EXT
  const fault = (v: number, code: number, during: string): Fault => ({
    vector: v,
    error: code,
    address: 0n,
    during,
  })
  const idtError = vector * 8 + IDT + ext
  const entry = `IDT[${vector}]`

  if (vector * 16 + 15 > cpu.state.u32[Slot.idtLimit * 2]!)
    return fault(VECTOR_GP, idtError, `${entry} beyond the IDT's limit`)
  const at = cpu.get(Slot.idtBase) + BigInt(vector * 16)
  const low = cpu.read(at, 8, 0)
  const high = low === undefined ? undefined : cpu.read(at + 8n, 8, 0)
  if (low === undefined || high === undefined) return recordedFault(cpu, `reading ${entry} at ${hex(at)}`)
  const gate = descriptorOf(low)
  if (!gate.system || (gate.type !== INTERRUPT_GATE && gate.type !== TRAP_GATE))
    return fault(VECTOR_GP, idtError, `${entry} being no interrupt or trap gate`)
  const cpl = cpu.state.cpl
  if (source === 'software' && gate.dpl < cpl)
    return fault(VECTOR_GP, idtError, `${entry} having DPL ${gate.dpl}`)
  if (!gate.present) return fault(VECTOR_NP, idtError, `${entry} being not present`)

  const selector = Number((low >> 16n) & 0xffffn)
  if (isNull(selector)) return fault(VECTOR_GP, ext, `${entry} having a null selector`)
  const code = readDescriptor(cpu, selector)
  const where = `the code segment ${hex(selector)} of ${entry}`
  if (code === 'fault') return recordedFault(cpu, `reading ${where}`)
  const segmentError = (selector & ~3) + ext
  if (code === 'limit' || !isCode(code) || code.dpl > cpl)
    return fault(VECTOR_GP, segmentError, `${where} being invalid`)
  if (!code.present) return fault(VECTOR_NP, segmentError, `${where} being not present`)
  if (!code.long || code.big) return fault(VECTOR_GP, segmentError, `${where} being no 64-bit code`)

  const inner = !isConforming(code) && code.dpl < cpl
  const newCpl = inner ? code.dpl : cpl
  const ist = Number((low >> 32n) & 7n)
  let rsp = cpu.get(4)
  if (inner || ist !== 0) {
    const offset = ist !== 0 ? 0x24 + (ist - 1) * 8 : 4 + newCpl * 8
    const name = ist !== 0 ? `IST${ist}` : `RSP${newCpl}`
    if (offset + 7 > cpu.state.u32[Slot.trLimit * 2]!)
      return fault(VECTOR_TS, (Number(cpu.get(Slot.tr)) & ~3) + ext, `${name} beyond the TSS's limit`)
    const fromTss = cpu.read(cpu.get(Slot.trBase) + BigInt(offset), 8, 0)
    if (fromTss === undefined) return recordedFault(cpu, `reading ${name} of the TSS`)
    rsp = fromTss
    if (!isCanonical(rsp)) return fault(VECTOR_SS, ext, `${name} ${hex(rsp)} being not canonical`)
  }

  const handler = (low & 0xffffn) | ((low >> 32n) & 0xffff_0000n) | ((high & 0xffff_ffffn) << 32n)
  if (!isCanonical(handler)) return fault(VECTOR_GP, ext, `the handler ${hex(handler)} being not canonical`)
  const flags = cpu.rflags
  const frame = [
    returnTo,
    cpu.get(Slot.cs),
    flags | (source === 'exception' ? FLAG_RF : 0n),
    cpu.get(4),
    cpu.get(Slot.ss),
  ]
  if (source === 'exception' && HAS_ERROR.has(vector)) frame.unshift(BigInt(error))
  const top = BigInt.asUintN(64, (rsp & ~0xfn) - BigInt(frame.length * 8))
  if (!cpu.writeWords(top, frame, newCpl === 3 ? 1 : 0))
    return recordedFault(cpu, `pushing the frame of ${vectorName(vector)} at ${hex(top)}`)

  cpu.set(4, top)
  cpu.set(Slot.rip, handler)
  cpu.set(Slot.cs, BigInt((selector & ~3) | newCpl))
  if (inner) cpu.set(Slot.ss, BigInt(newCpl))
  cpu.rflags = flags & ~(FLAG_TF | FLAG_NT | (gate.type === INTERRUPT_GATE ? FLAG_IF : 0n))
  cpu.set(Slot.halted, 0n)
  return undefined
}

/**
 * The descriptor of a selector, from the GDT; a local one reads as beyond the limit (there are no LDTs here).
 * @returns 'fault' after recording the fault that the read met
 */
export function readDescriptor(cpu: Cpu, selector: number): Descriptor | 'limit' | 'fault' {
  if ((selector & 4) !== 0 || (selector | 7) > cpu.state.u32[Slot.gdtLimit * 2]!) return 'limit'
  const raw = cpu.read(cpu.get(Slot.gdtBase) + BigInt(selector & ~7), 8, 0)
  return raw === undefined ? 'fault' : descriptorOf(raw)
}

/** What IRET has popped: rip, cs, flags, rsp, ss. */
const popped = new BigUint64Array(5)
const poppedHalves = new Int32Array(popped.buffer)
/**
 * IRET with 64-bit code on both sides; all five values are popped whatever the privilege. Compatibility mode is not
 * modelled: a return to it is #GP.
 * @param width  operand size in bits: 64 for IRETQ
 */
export function iret(cpu: Cpu, width: number): Fault | undefined {
  const gp = (error: number, during: string): Fault => ({ vector: VECTOR_GP, error, address: 0n, during })
  const cpl = cpu.state.cpl
  const { i32 } = cpu.state
  const old = i32[Slot.rflags * 2]!
  if ((old & NT) !== 0) return gp(0, 'IRET with NT set')
  const bytes = (width / 8) as 2 | 4 | 8
  if (!cpu.popWords(cpu.get(4), popped, bytes, cpl === 3 ? 1 : 0))
    return recordedFault(cpu, 'IRET popping the frame')
  const rip = popped[0]!
  const cs = poppedHalves[2]! & 0xffff
  const ss = poppedHalves[8]! & 0xffff
  const newCpl = cs & 3
  const bad = checkReturn(cpu, cs, ss, rip)
  if (bad) return bad

  cpu.set(Slot.rip, rip)
  i32[Slot.cs * 2] = cs
  cpu.set(4, popped[3]!)
  i32[Slot.ss * 2] = ss
  cpu.flags = mergeFlags(old, poppedHalves[4]!, cpl, width)
  if (newCpl > cpl) dropInnerSegments(cpu, newCpl)
  return undefined
}

/** The segment checks that IRET and far RET share for a return to cs:rip with stack segment ss. */
export function checkReturn(cpu: Cpu, cs: number, ss: number, rip: u64): Fault | undefined {
  const gp = (error: number, during: string): Fault => ({ vector: VECTOR_GP, error, address: 0n, during })
  const cpl = cpu.state.cpl
  const newCpl = cs & 3
  if (isNull(cs)) return gp(0, 'a return to a null code segment')
  const code = readDescriptor(cpu, cs)
  if (code === 'fault') return recordedFault(cpu, `reading the code segment ${hex(cs)}`)
  const error = cs & ~3
  if (code === 'limit' || !isCode(code) || newCpl < cpl)
    return gp(error, `a return to code segment ${hex(cs)}`)
  if (isConforming(code) ? code.dpl > newCpl : code.dpl !== newCpl)
    return gp(error, `code segment ${hex(cs)} of DPL ${code.dpl}`)
  if (!code.present) return { vector: VECTOR_NP, error, address: 0n, during: `code segment ${hex(cs)}` }
  if (!code.long || code.big) return gp(error, `code segment ${hex(cs)} being no 64-bit code`)
  if (!isCanonical(rip)) return gp(0, `a return to ${hex(rip)}`)
  if (isNull(ss))
    return newCpl === 3 || (ss & 3) !== newCpl ? gp(ss & ~3, 'a return with a null stack segment') : undefined
  const stack = readDescriptor(cpu, ss)
  if (stack === 'fault') return recordedFault(cpu, `reading the stack segment ${hex(ss)}`)
  if (stack === 'limit' || !isWritableData(stack) || (ss & 3) !== newCpl || stack.dpl !== newCpl)
    return gp(ss & ~3, `stack segment ${hex(ss)}`)
  return stack.present
    ? undefined
    : { vector: VECTOR_SS, error: ss & ~3, address: 0n, during: `stack segment ${hex(ss)}` }
}

/**
 * What POPF and IRET may change: IF up to IOPL, IOPL at CPL 0, the rest always, with the arithmetic six, which `old` need not
 * have; 16-bit forms leave the upper bits.
 */
export function mergeFlags(old: number, popped: number, cpl: number, width: number): number {
  let keep = width === 16 ? ~0xffff : 0
  if (cpl > (old & IOPL) >> 12) keep |= IF
  if (cpl > 0) keep |= IOPL
  return (old & keep) | (popped & ~keep)
}
const IF = Number(FLAG_IF)
const IOPL = Number(FLAG_IOPL)
const NT = Number(FLAG_NT)

/** Data segments that the outer level may not have become null. SDM Vol. 2 "IRET", RETURN-TO-OUTER-PRIVILEGE-LEVEL. */
export function dropInnerSegments(cpu: Cpu, newCpl: number): void {
  for (const slot of [Slot.es, Slot.ds, Slot.fs, Slot.gs]) {
    const selector = Number(cpu.get(slot))
    if (isNull(selector)) continue
    const d = readDescriptor(cpu, selector)
    if (typeof d === 'object' && (d.dpl >= newCpl || (isCode(d) && isConforming(d)))) continue
    cpu.set(slot, 0n)
    if (slot === Slot.fs) cpu.set(Slot.fsBase, 0n)
    if (slot === Slot.gs) cpu.set(Slot.gsBase, 0n)
  }
}

export const isCanonical = (address: u64): boolean => canonical(Number(address >> 32n) | 0)
