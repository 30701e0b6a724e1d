// `pagewalk similar`: which submissions of a class resemble each other, in what they do and in how they are written.

import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Behaviour,
  Book,
  behaviourOf,
  isGraded,
  lastTerms,
  type Part,
  Recordings,
  rankPairs,
  starterOf,
  submissionIn,
} from '@pagewalk/batch'
import { grade, isCode, type Lab, PUBLIC_SEED, type Sandbox, type Submission } from '@pagewalk/grader'
import { type CapsuleOptions, sandboxFor } from './capsules.ts'
import { type ClassOptions, filled, handedIn } from './class.ts'
import { isBook } from './compare.ts'
import { labsMeant } from './labs.ts'
import { display } from './progress.ts'
import { type Dolos, DolosError, findDolos, HOW_TO_GET_IT, resemblances } from './similar/dolos.ts'
import { writeExport } from './similar/export.ts'
import { type FileLikeness, keyOf, pairsOf } from './similar/pairs.ts'
import { type LabPairs, similarJson, similarText } from './similar/words.ts'
import { write } from './terminal.ts'

export interface SimilarOptions extends CapsuleOptions, Pick<ClassOptions, 'lab' | 'seed'> {
  /** So many pairs are told. */
  readonly top?: number
  readonly json?: true
  /** A folder for JPlag or MOSS. */
  readonly export?: string
}

/** @param paths  a book, or what `grade` takes: that is played first, into a book that does not stay */
export async function similar(paths: readonly string[], options: SimilarOptions): Promise<void> {
  const sandbox = await sandboxFor(options)
  const [path] = paths
  if (paths.length === 1 && path !== undefined && isFile(path) && isBook(path)) {
    const book = new Book(path)
    return similarIn(book, sandbox, options).finally(() => book.close())
  }
  const entered = await handedIn(paths, options)
  const folder = mkdtempSync(join(tmpdir(), 'pagewalk-'))
  const book = new Book(join(folder, 'class.book'), { create: true })
  try {
    const { complete } = await filled(book, 'grade', entered, { ...options, box: sandbox })
    if (complete) await similarIn(book, sandbox, options)
  } finally {
    book.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() ?? false

const TOP = 20
async function similarIn(book: Book, sandbox: Sandbox, options: SimilarOptions): Promise<void> {
  const labs = await labsMeant(undefined)
  const submissions = book.latest().map((row) => submissionIn(book, labs, row))
  const dolos = findDolos()
  const found: LabPairs[] = []
  for (const lab of labs) {
    const own = submissions.filter((submission) => submission.lab === lab)
    if (own.length === 0) continue
    if (options.export !== undefined) await writeExport(options.export, lab, own)
    found.push(await labPairs(book, lab, own, { sandbox, dolos, top: options.top ?? TOP }))
  }
  await write(options.json ? similarJson(found) : similarText(found))
}

interface Means {
  readonly sandbox: Sandbox
  readonly dolos: Dolos | undefined
  readonly top: number
}
async function labPairs(
  book: Book,
  lab: Lab,
  submissions: readonly Submission[],
  { sandbox, dolos, top }: Means,
): Promise<LabPairs> {
  const starter = starterOf(lab)
  const behaviours = await behavioursIn(book, lab)
  const likenesses = rankPairs(
    behaviours,
    await partsOf(starter, lastTerms(book, lab)?.seed ?? PUBLIC_SEED, sandbox),
  )
  const sources = await sourcesOf(starter, submissions, dolos)
  const own = submissions.filter(({ sha256 }) => sha256 !== starter.sha256)
  const pairs = pairsOf(likenesses, sources.files, new Map(own.map(({ name, sha256 }) => [name, sha256])))
  return {
    lab: lab.title,
    submissions: submissions.length,
    withBehaviour: behaviours.length,
    noSource: sources.why,
    pairs: pairs.slice(0, top),
  }
}
/** One submission after the other, since each needs the memory of its machines. */
async function behavioursIn(book: Book, lab: Lab): Promise<Behaviour[]> {
  const recordings = new Recordings(book, [lab])
  const rows = book
    .rows()
    .filter(isGraded)
    .filter(({ graded }) => graded.result.lab === lab.id)
  const shown = display(process.stderr, { done: 'read' })
  const behaviours: Behaviour[] = []
  try {
    for (const [done, row] of rows.entries()) {
      shown.show({ total: rows.length, done, known: 0, troubled: 0, running: [row.name] })
      const { played } = await recordings.of(row)
      if (played && played.runs.size > 0) behaviours.push({ name: row.name, parts: behaviourOf(played) })
    }
    return behaviours
  } finally {
    shown.end()
  }
}
/** Our own code, in a capsule like any other. */
async function partsOf(starter: Submission, seed: number, sandbox: Sandbox): Promise<Part[]> {
  const { played } = await grade(starter, { seed, sandbox, keepPlayed: true })
  return played ? behaviourOf(played) : []
}

interface Sources {
  /** As `pairsOf` takes them; undefined: not known. */
  readonly files: ReadonlyMap<string, readonly FileLikeness[]> | undefined
  /** Why it is not known. */
  readonly why: string | undefined
}
async function sourcesOf(
  starter: Submission,
  submissions: readonly Submission[],
  dolos: Dolos | undefined,
): Promise<Sources> {
  if (!dolos) return { files: undefined, why: `Dolos is not installed; ${HOW_TO_GET_IT}` }
  const files = new Map<string, FileLikeness[]>()
  try {
    for (const file of starter.lab.files.filter(isCode)) {
      const sources = submissions.flatMap(({ name, files: own }) => sourceOf(name, own.get(file)))
      const [ignored] = sourceOf('handed-out', starter.files.get(file))
      for (const { names, ...likeness } of await resemblances(dolos, sources, ignored))
        files.set(keyOf(names), [...(files.get(keyOf(names)) ?? []), { file, ...likeness }])
    }
    return { files, why: undefined }
  } catch (error) {
    if (!(error instanceof DolosError)) throw error
    return { files: undefined, why: `Dolos is there and does not run: ${error.message}; ${HOW_TO_GET_IT}` }
  }
}
const sourceOf = (name: string, text: string | undefined): { name: string; text: string }[] =>
  text === undefined ? [] : [{ name, text }]
