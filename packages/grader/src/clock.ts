// A clock for another process. It counts the CPU time that the process has used, where the host tells: a busy host takes
// nothing from a student's time.

import { readFileSync } from 'node:fs'

/** Where the host does not tell, wall clock counts, and there is so many times as much of it. */
const UNTOLD = 4
/** A process that sleeps uses no time; its end comes after so many times as much by the wall. */
export const FAR = 20
/** It is not looked more often, in milliseconds. */
const LEAST = 20

export class Clock {
  readonly #used: () => number | undefined
  readonly #over: () => void
  #timer: NodeJS.Timeout | undefined

  /**
   * @param used  CPU time of the process so far, in milliseconds; undefined if it cannot be told
   * @param over  called once its time is over
   */
  constructor(used: () => number | undefined, over: () => void) {
    this.#used = used
    this.#over = over
  }
  /** From now on it has so much time, and no other. Never over before so much wall clock has passed. */
  wind(milliseconds: number): void {
    this.rest()
    const began = performance.now()
    const before = this.#used()
    const look = (): void => {
      const wall = performance.now() - began
      const now = this.#used()
      const told = before !== undefined && now !== undefined
      const left = milliseconds - (told ? Math.max(now - before, wall / FAR) : wall / UNTOLD)
      if (left <= 0) this.#over()
      else this.#timer = setTimeout(look, Math.max(left, LEAST))
    }
    this.#timer = setTimeout(look, milliseconds)
  }
  rest(): void {
    clearTimeout(this.#timer)
  }
}

/** Linux counts CPU time in hundredths of a second, whatever the hardware's clock does (proc(5), USER_HZ). */
const TICK_MS = 10
/** Fields of /proc/PID/stat behind the command's name, which may have spaces in it: utime and stime (proc(5)). */
const [UTIME, STIME] = [11, 12] as const

/** CPU time of all threads of a process so far, in milliseconds; undefined if there is no such process, or no /proc. */
export function cpuTime(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[UTIME]) + Number(fields[STIME])) * TICK_MS
  } catch {
    return undefined
  }
}
/** The process at the end of a line of only children: what a wrapper such as bwrap runs. Undefined if Linux does not tell. */
export function innermost(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').map(Number)
    return child ? innermost(child) : pid
  } catch {
    return undefined
  }
}
