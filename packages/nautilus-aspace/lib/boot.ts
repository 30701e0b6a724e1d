// The boot: what the loader and the first lines of the kernel do, and the order in which its parts begin. Handout: boot.S,
// init.c.

import type { Machine, Ring0 } from '@pagewalk/machine'
import { type NkAspaceImpl, nkAspaceInit, nkAspaceRegisterImpl } from './aspace.ts'
import { nkAspaceBaseInit } from './base.ts'
import { commandsInit, startShell } from './commands.ts'
import { type FileImage, fsInit } from './fs.ts'
import { entryGate } from './interrupt.ts'
import { keyboardInit } from './keyboard.ts'
import { kmemInit } from './kmem.ts'
import {
  BOOT_PD_ADDR,
  BOOT_PDPT_ADDR,
  BOOT_PML4_ADDR,
  BOOT_STACKS_ADDR,
  CPU_BYTES,
  CPUS_ADDR,
  DEFAULT_CR3,
  GDT,
  GDT_ADDR,
  IDT_ADDR,
  INSTRUCTIONS_PER_ACCESS,
  INSTRUCTIONS_PER_CALL_LIMIT,
  INSTRUCTIONS_PER_ENTRY,
  MEMSIZE,
  NK_MAX_CPUS,
  PAGE_BYTES,
  START_CR0,
  START_CR4,
  START_EFER,
  VECTOR_APIC_TIMER,
  VECTOR_PIC,
  VECTOR_SPURIOUS,
} from './layout.ts'
import { ledgerUses } from './ledger.ts'
import { nkPrintk, printInit } from './print.ts'
import { attachRing0, ring0 } from './ring0.ts'
import { nkThreadStart, schedInit, schedStart, threadGate } from './sched.ts'
import { cpus, getCpu, smpInit } from './smp.ts'
import {
  AP_ENTRY,
  BOOT_ENTRY,
  GATE_AP,
  GATE_BOOT,
  GATE_ENTRY,
  GATE_THREAD,
  idtEntry,
  kernelText,
} from './stubs.ts'
import { type Thread, threadInit } from './thread.ts'
import { nkCreateVc, nkSwitchToVc, vcInit, vcPrint } from './vc.ts'

/** What the student's files must export: paging.ts and shell.ts. */
export interface KernelModule {
  readonly pagingImpl: NkAspaceImpl
  /** The body of a shell thread. @param input  its name */
  shell(input: unknown): Thread
}
export interface BootConfig {
  /** Names of the shells to start; default: one, root-shell. */
  readonly shells?: readonly string[]
  /** Pages from malloc are full of 0xa5, and not as they happen to be. */
  readonly dirty?: boolean
  /** DEBUG messages are printed. */
  readonly debug?: boolean
  /** What is in the file system; default: two small files. */
  readonly files?: readonly FileImage[]
}
/** What `start` of bootWith may call: nkThreadStart. */
export type Spawn = typeof nkThreadStart

/**
 * Put the kernel with the student's files into `machine`: the next `machine.run` boots it.
 *
 * @throws Error if something that it needs is missing
 */
export function boot(machine: Machine, kernel: KernelModule, config: BootConfig = {}): void {
  bootWith(machine, kernel, config)
}
/**
 * As boot, with more threads.
 *
 * @param start  is called when the kernel is up, after the shells have been started and before any thread runs
 */
export function bootWith(
  machine: Machine,
  kernel: KernelModule,
  config: BootConfig = {},
  start: (spawn: Spawn) => void = () => {},
): void {
  check(machine, kernel)
  attachRing0(machine.ring0)
  ledgerUses(machine.memory)
  loadKernel(machine)
  bindGates(machine.ring0, () => bootGate(kernel, config, start))
  machine.start({
    rip: BigInt(BOOT_ENTRY),
    rsp: BigInt(BOOT_STACKS_ADDR + PAGE_BYTES),
    cr3: DEFAULT_CR3,
    cr0: START_CR0,
    cr4: START_CR4,
    efer: START_EFER,
  })
}
function check({ options }: Machine, { pagingImpl, shell }: KernelModule): void {
  if (options.memoryBytes !== Number(MEMSIZE))
    throw new Error(`boot: the machine must have ${MEMSIZE} bytes of memory, got ${options.memoryBytes}`)
  if ((options.cpus ?? 1) > NK_MAX_CPUS)
    throw new Error(`boot: the machine must have at most ${NK_MAX_CPUS} CPUs, got ${options.cpus}`)
  if (typeof pagingImpl !== 'object' || pagingImpl === null)
    throw new Error('paging.ts: must export pagingImpl, an NkAspaceImpl')
  for (const name of ['getCharacteristics', 'create'] as const)
    if (typeof pagingImpl[name] !== 'function')
      throw new Error(`paging.ts: pagingImpl must have a function ${name}`)
  if (typeof shell !== 'function') throw new Error('shell.ts: must export a function shell')
}
/** Text, tables of descriptors, and page tables that map memory at its own addresses. */
function loadKernel({ memory, ring0 }: Machine): void {
  for (const [at, bytes] of kernelText()) memory.writeBytes(at, bytes)
  for (const [i, descriptor] of GDT.entries()) memory.write64(GDT_ADDR + i * 8, descriptor)
  for (let vector = 0; vector < 256; vector++)
    for (const [i, word] of idtEntry(vector).entries()) memory.write64(IDT_ADDR + vector * 16 + i * 8, word)
  const [present, writable, large] = [1n, 2n, 0x80n]
  memory.write64(BOOT_PML4_ADDR, BigInt(BOOT_PDPT_ADDR) | present | writable)
  const hugePages = (ring0.cpuid(0x8000_0001).edx & (1 << 26)) !== 0
  memory.write64(BOOT_PDPT_ADDR, (hugePages ? large : BigInt(BOOT_PD_ADDR)) | present | writable)
  if (hugePages) return
  for (let i = 0n; i < 512n; i++)
    memory.write64(BOOT_PD_ADDR + Number(i) * 8, (i << 21n) | large | present | writable)
}
function bindGates(machine: Ring0, begin: () => void): void {
  machine.setCosts({
    access: INSTRUCTIONS_PER_ACCESS,
    entry: INSTRUCTIONS_PER_ENTRY,
    limit: INSTRUCTIONS_PER_CALL_LIMIT,
  })
  machine.gate(GATE_BOOT, begin)
  machine.gate(GATE_AP, apGate)
  machine.gate(GATE_THREAD, threadGate)
  machine.gate(GATE_ENTRY, entryGate)
}

/** Gate BOOT: CPU 0 begins. */
function bootGate(kernel: KernelModule, config: BootConfig, start: (spawn: Spawn) => void): void {
  kmemInit(config.dirty ?? false)
  smpInit(ring0.cpus)
  threadInit()
  vcInit()
  printInit(vcPrint, config.debug ?? false)
  cpuInit()
  picInit()
  schedInit()
  getCpu().enabled = true
  const system = nkCreateVc('system')
  if (system) nkSwitchToVc(system)
  nkPrintk(`NK: ${ring0.cpus} CPU${ring0.cpus === 1 ? '' : 's'}, ${Number(MEMSIZE) >> 20} MiB of memory\n`)
  nkAspaceInit()
  nkAspaceBaseInit()
  nkAspaceRegisterImpl(kernel.pagingImpl)
  fsInit(config.files)
  keyboardInit()
  commandsInit(kernel.shell)
  startCpus()
  for (const name of config.shells ?? ['root-shell']) startShell(name)
  start(nkThreadStart)
  schedStart()
}
/** Gate AP: another CPU begins, on the stack of its idle thread. */
function apGate(): void {
  cpuInit()
  getCpu().enabled = true
  schedStart()
}
function startCpus(): void {
  for (const cpu of cpus.slice(1)) {
    ring0.startCpu(cpu.id, {
      rip: AP_ENTRY,
      rsp: BOOT_STACKS_ADDR + (cpu.id + 1) * PAGE_BYTES,
      cr3: DEFAULT_CR3,
    })
    ring0.wait(`CPU ${cpu.id} to start`, () => cpu.enabled)
  }
}

const MSR_GS_BASE = 0xc000_0101
const APIC_BASE = 0x1b
const APIC_X2APIC_ON = 0xc00n
const APIC_SPURIOUS = 0x80f
const APIC_SOFTWARE_ENABLE = 0x100
const LVT_TIMER = 0x832
const LVT_LINT0 = 0x835
const EXT_INT = 0x700n
const TIMER_DIVIDE = 0x83e
const DIVIDE_BY_1 = 0xbn
/** What each CPU needs of its own: tables of descriptors, GS base, local APIC. */
function cpuInit(): void {
  ring0.lgdt(GDT_ADDR, GDT.length * 8 - 1)
  ring0.lidt(IDT_ADDR, 256 * 16 - 1)
  ring0.wrmsr(MSR_GS_BASE, BigInt(CPUS_ADDR + ring0.cpu * CPU_BYTES))
  ring0.wrmsr(APIC_BASE, ring0.rdmsr(APIC_BASE) | APIC_X2APIC_ON)
  ring0.wrmsr(APIC_SPURIOUS, BigInt(APIC_SOFTWARE_ENABLE | VECTOR_SPURIOUS))
  ring0.wrmsr(TIMER_DIVIDE, DIVIDE_BY_1)
  ring0.wrmsr(LVT_TIMER, BigInt(VECTOR_APIC_TIMER)) // one-shot
  if (ring0.cpu === 0) ring0.wrmsr(LVT_LINT0, EXT_INT)
}
/** Both 8259A: vectors from VECTOR_PIC on, and only the keyboard may interrupt. */
function picInit(): void {
  const program: readonly (readonly [port: number, ...values: number[]])[] = [
    [0x20, 0x11],
    [0xa0, 0x11],
    [0x21, VECTOR_PIC, 4, 1, 0xfd],
    [0xa1, VECTOR_PIC + 8, 2, 1, 0xff],
  ]
  for (const [port, ...values] of program) for (const value of values) ring0.out8(port, value)
}
