// The labs that this command line knows. One line for each; it is loaded when it may be meant.

import { type Lab, UsageError } from '@pagewalk/grader'

const LABS: ReadonlyMap<string, () => Promise<Lab>> = new Map([
  ['weensyos', async () => (await import('@pagewalk/grading-weensyos')).weensyos],
  ['nautilus', async () => (await import('@pagewalk/grading-nautilus-aspace')).nautilus],
])

/** @throws UsageError if no lab has this id */
export async function labNamed(id: string): Promise<Lab> {
  const load = LABS.get(id)
  if (load) return load()
  throw new UsageError(`expected a lab (${[...LABS.keys()].join(', ')}), got ${JSON.stringify(id)}`)
}
/** All labs, or the one that was named. */
export const labsMeant = (id: string | undefined): Promise<readonly Lab[]> =>
  Promise.all([...(id === undefined ? LABS.keys() : [id])].map(labNamed))
