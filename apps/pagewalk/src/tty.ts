// The terminal while a screen is shown on it: raw keys and the alternate screen, and whatever ends the program, all as before.

import { writeSync } from 'node:fs'
import { ENTER, LEAVE } from './screen.ts'

export interface Shown {
  /** What the terminal has sent. */
  keys(input: string): void
  /** It has another size, and is cleared. */
  resized(): void
  /** Nothing will come from it any more. */
  ended(): void
  /** One of the above threw. */
  failed(error: unknown): void
}
const STDOUT = 1
const SIGNALS = ['SIGTERM', 'SIGHUP', 'SIGINT'] as const

/** Do `work` with the terminal as a screen. @returns when the terminal is as it was before */
export async function onTerminal(shown: Shown, work: () => Promise<void>): Promise<void> {
  const { stdin, stdout } = process
  const restore = (): void => {
    try {
      if (stdin.isTTY) stdin.setRawMode(false)
      writeSync(STDOUT, LEAVE)
    } catch {
      // the terminal is gone, and needs nothing any more
    }
  }
  const die = (signal: NodeJS.Signals): void => {
    restore()
    process.off('exit', restore)
    for (const each of SIGNALS) process.off(each, die)
    process.kill(process.pid, signal)
  }
  const guarded =
    <A extends unknown[]>(handler: (...args: A) => void) =>
    (...args: A): void => {
      try {
        handler(...args)
      } catch (error) {
        shown.failed(error)
      }
    }
  const onKeys = guarded((keys: string) => shown.keys(keys))
  const onResize = guarded(() => {
    stdout.write('\x1b[2J')
    shown.resized()
  })
  const onEnd = guarded(() => shown.ended())

  process.on('exit', restore) // for what nobody has caught, and for process.exit
  for (const signal of SIGNALS) process.on(signal, die)
  try {
    stdout.write(ENTER)
    stdin.setRawMode(true)
    stdin.setEncoding('utf8')
    stdin.on('data', onKeys).on('end', onEnd).on('error', onEnd)
    stdout.on('resize', onResize)
    await work()
  } finally {
    restore()
    process.off('exit', restore)
    for (const signal of SIGNALS) process.off(signal, die)
    stdin.off('data', onKeys).off('end', onEnd).off('error', onEnd)
    stdout.off('resize', onResize)
    stdin.pause()
  }
}
