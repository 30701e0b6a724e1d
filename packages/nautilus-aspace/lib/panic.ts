// The end. Handout: naut_assert.h, and panic().

import { nkPrintk } from './print.ts'
import { ring0 } from './ring0.ts'

/** `panic(...)`: say it and stop the machine, with its state as it is. */
export function panic(text: string): never {
  const message = `PANIC: ${text}`
  nkPrintk(message.endsWith('\n') ? message : `${message}\n`)
  return ring0.stop(message.trimEnd())
}
/** `ASSERT(x)`: panic unless `holds`. @param expression  what must hold, as text */
export function assert(holds: boolean, expression: string): asserts holds {
  if (!holds) panic(`assertion '${expression}' failed`)
}
