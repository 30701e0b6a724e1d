// Workflow commands for GitHub Actions, which show what failed beside the student's code.
// Source: GitHub Docs, Workflow commands for GitHub Actions, "Setting an error message". GitHub shows ten of each kind for a step.

import { accountOf, causesOf, failuresIn, type Item, reasonLines } from '../items.ts'
import { notGraded, type Outcome, toldOf } from '../outcome.ts'
import { placeIn } from '../places.ts'

/**
 * A command on a line of its own for each check that failed: an error, or a warning for extra credit. Our own failure is a warning.
 *
 * Does not name what is blocked: that goes away with its cause.
 * @param folder  where the student's files lie in the repository: '' or `lab1/`
 */
export function annotations(outcome: Outcome, folder = ''): string {
  const told = toldOf(outcome)
  if ('trouble' in told) return command('warning', { title: 'not graded' }, notGraded(told.trouble))
  const failures = failuresIn(accountOf(told.result).items)
  return failures.map((item) => commandOf(item, folder)).join('')
}
function commandOf({ check, step }: Item, folder: string): string {
  const place = placeIn(check.observed)
  const where = place && {
    file: `${folder}${place.file}`,
    line: String(place.line),
    col: String(place.column),
  }
  return command(
    step.extra ? 'warning' : 'error',
    { ...where, title: check.id },
    reasonLines(causesOf(check)) || check.claim,
  )
}
function command(
  name: 'error' | 'warning',
  properties: { readonly [name: string]: string },
  message: string,
): string {
  const list = Object.entries(properties).map(([key, value]) => `${key}=${escaped(value, /[%\r\n:,]/g)}`)
  return `::${name} ${list.join(',')}::${escaped(message, /[%\r\n]/g)}\n`
}
const escaped = (text: string, special: RegExp): string =>
  text.replace(special, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
