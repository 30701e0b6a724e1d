// Reads what a path leads to, one submission after the other, so that only one is in memory with all its files.

import { statSync } from 'node:fs'
import {
  findSubmissions,
  firstFiles,
  type Lab,
  SUBMISSION_LIMIT,
  type Submission,
  submissionOf,
  UsageError,
  unusable,
} from '@pagewalk/grader'
import { looksLike } from './guess.ts'
import { handover } from './handover.ts'
import { isZip } from './item.ts'
import { type Found, findFiles, labsIn } from './locate.ts'
import { withCollisions } from './path.ts'
import type { Attempt, Note, Unit } from './types.ts'
import { unpacked } from './unpack.ts'

/** What was found of one person's attempt. */
export interface Draft {
  /** As it was named. */
  readonly path: string
  readonly unit: Unit
  readonly attempt: Attempt
  /** Attempts before it that have no entry. */
  readonly earlier: number
  /** Do the files tell which labs are meant? */
  readonly certain: boolean
  /** One for each lab that is meant, or that may be. */
  readonly readings: readonly Reading[]
}
export interface Reading {
  readonly label: string
  readonly submission: Submission
  readonly warnings: readonly string[]
}
export interface ReadOptions {
  readonly labs: readonly Lab[]
  readonly latest: boolean
  readonly logins: ReadonlySet<string>
  /** What is left for the students' files. */
  readonly budget: { bytes: number }
}

/** What was read at a path. */
export interface Drafts {
  readonly drafts: readonly Draft[]
  readonly notes: readonly Note[]
}
/** @throws UsageError if there is nothing at `path`, or nothing of the labs in a folder */
export async function draftsOf(path: string, options: ReadOptions): Promise<Drafts> {
  const { labs, logins } = options
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat)
    throw new UsageError(
      `${path}: expected a folder with ${firstFiles(labs)}, the file, a zip, or a folder of these; got nothing there`,
    )
  const isFile = !stat.isDirectory() && !(stat.isFile() && isZip(path))
  if (isFile) return { drafts: [fileDraft(path, labs)], notes: [] }
  const { units, notes, close } = await handover(path, { source: path, labs, logins })
  try {
    return { drafts: await readUnits(path, units, options), notes }
  } finally {
    close()
  }
}
async function readUnits(path: string, units: readonly Unit[], options: ReadOptions): Promise<Draft[]> {
  if (units.length > SUBMISSION_LIMIT)
    throw new UsageError(`${path}: expected at most ${SUBMISSION_LIMIT} submissions, got ${units.length}`)
  const drafts: Draft[] = []
  for (const unit of units) drafts.push(...(await unitDrafts(path, unit, options)))
  if (drafts.every(({ certain, unit }) => !certain && unit.kind === 'folder'))
    throw new UsageError(
      `${path}: expected ${firstFiles(options.labs)} in it, or in folders in it; got neither`,
    )
  return drafts
}
/** A file of another name counts if there is only one lab that it can be. */
function fileDraft(path: string, labs: readonly Lab[]): Draft {
  const alike = labs.filter(({ files }) => looksLike(path, files[0]!))
  const [submission] = findSubmissions(path, alike.length === 1 ? alike : labs)
  const { name } = submission!
  const attempt: Attempt = { number: 1, late: false, items: [] }
  const unit: Unit = {
    label: name,
    source: path,
    kind: 'file',
    students: [],
    attempts: [attempt],
    warnings: [],
  }
  const readings = [{ label: name, submission: submission!, warnings: [] }]
  return { path, unit, attempt, earlier: 0, certain: true, readings }
}
async function unitDrafts(path: string, unit: Unit, options: ReadOptions): Promise<Draft[]> {
  const attempts = options.latest ? unit.attempts.slice(-1) : unit.attempts
  const drafts: Draft[] = []
  for (const [i, attempt] of attempts.entries()) {
    const label = attempts.length > 1 ? `${unit.label} attempt ${attempt.number}` : unit.label
    const { certain, readings } = await readingsOf(label, attempt, options)
    drafts.push({ path, unit, attempt, earlier: attempt.number - 1 - i, certain, readings })
  }
  return drafts
}
async function readingsOf(
  label: string,
  attempt: Attempt,
  { labs, budget }: ReadOptions,
): Promise<{ certain: boolean; readings: Reading[] }> {
  const { items: found, refused, warnings } = await unpacked(attempt.items, labs)
  const items = withCollisions(found)
  const meant = await labsIn(items, labs)
  const troubles = [...(attempt.refused ? [attempt.refused] : []), ...refused]
  const several = meant.length > 1 ? [`files of several labs: ${meant.map(({ id }) => id).join(', ')}`] : []
  const readings: Reading[] = []
  for (const lab of meant.length > 0 ? meant : labs) {
    const files = withinBudget(await findFiles(items, lab, troubles), budget)
    const own = meant.length > 1 ? `${label} ${lab.id}` : label
    const submission = submissionOf(own, lab, files)
    const others = troubles.filter((trouble) => trouble !== submission.trouble)
    const told = [...several, ...others.map(({ observed }) => observed), ...warnings, ...files.warnings]
    readings.push({ label: own, submission, warnings: told })
  }
  return { certain: meant.length > 0, readings }
}
/** Files that there is no memory for any more become their submission's trouble. */
function withinBudget(found: Found, budget: { bytes: number }): Found {
  const files = [...found.files]
  const bytes = files.reduce((sum, [, file]) => sum + (file instanceof Uint8Array ? file.length : 0), 0)
  budget.bytes -= bytes
  if (budget.bytes >= 0) return found
  budget.bytes += bytes
  const refused = (name: string) =>
    unusable(name, 'is read with others that fit into memory', `${bytes} bytes too many`)
  return { ...found, files: new Map(files.map(([name]) => [name, refused(name)])) }
}
