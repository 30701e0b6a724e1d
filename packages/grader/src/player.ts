// Who presses the buttons of a machine: plays a scenario on it, or lets somebody watch it.

import {
  Machine,
  type MachineEvent,
  type MachineImage,
  type MachineOptions,
  type Saved,
  type Stop,
} from '@pagewalk/machine'
import { adopt } from './bare-realm.ts'
import {
  type Action,
  type BootHost,
  EVENTS_LIMIT,
  mustBeNote,
  NOTES_LIMIT,
  type Note,
  type Run,
  type Scenario,
} from './lab.ts'
import type { Kernel } from './submitted.ts'

// Taken before the student's code can touch them.
const { run, image } = Machine.prototype
const { apply } = Reflect

/** One screen and what stands under it. */
export interface Frame {
  readonly rows: readonly string[]
  readonly attributes: Uint8Array
  readonly cursor: number
  readonly time: number
  readonly stop: Stop
  /** As Run's. */
  readonly stack: string
  /** What came out of the log port since the frame before. */
  readonly log: string
}
/** What one boot keeps. */
class Kept {
  readonly images: Record<string, MachineImage> = {}
  readonly notes: Note[] = []
  dropped = 0

  /** What the lab's boot is handed to keep something: closures, so that who has them has nothing else. */
  host(machine: Machine): BootHost {
    return {
      note: (tag, ...words) => {
        const { time, ring0 } = machine
        mustBeNote(tag, words)
        if (this.notes.length < NOTES_LIMIT) this.notes.push({ time, cpu: ring0.cpu, tag, words })
        else this.dropped++
      },
      image: (label) => this.image(machine, label),
    }
  }
  image(machine: Machine, label: string): void {
    this.images[label] = apply(image, machine, []) as MachineImage
  }
}
/** The machine of the scenario before: its memory is used again. */
let last: Machine | undefined
/** A machine with the kernel on it, booted. @throws what the kernel's code throws while it boots */
function booted(kernel: Kernel<Machine>, options: MachineOptions, config: unknown, kept: Kept): Machine {
  const machine = new Machine({ ...adopt(options), shared: kernel.elsewhere }, last)
  last = machine
  kernel.boot(machine, config, kept.host(machine))
  return machine
}

/**
 * Play a scenario on a fresh machine.
 *
 * @param alive  called after each piece of it: the machine gets on
 * @throws what the kernel's code throws while it boots
 */
export function play(
  kernel: Kernel<Machine>,
  options: MachineOptions,
  scenario: Scenario,
  alive: () => void,
): Run {
  const kept = new Kept()
  const machine = booted(
    kernel,
    { eventLimit: EVENTS_LIMIT, ...options, ...scenario.machine },
    scenario.boot,
    kept,
  )
  let stop: Stop = { reason: 'limit' }
  for (const action of scenario.plan) stop = act({ machine, kept, alive }, action) ?? stop
  return {
    scenario: scenario.id,
    stop,
    stack: machine.kernelStack,
    images: kept.images,
    final: apply(image, machine, []) as MachineImage,
    events: machine.events.list as readonly MachineEvent[],
    notes: kept.notes,
    dropped: machine.events.dropped + kept.dropped,
    output: {
      parallel: machine.devices.parallel.output,
      serial: machine.devices.serial.output,
      console: kernel.said(),
    },
  }
}
interface Playing {
  readonly machine: Machine
  readonly kept: Kept
  readonly alive: () => void
}
function act(playing: Playing, action: Action): Stop | undefined {
  const { machine, kept } = playing
  if (action.do === 'run') return runFor(playing, action)
  if (action.do === 'type') return typeText(playing, action)
  if (action.do === 'key') machine.devices.keyboard.type(action.key)
  else kept.image(machine, action.label)
  return undefined
}

/** Instructions of a piece: after each the serial port's output is looked at. */
const PIECE = 200_000
function runFor(
  { machine, alive }: Playing,
  { instructions, until, untilOutput }: Extract<Action, { do: 'run' }>,
): Stop {
  const { serial } = machine.devices
  const before = serial.output.length
  const end = machine.time + instructions
  const said = (): boolean => untilOutput !== undefined && serial.output.indexOf(untilOutput, before) >= 0
  let stop: Stop = { reason: 'limit' }
  while (stop.reason === 'limit' && machine.time < end && !said()) {
    stop = apply(run, machine, [Math.min(PIECE, end - machine.time), until]) as Stop
    alive()
  }
  return stop
}
/** The emulated keyboard keeps 64 scan codes; a key takes up to four. */
const KEYS_AT_ONCE = 8
function typeText(playing: Playing, { text, instructions }: Extract<Action, { do: 'type' }>): Stop {
  const { keyboard } = playing.machine.devices
  let stop: Stop = { reason: 'limit' }
  const keys = [...text]
  for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
    for (const key of keys.slice(i, i + KEYS_AT_ONCE)) keyboard.type(key === '\n' ? 'Enter' : key)
    stop = runFor(playing, { do: 'run', instructions })
  }
  return stop
}

/** A machine that somebody watches. */
export interface Session {
  run(instructions: number, until?: 'trap'): Frame
  image(): MachineImage
  key(key: string): void
  poke(address: number, value: number): void
}
export function watch(kernel: Kernel<Machine>, options: MachineOptions, config: unknown): Session {
  const machine = booted(kernel, { ...options, log: [] }, config, new Kept())
  const { keyboard, parallel, vga } = machine.devices
  return {
    run(instructions, until) {
      const stop = apply(run, machine, [instructions, until]) as Stop
      const screen = vga.text(machine.memory.bytes)
      return { ...screen, time: machine.time, stop, stack: machine.kernelStack, log: taken(parallel) }
    },
    image: () => apply(image, machine, []) as MachineImage,
    key: (key) => keyboard.type(key),
    poke: (address, value) => machine.memory.write32(address, value),
  }
}
/** What came out of the port. It is empty then: what it keeps has a limit, and a machine may be watched for hours. */
function taken(parallel: Machine['devices']['parallel']): string {
  const { output, dropped } = parallel
  if (output === '') return ''
  const port = parallel.save() as { readonly [field: string]: Saved }
  parallel.restore({ ...port, printed: { text: '', dropped: 0 } })
  return dropped > 0 ? `${output}\n(${dropped} bytes are lost here)\n` : output
}
