// What a process runs to find out what its layers keep from it: everything here is what a capsule must not be able to do.

import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import type { Answer, Attempts, Targets } from './isolation.ts'

// it stays until it is ended, so that it can be looked at
process.on('message', (targets: Targets) => void main(targets))

async function main(targets: Targets): Promise<void> {
  const answer: Answer = { ...attempts(targets), connects: await connects(targets.port) }
  process.send?.(answer)
}
const attempts = ({ file, scratch, bytes, pid }: Targets): Attempts => ({
  reads: works(() => readFileSync(file)),
  writes: works(() => writeFileSync(scratch, 'x')),
  spawns: works(() => {
    const { error } = spawnSync(process.execPath, ['--version'])
    if (error) throw error
  }),
  signals: works(() => process.kill(pid, 0)),
  allocates: works(() => new ArrayBuffer(bytes)),
})
function works(attempt: () => unknown): boolean {
  try {
    attempt()
    return true
  } catch {
    return false
  }
}
function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    } catch {
      resolve(false)
    }
  })
}
