// How values on the command line are read.

import { InvalidArgumentError, Option } from 'commander'

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
