// Machine states live outside V8's heap, which does not see how much it could give back: in a batch more than a gigabyte of
// garbage piles up before it looks.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Resident memory of this process from which on it is worth looking. */
const ENOUGH_BYTES = 300 * 2 ** 20

let collect: (() => void) | undefined

/** Give memory back that nobody uses any more, if there may be much of it. Takes some hundredths of a second then. */
export function collectGarbage(): void {
  if (process.memoryUsage.rss() < ENOUGH_BYTES) return
  collect ??= exposed()
  collect()
}
function exposed(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
