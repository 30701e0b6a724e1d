// `run --log FILE`: what the kernel prints with logPrintf, as it comes.

import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs'
import { UsageError } from '@pagewalk/grader'

export class LogFile {
  readonly #path: string
  readonly #fd: number
  #length = 0

  /** @throws UsageError if it cannot be written */
  constructor(path: string) {
    this.#path = path
    this.#fd = this.#attempt(() => openSync(path, 'w'))
  }
  /** @param text  one character for each byte that came out of the port */
  add(text: string): void {
    const bytes = Buffer.from(text, 'latin1')
    this.#attempt(() => writeSync(this.#fd, bytes, 0, bytes.length, this.#length))
    this.#length += bytes.length
  }
  /** Another run begins. */
  clear(): void {
    this.#attempt(() => ftruncateSync(this.#fd))
    this.#length = 0
  }
  close(): void {
    closeSync(this.#fd)
  }
  #attempt<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      const got = (error as Error).message
      throw new UsageError(`--log: expected a file that can be written (${this.#path}), got ${got}`)
    }
  }
}
