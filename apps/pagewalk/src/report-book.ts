// `pagewalk report`: a book as pages for people, one of the class and one of each submission.

import { basename, extname, join } from 'node:path'
import {
  Book,
  type GradedRow,
  isGraded,
  lastTerms,
  Recordings,
  type Row,
  redrawn,
  standing,
  submissionIn,
} from '@pagewalk/batch'
import { classPage, type LabClass, type Member } from '@pagewalk/exporters'
import { type Grade, type Lab, LOADS, type ResultCheck, reportHtml } from '@pagewalk/grader'
import { cameFrom } from './details.ts'
import { fileNames } from './file-names.ts'
import { gradeOf, outcomeOf } from './graded.ts'
import { labsMeant } from './labs.ts'
import { display } from './progress.ts'
import { writeText } from './results.ts'
import { tell } from './terminal.ts'

const INDEX = 'index.html'

/** @param output  a folder; or the class page's file alone, which has no links then */
export async function reportBook(path: string, output: string = defaultFolder(path)): Promise<void> {
  const book = new Book(path)
  try {
    const labs = await labsMeant(undefined)
    const alone = output === '-' || /\.html?$/i.test(output)
    const pages = alone ? new Map<string, string>() : await writePages(book, labs, output)
    const title = basename(path, extname(path))
    await writeText(classPage(title, classesIn(book, labs, pages)), alone ? output : join(output, INDEX))
    if (!alone)
      tell([
        `${join(output, INDEX)}: the class, and ${pages.size === 1 ? 'a page' : `${pages.size} pages`} of submissions`,
      ])
  } finally {
    book.close()
  }
}
const defaultFolder = (path: string): string => `${basename(path, extname(path))}-report`

/** One submission after the other, since each needs the memory of its machines. @returns name -> file */
async function writePages(book: Book, labs: readonly Lab[], dir: string): Promise<Map<string, string>> {
  const rows = book.rows().filter(isGraded)
  const files = fileNames(
    rows.map(({ name }) => name),
    '.html',
    [INDEX],
  )
  const recordings = new Recordings(book, labs)
  const decisions = standing(book.decisions())
  const shown = display(process.stderr, { done: 'written' })
  try {
    for (const [at, row] of rows.entries()) {
      shown.show({ total: rows.length, done: at, known: 0, troubled: 0, running: [row.name] })
      const { grade, notes } = await drawn(gradeOf(row, decisions), row, recordings)
      const page = reportHtml([grade], { home: { href: INDEX, title: 'All submissions' }, notes })
      await writeText(page, join(dir, files.get(row.name)!))
    }
  } finally {
    shown.end()
  }
  return files
}

interface Drawn {
  readonly grade: Grade
  readonly notes: readonly string[]
}
/** The grade with the maps of what the machine did, if the book has that. */
async function drawn(grade: Grade, row: GradedRow, recordings: Recordings): Promise<Drawn> {
  const late = cameFrom(row.details).late ? ['Handed in late.'] : []
  if (!hasLoaded(grade)) return { grade, notes: late } // there was no machine
  const again = await redrawn(await recordings.of(row))
  if (!again) return { grade, notes: [...late, NO_MAPS] }
  return { grade: { ...grade, ...picturesFor(grade, again) }, notes: late }
}
const hasLoaded = (grade: Grade): boolean =>
  checksOf(grade).every(({ id, verdict }) => id !== LOADS || verdict === 'pass')
const NO_MAPS =
  'There are no maps: what the machine did is not in the book, or is of another version; grading again makes them.'
/** Of the checks that tell the same in both. */
function picturesFor(grade: Grade, again: Grade): Pick<Grade, 'pictures' | 'last'> {
  const seen = new Map(checksOf(again).map(({ id, observed }) => [id, observed]))
  const same = checksOf(grade).filter(({ id, observed }) => seen.get(id) === observed)
  const pictures = same.flatMap(({ id }) => {
    const picture = again.pictures.get(id)
    return picture ? [[id, picture] as const] : []
  })
  return { pictures: new Map(pictures), ...(again.last && { last: again.last }) }
}
const checksOf = ({ result }: Grade): ResultCheck[] => result.steps.flatMap(({ checks }) => checks)

/** @param pages  name -> file of its page */
function classesIn(book: Book, labs: readonly Lab[], pages: ReadonlyMap<string, string>): LabClass[] {
  const decisions = standing(book.decisions())
  const memberOf = (row: Row): Member => {
    const page = pages.get(row.name)
    return {
      outcome: outcomeOf(row, decisions),
      late: cameFrom(row.details).late,
      milliseconds: row.milliseconds,
      ...(page !== undefined && { href: encodeURIComponent(page) }),
    }
  }
  const byLab = Map.groupBy(book.rows(), (row) => submissionIn(book, labs, row).lab)
  return labs.flatMap((lab) => {
    const rows = byLab.get(lab) ?? []
    return rows.length > 0
      ? [{ title: lab.title, members: rows.map(memberOf), facts: factsOf(book, lab) }]
      : []
  })
}
function factsOf(book: Book, lab: Lab): LabClass['facts'] {
  const terms = lastTerms(book, lab)
  return terms ? [['machine', terms.machine.slice(0, SHOWN)]] : []
}
/** So much of a hash tells versions apart. */
const SHOWN = 12
