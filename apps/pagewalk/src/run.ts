// `pagewalk run` and `pagewalk snapshot`: a submission on its machine, looked at from outside.

import { writeFileSync } from 'node:fs'
import {
  findSubmissions,
  type Lab,
  plain,
  playOnce,
  type Run,
  type Submission,
  serialiseSnapshot,
  UsageError,
} from '@pagewalk/grader'
import { Machine, type Stop } from '@pagewalk/machine'
import { labsMeant } from './labs.ts'
import { write } from './terminal.ts'

export interface RunOptions {
  readonly lab?: string
  readonly program?: string
  readonly ticks?: number
  readonly keys?: string
}

const DEFAULT_TICKS = 500

export async function runHeadless(path: string, options: RunOptions): Promise<void> {
  const { run } = await play(path, options)
  const machine = Machine.fromImage(run.final)
  const { rows } = machine.devices.vga.text(machine.memory.bytes)
  for (const line of run.output.console.split('\n').slice(0, -1)) process.stderr.write(`${plain(line)}\n`)
  const words = stopWords(run.stop)
  if (words) process.stderr.write(`${plain(words)}\n`)
  await write(`${rows.map((row) => row.trimEnd()).join('\n')}\n`)
}

export async function snapshot(
  path: string,
  options: RunOptions & { readonly output: string },
): Promise<void> {
  const { run, lab } = await play(path, options)
  const view = lab.view(run.final)
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
  const { submission, program } = chosen(path, options)
  const { watch } = await import('./live.ts')
  await watch(submission, program)
}

async function play(path: string, options: RunOptions): Promise<{ run: Run; lab: Lab }> {
  const { submission, program } = chosen(path, options)
  const { live } = submission.lab
  const keys = [...(options.keys ?? '')].map((key) => ({ do: 'key' as const, key }))
  const instructions = Math.ceil((options.ticks ?? DEFAULT_TICKS) * live.instructionsPerTick)
  const plan = [...keys, { do: 'run' as const, instructions }]
  return { run: await playOnce({ submission, config: live.boot(program) }, plan), lab: submission.lab }
}
function chosen(path: string, { lab, program }: RunOptions): { submission: Submission; program: string } {
  const [submission, ...more] = findSubmissions(path, labsMeant(lab))
  if (!submission || more.length > 0)
    throw new UsageError(`${path}: expected one submission, got a folder of ${more.length + 1}`)
  const { programs } = submission.lab.live
  const name = program ?? programs[0] ?? ''
  if (programs.includes(name)) return { submission, program: name }
  throw new UsageError(`--program: expected one of ${programs.join(', ')}; got ${JSON.stringify(name)}`)
}

/** Why the machine stands still, for people; undefined if it would go on. */
export function stopWords(stop: Stop): string | undefined {
  switch (stop.reason) {
    case 'limit':
    case 'kernel':
      return undefined
    case 'panic':
      return `the kernel panicked: ${stop.message}`
    case 'reset':
      return `the machine reset itself: ${stop.story}`
    case 'exit':
      return `the machine was switched off (code ${stop.code})`
    case 'halt':
      return 'the CPU halted with interrupts off: nothing will ever happen'
    case 'hang':
      return stop.message
    case 'error':
      return `the kernel threw: ${stop.message}`
  }
}
