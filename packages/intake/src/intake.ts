// From paths to submissions: opens what is there, finds the lab's files in it, and says whose they are.

import { resolve } from 'node:path'
import { firstFiles, type Lab, UsageError } from '@pagewalk/grader'
import { type Draft, draftsOf, type Reading } from './draft.ts'
import { uniqueNames } from './file-name.ts'
import { byText } from './item.ts'
import { matchRoster } from './match.ts'
import { readRoster } from './roster.ts'
import type { Entry, Intake, Note, Student } from './types.ts'

export interface IntakeOptions {
  /** The labs that may be meant: all, or the one that was named. */
  readonly labs: readonly Lab[]
  /** Path of a CSV file. */
  readonly roster?: string
  /** Of several attempts only the last one; that is the default. */
  readonly latest?: boolean
}

/** Bytes of all students' files together: they are kept in memory until they are graded. */
const KEPT_LIMIT = 512 << 20

/**
 * The submissions in whatever a course hands over: folders, files, zips, and exports of Gradescope, Canvas, Moodle,
 * Brightspace and Classroom 50. What is wrong with one of them is its submission's trouble, and stops nobody.
 *
 * Writes nothing, follows no symbolic link in what is handed over, and opens no zip in a zip in a zip.
 * @throws UsageError if a path leads nowhere or to nothing of the labs, or the roster cannot be read
 */
export async function intake(
  paths: readonly string[],
  { labs, roster: file, latest = true }: IntakeOptions,
): Promise<Intake> {
  const roster = file === undefined ? undefined : readRoster(file)
  const logins = new Set(roster?.people.flatMap(({ student }) => student.ids.github?.toLowerCase() ?? []))
  const budget = { bytes: KEPT_LIMIT }
  const notes: Note[] = [...(roster?.notes ?? [])]
  const drafts: Draft[] = []
  for (const path of withoutRepeats(paths, notes)) {
    const read = await draftsOf(path, { labs, latest, logins, budget })
    notes.push(...read.notes)
    drafts.push(...read.drafts)
  }
  if (!roster) return { entries: entriesOf(drafts, labs, () => undefined), notes, missing: [] }
  const units = [...new Set(drafts.map(({ unit }) => unit))]
  const matches = matchRoster(units, roster)
  const students = new Map(units.map((unit, i) => [unit, matches.students[i]!]))
  return {
    entries: entriesOf(drafts, labs, ({ unit }) => students.get(unit)),
    notes: [...notes, ...matches.notes],
    missing: matches.missing,
  }
}
function withoutRepeats(paths: readonly string[], notes: Note[]): string[] {
  const byPlace = Map.groupBy(paths, (path) => resolve(path))
  for (const [first, ...again] of byPlace.values())
    if (again.length > 0) notes.push({ where: first!, what: `named ${again.length + 1} times: read once` })
  return [...byPlace.values()].map(([first]) => first!)
}

function entriesOf(
  drafts: readonly Draft[],
  labs: readonly Lab[],
  studentsOf: (draft: Draft) => readonly Student[] | undefined,
): Entry[] {
  const read = drafts.flatMap((draft) => meant(draft, drafts, labs).map((reading) => ({ draft, reading })))
  const names = uniqueNames(
    read.map(({ draft, reading }) => ({ label: reading.label, source: draft.unit.source })),
  )
  return read
    .map(({ draft, reading }, i) => entryOf(names[i]!, draft, reading, studentsOf(draft)))
    .sort((a, b) => byText(a.name, b.name))
}
const entryOf = (
  name: string,
  { unit, attempt, earlier }: Draft,
  { submission, warnings }: Reading,
  students: readonly Student[] = unit.students,
): Entry => ({
  name,
  submission: { ...submission, name },
  students,
  late: attempt.late,
  attempt: attempt.number,
  earlier,
  source: unit.source,
  kind: unit.kind,
  warnings: [...unit.warnings, ...warnings],
})

/** All that is certain; or, where nothing tells the lab, what it is as a submission of the others' lab. */
function meant(draft: Draft, all: readonly Draft[], labs: readonly Lab[]): Draft['readings'] {
  if (draft.certain) return draft.readings
  const near =
    all.find(({ certain, path }) => certain && path === draft.path) ?? all.find(({ certain }) => certain)
  const lab = near?.readings[0]?.submission.lab ?? (labs.length === 1 ? labs[0] : undefined)
  const reading = draft.readings.find(({ submission }) => submission.lab === lab)
  if (reading) return [reading]
  const got = draft.readings[0]?.submission.trouble?.observed ?? 'nothing'
  throw new UsageError(
    `${draft.unit.source}: expected ${firstFiles(labs)} in it, or --lab to say which lab it is; got ${got}`,
  )
}
