// The roster of a course: a CSV file with a line for each person, as a course's system or a person writes it.

import { readFileSync } from 'node:fs'
import { UsageError } from '@pagewalk/grader'
import { z } from 'zod'
import { type Row, readTable, type Table } from './csv.ts'
import { some } from './item.ts'
import { type Note, type Student, SYSTEMS, type System } from './types.ts'

export interface Roster {
  readonly path: string
  readonly people: readonly Person[]
  readonly notes: readonly Note[]
}
export interface Person {
  readonly student: Student
  readonly line: number
  /** "Lee, Ann", if the roster parts first and last name. */
  readonly sortable?: string
}

type Column = 'name' | 'first' | 'last' | 'email' | 'section' | 'role' | System
/** How headers are called, without case, blanks and signs. */
const HEADERS: { readonly [column in Column]: readonly string[] } = {
  name: ['name', 'fullname', 'student', 'studentname', 'displayname'],
  first: ['first', 'firstname', 'givenname'],
  last: ['last', 'lastname', 'surname', 'familyname'],
  email: ['email', 'emailaddress', 'mail', 'studentemail'],
  section: ['section', 'sections', 'group', 'class'],
  role: ['role', 'roles'],
  sid: ['sid', 'studentid', 'studentnumber', 'idnumber', 'sisuserid', 'sisid', 'universityid'],
  sisLogin: ['sislogin', 'sisloginid', 'loginid', 'login', 'netid', 'username'],
  canvas: ['id', 'canvasid', 'canvasuserid'],
  moodle: ['identifier', 'participant', 'participantid', 'moodle', 'moodleid'],
  brightspace: ['orgdefinedid', 'brightspace', 'brightspaceid'],
  github: ['github', 'githubusername', 'githublogin', 'githubuser', 'githubaccount'],
}
/** Rows of a Canvas gradebook that are nobody. */
const NOBODY = /^(points possible|student, test|test student)$/i

/** @throws UsageError if there is no such file, or no column that tells who somebody is */
export function readRoster(path: string): Roster {
  const table = readTable(path, bytesOf(path))
  const columns = columnsOf(table.header)
  const telling = [...columns.keys()].filter((column) => column !== 'section' && column !== 'role')
  if (telling.length === 0)
    throw new UsageError(
      `${path}: expected a header with name, email or an id, got ${some(table.header, 10)}`,
    )
  const read = table.rows.map((row) => personOf(row, columns))
  const wrong = read.flatMap((each) => (typeof each === 'string' ? [{ where: path, what: each }] : []))
  const people = read.filter((each) => typeof each === 'object')
  const { kept, notes } = withoutRepeats(people, path)
  return { path, people: kept, notes: [...wrong, ...notes] }
}
function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UsageError(`${path}: expected a roster in CSV, got ${(error as Error).message}`)
  }
}
/** Column -> its place. What a header says depends on the others: GitHub's tools call a login "username" too. */
function columnsOf(header: Table['header']): Map<Column, number> {
  const names = header.map((name) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ''))
  const columns = new Map<Column, number>()
  for (const [column, known] of Object.entries(HEADERS) as [Column, readonly string[]][]) {
    const at = names.findIndex((name) => known.includes(name))
    if (at >= 0) columns.set(column, at)
  }
  const login = columns.get('sisLogin')
  if (
    login !== undefined &&
    names[login] === 'username' &&
    names.includes('githubid') &&
    !columns.has('github')
  ) {
    columns.delete('sisLogin')
    columns.set('github', login)
  }
  return columns
}

const cell = z
  .string()
  .max(300, 'a cell of more than 300 characters')
  .regex(/^[^\p{Cc}]*$/u, 'control characters')
/** @returns a sentence if the row cannot be used; undefined if it is nobody's */
function personOf({ line, cells }: Row, columns: ReadonlyMap<Column, number>): Person | string | undefined {
  const checked = z.array(cell).safeParse(cells)
  if (!checked.success) return `line ${line}: expected one person, got ${checked.error.issues[0]?.message}`
  const at = (column: Column): string => cells[columns.get(column) ?? -1]?.trim() ?? ''
  const role = at('role')
  if (NOBODY.test(at('name')) || (role !== '' && !/student|learner/i.test(role))) return undefined
  const ids = Object.fromEntries(
    SYSTEMS.flatMap((system) => (at(system) === '' ? [] : [[system, idOf(system, at(system))]])),
  )
  const { name, sortable } = namesOf(at('name'), at('first'), at('last'))
  const email = at('email').toLowerCase()
  if (name === '' && email === '' && Object.keys(ids).length === 0) return undefined
  const section = at('section')
  const student = { ...(name && { name }), ...(email && { email }), ...(section && { section }), ids }
  return { student, line, ...(sortable && { sortable }) }
}
/** Moodle's worksheet says "Participant 9", in any language; Brightspace writes # before its ids. */
function idOf(system: System, text: string): string {
  if (system === 'moodle') return /^\D+ (\d+)$/u.exec(text)?.[1] ?? text
  return text.replace(/^#/, '')
}
function namesOf(name: string, first: string, last: string): { name: string; sortable?: string } {
  const parts = /^([^,]+), ?([^,]+)$/.exec(name)
  if (parts) return { name: `${parts[2]} ${parts[1]}`, sortable: name }
  if (name !== '' && !(first && last)) return { name }
  return { name: name || [first, last].filter(Boolean).join(' '), sortable: `${last}, ${first}` }
}

/** A person who is there twice is there once, as the first line says. */
function withoutRepeats(people: readonly Person[], where: string): { kept: Person[]; notes: Note[] } {
  const lines = new Map<string, number>()
  const kept: Person[] = []
  const notes: Note[] = []
  for (const person of people) {
    const keys = identities(person.student)
    const known = keys.find((key) => lines.has(key))
    if (known === undefined) {
      kept.push(person)
      for (const key of keys) lines.set(key, person.line)
    } else {
      const what = `line ${person.line}: left out, because line ${lines.get(known)} has the same ${known}`
      notes.push({ where, what })
    }
  }
  return { kept, notes }
}
/** What nobody else has: "sid 123", "email ann@x.edu". */
export const identities = ({ email, ids }: Student): string[] => [
  ...SYSTEMS.flatMap((system) => (ids[system] ? [`${system} ${ids[system].toLowerCase()}`] : [])),
  ...(email ? [`email ${email.toLowerCase()}`] : []),
]
