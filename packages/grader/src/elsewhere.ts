// A submission's kernel in a thread of its own (strict mode): both sides of the channel between it and the one who plays.

import {
  CHANNEL_BYTES,
  Channel,
  type Machine,
  type MachineOptions,
  Outcome,
  OWN,
  RemoteMachine,
  Side,
  serveRing0,
  Told,
} from '@pagewalk/machine'
import { adopt, describe } from './bare-realm.ts'
import { type BootHost, mustBeNote, NOTE } from './lab.ts'
import { here, type Kernel, type Submission, type Submitted } from './submitted.ts'

/** What the player's side calls. */
const Call = { load: OWN, boot: OWN + 1, said: OWN + 2 } as const
/** What the kernel's side calls: a BootHost. */
const Ask = { note: OWN, image: OWN + 1 } as const

/** What is handed to the kernel's thread for a boot. */
export interface BootMessage {
  readonly options: MachineOptions
  readonly memory: SharedArrayBuffer
  readonly config: unknown
}

/** What the kernel's thread has of its surroundings. */
export interface Surroundings {
  /** A fresh instance of the student's files. @throws what they throw */
  evaluate(): Submission
  /** The functions that they must export. */
  readonly exports: readonly string[]
  /** The message that belongs to the call of this moment. */
  message(): BootMessage
  /** Do what promises have left to be done. */
  settle(): void
}
/** The kernel's thread: does what it is called for, until its end. */
export function kernelThread(buffer: SharedArrayBuffer, around: Surroundings): never {
  const channel = new Channel(buffer, Side.kernel)
  const submitted = here(around.evaluate, around.exports)
  let machine: RemoteMachine | undefined
  let kernel: Kernel | undefined
  const calls: Readonly<Record<number, () => void>> = {
    [Call.load]: () => channel.say(submitted.load().join('\n')),
    [Call.boot]: () => {
      const { options, memory, config } = around.message()
      kernel = submitted.kernel()
      machine = new RemoteMachine(channel, adopt(options), memory)
      kernel.boot(machine, config, hostOf(machine, channel))
    },
    [Call.said]: () => {
      const said = kernel?.said() ?? ''
      around.settle() // what comes too late changes nothing any more
      channel.say(said)
    },
  }
  channel.answer = (op) => {
    const own = calls[op]
    return own ? told(channel, own) : (machine?.answer(op) ?? Outcome.threw)
  }
  return channel.serve()
}
function told(channel: Channel, work: () => void): Outcome {
  try {
    work()
    return Outcome.done
  } catch (thrown) {
    const { message, stack } = describe(thrown)
    channel.say(message, stack)
    return Outcome.threw
  }
}
/** What the lab's boot is handed to keep something, which the player keeps. */
const hostOf = (machine: RemoteMachine, channel: Channel): BootHost => ({
  note(tag, ...words) {
    mustBeNote(tag, words)
    channel.say(tag)
    channel.numbers[0] = words.length
    channel.words.set(words)
    machine.ask(Ask.note)
  },
  image(label) {
    channel.say(label)
    machine.ask(Ask.image)
  },
})

/** How much memory a channel takes. */
export { CHANNEL_BYTES }
/**
 * The player's side.
 *
 * @param buffer  CHANNEL_BYTES, to be handed to the thread after this
 * @param post  puts a message where the thread finds it
 * @param idle  called now and then while the thread works: to throw is to give it up
 */
export function elsewhere(
  buffer: SharedArrayBuffer,
  post: (message: BootMessage) => void,
  idle: () => void,
): Submitted {
  const channel = new Channel(buffer, Side.machine)
  channel.idle = idle
  const call = (op: number): string => {
    const outcome = channel.call(op)
    const [first, second] = channel.texts()
    if (outcome !== Outcome.done) throw new Told(first, second)
    return first
  }
  const kernel: Kernel<Machine> = {
    elsewhere: true,
    boot(machine, config, host) {
      serveRing0(machine, channel, (op) => keep(op, channel, host))
      post({ options: machine.options, memory: machine.sharedMemory, config })
      call(Call.boot)
    },
    said: () => call(Call.said),
  }
  return {
    open: () => channel.open(),
    load() {
      const names = call(Call.load)
      return names === '' ? [] : names.split('\n')
    },
    kernel: () => kernel,
  }
}
function keep(op: number, channel: Channel, host: BootHost): void {
  const [text] = channel.texts()
  if (op === Ask.image) return host.image(text)
  if (op !== Ask.note) throw new Error(`there is no call ${op}`)
  const count = Math.max(0, Math.min(channel.numbers[0]! | 0, NOTE.words))
  host.note(text, ...channel.words.subarray(0, count))
}
