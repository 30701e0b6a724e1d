// The labs that this command line knows. One line for each.

import { type Lab, UsageError } from '@pagewalk/grader'
import { weensyos } from '@pagewalk/grading-weensyos'

const labs: readonly Lab[] = [weensyos]

/** @throws UsageError if no lab has this id */
export function labNamed(id: string): Lab {
  const lab = labs.find((each) => each.id === id)
  if (lab) return lab
  throw new UsageError(
    `expected a lab (${labs.map((each) => each.id).join(', ')}), got ${JSON.stringify(id)}`,
  )
}
/** All labs, or the one that was named. */
export const labsMeant = (id: string | undefined): readonly Lab[] =>
  id === undefined ? labs : [labNamed(id)]
