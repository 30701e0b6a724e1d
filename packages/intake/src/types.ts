// What comes out of the intake, and what its parts hand each other.

import type { Submission, Trouble } from '@pagewalk/grader'
import type { Item } from './item.ts'

export type Kind =
  | 'folder'
  | 'file'
  | 'zip'
  | 'gradescope'
  | 'canvas'
  | 'moodle'
  | 'brightspace'
  | 'classroom50'

/** Under which names a course knows a person: `sid` is the school's number, `sisLogin` its login. */
export const SYSTEMS = ['sid', 'sisLogin', 'canvas', 'moodle', 'brightspace', 'github'] as const
export type System = (typeof SYSTEMS)[number]
export interface Student {
  readonly name?: string
  readonly email?: string
  readonly section?: string
  readonly ids: { readonly [system in System]?: string }
}

export const nameOnly = (name: string): Student => ({ name, ids: {} })

/** One submission to grade, and whose it is. */
export interface Entry {
  /** Unique, and a file name on every system. Depends on what was handed over only, never on the order of files. */
  readonly name: string
  readonly submission: Submission
  /** Several for a group; empty if unknown. */
  readonly students: readonly Student[]
  /** As the course's system says; false if it does not. */
  readonly late: boolean
  /** The first is 1. */
  readonly attempt: number
  /** Attempts before this one that have no entry. */
  readonly earlier: number
  /** Where it was found, for people. */
  readonly source: string
  readonly kind: Kind
  /** What a person should know before they believe the grade; each a sentence. */
  readonly warnings: readonly string[]
}
/** Something to tell about what was handed over that concerns no single entry. */
export interface Note {
  /** The path, or what in it. */
  readonly where: string
  readonly what: string
}
export interface Intake {
  /** In order of name. */
  readonly entries: readonly Entry[]
  readonly notes: readonly Note[]
  /** Who is on the roster and handed in nothing. Empty without a roster. */
  readonly missing: readonly Student[]
}

/** What one person or group handed in, before the lab's files are looked for. */
export interface Unit {
  /** What people know it by; becomes the entry's name. */
  readonly label: string
  readonly source: string
  readonly kind: Kind
  /** As the export tells; empty if it does not. */
  readonly students: readonly Student[]
  /** Oldest first, at least one. */
  readonly attempts: readonly Attempt[]
  readonly warnings: readonly string[]
}
export interface Attempt {
  /** The first is 1; those that the export does not have are counted. */
  readonly number: number
  readonly late: boolean
  readonly items: readonly Item[]
  /** Why nothing of it could be read. */
  readonly refused?: Trouble
}
export interface Layout {
  readonly units: readonly Unit[]
  readonly notes: readonly Note[]
}
