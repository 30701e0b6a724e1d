// What the checks look at: the runs of a submission, restored to machines as they are asked for.

import { Machine, type MachineImage } from '@pagewalk/machine'
import type { Evidence, Lab, Run, Scenario } from './lab.ts'
import type { Snapshot } from './snapshot.ts'

/** A check asked for what there is not, because the kernel did not come that far: it cannot be judged. */
export class Blocked extends Error {}

/** A machine has all of its memory; so many are kept for the next check, the others' memory is used again. */
const MACHINES = 8

export function evidenceOf(
  lab: Lab,
  scenarios: readonly Scenario[],
  runs: ReadonlyMap<string, Run>,
  files: ReadonlyMap<string, string>,
): Evidence {
  const machines = new Map<MachineImage, Machine>()
  const spare: Machine[] = []
  const views = new Map<MachineImage, Snapshot>()
  const scenario = (id: string): Scenario => {
    const found = scenarios.find((each) => each.id === id)
    if (!found) throw new Error(`${lab.id} has no scenario ${id}`)
    return found
  }
  const run = (id: string): Run => {
    const found = runs.get(scenario(id).id)
    if (!found) throw new Blocked(`the scenario ${id} did not come to its end`)
    return found
  }
  const image = (id: string, label: string | undefined): MachineImage => {
    const { final, images } = run(id)
    if (label === undefined || label === 'final') return final
    if (!Object.hasOwn(images, label)) throw new Blocked(`the scenario ${id} did not come to ${label}`)
    return images[label]!
  }
  return {
    run,
    scenario,
    file: (name) => files.get(name),
    machine: (id, label) =>
      cached(machines, MACHINES, image(id, label), (i) => Machine.fromImage(i, [], spare.pop()), spare),
    view: (id, label) => cached(views, Number.POSITIVE_INFINITY, image(id, label), (i) => lab.view(i)),
  }
}
/** The one asked for longest ago goes first, to `spare`, when there are more than `most`. */
function cached<K, V>(cache: Map<K, V>, most: number, key: K, make: (key: K) => V, spare: V[] = []): V {
  const value = cache.get(key) ?? make(key)
  cache.delete(key)
  cache.set(key, value)
  const [oldest] = cache
  if (cache.size > most && oldest) {
    cache.delete(oldest[0])
    spare.push(oldest[1])
  }
  return value
}
