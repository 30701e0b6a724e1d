// The realm in which the student's code runs: without anything of the host's, the same on every run, and frozen.
//
// No object of the realm around it may get from here into the student's hands; `adopt` copies what is handed on.

import { Machine, Told } from '@pagewalk/machine'

export interface Thrown {
  readonly message: string
  readonly stack: string
}

const CONSOLE_LIMIT = 0x1_0000
/** Enough to reach from deep in lib to the student's file. */
const STACK_FRAMES = 40
let said = ''
/** What has been said to the console since `hush`. */
export const heard = (): string => said
export function hush(): void {
  said = ''
}

// Taken before the student's code can touch them.
const { ownKeys, getPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Reflect
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
  for (const name of OVERRIDDEN) letOverride(Object.prototype, name)
  for (const name of ownKeys(globalThis)) harden(realm[name as string], seen)
  for (const one of unnamed()) harden(getPrototypeOf(one), seen)
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
/** What programs set on objects of their own, and on prototypes of theirs. */
const OVERRIDDEN = ['constructor', 'toString', 'toLocaleString', 'valueOf'] as const
/**
 * Let a property of a prototype that will be frozen be set on what inherits it: an assignment looks at the frozen one first,
 * and would throw. ECMAScript, OrdinarySetWithOwnDescriptor.
 */
function letOverride(prototype: object, name: string): void {
  const value: unknown = getOwnPropertyDescriptor(prototype, name)?.value
  defineProperty(prototype, name, {
    get: () => value,
    set(this: object, own: unknown) {
      if (this === prototype) throw new TypeError(`Cannot assign to read only property '${name}'`)
      defineProperty(this, name, { value: own, writable: true, enumerable: true, configurable: true })
    },
  })
}
/**
 * One of each kind of object whose prototype no global leads to. They are behind every loop and every generator, also the
 * machine's. ECMAScript, "Well-Known Intrinsic Objects".
 */
const unnamed = (): readonly object[] => [
  [][Symbol.iterator](),
  new Map()[Symbol.iterator](),
  new Set()[Symbol.iterator](),
  ''[Symbol.iterator](),
  ''.matchAll(/x/g),
  [].values().map(spell),
  Iterator.from({ next: () => ({ done: true, value: undefined }) }),
  function* () {},
  (function* () {})(),
  async () => {},
  async function* () {},
  (async function* () {})(),
]
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
export function harden(value: unknown, seen: Set<object>): void {
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

/** What was thrown, whatever it is. */
export function describe(thrown: unknown): Thrown {
  const told = Told.in(thrown)
  if (told) return told
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
