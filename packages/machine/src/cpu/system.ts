// System instructions: those that see more of the machine than registers, flags and memory. The table (isa.ts) gives
// their encodings and evaluates their operands; here they are performed, at CPL checks first, whole or not at all.
//
// SDM Vol. 2, the instruction's own page; Vol. 3 §2.8 "System Instruction Summary", §5.9 "Privileged Instructions".

import { MAXPHYADDR } from '../mmu/walk.ts'
import {
  CR0_CD,
  CR0_ET,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR4_PAE,
  CR4_PGE,
  CR4_PSE,
  CR4_SMEP,
  EFER_LMA,
  EFER_LME,
  EFER_NXE,
  EFER_SCE,
  FLAG_DF,
  FLAG_IF,
  FLAG_IOPL,
  FLAG_RF,
  MSR_CSTAR,
  MSR_EFER,
  MSR_FS_BASE,
  MSR_GS_BASE,
  MSR_KERNEL_GS_BASE,
  MSR_LSTAR,
  MSR_SFMASK,
  MSR_STAR,
  type u64,
  VECTOR_BP,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
  VECTOR_UD,
} from '../x86-64.ts'
import { type Cpu, isCode, isConforming, isNull, isWritableData } from './cpu.ts'
import { cpuid } from './cpuid.ts'
import { Access, RAM, Slot, STACK, SystemOp } from './state.ts'
import {
  checkReturn,
  deliver,
  dropInnerSegments,
  type Fault,
  iret,
  isCanonical,
  mergeFlags,
  readDescriptor,
  recordedFault,
} from './trap.ts'

/** What system instructions need of the rest of the machine. */
export interface Surroundings {
  readonly time: number
  /** The number of the CPU whose turn it is, also its APIC ID, and how many there are. */
  readonly cpu: number
  readonly cpus: number
  /** That CPU's. */
  readonly apic: Apic
  in(port: number, width: number): number
  out(port: number, width: number, value: number): void
  /** A gate instruction at CPL 0. @returns false if no function is bound to `number` */
  gate(number: number): boolean
  /** INT n or SYSCALL (vector -1) at CPL 3 entered the kernel; `returnTo` is the address after it. */
  entered(vector: number, returnTo: u64): void
  /** The CPU goes on at CPL 3. */
  left(): void
  changed(register: 'cr0' | 'cr3' | 'cr4', value: u64): void
  invalidated(address: u64): void
}

/** What instructions see of the local APIC: its registers are MSRs, and CR8. */
export interface Apic {
  /** @returns undefined: #GP */
  read(msr: number): u64 | undefined
  /** @returns false: #GP */
  write(msr: number, value: u64): boolean
  cr8: number
}

const CR0_BITS = 0xe005_003fn
const CR4_BITS =
  CR4_PSE | CR4_PAE | CR4_PGE | CR4_SMEP | 0x600n /* OSFXSR, OSXMMEXCPT: kept, without effect */
const EFER_BITS = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE
const MSR_TSC = 0x10
const MSR_PAT = 0x277
const isApicMsr = (number: number): boolean => number === 0x1b || (number >= 0x800 && number <= 0x8ff)
const PAT_AT_RESET = 0x0007_0406_0007_0406n
const AX_MASKS: Readonly<Record<number, u64>> = { 8: 0xffn, 16: 0xffffn, 32: 0xffff_ffffn }

const gp = (error: number, during: string): Fault => ({ vector: VECTOR_GP, error, address: 0n, during })
const ud = (during: string): Fault => ({ vector: VECTOR_UD, error: 0, address: 0n, during })
const low32 = (value: u64): u64 => value & 0xffff_ffffn

/** These need CPL 0. */
const PRIVILEGED: ReadonlySet<number> = new Set<number>([
  SystemOp.hlt,
  SystemOp.movFromCr,
  SystemOp.movToCr,
  SystemOp.movFromDr,
  SystemOp.movToDr,
  SystemOp.invlpg,
  SystemOp.lgdt,
  SystemOp.lidt,
  SystemOp.ltr,
  SystemOp.lldt,
  SystemOp.lmsw,
  SystemOp.clts,
  SystemOp.rdmsr,
  SystemOp.wrmsr,
  SystemOp.swapgs,
  SystemOp.wbinvd,
  SystemOp.sysret,
])

/**
 * Perform the system instruction that the evaluator left at. rip moves to the next instruction, or to where this one goes.
 * @returns undefined, or the fault to raise at the instruction; nothing has changed then
 */
export function perform(cpu: Cpu, around: Surroundings): Fault | undefined {
  const { i32, u64 } = cpu.state
  const op = i32[Slot.sysOp * 2]!
  if (PRIVILEGED.has(op) && cpu.state.cpl !== 0) return gp(0, 'a privileged instruction at CPL 3')
  const before = u64[Slot.rip]!
  u64[Slot.rip] = u64[Slot.sysNext]!
  const fault = execute(cpu, around, op, u64[Slot.sysA]!, u64[Slot.sysB]!, u64[Slot.sysC]!, before)
  if (fault) u64[Slot.rip] = before
  return fault
}

function execute(
  cpu: Cpu,
  around: Surroundings,
  op: number,
  a: u64,
  b: u64,
  c: u64,
  here: u64,
): Fault | undefined {
  switch (op) {
    case SystemOp.int:
      return softwareInterrupt(cpu, around, Number(a), Number(b))
    case SystemOp.iret:
      return backToRing3(cpu, around, iret(cpu, Number(a)))
    case SystemOp.syscall:
      return syscall(cpu, around)
    case SystemOp.sysret:
      return backToRing3(cpu, around, sysret(cpu, Number(a)))
    case SystemOp.hlt:
      return void cpu.set(Slot.halted, 1n)
    case SystemOp.cli:
      return ioSensitive(cpu) ?? void (cpu.rflags &= ~FLAG_IF)
    case SystemOp.sti:
      return sti(cpu)
    case SystemOp.popf:
      return popf(cpu, Number(a & 0xffff_ffffn) | 0, Number(b))
    case SystemOp.cld:
      return void (cpu.rflags &= ~FLAG_DF)
    case SystemOp.std:
      return void (cpu.rflags |= FLAG_DF)
    case SystemOp.movFromCr:
      return movFromCr(cpu, around, Number(a), Number(b))
    case SystemOp.movToCr:
      return writeControl(cpu, around, Number(a), b)
    case SystemOp.movFromDr:
      return void cpu.set(Number(b), readDebug(cpu, Number(a)))
    case SystemOp.movToDr:
      return writeDebug(cpu, Number(a), b)
    case SystemOp.invlpg:
      return invalidate(cpu, around, a)
    case SystemOp.lgdt:
      return loadTable(cpu, a, Slot.gdtBase, Slot.gdtLimit)
    case SystemOp.lidt:
      return loadTable(cpu, a, Slot.idtBase, Slot.idtLimit)
    case SystemOp.sgdt:
      return storeTable(cpu, a, Slot.gdtBase, Slot.gdtLimit)
    case SystemOp.sidt:
      return storeTable(cpu, a, Slot.idtBase, Slot.idtLimit)
    case SystemOp.ltr:
      return loadTaskRegister(cpu, Number(a & 0xffffn))
    case SystemOp.lldt:
      return isNull(Number(a & 0xffffn))
        ? void cpu.set(Slot.ldtr, 0n)
        : gp(Number(a & 0xfffcn), 'LLDT: local tables are not modelled')
    case SystemOp.lmsw:
      return writeControl(cpu, around, 0, (cpu.get(Slot.cr0) & ~0xen) | (a & 0xfn))
    case SystemOp.clts:
      return writeControl(cpu, around, 0, cpu.get(Slot.cr0) & ~CR0_TS)
    case SystemOp.rdmsr:
      return rdmsr(cpu, around)
    case SystemOp.wrmsr:
      return wrmsr(cpu, around)
    case SystemOp.in:
      return portIn(cpu, around, Number(a), Number(b))
    case SystemOp.out:
      return ioSensitive(cpu) ?? void around.out(Number(a), Number(b), Number(low32(c)))
    case SystemOp.ins:
      return portString(cpu, around, Access.write, { width: Number(a), form: Number(b), address: c, here })
    case SystemOp.outs:
      return portString(cpu, around, Access.read, { width: Number(a), form: Number(b), address: c, here })
    case SystemOp.cpuid:
      return void cpuid(cpu, around)
    case SystemOp.rdtsc:
      return void setPair(cpu, BigInt(around.time))
    case SystemOp.rdtscp:
      return rdtscp(cpu, around)
    case SystemOp.swapgs:
      return swapgs(cpu)
    case SystemOp.movToSeg:
      return loadSegment(cpu, Number(a), Number(b & 0xffffn))
    case SystemOp.popSeg:
      return popSegment(cpu, Number(a), Number(b))
    case SystemOp.farReturn:
      return farReturn(cpu, Number(a), b)
    case SystemOp.farJump:
      return farJump(cpu, a, Number(b), c !== 0n)
    case SystemOp.wbinvd:
      return undefined
    case SystemOp.gate:
      return runGate(cpu, around, Number(a), here)
    default:
      throw new Error(`system: no such operation as ${op}`)
  }
}

/** The gate's function sees rip at the gate: that is where its own faults happen. */
function runGate(cpu: Cpu, around: Surroundings, number: number, here: u64): Fault | undefined {
  if (cpu.state.cpl !== 0) return ud('a gate at CPL 3')
  const next = cpu.get(Slot.rip)
  cpu.set(Slot.rip, here)
  if (!around.gate(number)) return ud(`gate ${number}, which is not bound`)
  if (cpu.get(Slot.rip) === here) cpu.set(Slot.rip, next)
  return undefined
}

function popf(cpu: Cpu, popped: number, width: number): undefined {
  const old = cpu.state.i32[Slot.rflags * 2]!
  cpu.flags = mergeFlags(old, popped & ~Number(FLAG_RF), cpu.state.cpl, width)
}
function softwareInterrupt(cpu: Cpu, around: Surroundings, vector: number, kind: number): Fault | undefined {
  const user = cpu.state.cpl === 3
  const returnTo = cpu.get(Slot.rip)
  const fault = deliver(cpu, kind === 1 ? VECTOR_BP : vector, 'software', returnTo)
  if (!fault && user) around.entered(vector, returnTo)
  return fault
}
function backToRing3(cpu: Cpu, around: Surroundings, fault: Fault | undefined): Fault | undefined {
  if (!fault && cpu.state.cpl === 3) around.left()
  return fault
}
function syscall(cpu: Cpu, around: Surroundings): Fault | undefined {
  if (!(cpu.get(Slot.efer) & EFER_SCE)) return ud('SYSCALL without EFER.SCE')
  const user = cpu.state.cpl === 3
  const selector = Number((cpu.get(Slot.star) >> 32n) & 0xfffcn)
  if (user) around.entered(-1, cpu.get(Slot.rip))
  cpu.set(1, cpu.get(Slot.rip))
  cpu.set(11, cpu.rflags)
  cpu.set(Slot.rip, cpu.get(Slot.lstar))
  cpu.set(Slot.cs, BigInt(selector))
  cpu.set(Slot.ss, BigInt(selector + 8))
  cpu.rflags &= ~cpu.get(Slot.sfmask)
  return undefined
}
/** Only the 64-bit form: a return to compatibility mode is #GP here. */
function sysret(cpu: Cpu, width: number): Fault | undefined {
  if (!(cpu.get(Slot.efer) & EFER_SCE)) return ud('SYSRET without EFER.SCE')
  const rip = cpu.get(1)
  if (width !== 64 || !isCanonical(rip)) return gp(0, 'SYSRET')
  const selector = Number((cpu.get(Slot.star) >> 48n) & 0xffffn)
  cpu.set(Slot.rip, rip)
  cpu.set(Slot.cs, BigInt((selector + 16) | 3))
  cpu.set(Slot.ss, BigInt((selector + 8) | 3))
  cpu.rflags = cpu.get(11)
  return undefined
}

/** CLI, STI, IN, OUT need CPL <= IOPL; the TSS's I/O permission map is taken to deny everything. */
function ioSensitive(cpu: Cpu): Fault | undefined {
  const iopl = Number((cpu.rflags & FLAG_IOPL) >> 12n)
  return cpu.state.cpl > iopl ? gp(0, 'an I/O-sensitive instruction above IOPL') : undefined
}
function sti(cpu: Cpu): Fault | undefined {
  const fault = ioSensitive(cpu)
  if (fault) return fault
  if (!(cpu.rflags & FLAG_IF)) cpu.set(Slot.shadow, 1n)
  cpu.rflags |= FLAG_IF
  return undefined
}

function movFromCr(cpu: Cpu, around: Surroundings, number: number, register: number): Fault | undefined {
  const slot = { 0: Slot.cr0, 2: Slot.cr2, 3: Slot.cr3, 4: Slot.cr4 }[number]
  if (slot === undefined && number !== 8) return ud(`CR${number}`)
  cpu.set(register, slot === undefined ? BigInt(around.apic.cr8) : cpu.get(slot))
  return undefined
}
/** MOV to CR0, CR2, CR3, CR4, CR8. SDM Vol. 2 "MOV - Move to/from Control Registers". */
export function writeControl(cpu: Cpu, around: Surroundings, number: number, value: u64): Fault | undefined {
  switch (number) {
    case 0:
      return writeCr0(cpu, around, value)
    case 2:
      return void cpu.set(Slot.cr2, value)
    case 3:
      if (value >> BigInt(MAXPHYADDR))
        return gp(0, `CR3 ${value.toString(16)}: bits beyond the physical address width`)
      cpu.set(Slot.cr3, value)
      cpu.mmu.flushForCr3()
      return void around.changed('cr3', value)
    case 4:
      return writeCr4(cpu, around, value)
    case 8:
      if (value > 15n) return gp(0, 'CR8')
      around.apic.cr8 = Number(value)
      return undefined
    default:
      return ud(`CR${number}`)
  }
}
function writeCr0(cpu: Cpu, around: Surroundings, value: u64): Fault | undefined {
  if (value >> 32n) return gp(0, 'CR0: bits 32 to 63')
  if (!(value & CR0_PE) || !(value & CR0_PG)) return gp(0, 'CR0: leaving 64-bit mode is not modelled')
  if (value & CR0_NW && !(value & CR0_CD)) return gp(0, 'CR0: NW without CD')
  cpu.set(Slot.cr0, (value & CR0_BITS) | CR0_ET)
  cpu.mmu.flushFast()
  return void around.changed('cr0', value)
}
function writeCr4(cpu: Cpu, around: Surroundings, value: u64): Fault | undefined {
  if (value & ~CR4_BITS) return gp(0, 'CR4: a bit of a feature that CPUID does not tell')
  if (!(value & CR4_PAE)) return gp(0, 'CR4: PAE cleared in 64-bit mode')
  cpu.set(Slot.cr4, value)
  cpu.mmu.flushAll()
  return void around.changed('cr4', value)
}
function readDebug(cpu: Cpu, number: number): u64 {
  if (number === 6 || number === 4) return cpu.get(Slot.dr) | 0xffff_0ff0n
  return number === 7 || number === 5 ? cpu.get(Slot.dr + 1) | 0x400n : 0n
}
function writeDebug(cpu: Cpu, number: number, value: u64): Fault | undefined {
  if (number >= 4 && value >> 32n) return gp(0, 'DR6 and DR7: bits 32 to 63')
  if (number >= 4) cpu.set(Slot.dr + (number & 1), value)
  return undefined
}
function invalidate(cpu: Cpu, around: Surroundings, address: u64): undefined {
  if (isCanonical(address)) cpu.mmu.invlpg(Number(address & 0xffff_ffffn) | 0, Number(address >> 32n) | 0)
  around.invalidated(address)
}

function loadTable(cpu: Cpu, at: u64, base: number, limit: number): Fault | undefined {
  const size = cpu.read(at, 2, 0)
  const start = size === undefined ? undefined : cpu.read(at + 2n, 8, 0)
  if (size === undefined || start === undefined)
    return recordedFault(cpu, 'loading a descriptor-table register')
  if (!isCanonical(start)) return gp(0, 'a descriptor table at a non-canonical address')
  cpu.set(base, start)
  cpu.set(limit, size)
  return undefined
}
function storeTable(cpu: Cpu, at: u64, base: number, limit: number): Fault | undefined {
  const user = cpu.state.cpl === 3 ? 1 : 0
  const low = cpu.translate(at, 2, Access.write, user)
  const high = low === 0 ? 0 : cpu.translate(at + 2n, 8, Access.write, user)
  if (high === 0) return recordedFault(cpu, 'storing a descriptor-table register')
  cpu.state.view.setUint16(low, Number(cpu.get(limit)), true)
  cpu.state.view.setBigUint64(high, cpu.get(base), true)
  for (const host of [low, high]) if (host < RAM) cpu.mmu.scatter(host)
  return undefined
}
/** An available 64-bit TSS becomes busy. SDM Vol. 2 "LTR". */
export function loadTaskRegister(cpu: Cpu, selector: number): Fault | undefined {
  if (isNull(selector)) return gp(0, 'LTR of a null selector')
  const d = readDescriptor(cpu, selector)
  if (d === 'fault') return recordedFault(cpu, 'reading the TSS descriptor')
  if (d === 'limit' || !d.system || d.type !== 9)
    return gp(selector & ~3, 'LTR of something that is no available TSS')
  if (!d.present) return { vector: VECTOR_NP, error: selector & ~3, address: 0n, during: 'LTR' }
  const at = cpu.get(Slot.gdtBase) + BigInt(selector & ~7)
  const upper = cpu.read(at + 8n, 8, 0)
  if (upper === undefined) return recordedFault(cpu, 'reading the TSS descriptor')
  if (!cpu.writeWords(at, [d.raw | (2n << 40n)], 0)) return recordedFault(cpu, 'marking the TSS busy')
  const limit = (d.raw & 0xffffn) | ((d.raw >> 32n) & 0xf_0000n)
  cpu.set(Slot.tr, BigInt(selector))
  cpu.set(Slot.trBase, baseOf(d.raw) | (low32(upper) << 32n))
  cpu.set(Slot.trLimit, d.raw & (1n << 55n) ? (limit << 12n) | 0xfffn : limit)
  return undefined
}
const baseOf = (raw: u64): u64 => ((raw >> 16n) & 0xff_ffffn) | ((raw >> 32n) & 0xff00_0000n)

const MSRS: Readonly<Record<number, number>> = {
  [MSR_EFER]: Slot.efer,
  [MSR_STAR]: Slot.star,
  [MSR_LSTAR]: Slot.lstar,
  [MSR_CSTAR]: Slot.cstar,
  [MSR_SFMASK]: Slot.sfmask,
  [MSR_FS_BASE]: Slot.fsBase,
  [MSR_GS_BASE]: Slot.gsBase,
  [MSR_KERNEL_GS_BASE]: Slot.kernelGsBase,
}
export function readMsr(cpu: Cpu, around: Surroundings, number: number): u64 | undefined {
  if (isApicMsr(number)) return around.apic.read(number)
  if (number === MSR_TSC) return BigInt(around.time)
  if (number === MSR_PAT) return PAT_AT_RESET
  const slot = MSRS[number]
  return slot === undefined ? undefined : cpu.get(slot)
}
/** @returns false if there is no such register or the value is not allowed: #GP */
export function writeMsr(cpu: Cpu, around: Surroundings, number: number, value: u64): boolean {
  if (isApicMsr(number)) return around.apic.write(number, value)
  const slot = MSRS[number]
  if (slot === undefined) return number === MSR_PAT && value === PAT_AT_RESET
  if (number === MSR_EFER) {
    const lma = cpu.get(Slot.efer) & EFER_LMA
    if (value & ~EFER_BITS || !(value & EFER_LME)) return false // LME cannot be cleared while paging is on
    cpu.set(slot, (value & ~EFER_LMA) | lma)
    cpu.mmu.flushFast()
    return true
  }
  if (number !== MSR_STAR && number !== MSR_SFMASK && !isCanonical(value)) return false
  cpu.set(slot, number === MSR_SFMASK ? low32(value) : value)
  return true
}
function rdmsr(cpu: Cpu, around: Surroundings): Fault | undefined {
  const number = Number(low32(cpu.get(1)))
  const value = readMsr(cpu, around, number)
  if (value === undefined) return gp(0, `RDMSR of 0x${number.toString(16)}`)
  return void setPair(cpu, value)
}
function wrmsr(cpu: Cpu, around: Surroundings): Fault | undefined {
  const number = Number(low32(cpu.get(1)))
  const value = (low32(cpu.get(2)) << 32n) | low32(cpu.get(0))
  return writeMsr(cpu, around, number, value) ? undefined : gp(0, `WRMSR of 0x${number.toString(16)}`)
}
/** The processor ID that RDTSCP gives beside the time is 0: IA32_TSC_AUX is not modelled. */
function rdtscp(cpu: Cpu, around: Surroundings): undefined {
  setPair(cpu, BigInt(around.time))
  cpu.set(1, 0n)
}
function setPair(cpu: Cpu, value: u64): void {
  cpu.set(0, low32(value))
  cpu.set(2, value >> 32n)
}

function portIn(cpu: Cpu, around: Surroundings, port: number, width: number): Fault | undefined {
  const fault = ioSensitive(cpu)
  if (fault) return fault
  const value = BigInt(around.in(port, width) >>> 0)
  const mask = AX_MASKS[width]!
  cpu.set(0, width === 32 ? value & mask : (cpu.get(0) & ~mask) | (value & mask))
  return undefined
}
interface PortString {
  readonly width: number
  /** Bit 0: REP; bit 1: addresses and count have 32 bits. */
  readonly form: number
  readonly address: u64
  readonly here: u64
}
/** One iteration of INS (a write to memory) or OUTS; with REP it comes back to itself until rCX is 0. */
function portString(
  cpu: Cpu,
  around: Surroundings,
  access: Access,
  { width, form, address, here }: PortString,
): Fault | undefined {
  const fault = ioSensitive(cpu)
  if (fault) return fault
  const bits = form & 2 ? 32 : 64
  const rep = (form & 1) !== 0
  if (rep && BigInt.asUintN(bits, cpu.get(1)) === 0n) return undefined
  const host = cpu.translate(address, width / 8, access, cpu.state.cpl === 3 ? 1 : 0)
  if (host === 0) return recordedFault(cpu, 'INS or OUTS')
  const port = Number(cpu.get(2) & 0xffffn)
  if (access === Access.write) storePort(cpu, host, width, around.in(port, width))
  else around.out(port, width, loadPort(cpu, host, width))
  const pointer = access === Access.write ? 7 : 6
  const step = BigInt(width / 8) * (cpu.rflags & FLAG_DF ? -1n : 1n)
  cpu.set(pointer, BigInt.asUintN(bits, cpu.get(pointer) + step))
  if (!rep) return undefined
  cpu.set(1, BigInt.asUintN(bits, cpu.get(1) - 1n))
  if (cpu.get(1) !== 0n) cpu.set(Slot.rip, here)
  return undefined
}
function loadPort({ state: { view } }: Cpu, host: number, width: number): number {
  if (width === 8) return view.getUint8(host)
  return width === 16 ? view.getUint16(host, true) : view.getUint32(host, true)
}
function storePort({ state: { view }, mmu }: Cpu, host: number, width: number, value: number): void {
  for (let i = 0; i < width / 8; i++) view.setUint8(host + i, (value >>> (i * 8)) & 0xff)
  if (host < RAM) mmu.scatter(host)
  else mmu.wrote(host)
}

function swapgs(cpu: Cpu): undefined {
  const base = cpu.get(Slot.gsBase)
  cpu.set(Slot.gsBase, cpu.get(Slot.kernelGsBase))
  cpu.set(Slot.kernelGsBase, base)
}
/** MOV to a segment register. FS and GS also take the descriptor's base. SDM Vol. 2 "MOV", loading a segment register. */
function loadSegment(cpu: Cpu, register: number, selector: number): Fault | undefined {
  if (register === 1 || register > 5) return ud('MOV to CS')
  const slot = Slot.es + register
  const stack = slot === Slot.ss
  if (isNull(selector)) {
    if (stack && (cpu.state.cpl === 3 || (selector & 3) !== cpu.state.cpl)) return gp(0, 'a null SS')
    return void setSegment(cpu, slot, selector, 0n)
  }
  const d = readDescriptor(cpu, selector)
  if (d === 'fault')
    return recordedFault(cpu, `reading the descriptor of selector 0x${selector.toString(16)}`)
  const error = selector & ~3
  const rpl = selector & 3
  const cpl = cpu.state.cpl
  if (d === 'limit' || d.system) return gp(error, 'loading a segment register')
  if (stack) {
    if (!isWritableData(d) || rpl !== cpl || d.dpl !== cpl) return gp(error, 'loading SS')
    if (!d.present) return { vector: VECTOR_SS, error, address: 0n, during: 'loading SS' }
    cpu.set(Slot.shadow, 1n)
    return void setSegment(cpu, slot, selector, 0n)
  }
  if (isCode(d) && (d.type & 2) === 0) return gp(error, 'loading an execute-only segment')
  if (!(isCode(d) && isConforming(d)) && (rpl > d.dpl || cpl > d.dpl))
    return gp(error, 'loading an inner data segment')
  if (!d.present) return { vector: VECTOR_NP, error, address: 0n, during: 'loading a segment register' }
  return void setSegment(cpu, slot, selector, baseOf(d.raw))
}
function setSegment(cpu: Cpu, slot: number, selector: number, base: u64): void {
  cpu.set(slot, BigInt(selector))
  if (slot === Slot.fs) cpu.set(Slot.fsBase, base)
  if (slot === Slot.gs) cpu.set(Slot.gsBase, base)
}
function popSegment(cpu: Cpu, register: number, width: number): Fault | undefined {
  const bytes = (width / 8) as 2 | 8
  const value = cpu.read(cpu.get(4), bytes, cpu.state.cpl === 3 ? 1 : 0, STACK)
  if (value === undefined) return recordedFault(cpu, 'POP of a segment register')
  const fault = loadSegment(cpu, register, Number(value & 0xffffn))
  if (!fault) cpu.set(4, BigInt.asUintN(64, cpu.get(4) + BigInt(bytes)))
  return fault
}
/** Far RET to 64-bit code of the same or an outer level. */
function farReturn(cpu: Cpu, width: number, release: u64): Fault | undefined {
  const bytes = (width / 8) as 2 | 4 | 8
  const user = cpu.state.cpl === 3 ? 1 : 0
  const word = (i: number): u64 | undefined =>
    cpu.read(cpu.get(4) + BigInt(i * bytes) + (i > 1 ? release : 0n), bytes, user, STACK)
  const [rip, csWord] = [word(0), word(1)]
  if (rip === undefined || csWord === undefined) return recordedFault(cpu, 'a far return')
  const cs = Number(csWord & 0xffffn)
  const outer = (cs & 3) > cpu.state.cpl
  const [rsp, ssWord] = outer
    ? [word(2), word(3)]
    : [cpu.get(4) + BigInt(bytes * 2) + release, cpu.get(Slot.ss)]
  if (rsp === undefined || ssWord === undefined) return recordedFault(cpu, 'a far return')
  const ss = Number(ssWord & 0xffffn)
  const fault = checkReturn(cpu, cs, ss, rip)
  if (fault) return fault
  cpu.set(Slot.rip, rip)
  cpu.set(Slot.cs, BigInt(cs))
  cpu.set(Slot.ss, BigInt(ss))
  cpu.set(4, BigInt.asUintN(64, outer ? rsp + release : rsp))
  if (outer) dropInnerSegments(cpu, cs & 3)
  return undefined
}
/** Far JMP and CALL through memory, to 64-bit code of the same level; call gates are not modelled. */
function farJump(cpu: Cpu, at: u64, width: number, call: boolean): Fault | undefined {
  const bytes = (width / 8) as 2 | 4 | 8
  const user = cpu.state.cpl === 3 ? 1 : 0
  const rip = cpu.read(at, bytes, user)
  const selectorWord = rip === undefined ? undefined : cpu.read(at + BigInt(bytes), 2, user)
  if (rip === undefined || selectorWord === undefined) return recordedFault(cpu, 'a far jump')
  const selector = Number(selectorWord)
  if (isNull(selector)) return gp(0, 'a far jump to a null selector')
  const d = readDescriptor(cpu, selector)
  if (d === 'fault') return recordedFault(cpu, 'reading the code segment of a far jump')
  const error = selector & ~3
  const cpl = cpu.state.cpl
  if (d === 'limit' || !isCode(d) || !d.long || d.big) return gp(error, 'a far jump')
  if (isConforming(d) ? d.dpl > cpl : d.dpl !== cpl || (selector & 3) > cpl)
    return gp(error, 'a far jump to another level')
  if (!d.present) return { vector: VECTOR_NP, error, address: 0n, during: 'a far jump' }
  if (!isCanonical(rip)) return gp(0, 'a far jump')
  if (call) {
    if (width !== 64) return gp(error, 'a far CALL that pushes less than 64 bits is not modelled')
    const top = BigInt.asUintN(64, cpu.get(4) - 16n)
    if (!cpu.writeWords(top, [cpu.get(Slot.rip), cpu.get(Slot.cs)], user))
      return recordedFault(cpu, 'a far call')
    cpu.set(4, top)
  }
  cpu.set(Slot.rip, rip)
  cpu.set(Slot.cs, BigInt((selector & ~3) | cpl))
  return undefined
}
