// What one run of the command line costs: CPU time of all its processes, wall clock, memory.
//
// The times are those that a POSIX shell tells of its children; memory is sampled where there is /proc, as on Linux.

import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface Cost {
  /** User and system time of all processes, in seconds. */
  readonly cpu: number
  /** From the start to the first output, which is the result, in seconds. */
  readonly wall: number
  /** The most that all processes had resident at one time, shared pages counted for each of them, in MiB; NaN: unknown. */
  readonly memory: number
}

export const MAIN: string = fileURLToPath(new URL('../../bin/pagewalk.mjs', import.meta.url))
const REAP = new URL('reap.ts', import.meta.url).href
const SAMPLE_MS = 5

/** Run the command line with `args`. @throws Error if it does not end with exit code `expected` */
export function measure(args: readonly string[], expected: number): Promise<Cost> {
  return new Promise((resolve, reject) => {
    const began = performance.now()
    let first: number | undefined
    let told = ''
    let memory = Number.NaN
    const shell = spawn(
      'sh',
      ['-c', '"$@" 2>&1; code=$?; times; exit $code', 'sh', process.execPath, MAIN, ...args],
      {
        env: { ...process.env, NODE_OPTIONS: `--import=${REAP}` },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const sampling = setInterval(() => {
      const now = residentMiB(shell.pid ?? 0)
      if (now > 0) memory = Math.max(now, Number.isNaN(memory) ? 0 : memory)
    }, SAMPLE_MS)
    shell.stdout.on('data', (text) => {
      first ??= performance.now()
      told += text
    })
    shell.on('error', reject)
    shell.on('close', (code) => {
      clearInterval(sampling)
      if (code !== expected) reject(new Error(`pagewalk ${args.join(' ')}: exit code ${code}\n${told}`))
      resolve({ cpu: childrenSeconds(told), wall: ((first ?? Number.NaN) - began) / 1000, memory })
    })
  })
}

/** The last line of what `times` prints: "0m1.230000s 0m0.110000s", user and system time of the shell's children. */
function childrenSeconds(told: string): number {
  const [, ...numbers] = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(told) ?? []
  const [userMinutes, user, systemMinutes, system] = numbers.map(Number)
  return (userMinutes! + systemMinutes!) * 60 + user! + system!
}

/** Resident memory of a process and all below it, shared pages counted for each; 0 where that cannot be read. */
export const residentMiB = (pid: number): number => treeMiB(pid, 'status', /^VmRSS:\s+(\d+) kB/m)
/** The same, a shared page counted once: each process has its share of it. It takes milliseconds to ask. */
export const proportionalMiB = (pid: number): number => treeMiB(pid, 'smaps_rollup', /^Pss:\s+(\d+) kB/m)

function treeMiB(pid: number, file: string, line: RegExp): number {
  try {
    const [, kiB] = line.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8')) ?? []
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean)
    return (
      Number(kiB ?? 0) / 1024 + children.reduce((sum, child) => sum + treeMiB(Number(child), file, line), 0)
    )
  } catch {
    return 0 // not Linux, or it has just ended
  }
}
