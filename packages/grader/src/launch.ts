// How the process of a capsule is started: Node, with as little of the host as the layers leave it. Each layer is a
// command in front of the next one's, or flags of Node's.

import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isAbsolute, parse } from 'node:path'

/** What stands between a process and the host, beside the bare realm that student code is evaluated in. */
export interface Layers {
  /** Node's permission model: no files, no network, no processes, no addons. Does not guard what is open already. */
  readonly permission: boolean
  /** Resource limits of Linux, set by `prlimit`: memory of all kinds, CPU time, no byte into any file. */
  readonly limits: boolean
  /** Bubblewrap: name spaces of its own for files, processes, network and users. */
  readonly bwrap: boolean
}
export interface Launch {
  /** CommonJS, on the command line: to find and strip a file of TypeScript takes as long as to start. */
  readonly main: string
  /** For `main`, as process.argv[1]: after so long it should end itself. In milliseconds. */
  readonly clock: number
  /** JavaScript heap, in MiB. */
  readonly heapMiB: number
  /** All memory that the process may write to, reserved or used, in MiB. Holds only where there are limits. */
  readonly dataMiB: number
  /** CPU time of the whole process. Holds only where there are limits. Absent: as much as it likes. */
  readonly cpuSeconds?: number
}

/** @returns a process that speaks to this one over IPC ('advanced'), with its standard error as a pipe */
export function launch(layers: Layers, { main, clock, ...limits }: Launch): ChildProcess {
  const node = [process.execPath, ...flags(layers, limits), '--eval', main, String(Math.ceil(clock))]
  const walled = layers.bwrap ? ['bwrap', ...WALLS, ...bound(), '--', ...node] : node
  const [command = '', ...args] = layers.limits ? ['prlimit', ...rlimits(limits), '--', ...walled] : walled
  const { SystemRoot } = process.env // Windows needs it
  return spawn(command, args, {
    cwd: parse(process.execPath).root,
    env: { ...(SystemRoot !== undefined && { SystemRoot }), ...(layers.limits && { PATH: process.env.PATH }) },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
}
