// `grade --sheet DIR`: what a person reads who gives points, one Markdown file for each submission. A reader writes into
// such a file, so only a sheet that nobody has changed since it was written is ever replaced.

import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Grade, type Lab, readChecks, type Submission, UsageError } from '@pagewalk/grader'
import { fileName } from './file-names.ts'

/** Make the folder, before anything is graded. @throws UsageError if it cannot be, or nobody has to read anything */
export function openSheets(dir: string, submissions: readonly Submission[]): void {
  const labs = [...new Set(submissions.map(({ lab }) => lab))]
  if (!labs.some(({ sheet }) => sheet))
    throw new UsageError(
      `--sheet: expected a lab that leaves points to a reader, got ${labs.map(({ id }) => id).join(', ')}`,
    )
  attempt(() => mkdirSync(dir, { recursive: true }))
}

/**
 * @param grades  of `submissions`, in the same order
 * @returns a sentence for each thing that is worth telling
 */
export function writeSheets(
  dir: string,
  submissions: readonly Submission[],
  grades: readonly Grade[],
): string[] {
  const taken = new Set<string>()
  const told: string[] = []
  for (const [at, { sheet }] of grades.entries()) {
    const { name, lab } = submissions[at]!
    if (sheet === undefined) continue
    const paths = candidates(dir, name, taken)
    const body = `${sheet.trimEnd()}\n\n${entryOf(name, lab)}`
    const path = attempt(() => put(paths, name, lab, body))
    taken.add(path.toLowerCase())
    if (path !== paths[0])
      told.push(`${paths[0]} is not as a sheet of ${name} was written, and was kept; the new one is ${path}`)
  }
  return [...told, `${taken.size} ${taken.size === 1 ? 'sheet' : 'sheets'} in ${dir}`]
}
function attempt<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw new UsageError(`--sheet: expected a folder that can be written, got ${(error as Error).message}`)
  }
}

const MOST = 1000
/** Paths that may be this submission's in this run, the first one best. */
function candidates(dir: string, name: string, taken: ReadonlySet<string>): string[] {
  const base = fileName(name)
  return Array.from({ length: MOST }, (_, n) => join(dir, `${base}${n === 0 ? '' : `-${n + 1}`}.md`)).filter(
    (path) => !taken.has(path.toLowerCase()),
  )
}

/** Write to the first path that is free, or has the sheet of before. @returns the path */
function put(paths: readonly string[], name: string, lab: Lab, body: string): string {
  for (const path of paths) {
    const there = lstatSync(path, { throwIfNoEntry: false })
    if (there && !(there.isFile() && isUnchanged(readFileSync(path, 'utf8'), name, lab))) continue
    writeFileSync(path, `${mark(name, lab, body)}\n${body}`)
    return path
  }
  throw new UsageError(`--sheet: expected a free name for the sheet of ${name}, got none in ${MOST}`)
}
function isUnchanged(text: string, name: string, lab: Lab): boolean {
  const end = text.indexOf('\n')
  return text.slice(0, end) === mark(name, lab, text.slice(end + 1))
}
/** First line of a sheet: whose it is, and a hash of what follows. */
function mark(name: string, lab: Lab, body: string): string {
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  return `<!-- sheet of ${lab.id}, ${JSON.stringify(name).replaceAll('>', '\\u003e')}, ${hash} -->`
}

/** What goes into the file for --points. */
function entryOf(name: string, lab: Lab): string {
  const checks = readChecks(lab)
  const points = Object.fromEntries(checks.map(({ check }) => [check, 0]))
  const most = checks.map(({ check, points: limit }) => `${check}: 0 to ${limit}`).join(', ')
  const entry = JSON.stringify({ [name]: { points, comment: '', by: '' } }, null, 2)
  return `For the file of \`--points\` (${most}):\n\n\`\`\`json\n${entry}\n\`\`\`\n`
}
