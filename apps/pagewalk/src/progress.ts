// How far a grading is: one line on a terminal that is drawn again and again, else a plain line now and then.

import type { Progress } from '@pagewalk/batch'
import { plain } from '@pagewalk/grader'

export interface Display {
  show(progress: Progress): void
  end(): void
}
/** A plain line is written no more often than this, in milliseconds. */
const PLAIN_MS = 10_000
const BAR = 20

export interface DisplayOptions {
  /** What has become of those that are done. */
  readonly done?: string
  /** In milliseconds; for the rate and the time that is left, which no result depends on. */
  readonly now?: () => number
}
export function display(
  stream: NodeJS.WriteStream,
  { done = 'graded', now = Date.now }: DisplayOptions = {},
): Display {
  const began = now()
  let told = began
  return {
    show(progress) {
      const seconds = (now() - began) / 1000
      if (stream.isTTY)
        return void stream.write(
          `\r\x1b[K${barLine(progress, progressWords(progress, seconds, done), stream.columns ?? 80)}`,
        )
      const last = progress.done === progress.total && progress.latest !== undefined
      if (now() - told < PLAIN_MS && !last) return
      told = now()
      stream.write(`${progressWords(progress, seconds, done)}\n`)
    },
    end() {
      if (stream.isTTY) stream.write('\r\x1b[K')
    },
  }
}

/** `graded 120 of 300 (20 known, 1 failed), 2 running, 3.9/s, 46 s left` */
export function progressWords(progress: Progress, seconds: number, verb: string): string {
  const { total, done, known, troubled, running } = progress
  const notes = [...(known > 0 ? [`${known} known`] : []), ...(troubled > 0 ? [`${troubled} failed`] : [])]
  const parts = [
    `${verb} ${done} of ${total}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`,
    ...(running.length > 0 ? [`${running.length} running`] : []),
    ...paceWords(progress, seconds),
  ]
  return parts.join(', ')
}
function paceWords({ total, done, known }: Progress, seconds: number): string[] {
  const rate = (done - known) / seconds
  if (!(rate > 0) || !Number.isFinite(rate)) return []
  const left = Math.ceil((total - done) / rate)
  return [`${rate.toFixed(1)}/s`, ...(done < total ? [`${duration(left)} left`] : [])]
}
const duration = (seconds: number): string =>
  seconds < 100 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`

function barLine(progress: Progress, words: string, width: number): string {
  const full = progress.total > 0 ? Math.floor((BAR * progress.done) / progress.total) : BAR
  const bar = `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`
  const names = progress.running.map(plain).join(', ')
  return `${bar} ${words}  ${names}`.slice(0, width - 1)
}
