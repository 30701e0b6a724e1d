// What a result depends on beside the student's files, as hashes: equal versions, equal results.

import { createHash } from 'node:crypto'
import { libraryOf } from './bundle.ts'
import type { Lab } from './lab.ts'
import { capsuleScripts } from './scripts.ts'

const known = new WeakMap<Lab, Promise<string>>()
/** Of all code that runs beside the student's: the capsule, the machine, the lab's library with its probes. */
export function machineVersion(lab: Lab): Promise<string> {
  const version = known.get(lab) ?? hashed(lab)
  known.set(lab, version)
  return version
}
async function hashed({ bundle, machine }: Lab): Promise<string> {
  const [{ main, thread, harness }, { code }] = await Promise.all([capsuleScripts(), libraryOf(bundle)])
  return sha256([main, thread, harness, code, JSON.stringify(machine)])
}
/** Of the rubric: its version, steps and points. What a check says is the version's matter. */
export const rubricVersion = ({ rubric }: Lab): string => sha256([JSON.stringify(rubric)])

function sha256(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}\0`).update(part)
  return hash.digest('hex')
}
