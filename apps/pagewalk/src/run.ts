// `pagewalk run` and `pagewalk snapshot`: a submission on its machine, looked at from outside.

import { writeFileSync } from 'node:fs'
import {
  type Action,
  findSubmissions,
  type Live,
  plain,
  playOnce,
  type Run,
  type Submission,
  serialiseSnapshot,
  stopWords,
  UsageError,
} from '@pagewalk/grader'
import { Machine } from '@pagewalk/machine'
import { labsMeant } from './labs.ts'
import { write } from './terminal.ts'

export interface RunOptions {
  readonly lab?: string
  readonly program?: string
  readonly ticks?: number
  readonly keys?: string
  readonly type?: string
}

const DEFAULT_TICKS = 500

export async function runHeadless(
  path: string,
  options: RunOptions & { readonly serial?: true },
): Promise<void> {
  const chosen = await choose(path, options)
  const { boots = 1, ready } = chosen.submission.lab.live
  let serial = ''
  for (let boot = 1; ; boot++) {
    const run = await play(chosen, options)
    serial += run.output.serial
    tell(run, boot, boots)
    if (run.stop.reason === 'reset' && boot < boots) continue
    if (options.type && ready && run.stop.reason === 'limit' && !run.output.serial.includes(ready))
      say(`${JSON.stringify(ready)} was not said on the serial port; the text was typed all the same`)
    return write(options.serial ? readable(serial) : screenOf(run))
  }
}
const say = (words: string): boolean => process.stderr.write(`${plain(words)}\n`)
/** What the student's file said to the host's console, and why the machine stands still. */
function tell({ output, stop }: Run, boot: number, boots: number): void {
  for (const line of output.console.split('\n').slice(0, -1)) say(line)
  const words = stopWords(stop)
  if (words) say(stop.reason === 'reset' ? bootWords(words, boot, boots) : words)
}
function screenOf({ final }: Run): string {
  const machine = Machine.fromImage(final)
  const { rows } = machine.devices.vga.text(machine.memory.bytes)
  return `${rows.map((row) => row.trimEnd()).join('\n')}\n`
}
/** Whole lines as they are, but without control characters: it may go to a terminal. */
const readable = (serial: string): string =>
  serial
    .replace(/\r\n/g, '\n')
    .replace(/[^\n]$/, '$&\n')
    .replace(/(?![\n\t])\p{Cc}/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

export async function snapshot(
  path: string,
  options: RunOptions & { readonly output: string },
): Promise<void> {
  const chosen = await choose(path, options)
  const run = await play(chosen, options)
  const view = chosen.submission.lab.view(run.final)
  const text = serialiseSnapshot(run.stop.reason === 'error' ? { ...view, stop: run.stop } : view)
  if (options.output === '-') return write(text)
  try {
    writeFileSync(options.output, text)
  } catch (error) {
    throw new UsageError(`--output: expected a file that can be written, got ${(error as Error).message}`)
  }
}

export async function runLive(path: string, options: RunOptions): Promise<void> {
  if (!process.stdout.isTTY || !process.stdin.isTTY)
    throw new UsageError(
      'run: expected a terminal to show the screen in, got a pipe or a file; use --headless there',
    )
  const { submission, program } = await choose(path, options)
  const { watch } = await import('./live.ts')
  await watch(submission, program)
}

interface Chosen {
  readonly submission: Submission
  readonly program: string
}
function play({ submission, program }: Chosen, options: RunOptions): Promise<Run> {
  const { live } = submission.lab
  return playOnce({ submission, config: live.boot(program) }, planOf(options, live))
}
/** Keys at the start; a text when the system is ready for it; then time. */
function planOf({ keys = '', type, ticks = DEFAULT_TICKS }: RunOptions, live: Live): Action[] {
  const instructions = Math.ceil(ticks * live.instructionsPerTick)
  const { ready, instructionsPerTick } = live
  return [
    ...[...typed('--keys', keys)].map((key) => ({ do: 'key' as const, key: key === '\n' ? 'Enter' : key })),
    ...(type && ready ? [{ do: 'run' as const, instructions, untilOutput: ready }] : []),
    ...(type
      ? [{ do: 'type' as const, text: typed('--type', lines(type)), instructions: instructionsPerTick }]
      : []),
    { do: 'run', instructions },
  ]
}
/** A backslash and an n is a new line, two backslashes are one. */
const lines = (text: string): string =>
  text.replace(/\\([\\n])/g, (_, c) => (c === 'n' ? '\n' : c)).replace(/\r\n?/g, '\n')
/** @throws UsageError if the emulated keyboard cannot type it */
function typed(option: string, text: string): string {
  const wrong = /[^ -~\n]/u.exec(text)?.[0]
  if (wrong === undefined) return text
  throw new UsageError(`${option}: expected characters of a US keyboard, got ${JSON.stringify(wrong)}`)
}
async function choose(path: string, { lab, program }: RunOptions): Promise<Chosen> {
  const [submission, ...more] = findSubmissions(path, await labsMeant(lab))
  if (!submission || more.length > 0)
    throw new UsageError(`${path}: expected one submission, got a folder of ${more.length + 1}`)
  const { programs } = submission.lab.live
  const name = program ?? programs[0] ?? ''
  if (programs.includes(name)) return { submission, program: name }
  throw new UsageError(`--program: expected one of ${programs.join(', ')}; got ${JSON.stringify(name)}`)
}

/** Why the machine has reset itself, and in which of how many boots. The story is told once, in the last one. */
export function bootWords(words: string, boot: number, boots: number): string {
  if (boots === 1) return words
  return boot < boots
    ? `boot ${boot} of ${boots}: the machine reset itself, and boots again`
    : `boot ${boot} of ${boots}: ${words}`
}
