// Options that do not go together.

import { UsageError } from '@pagewalk/grader'

/** @throws UsageError if one of these options is given beside `option` */
export function mustBeWithout<T extends object>(
  options: T,
  names: readonly (keyof T & string)[],
  option: string,
): void {
  const used = names.find((name) => options[name] !== undefined)
  if (used !== undefined)
    throw new UsageError(
      `${option}: expected it without --${used.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    )
}
