// `pagewalk run` and `pagewalk snapshot`: a submission on its machine, looked at from outside.

import { writeFileSync } from 'node:fs'
import {
  type Action,
  findSubmissions,
  type Live,
  type PlayedRun,
  plain,
  playOnce,
  type Submission,
  SubmissionError,
  serialiseSnapshot,
  stopWords,
  UsageError,
} from '@pagewalk/grader'
import { type EventKind, Machine } from '@pagewalk/machine'
import { labsMeant } from './labs.ts'
import { LogFile } from './log-file.ts'
import { bootWords, type LogReader } from './player.ts'
import { troubleText, write } from './terminal.ts'
import { SavedFiles } from './watch.ts'

export interface PlayOptions {
  readonly lab?: string
  readonly program?: string
  readonly ticks?: number
  readonly keys?: string
  readonly type?: string
}
export interface RunOptions extends PlayOptions {
  /** The step whose expectation is told. */
  readonly step?: string
  /** A file for what comes out of the log port; '-': standard output, instead of the screen. */
  readonly log?: string
  /** Again, whenever the student's files have been saved. */
  readonly watch?: true
}
export interface HeadlessOptions extends RunOptions {
  readonly serial?: true
}

const DEFAULT_TICKS = 500

export async function runHeadless(path: string, options: HeadlessOptions): Promise<void> {
  const { log, watch, serial } = options
  if (log === '-' && serial)
    throw new UsageError('--log -: expected one text on standard output, got --serial too')
  const chosen = await choose(path, options)
  const file = log === undefined || log === '-' ? undefined : new LogFile(log)
  if (!watch) return printRun(chosen, options, file)
  const saved = new SavedFiles(path, chosen.submission.lab)
  for (let submission = chosen.submission; ; submission = await saved.next()) {
    file?.clear()
    await printRun({ ...chosen, submission }, options, file).catch(sayTrouble)
  }
}
async function printRun(chosen: Chosen, options: HeadlessOptions, log: LogReader | undefined): Promise<void> {
  const { boots = 1, ready, expects = {} } = chosen.submission.lab.live
  let [serial, logged] = ['', '']
  for (let boot = 1; ; boot++) {
    const run = await play(chosen, options)
    serial += run.output.serial
    logged += run.output.parallel
    log?.add(run.output.parallel)
    tell(run, boot, boots)
    if (run.stop.reason === 'reset' && boot < boots) continue
    if (options.type && ready && run.stop.reason === 'limit' && !run.output.serial.includes(ready))
      say(`${JSON.stringify(ready)} was not said on the serial port; the text was typed all the same`)
    const text = options.log === '-' ? readable(logged) : options.serial ? readable(serial) : screenOf(run)
    const { step } = options
    return write(step === undefined ? text : `${text}\nStep ${step}: ${expects[step]}\n`)
  }
}
/** @throws what is no trouble of the student's file */
function sayTrouble(error: unknown): void {
  if (!(error instanceof SubmissionError)) throw error
  process.stderr.write(troubleText(error))
}
const say = (words: string): boolean => process.stderr.write(`${plain(words)}\n`)
/** What the student's file said to the host's console, and why the machine stands still. */
function tell({ output, stop, details }: PlayedRun, boot: number, boots: number): void {
  for (const line of output.console.split('\n').slice(0, -1)) say(line)
  const words = stopWords(stop)
  if (words === undefined) return
  say(stop.reason === 'reset' ? bootWords(words, boot, boots) : words)
  if (stop.reason !== 'reset' || boot === boots) for (const line of details) process.stderr.write(`${line}\n`)
}
function screenOf({ final }: PlayedRun): string {
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
  options: PlayOptions & { readonly output: string },
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
  const { log, step, watch } = options
  if (log === '-')
    throw new UsageError('--log -: expected a file, or --headless; the terminal shows the screen')
  const chosen = await choose(path, options)
  const saved = watch && new SavedFiles(path, chosen.submission.lab)
  const file = log === undefined ? undefined : new LogFile(log)
  const { live } = await import('./live.ts')
  await live({ ...chosen, ...(step && { step }), ...(file && { log: file }), ...(saved && { saved }) })
}

export interface Chosen {
  readonly submission: Submission
  readonly program: string
}
/** @param log  kinds of events to keep */
export function play(
  { submission, program }: Chosen,
  options: PlayOptions,
  log?: readonly EventKind[],
): Promise<PlayedRun> {
  const { live } = submission.lab
  return playOnce({ submission, config: live.boot(program) }, planOf(options, live), log)
}
/** Keys at the start; a text when the system is ready for it; then time. */
function planOf({ keys = '', type, ticks = DEFAULT_TICKS }: PlayOptions, live: Live): Action[] {
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
export async function choose(path: string, { lab, program, step }: RunOptions): Promise<Chosen> {
  const [submission, ...more] = findSubmissions(path, await labsMeant(lab, [path]))
  if (!submission || more.length > 0)
    throw new UsageError(`${path}: expected one submission, got a folder of ${more.length + 1}`)
  const { programs, expects = {} } = submission.lab.live
  if (step !== undefined) mustBeOne('--step', step, Object.keys(expects))
  const name = program ?? programs[0] ?? ''
  mustBeOne('--program', name, programs)
  return { submission, program: name }
}
function mustBeOne(option: string, got: string, names: readonly string[]): void {
  if (names.includes(got)) return
  throw new UsageError(`${option}: expected one of ${names.join(', ')}; got ${JSON.stringify(got)}`)
}
