// `pagewalk worker`: grades what others put into the queue, until it is told to stop.

import { styleText } from 'node:util'
import { type News, startWorker } from '@pagewalk/batch'
import { plain, type Style } from '@pagewalk/grader'
import { type HostOptions, jobsFor, sandboxFor } from './capsules.ts'
import { labsMeant } from './labs.ts'
import { styleOf, tell } from './terminal.ts'

const EXIT_INTERRUPTED = 130
/** To give back what is being graded takes no longer, in milliseconds, unless Redis is away; then its lock runs out. */
const GIVE_BACK_MS = 2000

export interface WorkerOptions extends HostOptions {
  /** URL of a Redis. */
  readonly queue: string
}

export async function work(options: WorkerOptions): Promise<void> {
  const { queue } = options
  const jobs = jobsFor(options)
  const sandbox = await sandboxFor(options)
  const labs = await labsMeant(undefined)
  tell([`worker: ${jobs} at a time, isolated with ${sandbox.level}; Ctrl-C ends it`])
  const { signal, giveBack } = stops()
  const style = styleOf(process.stdout)
  const log = (news: News): void => void process.stdout.write(`${newsLine(news, style)}\n`)
  await startWorker(queue, { labs, sandbox, jobs, signal, giveBack, log })
  if (giveBack.aborted) process.exit(EXIT_INTERRUPTED) // capsules of what was given back may still run
}

/** Told once, what was taken is finished; told twice, it is given back. */
function stops(): { signal: AbortSignal; giveBack: AbortSignal } {
  const [finish, giveBack] = [new AbortController(), new AbortController()]
  const told = (): void => {
    if (finish.signal.aborted) {
      giveBack.abort()
      setTimeout(() => process.exit(EXIT_INTERRUPTED), GIVE_BACK_MS)
    } else tell(['worker: finishing what was taken; again to give it back and end at once'])
    finish.abort()
  }
  process.on('SIGINT', told).on('SIGTERM', told)
  return { signal: finish.signal, giveBack: giveBack.signal }
}

/** A plain line, whatever is in the name: it has come through Redis. */
export function newsLine(news: News, { colour }: Pick<Style, 'colour'>): string {
  const paint = (format: Parameters<typeof styleText>[0], text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text
  if (news.what === 'note') return paint('yellow', plain(news.words))
  const name = plain(news.name)
  if (news.what === 'done')
    return `${paint('green', 'done')}   ${name}  ${news.score}/${news.maxScore}  ${news.seconds.toFixed(1)} s`
  if (news.what === 'failed')
    return `${paint('red', 'failed')} ${name}  ${news.last ? '' : 'to be tried again: '}${plain(news.why)}`
  return news.what === 'taken' ? `taken  ${name}` : `given back ${name}`
}
