// Accesses that must be the end of the machine: the kernel panics, about exactly that access.

import { type Check, fail, pass } from '@pagewalk/grader'
import { type u64, VECTOR_GP, VECTOR_PF } from '@pagewalk/machine/x86-64'
import { hex, Probed, walk } from '../run.ts'
import { showing, type Wrong } from './kit.ts'

/** A check that several scenarios end so. Their probes note `trying`, with the address if it is a page fault. */
export function panicCheck({
  scenarios,
  hint,
  ...check
}: Omit<Check, 'run'> & { readonly scenarios: readonly string[]; readonly hint: string }): Check {
  return {
    ...check,
    run(evidence) {
      for (const scenario of scenarios) {
        const wrong = mustPanic(new Probed(evidence, scenario))
        if (wrong) return fail({ ...wrong, hint })
      }
      return pass
    },
  }
}
function mustPanic(probed: Probed): Wrong | undefined {
  const { scenario, run } = probed
  const [since, address] = [probed.time('trying'), probed.note('trying')?.[0]]
  if (since === undefined)
    return { expected: `${scenario}: what is allowed is served first`, observed: probed.ending }
  const what = address === undefined ? 'the access that it makes' : `the access to ${hex(address)}`
  const expected = `${scenario}: the kernel panics at ${what}`
  if (probed.note('survived')) return { expected, ...served(probed, address) }
  const fault = probed.faults(since).findLast(({ vector }) => vector === VECTOR_PF || vector === VECTOR_GP)
  const meant =
    address === undefined
      ? fault?.vector === VECTOR_GP
      : fault?.vector === VECTOR_PF && fault.address >> 12n === address >> 12n
  return run.stop.reason === 'panic' && meant ? undefined : { expected, observed: probed.ending }
}
function served(probed: Probed, va: u64 | undefined): Omit<Wrong, 'expected'> {
  const observed = 'the access was served'
  const [machine, root] = [probed.machine('final'), probed.root('probe')]
  if (!machine || root === undefined || va === undefined) return { observed }
  return {
    observed: `${observed}: ${walk(machine, root, va)}`,
    shows: showing(probed, 'final', root, [va]),
  }
}
