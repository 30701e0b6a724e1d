// Why a machine stands still.

/** Why `run` came back. */
export type Stop =
  /** The instructions asked for have been run. */
  | { reason: 'limit' }
  /** Only with `until: 'trap'`: a trap was handled and ring 3 is about to go on. */
  | { reason: 'kernel' }
  /** The hosted kernel called `stop`. The state remains; running on goes to the stop loop, if the kernel has one. */
  | { reason: 'panic'; message: string }
  /** A triple fault: which fault could not be delivered, and why. For good: only `restore` or `start` go on. */
  | { reason: 'reset'; story: string }
  /** Debug exit port or power off. For good. */
  | { reason: 'exit'; code: number }
  /** Every CPU has halted, and nothing can end it: interrupts are off, or no device is set to ask for one. */
  | { reason: 'halt' }
  /** One gate call used up what it may be charged: a kernel loop that touches the machine. For good. */
  | { reason: 'hang'; message: string }
  /** The same fault came back again and again, and would for ever (stall.ts). For good. */
  | { reason: 'stall'; message: string }
  /** A CPU waits inside a gate call for what no CPU can bring about any more. For good. */
  | { reason: 'deadlock'; message: string }
  /** The hosted kernel threw a JavaScript exception. For good. */
  | { reason: 'error'; message: string; stack: string }

/** Only `restore` or `start` go on after these: another boot. */
export const FOR_GOOD: ReadonlySet<Stop['reason']> = new Set<Stop['reason']>([
  'reset',
  'exit',
  'hang',
  'stall',
  'deadlock',
  'error',
])

/** The most characters of a message and of a JavaScript stack that are kept: a kernel may make them as long as it likes. */
const LIMITS = { message: 4000, stack: 16_000 } as const
/** A text of the kernel's, whatever it is, as a stop tells it. */
export const messageOf = (text: unknown): string => String(text).slice(0, LIMITS.message)
export const stackOf = (stack: unknown): string =>
  typeof stack === 'string' ? stack.slice(0, LIMITS.stack) : ''

/** The stop with texts of a bearable length. */
export function cutStop(stop: Stop): Stop {
  if (stop.reason === 'reset') return { ...stop, story: messageOf(stop.story) }
  if (!('message' in stop)) return stop
  const message = messageOf(stop.message)
  return stop.reason === 'error' ? { ...stop, message, stack: stackOf(stop.stack) } : { ...stop, message }
}

/** What a kernel elsewhere has thrown, as it was told there. */
export class Told extends Error {
  readonly #told: { readonly message: string; readonly stack: string }
  constructor(message: string, stack: string) {
    super(message)
    this.#told = { message: messageOf(message), stack: stackOf(stack) }
  }
  /** @returns undefined if `thrown` is something else */
  static in(thrown: unknown): { readonly message: string; readonly stack: string } | undefined {
    return typeof thrown === 'object' && thrown !== null && #told in thrown ? thrown.#told : undefined
  }
}

/** What a throw of the hosted kernel is told as. It may come from another realm and be anything at all. */
export function errorStop(thrown: unknown): Extract<Stop, { reason: 'error' }> {
  const told = Told.in(thrown)
  if (told) return { reason: 'error', ...told }
  try {
    const { name, message, stack } = Object(thrown) as Partial<Record<'name' | 'message' | 'stack', unknown>>
    if (typeof message === 'string') {
      const what = typeof name === 'string' ? `${name}: ${message}` : message
      return { reason: 'error', message: messageOf(what), stack: stackOf(stack) }
    }
    return {
      reason: 'error',
      message: messageOf(`threw ${typeof thrown === 'object' ? 'an object' : String(thrown)}`),
      stack: '',
    }
  } catch {
    return { reason: 'error', message: 'threw something that cannot be read', stack: '' }
  }
}
