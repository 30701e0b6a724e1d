// The shell: a prompt, a line editor, and commands. Handout: shell.c, and the commands that the parts of the kernel register.

import type { u64 } from '@pagewalk/machine/x86-64'
import { type NkAspace, nkAspaceDumpAspaceImpls, nkAspaceDumpAspaces } from './aspace.ts'
import { readCr3 } from './exception.ts'
import { kmemStats } from './kmem.ts'
import { INSTRUCTIONS_PER_SECOND, KMEM_START, MEMSIZE, PAGE_BYTES } from './layout.ts'
import { phEntryText } from './paging-helpers.ts'
import { pagingTest } from './paging-test.ts'
import { hex, hex16, printers } from './print.ts'
import { ring0 } from './ring0.ts'
import { nkSchedReap, nkThreadStart } from './sched.ts'
import { cpus, type Status } from './smp.ts'
import { getCurThread, NK_THR_WAITING, type NkThread, nkSleep, type Thread, threads } from './thread.ts'
import { nkBindVc, nkDestroyVc, nkVcClear, nkVcGetchar, nkVcPrint, shownVc, type Vc, vcs } from './vc.ts'

const { INFO } = printers('shell')

/** `struct shell_cmd_impl` */
export interface ShellCommand {
  /** Case does not matter. */
  readonly cmd: string
  readonly helpStr: string
  /** @param line  as it was typed */
  handler(line: string): Thread<Status>
}
const commands = new Map<string, ShellCommand>()
let body: (input: unknown) => Thread
/** Begin: the kernel's own commands. @param shell  the body of a shell's thread */
export function commandsInit(shell: (input: unknown) => Thread): void {
  body = shell
  commands.clear()
  for (const command of COMMANDS) registerShellCommand(command)
}
/** `nk_register_shell_cmd(cmd)`: a command for all shells; it replaces one of the same name. */
export function registerShellCommand(command: ShellCommand): void {
  commands.set(command.cmd.toLowerCase(), command)
}
/** `nk_launch_shell(name, cpu, script, flags)`: start a shell's thread. @returns null if there is no memory */
export function startShell(name: string): NkThread | null {
  const thread = nkThreadStart(body, name, name, -1)
  if (thread) INFO(`Shell ${name} launched on cpu -1 as ${hex(thread.address)}`)
  return thread
}

/** A line, and what becomes of it key by key. */
interface Line {
  text: string
  /** Which line of the history it is a copy of. */
  at: number
}
/** Prompt for commands and do them, until one is `exit`. The thread's console ends with it. */
export function* runShell(name: string): Thread {
  const history: string[] = []
  for (;;) {
    nkVcPrint(`${name}> `)
    const line = (yield* readLine(history)).trim()
    if (line === '') continue
    history.push(line)
    if (line.toLowerCase() === 'exit') break
    if (line.toLowerCase() === 'history') history.forEach((old, i) => void nkVcPrint(`${i} ${old}\n`))
    else yield* perform(line)
  }
  const thread = getCurThread()
  const vc = thread.vc as Vc | null
  nkBindVc(thread, null)
  if (vc) nkDestroyVc(vc)
}
function* perform(line: string): Thread {
  const word = line.split(/\s+/)[0]!
  const command = commands.get(word.toLowerCase())
  if (command) yield* command.handler(line)
  else nkVcPrint(`Don't understand "${line}"\n`)
}
function* readLine(history: readonly string[]): Thread<string> {
  const line: Line = { text: '', at: history.length }
  for (;;) {
    const key = yield* nkVcGetchar()
    if (key === 'Enter') {
      nkVcPrint('\n')
      return line.text
    }
    edit(line, key, history)
  }
}
function edit(line: Line, key: string, history: readonly string[]): void {
  if (key.length === 1) {
    line.text += key
    nkVcPrint(key)
  } else if (key === 'Backspace') replace(line, line.text.slice(0, -1))
  else if (key === 'Ctrl-U') replace(line, '')
  else if (key === 'ArrowUp' || key === 'ArrowDown') {
    line.at = Math.min(history.length, Math.max(0, line.at + (key === 'ArrowUp' ? -1 : 1)))
    replace(line, history[line.at] ?? '')
  }
}
function replace(line: Line, text: string): void {
  let common = 0
  while (common < text.length && text[common] === line.text[common]) common++
  nkVcPrint('\b \b'.repeat(line.text.length - common) + text.slice(common))
  line.text = text
}

const argumentsOf = (line: string): string[] => line.split(/\s+/).slice(1)
/** A number in base 16, with or without 0x. */
function address(text: string | undefined): u64 | undefined {
  return text !== undefined && /^(0x)?[0-9a-f]{1,16}$/i.test(text)
    ? BigInt(`0x${text.replace(/^0x/i, '')}`)
    : undefined
}
/** A command that only prints. */
const simple = (cmd: string, helpStr: string, print: (line: string) => void): ShellCommand => ({
  cmd,
  helpStr,
  // biome-ignore lint/correctness/useYield: it asks for nothing
  *handler(line) {
    print(line)
    return 0
  },
})

const nameOf = (aspace: NkAspace | null): string => aspace?.name ?? 'default'
const STATES = ['ini', 'RUN', 'wai', 'sus', 'exi']
function printThread(thread: NkThread): void {
  const { tid, boundCpu, currentCpu, isIdle, name, status, switches, exited } = thread
  const place = `${currentCpu}c${boundCpu >= 0 ? 'b' : ''}`
  const sched = exited ? 'exi' : status === NK_THR_WAITING ? 'sle' : 'adm'
  const who = isIdle ? '(idle)' : name === '' ? '(noname)' : name
  nkVcPrint(`${tid}t ${exited ? 0 : 1}r ${place} ${who} ${STATES[status] ?? '?'} ${sched} ${switches}sw `)
  nkVcPrint(`[${nameOf(thread.aspace)}]\n`)
}
function printThreads(line: string): void {
  const cpu = argumentsOf(line)[0]
  for (const thread of threads)
    if (cpu === undefined || thread.currentCpu === Number(cpu)) printThread(thread)
}
function printCores(line: string): void {
  const only = argumentsOf(line)[0]
  for (const cpu of cpus) {
    if (only !== undefined && cpu.id !== Number(only)) continue
    const { id, interruptNestingLevel: nesting, preemptDisableLevel, curThread } = cpu
    const flags = (nesting > 0 ? 'I' : 'i') + (preemptDisableLevel > 0 ? 'P' : 'p')
    const counts = `${nesting}nl ${cpu.interruptCount}in ${cpu.exceptionCount}ex`
    const who = curThread.isIdle ? '(idle)' : curThread.name
    nkVcPrint(`${id}c ${flags} ${counts} ${curThread.tid}t ${who} [${nameOf(cpu.curAspace)}]\n`)
  }
}
function printRegisters(): void {
  const { cr0, cr2, cr3, cr4 } = ring0
  nkVcPrint(`CR0: ${hex16(cr0)}  CR2: ${hex16(cr2)}\nCR3: ${hex16(cr3)}  CR4: ${hex16(cr4)}\n`)
  nkVcPrint(`EFER: ${hex16(ring0.rdmsr(0xc000_0080))}  GS base: ${hex16(ring0.rdmsr(0xc000_0101))}\n`)
}
function printMemory(): void {
  const { pagesInUse, allocations, allocs, frees } = kmemStats()
  const all = (Number(MEMSIZE) - KMEM_START) / PAGE_BYTES
  nkVcPrint(
    `${pagesInUse} of ${all} pages in use: ${allocations} allocations (${allocs} made, ${frees} freed)\n`,
  )
}
function printVcs(): void {
  for (const vc of vcs) nkVcPrint(`${vc.name}${vc === shownVc() ? ' (shown)' : ''}\n`)
}
function printHelp(): void {
  const width = Math.max(...[...commands.values()].map(({ cmd }) => cmd.length))
  for (const { cmd, helpStr } of commands.values()) nkVcPrint(`${cmd.padEnd(width)}  ${helpStr}\n`)
  nkVcPrint(`${'history'.padEnd(width)}  what you have typed\n${'exit'.padEnd(width)}  end this shell\n`)
}

type Size = 'b' | 'w' | 'd' | 'q'
const SIZES: Readonly<Record<Size, { read(va: u64): u64; write(va: u64, value: u64): void }>> = {
  b: { read: (va) => BigInt(ring0.read8(va)), write: (va, value) => ring0.write8(va, Number(value & 0xffn)) },
  w: {
    read: (va) => BigInt(ring0.read16(va)),
    write: (va, value) => ring0.write16(va, Number(value & 0xffffn)),
  },
  d: {
    read: (va) => BigInt(ring0.read32(va)),
    write: (va, value) => ring0.write32(va, Number(value & 0xffff_ffffn)),
  },
  q: { read: (va) => ring0.read64(va), write: (va, value) => ring0.write64(va, value) },
}
/** What peek and poke are given: a size, if they are, and numbers. */
function access(line: string): { size: Size; numbers: (u64 | undefined)[] } {
  const words = argumentsOf(line)
  const sized = words.length > 1 && Object.hasOwn(SIZES, words[0]!.toLowerCase())
  const size = sized ? (words.shift()!.toLowerCase() as Size) : 'q'
  return { size, numbers: words.map(address) }
}
function peek(line: string): void {
  const { size, numbers } = access(line)
  const [va] = numbers
  if (va === undefined) nkVcPrint('peek [b|w|d|q] ADDR\n')
  else nkVcPrint(`Mem[${hex16(va)}] = ${hex(SIZES[size].read(va))}\n`)
}
function poke(line: string): void {
  const { size, numbers } = access(line)
  const [va, value] = numbers
  if (va === undefined || value === undefined) return nkVcPrint('poke [b|w|d|q] ADDR VALUE\n')
  SIZES[size].write(va, value)
  nkVcPrint(`Mem[${hex16(va)}] = ${hex(value)}\n`)
}

const LEVELS = ['PML4', 'PDPT', 'PD', 'PT'] as const
const PRESENT = 1n
const LARGE = 0x80n
const TABLE = 0xff_ffff_f000n
/** A page walk of the address space in force, a line for each level. */
function walk(line: string): void {
  const va = address(argumentsOf(line)[0])
  if (va === undefined) return nkVcPrint('pwalk ADDR\n')
  let table = readCr3() & TABLE
  nkVcPrint(`CR3 ${hex(readCr3())}\n`)
  for (const [level, name] of LEVELS.entries()) {
    const shift = 39n - 9n * BigInt(level)
    const index = (va >> shift) & 0x1ffn
    const entry = ring0.read64(table + index * 8n)
    nkVcPrint(`${name}[${index}] at ${hex(table + index * 8n)}: ${hex(entry)} ${phEntryText(entry)}\n`)
    if (!(entry & PRESENT)) return nkVcPrint(`${hex(va)} is not mapped\n`)
    table = entry & TABLE
    if (level < 3 && !(level > 0 && entry & LARGE)) continue
    const offset = (1n << shift) - 1n
    return nkVcPrint(`${hex(va)} -> ${hex((table & ~offset) | (va & offset))}\n`)
  }
}

const paging = (cmd: string): ShellCommand => ({
  cmd,
  helpStr: 'test address spaces (lib/paging-test.ts)',
  handler: () => pagingTest(),
})
const COMMANDS: readonly ShellCommand[] = [
  simple('help', 'this list', printHelp),
  simple('ases', '[detail]: all address spaces', (line) =>
    nkAspaceDumpAspaces(line.toLowerCase().includes('d')),
  ),
  simple('asis', 'all implementations of address spaces', nkAspaceDumpAspaceImpls),
  simple('threads', '[CPU]: all threads, and where they live', printThreads),
  simple('cores', '[CPU]: all CPUs, and in which address space each is', printCores),
  simple('shell', 'NAME: start another shell; Ctrl-N shows the next console', (line) => {
    const [name] = argumentsOf(line)
    if (name === undefined) nkVcPrint('shell NAME\n')
    else if (!startShell(name)) nkVcPrint(`cannot launch shell ${name}\n`)
  }),
  paging('pagingTest'),
  paging('testPaging'),
  simple('pwalk', 'ADDR: the walk of an address through the page tables in force', walk),
  simple('peek', '[b|w|d|q] ADDR: memory at an address', peek),
  simple('poke', '[b|w|d|q] ADDR VALUE: change it', poke),
  simple('regs', 'control registers', printRegisters),
  simple('mem', 'what malloc has given out', printMemory),
  simple('vcs', 'all consoles', printVcs),
  {
    cmd: 'sleep',
    helpStr: 'MS: do nothing for so long',
    *handler(line) {
      const ms = Number(argumentsOf(line)[0] ?? 0)
      yield* nkSleep(BigInt(Math.trunc(Number.isFinite(ms) && ms > 0 ? ms : 0)) * 1_000_000n)
      return 0
    },
  },
  simple('time', 'how long the machine has run', () =>
    nkVcPrint(`${(ring0.time / (INSTRUCTIONS_PER_SECOND / 1000)).toFixed(3)} ms\n`),
  ),
  simple('reap', 'free what is left of threads that have ended', nkSchedReap),
  simple('clear', 'blank the console', nkVcClear),
]
