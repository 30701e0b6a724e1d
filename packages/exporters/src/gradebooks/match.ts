// Whose grade is whose: rows of ours and people in a gradebook, by the ids that both know.

/** Systems that know a student by an id of their own. `sid`: the school's number. `sisLogin`: its login. `moodle`: "Participant 9", or "9". */
export const SYSTEMS = ['canvas', 'moodle', 'brightspace', 'sid', 'sisLogin', 'github'] as const
export type System = (typeof SYSTEMS)[number]
export interface Student {
  readonly name?: string
  readonly email?: string
  readonly ids: { readonly [system in System]?: string }
}

/** What people are told apart by, best first. */
export type Key = System | 'email' | 'name'
export const KEYS: readonly Key[] = [...SYSTEMS, 'email', 'name']
export type Keys = { readonly [key in Key]?: string }
export const keysOf = ({ name, email, ids }: Student): Keys => ({
  ...ids,
  ...(email !== undefined && { email }),
  ...(name !== undefined && { name }),
})

export interface Person {
  /** Where in the file. */
  readonly line: number
  readonly keys: Keys
}
export interface Unmatched<Row> {
  readonly row: Row
  /** For people, in a sentence. */
  readonly why: string
}
export interface Matches<Row> {
  readonly pairs: readonly { readonly person: Person; readonly row: Row }[]
  readonly unmatched: readonly Unmatched<Row>[]
  readonly missing: readonly Person[]
}

/**
 * Each row with its person: by the first key that both have. A name is looked at only where there is nothing better.
 *
 * Nobody is guessed: a key that two people have, or a person whom two rows mean, leaves the rows unmatched.
 */
export function matched<Row extends { readonly student: Student }>(
  people: readonly Person[],
  rows: readonly Row[],
): Matches<Row> {
  const index = indexOf(people)
  const found = rows.map((row) => ({ row, ...personOf(keysOf(row.student), index) }))
  const claims = Map.groupBy(found, ({ person }) => person)
  const unmatched: Unmatched<Row>[] = []
  const pairs: { person: Person; row: Row }[] = []
  for (const { row, person, why } of found) {
    if (!person) unmatched.push({ row, why })
    else if (claims.get(person)!.length > 1)
      unmatched.push({ row, why: `several rows are for ${labelOf(person.keys)}: none was filled in` })
    else pairs.push({ person, row })
  }
  return { pairs, unmatched, missing: people.filter((person) => !claims.has(person)) }
}

/** Key -> what it is compared as -> whose it is. */
type Index = ReadonlyMap<Key, ReadonlyMap<string, readonly Person[]>>
const indexOf = (people: readonly Person[]): Index =>
  new Map(
    KEYS.map((key) => {
      const having = people.filter(({ keys }) => keys[key])
      return [key, Map.groupBy(having, ({ keys }) => compared(key, keys[key] ?? ''))] as const
    }),
  )

function personOf(keys: Keys, index: Index): { readonly person?: Person; readonly why: string } {
  const common = KEYS.filter((key) => keys[key] && index.get(key)!.size > 0)
  const usable = common.length > 1 ? common.filter((key) => key !== 'name') : common
  for (const key of usable) {
    const [person, ...others] = index.get(key)!.get(compared(key, keys[key]!)) ?? []
    if (others.length > 0)
      return { why: `${others.length + 1} people in the file have the same ${key}, ${keys[key]}` }
    if (person) return { person, why: '' }
  }
  return { why: `nobody in the file is ${labelOf(keys)}` }
}
function compared(key: Key, text: string): string {
  const same = text.normalize('NFC').trim().toLowerCase()
  if (key === 'moodle') return /\d+$/.exec(same)?.[0] ?? same
  // "Turing, Alan" is "Alan Turing"
  if (key === 'name')
    return same
      .split(/[\s,]+/)
      .filter(Boolean)
      .sort()
      .join(' ')
  return same.replace(/^#/, '') // Brightspace puts it before ids
}

/** A person for people: the name, or whatever there is. */
export const labelOf = (keys: Keys): string =>
  [keys.name, keys.email, ...KEYS.map((key) => keys[key])].find(Boolean) ?? 'somebody without a name'
