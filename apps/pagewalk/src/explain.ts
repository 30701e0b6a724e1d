// `pagewalk explain`: what becomes of one address, after a submission has run for some time.

import { plain, type Snapshot, type SnapshotSpace, stopWords, UsageError } from '@pagewalk/grader'
import { choose, type PlayOptions, play } from './run.ts'
import { write } from './terminal.ts'
import { type AccessKind, type AskedSpace, currentSpace, findWalk, parseAddress } from './walk.ts'
import { walkWords } from './walk-words.ts'

export interface ExplainOptions extends PlayOptions {
  readonly va: string
  readonly pid?: number
  /** Name or id of an address space. */
  readonly space?: string
  readonly access?: AccessKind
  /** With the rights of ring 0. */
  readonly kernel?: true
  readonly json?: true
}

export async function explain(path: string, options: ExplainOptions): Promise<void> {
  const va = parseAddress(options.va)
  if (va === undefined)
    throw new UsageError(
      `--va: expected an address such as 0x40000 or 0xffff_8000_0000_0000, got ${JSON.stringify(options.va)}`,
    )
  const chosen = await choose(path, options)
  const { lab } = chosen.submission
  const run = await play(chosen, options, ['fault'])
  const words = stopWords(run.stop)
  if (words) process.stderr.write(`${plain(words)}\n`)
  const view = lab.view(run.final)
  const space = spaceAsked(view, options)
  const question = { va, access: options.access ?? 'read', ring: options.kernel ? 0 : 3 } as const
  const { instructionsPerTick } = lab.live
  const found = findWalk(run.final, view, space, question, { events: run.events, instructionsPerTick })
  await write(
    options.json ? `${JSON.stringify(found, null, 2)}\n` : `${walkWords(found, space.tables).join('\n')}\n`,
  )
}

/** @throws UsageError that tells which there are */
function spaceAsked(view: Snapshot, { pid, space }: ExplainOptions): AskedSpace {
  if (pid !== undefined && space !== undefined)
    throw new UsageError('--pid: expected one way to name an address space, got --space too')
  if (pid === undefined && space === undefined) return currentSpace(view)
  const { spaces } = view
  if (pid !== undefined) {
    const found = spaces.find((each) => each.pid === pid)
    const pids = spaces.flatMap((each) => (each.pid === undefined ? [] : [each.pid]))
    if (found) return found
    throw new UsageError(`--pid: expected a process that there is (${listed(pids)}), got ${pid}`)
  }
  const named = spaces.filter(({ id, name }) => id === space || name === space)
  if (named.length === 1) return named[0]!
  const among: readonly SnapshotSpace[] = named.length > 1 ? named : spaces
  const ids = listed(among.map(({ id }) => JSON.stringify(plain(id))))
  throw new UsageError(
    `--space: expected an address space that there is (${ids}), got ${JSON.stringify(space)}`,
  )
}
const listed = (names: readonly (string | number)[]): string => names.join(', ') || 'none'
