// What the two sides of a channel call, by number, and how what does not fit into numbers and words is put into them.

import type { Halt } from '../hardware.ts'
import type { StartState } from '../machine.ts'
import type { Channel } from './channel.ts'

/** Calls of the kernel's side. */
export const Ask = {
  translate: 1,
  scatter: 2,
  in: 3,
  out: 4,
  writeControl: 5,
  invlpg: 6,
  readMsr: 7,
  writeMsr: 8,
  loadTaskRegister: 9,
  startCpu: 10,
  wait: 11,
  halt: 12,
  start: 13,
  codeWritten: 14,
  /** The kernel's code is being left: the text is its stack. */
  unwound: 15,
} as const
/** Calls of the machine's side. */
export const Call = {
  gate: 1,
  /** Has come what a `wait` waits for? */
  waited: 2,
} as const
/** From this number on calls are somebody else's. */
export const OWN = 32

const START_FIELDS = ['rip', 'rsp', 'cr3', 'cr0', 'cr4', 'efer', 'cs', 'ss', 'rflags', 'rdi'] as const
export function putStart({ numbers, words }: Channel, at: StartState): void {
  numbers[0] = START_FIELDS.reduce((set, field, i) => (at[field] === undefined ? set : set | (1 << i)), 0)
  for (const [i, field] of START_FIELDS.entries()) words[i] = BigInt(at[field] ?? 0)
}
export function takeStart({ numbers, words }: Channel): StartState {
  const set = START_FIELDS.map((field, i) => [field, numbers[0]! & (1 << i) ? words[i]! : undefined] as const)
  const { rip = 0n, rsp = 0n, cr3 = 0n, cs, ss, ...rest } = Object.fromEntries(set)
  return { ...rest, rip, rsp, cr3, ...selector('cs', cs), ...selector('ss', ss) } as StartState
}
const selector = (name: 'cs' | 'ss', value: bigint | undefined): Partial<StartState> =>
  value === undefined ? {} : { [name]: Number(value & 0xffffn) }

const HALTS: readonly Halt['reason'][] = ['panic', 'exit', 'hang']
export function putHalt(channel: Channel, halt: Halt): void {
  channel.numbers[0] = HALTS.indexOf(halt.reason)
  channel.numbers[1] = halt.reason === 'exit' ? halt.code : 0
  channel.say(halt.reason === 'exit' ? '' : halt.message)
}
export function takeHalt(channel: Channel): Halt {
  const [reason, code] = [HALTS[channel.numbers[0]!] ?? 'panic', channel.numbers[1]! | 0]
  return reason === 'exit' ? { reason, code } : { reason, message: channel.texts()[0] }
}
