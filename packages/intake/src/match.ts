// Whose submissions these are: what an export tells, or a folder's name, against the roster. Nothing is guessed: what may be
// several people's is nobody's, and is told.

import { some } from './item.ts'
import { identities, type Person, type Roster } from './roster.ts'
import { type Note, nameOnly, type Student, SYSTEMS, type Unit } from './types.ts'

export interface Matches {
  /** Of each unit, in order. */
  readonly students: readonly (readonly Student[])[]
  readonly missing: readonly Student[]
  readonly notes: readonly Note[]
}

export function matchRoster(units: readonly Unit[], roster: Roster): Matches {
  const index = indexOf(roster)
  const seen = new Map<Person, string[]>()
  const notes: Note[] = []
  const students = units.map((unit) => {
    const told = unit.students.length > 0 ? unit.students : undefined
    return (told ?? [byLabel(unit.label)]).flatMap((student) => {
      const found = lookUp(student, index)
      const [person, ...others] = found
      if (!person || others.length > 0) {
        notes.push({
          where: unit.source,
          what: unmatched(told ? student : nameOnly(unit.label), found, roster),
        })
        return told ? [student] : []
      }
      seen.set(person, [...(seen.get(person) ?? []), unit.label])
      return [merged(person.student, told ? student : undefined)]
    })
  })
  const missing = roster.people.filter((person) => !seen.has(person)).map(({ student }) => student)
  return { students, missing, notes: [...notes, ...severals(seen, roster)] }
}
/** A folder may be called by anything that a roster knows a person by. */
const byLabel = (label: string): Student => ({
  name: label,
  email: label,
  ids: Object.fromEntries(SYSTEMS.map((system) => [system, label])),
})
const merged = (known: Student, told: Student | undefined): Student => ({
  ...told,
  ...known,
  ids: { ...told?.ids, ...known.ids },
})

/** What a person may be known by -> who. */
type Index = ReadonlyMap<string, readonly Person[]>
function indexOf({ people }: Roster): Index {
  const index = new Map<string, Person[]>()
  for (const person of people)
    for (const key of new Set([...identities(person.student), ...namesOf(person)]))
      index.set(key, [...(index.get(key) ?? []), person])
  return index
}
function namesOf({ student: { name }, sortable }: Person): string[] {
  const squeezed = sortable && `name ${nameKey(squeeze(sortable))}`
  const names = [name, sortable].flatMap((each) => (each ? [`name ${nameKey(each)}`] : []))
  return squeezed ? [...names, squeezed] : names
}
const nameKey = (name: string): string => name.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim()
/** As Canvas writes names of people in names of files. */
const squeeze = (sortable: string): string => sortable.replace(/[^\p{L}\p{M}\p{N}_]/gu, '')

/** By ids; if none is known, by email; if that is not, by name. */
function lookUp(student: Student, index: Index): Person[] {
  const keys = identities(student)
  const isEmail = (key: string): boolean => key.startsWith('email ')
  const ways = [
    keys.filter((key) => !isEmail(key)),
    keys.filter(isEmail),
    student.name ? [`name ${nameKey(student.name)}`] : [],
  ]
  for (const way of ways) {
    const found = [...new Set(way.flatMap((key) => index.get(key) ?? []))]
    if (found.length > 0) return found
  }
  return []
}
function unmatched({ name, email, ids }: Student, found: readonly Person[], { path }: Roster): string {
  const who = some([name, email, ...Object.values(ids)].filter((text) => text !== undefined))
  if (found.length === 0) return `expected somebody on the roster ${path}, got ${who}`
  const lines = some(found.map(({ line }) => `${line}`))
  return `expected one person on the roster, got ${found.length} who may be ${who}: lines ${lines}`
}
function severals(seen: ReadonlyMap<Person, readonly string[]>, { path }: Roster): Note[] {
  return [...seen]
    .filter(([, labels]) => labels.length > 1)
    .map(([{ student, line }, labels]) => ({
      where: path,
      what: `${student.name ?? `line ${line}`} has ${labels.length} submissions: ${some(labels)}`,
    }))
}
