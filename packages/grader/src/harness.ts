// What runs beside the student's code: the machine and the one who presses its buttons. Bundled to a script and
// evaluated in the capsule's bare context, before the student's script. Imports the machine and nothing of Node.
//
// No object of the capsule's own realm may get from here into the student's hands; `adopt` copies what is handed on.

import {
  Machine,
  type MachineEvent,
  type MachineImage,
  type MachineOptions,
  type Saved,
  type Stop,
} from '@pagewalk/machine'
import {
  type Action,
  type BootHost,
  EVENTS_LIMIT,
  NOTE,
  NOTES_LIMIT,
  type Note,
  type Run,
  type Scenario,
} from './lab.ts'

/** What the library's script gives. */
export interface Library {
  readonly boot: (machine: Machine, kernel: unknown, config: unknown, host: BootHost) => void
  /** By their paths as in './lib/x.ts'. */
  readonly modules: { readonly [path: string]: unknown }
}
export interface Submission {
  readonly kernel: { readonly [name: string]: unknown }
  readonly boot: Library['boot']
}
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
export interface Thrown {
  readonly message: string
  readonly stack: string
}

const CONSOLE_LIMIT = 0x1_0000
/** Enough to reach from deep in lib to the student's file. */
const STACK_FRAMES = 40
let said = ''

// Taken before the student's code can touch them.
const { run, image } = Machine.prototype
const { apply, ownKeys, getPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Reflect
const { freeze } = Object

/** Calls a function of the capsule's own realm: `run` hands it over, a call of the global `DOOR` makes it go. */
export type Door = (run: () => void) => void
/** A global function: does what the door's holder has left to be done, once; else nothing. Whoever calls it gets nothing. */
export const DOOR = '__capsule'

/** Make the realm bare, the same on every run, and not to be patched. Call it once, before the student's script. */
export function prepare(): Door {
  const realm = globalThis as unknown as Record<string, unknown>
  const say = (...parts: unknown[]): void => {
    if (said.length < CONSOLE_LIMIT)
      said += `${parts.map(spell).join(' ')}\n`.slice(0, CONSOLE_LIMIT - said.length)
  }
  realm.console = { log: say, info: say, warn: say, error: say, debug: say }
  Math.random = () => {
    throw new Error('Math.random: a machine has no chance in it, so that the same run twice is the same run')
  }
  Error.stackTraceLimit = STACK_FRAMES
  let due: (() => void) | undefined
  realm[DOOR] = () => {
    const now = due
    due = undefined
    now?.()
  }
  const seen = new Set<object>()
  for (const name of ownKeys(globalThis)) harden(realm[name as string], seen)
  const { memoryBytes, instructionsPerSecond } = { memoryBytes: 0x1_0000, instructionsPerSecond: 1000 }
  prototypesOf(new Machine({ memoryBytes, instructionsPerSecond }), seen)
  // hardened before they go: some of them can be come by in other ways
  for (const name of ['Date', 'Atomics', 'SharedArrayBuffer', 'WeakRef', 'FinalizationRegistry', 'Intl'])
    delete realm[name]
  lockGlobals()
  return (run) => {
    due = run
  }
}
/** No global can be changed or made: what one scenario leaves behind is no other's, and the machine finds its own. */
function lockGlobals(): void {
  for (const name of ownKeys(globalThis)) {
    const property = getOwnPropertyDescriptor(globalThis, name)
    if (property?.configurable)
      defineProperty(globalThis, name, {
        configurable: false,
        ...('value' in property && { writable: false }),
      })
  }
  Object.preventExtensions(globalThis)
}
const spell = (value: unknown): string => {
  try {
    return typeof value === 'bigint'
      ? `0x${value.toString(16)}`
      : typeof value === 'string'
        ? value
        : String(value)
  } catch {
    return `(${typeof value})`
  }
}

/** Freeze `value` and all that can be reached from it. An error's name and message may still be set. */
function harden(value: unknown, seen: Set<object>): void {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
  if (value === globalThis || ArrayBuffer.isView(value)) return // the numbers in a view cannot be frozen
  seen.add(value)
  harden(getPrototypeOf(value), seen)
  for (const key of ownKeys(value)) {
    const property = getOwnPropertyDescriptor(value, key)
    harden(property?.value, seen)
    harden(property?.get, seen)
    harden(property?.set, seen)
  }
  const errors = value === Error.prototype || value instanceof Error
  if (errors) Object.preventExtensions(value)
  else freeze(value)
}
/** Freeze the prototypes of all objects that `value` is made of; the objects themselves stay as they are. */
function prototypesOf(value: unknown, seen: Set<object>): void {
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return
  seen.add(value)
  const prototype = getPrototypeOf(value)
  if (prototype !== null) harden(prototype, seen)
  for (const key of ownKeys(value)) prototypesOf(getOwnPropertyDescriptor(value, key)?.value, seen)
}

/** A copy of plain data, made of this realm's objects. */
export function adopt<T>(value: T): T
export function adopt(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (ArrayBuffer.isView(value)) return new Uint8Array(value as Uint8Array)
  if (Array.isArray(value)) return Array.from(value as unknown[], (each) => adopt(each))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, adopt(each)]))
}

/** @param lasting  it will be there for several submissions, none of which may change it */
export function library(script: unknown, lasting: boolean): Library {
  const { boot, modules } = script as Library
  if (lasting) {
    const seen = new Set<object>()
    // what a module exports comes from getters, since it may change
    for (const module of Object.values(modules)) {
      for (const value of Object.values(module as object)) harden(value, seen)
      harden(module, seen)
    }
    harden(modules, seen)
  }
  return { boot, modules }
}
/** @param script  what the student's script is: a function of the library's modules */
export function submission(script: unknown, { boot, modules }: Library): Submission {
  return { boot, kernel: (script as (modules: Library['modules']) => Submission['kernel'])(modules) }
}

/**
 * @param wanted  functions, or objects where a name ends in `{}`
 * @returns what of it the submission does not export, as "function tick"
 */
export function missing({ kernel, boot }: Submission, wanted: readonly string[]): string[] {
  const absent = Array.from(wanted, String).flatMap((name) => {
    const kind = name.endsWith('{}') ? 'object' : 'function'
    const plain = name.replace('{}', '')
    const value = kernel?.[plain]
    return typeof value === kind && value !== null ? [] : [`${kind} ${plain}`]
  })
  return typeof boot === 'function' ? absent : [...absent, 'function boot']
}

/** What was thrown, whatever it is. */
export function describe(thrown: unknown): Thrown {
  try {
    const { name, message, stack } = Object(thrown) as Partial<Record<string, unknown>>
    if (typeof message !== 'string') return { message: `threw ${spell(thrown)}`, stack: '' }
    return {
      message: `${typeof name === 'string' ? name : 'Error'}: ${message}`,
      stack: typeof stack === 'string' ? stack : '',
    }
  } catch {
    return { message: 'threw something that cannot be read', stack: '' }
  }
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
        if (tag.length > NOTE.tag || words.length > NOTE.words)
          throw new Error(`note: expected a short tag and at most ${NOTE.words} words, got ${words.length}`)
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
/** A machine with a submission's kernel on it, booted. @throws what the kernel's code throws while it boots */
function booted(submission: Submission, options: MachineOptions, config: unknown, kept: Kept): Machine {
  const machine = new Machine(adopt(options), last)
  last = machine
  submission.boot(machine, submission.kernel, adopt(config), kept.host(machine))
  return machine
}

/** Play a scenario on a fresh machine. @throws what the kernel's code throws while it boots */
export function play(submission: Submission, options: MachineOptions, scenario: Scenario): Run {
  said = ''
  const kept = new Kept()
  const machine = booted(
    submission,
    { eventLimit: EVENTS_LIMIT, ...options, ...scenario.machine },
    scenario.boot,
    kept,
  )
  let stop: Stop = { reason: 'limit' }
  for (const action of scenario.plan) stop = act(machine, action, kept) ?? stop
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
      console: said,
    },
  }
}
function act(machine: Machine, action: Action, kept: Kept): Stop | undefined {
  if (action.do === 'run') return runFor(machine, action)
  if (action.do === 'type') return typeText(machine, action)
  if (action.do === 'key') machine.devices.keyboard.type(action.key)
  else kept.image(machine, action.label)
  return undefined
}

/** So often the serial port's output is looked at. */
const LOOK = 200_000
function runFor(
  machine: Machine,
  { instructions, until, untilOutput }: Extract<Action, { do: 'run' }>,
): Stop {
  if (untilOutput === undefined) return apply(run, machine, [instructions, until]) as Stop
  const { serial } = machine.devices
  const before = serial.output.length
  const end = machine.time + instructions
  let stop: Stop = { reason: 'limit' }
  while (stop.reason === 'limit' && machine.time < end && serial.output.indexOf(untilOutput, before) < 0)
    stop = apply(run, machine, [Math.min(LOOK, end - machine.time), until]) as Stop
  return stop
}
/** The emulated keyboard keeps 64 scan codes; a key takes up to four. */
const KEYS_AT_ONCE = 8
function typeText(machine: Machine, { text, instructions }: Extract<Action, { do: 'type' }>): Stop {
  let stop: Stop = { reason: 'limit' }
  const keys = [...text]
  for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
    for (const key of keys.slice(i, i + KEYS_AT_ONCE))
      machine.devices.keyboard.type(key === '\n' ? 'Enter' : key)
    stop = apply(run, machine, [instructions]) as Stop
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
export function watch(submission: Submission, options: MachineOptions, config: unknown): Session {
  const machine = booted(submission, { ...options, log: [] }, config, new Kept())
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
