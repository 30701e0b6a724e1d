// `run --watch`: whether the student's files have been saved. They are asked for now and then, not listened to: that works on
// network folders too, and an editor that puts another file in the place of the old one is no special case.

import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { findSubmissions, type Lab, type Submission, SubmissionError, UsageError } from '@pagewalk/grader'

const LOOK_MS = 120
/** So often a file that is not there is asked for again before it is taken for gone. */
const TRIES = 10

export class SavedFiles {
  readonly #path: string
  readonly #lab: Lab
  readonly #files: readonly string[]
  /** Those that were there: some a student may leave out. */
  readonly #needed: readonly string[]
  #seen: string

  /** @param path  what the user has named: a folder, or the file */
  constructor(path: string, lab: Lab) {
    this.#path = path
    this.#lab = lab
    this.#files = filesAt(path, lab)
    this.#needed = this.#files.filter((file) => existsSync(file))
    this.#seen = this.#stamp()
  }
  /**
   * Wait until the files have been saved, and whoever saves them seems to be done.
   *
   * @returns the submission as it is then
   * @throws SubmissionError if there is none any more
   */
  async next(signal?: AbortSignal): Promise<Submission> {
    for (let last = this.#seen; ; ) {
      await after(LOOK_MS, undefined, { signal })
      const stamp = this.#stamp()
      if (stamp !== this.#seen && stamp === last) break
      last = stamp
    }
    for (let tries = 1; !this.#needed.every((file) => existsSync(file)) && tries < TRIES; tries++)
      await after(LOOK_MS, undefined, { signal })
    this.#seen = this.#stamp()
    return this.#read()
  }
  #stamp(): string {
    return this.#files.map(stampOf).join(' ')
  }
  #read(): Submission {
    try {
      const [submission] = findSubmissions(this.#path, [this.#lab])
      if (submission) return submission
    } catch (error) {
      if (error instanceof UsageError) throw new SubmissionError(error.message)
      throw error
    }
    throw new SubmissionError(`${this.#path}: expected a submission, got a folder without one`)
  }
}
function stampOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat ? `${stat.ino}/${stat.mtimeMs}/${stat.size}` : 'gone'
}
function filesAt(path: string, { files }: Lab): string[] {
  if (statSync(path).isDirectory()) return files.map((file) => join(path, file))
  return basename(path) === files[0] ? files.map((file) => join(dirname(path), file)) : [path]
}
