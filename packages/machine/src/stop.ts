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
  /** A CPU waits inside a gate call for what no CPU can bring about any more. For good. */
  | { reason: 'deadlock'; message: string }
  /** The hosted kernel threw a JavaScript exception. For good. */
  | { reason: 'error'; message: string; stack: string }

/** Only `restore` or `start` go on after these. */
export const FOR_GOOD: ReadonlySet<Stop['reason']> = new Set<Stop['reason']>([
  'reset',
  'exit',
  'hang',
  'deadlock',
  'error',
])

/** Characters that are kept of what a hosted kernel says and of its stack: what it throws may be of any length. */
const MESSAGE_LIMIT = 4000
const STACK_LIMIT = 0x4000
export const cutStack = (stack: string): string => stack.slice(0, STACK_LIMIT)
/** The stop with texts of a bearable length. */
export function cutStop(stop: Stop): Stop {
  if (stop.reason === 'reset') return { ...stop, story: stop.story.slice(0, MESSAGE_LIMIT) }
  if (!('message' in stop)) return stop
  const message = stop.message.slice(0, MESSAGE_LIMIT)
  return stop.reason === 'error' ? { ...stop, message, stack: cutStack(stop.stack) } : { ...stop, message }
}

/** What a throw of the hosted kernel is told as. It may come from another realm and be anything at all. */
export function errorStop(thrown: unknown): Stop {
  try {
    const { name, message, stack } = Object(thrown) as Partial<Record<'name' | 'message' | 'stack', unknown>>
    if (typeof message === 'string') {
      const what = typeof name === 'string' ? `${name}: ${message}` : message
      return { reason: 'error', message: what, stack: typeof stack === 'string' ? stack : '' }
    }
    return {
      reason: 'error',
      message: `threw ${typeof thrown === 'object' ? 'an object' : String(thrown)}`,
      stack: '',
    }
  } catch {
    return { reason: 'error', message: 'threw something that cannot be read', stack: '' }
  }
}
