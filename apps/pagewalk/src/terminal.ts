// What all commands need of the two output streams.

import type { Style } from '@pagewalk/grader'

/** Colour only on a terminal, and not if the user does not want any (no-color.org). */
export function styleOf(stream: NodeJS.WriteStream): Style {
  const { NO_COLOR, TERM } = process.env
  return { colour: stream.isTTY === true && !NO_COLOR && TERM !== 'dumb', width: stream.columns ?? 100 }
}
/** Write all of it, however slow the reader is. */
export function write(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()))
}
