// What the page of a class is made of.

import type { Result } from '@pagewalk/grader'
import { type Account, accountOf, failuresIn, type Item } from '../items.ts'
import { type Outcome, toldOf } from '../outcome.ts'

/** The submissions of a lab. */
export interface LabClass {
  /** The lab's, for people. */
  readonly title: string
  readonly members: readonly Member[]
  /** What else there is to know of how it was graded, such as the version of the machine. */
  readonly facts: readonly (readonly [term: string, value: string])[]
}
export interface Member {
  /** What people decided is in it. */
  readonly outcome: Outcome
  readonly late: boolean
  /** That grading took; 0: the result was known from before. */
  readonly milliseconds: number
  /** Address of its own page, from this one; absent: it has none. */
  readonly href?: string
}

/** A member whose grade can be counted. */
export interface GradedMember extends Omit<Member, 'outcome'> {
  readonly name: string
  readonly result: Result
  readonly account: Account
}
/** A member that we failed to grade: never counted as a zero. */
export interface TroubledMember extends Omit<Member, 'outcome'> {
  readonly name: string
  readonly trouble: string
}
export type ToldMember = GradedMember | TroubledMember

/** In order of name, with clean texts. */
export function toldMembers({ members }: LabClass): ToldMember[] {
  return members
    .map(({ outcome, ...rest }) => {
      const told = toldOf(outcome)
      return 'trouble' in told ? { ...rest, ...told } : { ...rest, ...told, account: accountOf(told.result) }
    })
    .sort((a, b) => compareText(a.name, b.name))
}
/** The same on every host, in any language. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export const isTroubled = (member: ToldMember): member is TroubledMember => 'trouble' in member
export const isGraded = (member: ToldMember): member is GradedMember => 'result' in member
/** The first check of the rubric's order that failed; but for extra credit that nobody has tried. */
export const firstMistake = ({ account }: GradedMember): Item | undefined =>
  failuresIn(account.items).find(({ check }) => check.verdict === 'fail')
