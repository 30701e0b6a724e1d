// Tries the realm that student code gets: a capsule as for a submission, whose code looks for a way out.

import { Capsule, DEFAULT_LIMITS } from './capsule.ts'
import type { Sandbox, Tried } from './isolation.ts'
import type { Job } from './protocol.ts'
import { capsuleScripts } from './scripts.ts'

/** Looks for Node's globals, and for a way to them by the constructor of whatever is at hand. */
const LOOKS_OUT = `(() => {
  const names = ['process', 'require', 'Buffer', 'setTimeout', 'fetch']
  const reached = names.filter((name) => name in globalThis)
  for (const value of [globalThis, console, console.log, function* () {}, async () => {}, new Error()]) {
    try {
      value.constructor.constructor('return process')()
      reached.push('code from a string')
    } catch {}
  }
  if (reached.length > 0) throw new Error('it could reach ' + reached.join(', '))
  return {}
})`

/** @param sandbox  what else the process has around it */
export async function tryRealm(sandbox: Sandbox): Promise<Tried> {
  const job: Job = {
    ...(await capsuleScripts()),
    library: '({ boot() {}, modules: {} })',
    lasting: false,
    strict: false,
    code: LOOKS_OUT,
    exports: [],
    machine: { memoryBytes: 0x1_0000, instructionsPerSecond: 1000 },
    scenarios: [],
  }
  return new Promise((resolve) => {
    let tried: Tried = { holds: false, why: 'it said nothing' }
    const capsule = new Capsule(job, DEFAULT_LIMITS, sandbox, {
      report(report) {
        if (report.kind === 'loaded') tried = { holds: true, idle: sandbox.idle }
        else if (report.kind === 'threw') tried = { holds: false, why: report.thrown.message }
        else if (report.kind === 'done') capsule.end()
      },
      ended(ending) {
        resolve(ending ? { holds: false, why: 'told' in ending ? ending.told : ending.reason } : tried)
      },
    })
  })
}
