// How a capsule's process is started: Node, with as little of the host as its layers leave it. A layer is flags of
// Node's, or a command in front of it.

import { type ChildProcess, spawn } from 'node:child_process'
import { parse } from 'node:path'

/** What stands between a process and the host. */
export interface Layers {
  /** Node's permission model: no files, network, processes, addons. What is open already it does not guard. */
  readonly permission: boolean
  /** `prlimit`: an end to memory of all kinds and to CPU time, and no byte into any file. */
  readonly limits: boolean
  /** Bubblewrap: files, processes, network and users of its own. */
  readonly bwrap: boolean
}
/** In MiB. */
export interface Memory {
  /** JavaScript heap. */
  readonly heap: number
  /** All that the process may write to, used or only reserved. Holds only with `limits`. */
  readonly data: number
}
export interface Launch {
  readonly layers: Layers
  /** CommonJS. On the command line: to find and strip a file of TypeScript takes as long as to start. */
  readonly main: string
  /** After so many milliseconds `main` should end itself: its process.argv[1]. */
  readonly clock: number
  readonly memory: Memory
  /** CPU time of the whole process, in seconds. Holds only with `limits`. Absent: no end. */
  readonly cpu?: number
  /** Its work is over in seconds: V8's last compiler, TurboFan, would cost more than it brings (a sixth of a grade). */
  readonly brief?: boolean
  /** It speaks by its standard input and output, which are pipes. Absent: over IPC ('advanced'). */
  readonly pipes?: true
  /** It may start a thread, in spite of `permission`. */
  readonly threads?: boolean
}

/** @returns a process whose standard error is a pipe */
export function launch(wanted: Launch): ChildProcess {
  const { layers, main, clock, pipes } = wanted
  const node = [process.execPath, ...nodeFlags(wanted), '--eval', main, String(Math.ceil(clock))]
  const walled = layers.bwrap ? ['bwrap', ...bwrapFlags(), '--', ...node] : node
  const [command = '', ...args] = layers.limits ? ['prlimit', ...rlimits(wanted), '--', ...walled] : walled
  const { SystemRoot } = process.env // Windows needs it
  return spawn(command, args, {
    cwd: parse(process.execPath).root,
    env: SystemRoot === undefined ? {} : { SystemRoot },
    ...(pipes
      ? { stdio: 'pipe' }
      : { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] }),
  })
}

function nodeFlags({
  layers: { permission },
  memory: { heap },
  threads = false,
  brief = false,
}: Launch): string[] {
  const flags = [
    `--max-old-space-size=${heap}`,
    '--stack-size=900',
    '--no-warnings',
    '--disallow-code-generation-from-strings', // of the realm around the student's
  ]
  if (brief) flags.push('--no-turbofan')
  return permission ? [...flags, '--permission', ...(threads ? ['--allow-worker'] : [])] : flags
}

/**
 * --data, not --as: V8 reserves far more addresses than it uses.
 * Does not bound the number of processes: Linux counts all of the user's, so that a busy account would start no capsule.
 */
function rlimits({ memory: { data }, cpu }: Launch): string[] {
  const limits = [`--data=${Math.ceil(data) * 2 ** 20}`, '--fsize=0', '--core=0']
  return cpu === undefined ? limits : [...limits, `--cpu=${Math.ceil(cpu)}`]
}

/** Nothing is there but what Node is made of, and nothing can be written. Without /proc, /dev and the grader's network. */
function bwrapFlags(): string[] {
  const files = nodeFiles().flatMap((path) => ['--ro-bind', path, path])
  const alone = ['--unshare-all', '--as-pid-1', '--die-with-parent', '--new-session', '--cap-drop', 'ALL']
  return [...alone, ...files, '--remount-ro', '/', '--chdir', '/']
}
let known: readonly string[] | undefined
/** Node's program and the libraries that it is linked with, as this process has loaded them. */
function nodeFiles(): readonly string[] {
  known ??= [process.execPath, ...sharedObjects()]
  return known
}
function sharedObjects(): string[] {
  const report = process.report as typeof process.report & { excludeNetwork: boolean }
  const before = report.excludeNetwork
  report.excludeNetwork = true // it would ask for the names of the host's addresses
  const { sharedObjects } = report.getReport() as { sharedObjects: string[] }
  report.excludeNetwork = before
  return sharedObjects.filter((path) => path.startsWith('/') && !path.endsWith('.node'))
}
