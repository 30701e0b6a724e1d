// How values on the command line are read.

import { type Command, InvalidArgumentError, Option } from 'commander'

/** @returns a reader of numbers; `what` says in words which are taken */
export const number =
  (what: string, least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value
    throw new InvalidArgumentError(`Expected ${what}, got ${JSON.stringify(text)}.`)
  }
export const whole =
  (what: string, least: number) =>
  (text: string): number => {
    const value = number(what, least)(text)
    if (Number.isSafeInteger(value)) return value
    throw new InvalidArgumentError(`Expected ${what}, got ${JSON.stringify(text)}.`)
  }
export const ticks: (text: string) => number = whole('a number of timer ticks, 0 or more', 0)

export const labOption = (): Option => new Option('--lab <id>', 'which lab it is, if that cannot be seen')
/** What every command takes that plays submissions on this host. */
export const hostOptions = (command: Command): Command =>
  command
    .option(
      '--jobs <n>',
      'how many to grade at a time (default: one per CPU)',
      whole('a whole number, 1 or more', 1),
    )
    .option(
      '--sandbox <level>',
      'how far student code is kept from this host: auto (default), realm, permission, limits, bwrap; see doctor',
    )
    .option('--require-sandbox <level>', 'grade nothing unless this level or a stronger one is reached')
/** And what says how they are played, wherever that is. */
export const capsuleOptions = (command: Command): Command =>
  hostOptions(command)
    .option(
      '--timeout <seconds>',
      'CPU time that a kernel may take without its machine getting on (default: 3)',
      number('a number of seconds above 0', 0.001),
    )
    .option(
      '--strict',
      'give each kernel a thread of its own, away from its machine: for official grades; slower',
    )
