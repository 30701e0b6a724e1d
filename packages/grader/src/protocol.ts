// What grader and capsule say to each other, in frames (frames.ts). The grader believes none of it: every message is checked for
// form and size before anything looks at it.

import { type MachineEvent, type MachineImage, type MachineOptions, parseImage } from '@pagewalk/machine'
import { z } from 'zod'
import type { Bundle } from './bundle.ts'
import type { Frame, Thrown } from './harness.ts'
import { EVENTS_LIMIT, type Lab, NOTE, NOTES_LIMIT, type Note, type Run, type Scenario } from './lab.ts'
import type { CapsuleScripts } from './scripts.ts'
import { stopSchema } from './snapshot.ts'

/** The first message to a capsule. */
export interface Job {
  /** What the process runs; no part of the message. */
  readonly main: string
  /** Script of harness.ts. */
  readonly harness: string
  /** Script of thread-main.ts. */
  readonly thread: string
  /** The student's kernel gets a thread of its own. */
  readonly strict: boolean
  /** Script of the lab's library; evaluated once if it is lasting, else for each scenario. */
  readonly library: string
  readonly lasting: boolean
  /** Script of the student's files. */
  readonly code: string
  readonly exports: readonly string[]
  readonly machine: MachineOptions
  /** Play these and end, or ... */
  readonly scenarios: readonly Scenario[]
  /** ... boot this and wait for orders. */
  readonly watch?: { readonly boot: unknown }
}
/** What is the same in all jobs of a submission. */
export type CommonJob = Omit<Job, 'scenarios' | 'watch'>
export function jobFor(
  { bundle: { exports, lasting = false }, machine }: Lab,
  scripts: CapsuleScripts,
  made: Bundle,
  strict = false,
): CommonJob {
  return { ...scripts, strict, library: made.library.code, lasting, code: made.code, exports, machine }
}
export type Order =
  | { readonly do: 'run'; readonly instructions: number; readonly until?: 'trap' }
  | { readonly do: 'image' }
  | { readonly do: 'key'; readonly key: string }
  | { readonly do: 'poke'; readonly address: number; readonly value: number }

export type Report =
  /** The capsule stands; the submission's script comes next. */
  | { readonly kind: 'ready' }
  /** The submission's script threw. */
  | { readonly kind: 'threw'; readonly thrown: Thrown }
  /** Its module lacks these functions. */
  | { readonly kind: 'missing'; readonly names: readonly string[] }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'begin'; readonly scenario: string }
  /** The scenario's machine gets on. */
  | { readonly kind: 'alive' }
  /** Booting threw. */
  | { readonly kind: 'broke'; readonly scenario: string; readonly thrown: Thrown }
  | { readonly kind: 'run'; readonly run: Run }
  /** A machine to be watched awaits orders. */
  | { readonly kind: 'booted' }
  | { readonly kind: 'frame'; readonly frame: Frame }
  | { readonly kind: 'image'; readonly image: MachineImage }
  | { readonly kind: 'done' }

const TEXT = 0x1_0000
const text = z.string().max(TEXT)
const thrown = z.strictObject({ message: text, stack: text })
const time = z.number().int().nonnegative()
const bytes = (length: number): z.ZodType<Uint8Array> =>
  z.custom<Uint8Array>(
    (value) => value instanceof Uint8Array && value.length === length,
    `must be ${length} bytes`,
  )

/** The most characters that a machine may have written to a log port. */
const LOG = 0x40_0000
const log = z.string().max(LOG)

const frame: z.ZodType<Frame> = z.strictObject({
  rows: z.array(z.string().regex(/^\P{Cc}{80}$/u)).length(25),
  attributes: bytes(2000),
  cursor: z.number().int(),
  time,
  stop: stopSchema,
  stack: text,
  log,
})

/** @returns a schema of what the capsule of `job` may send */
export function reportSchema({ machine, scenarios }: Job): z.ZodType<Report> {
  const image = z.custom<MachineImage>((value) => isImage(value, machine))
  const perKind = Math.max(
    0,
    ...scenarios.map((s) => s.machine?.eventLimit ?? machine.eventLimit ?? EVENTS_LIMIT),
  )
  const events = z.custom<readonly MachineEvent[]>(
    (value) => Array.isArray(value) && value.length <= perKind * EVENT_KINDS && value.every(isEvent),
    'must be a list of machine events',
  )
  const notes = z.custom<readonly Note[]>(
    (value) => Array.isArray(value) && value.length <= NOTES_LIMIT && value.every(isNote),
    'must be a list of notes',
  )
  const run = z.strictObject({
    scenario: text,
    stop: stopSchema,
    stack: text,
    images: z.record(text, image),
    final: image,
    events,
    notes,
    dropped: time,
    output: z.strictObject({ parallel: log, serial: log, console: log }),
  })
  return z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('threw'), thrown }),
    z.strictObject({ kind: z.literal('missing'), names: z.array(text).max(1000) }),
    z.strictObject({ kind: z.literal('ready') }),
    z.strictObject({ kind: z.literal('loaded') }),
    z.strictObject({ kind: z.literal('begin'), scenario: text }),
    z.strictObject({ kind: z.literal('alive') }),
    z.strictObject({ kind: z.literal('broke'), scenario: text, thrown }),
    z.strictObject({ kind: z.literal('run'), run }),
    z.strictObject({ kind: z.literal('booted') }),
    z.strictObject({ kind: z.literal('frame'), frame }),
    z.strictObject({ kind: z.literal('image'), image }),
    z.strictObject({ kind: z.literal('done') }),
  ])
}

/** An image of this lab's machine. What its devices hold is checked by whoever restores it. */
function isImage(value: unknown, { memoryBytes, instructionsPerSecond }: MachineOptions): boolean {
  try {
    const image = parseImage(value as MachineImage)
    return (
      image.memoryBytes === memoryBytes &&
      image.instructionsPerSecond === instructionsPerSecond &&
      typeof image.devices === 'object' &&
      image.devices !== null &&
      isTime(image.time) &&
      isTime(image.retired) &&
      stopSchema.nullable().safeParse(image.stop).success
    )
  } catch {
    return false
  }
}
/** By hand, as events are. */
function isNote(value: unknown): boolean {
  const note = value as Partial<Note> | null
  return (
    isTime(note?.time) &&
    isTime(note?.cpu) &&
    typeof note?.tag === 'string' &&
    note.tag.length <= NOTE.tag &&
    Array.isArray(note.words) &&
    note.words.length <= NOTE.words &&
    note.words.every((word) => typeof word === 'bigint' && BigInt.asUintN(64, word) === word)
  )
}

const isTime = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
/** Fields of each kind of event besides `kind`, `time` and `cpu`. */
const FIELDS: {
  readonly [kind in MachineEvent['kind']]: Readonly<Record<string, 'bigint' | 'number' | 'string'>>
} = {
  syscall: { vector: 'number', cr3: 'bigint', rip: 'bigint', rax: 'bigint', rdi: 'bigint', rsi: 'bigint' },
  ring3: { cr3: 'bigint', rip: 'bigint', rsp: 'bigint', rax: 'bigint' },
  fault: {
    vector: 'number',
    error: 'number',
    address: 'bigint',
    rip: 'bigint',
    cr3: 'bigint',
    cpl: 'number',
  },
  irq: { vector: 'number', rip: 'bigint', cr3: 'bigint', cpl: 'number' },
  cr0: { value: 'bigint' },
  cr3: { value: 'bigint' },
  cr4: { value: 'bigint' },
  invlpg: { address: 'bigint' },
  ipi: { vector: 'number', mode: 'number', to: 'number' },
  reset: { story: 'string' },
  stop: { reason: 'string' },
}
const EVENT_KINDS = Object.keys(FIELDS).length
const FIELD_LISTS = new Map(Object.entries(FIELDS).map(([kind, fields]) => [kind, Object.entries(fields)]))
/** By hand: there may be a hundred thousand. */
function isEvent(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const event = value as Record<string, unknown>
  const fields = FIELD_LISTS.get(String(event.kind))
  return (
    fields !== undefined &&
    isTime(event.time) &&
    isTime(event.cpu) &&
    fields.every(([field, type]) => typeof event[field] === type)
  )
}
