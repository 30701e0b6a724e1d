// What `similar` says: ranked pairs, each with what speaks for it.

import { ASPECTS } from '@pagewalk/batch'
import { plain } from '@pagewalk/grader'
import type { Pair } from './pairs.ts'

export interface LabPairs {
  /** Its title. */
  readonly lab: string
  readonly submissions: number
  /** Of these the book has what the machine did. */
  readonly withBehaviour: number
  /** Why nothing is known of sources; undefined: it is. */
  readonly noSource: string | undefined
  readonly pairs: readonly Pair[]
}
const NOTE =
  'This is evidence, not a verdict: right kernels resemble each other. Read both, and ask, before anybody is accused.'

export const similarJson = (labs: readonly LabPairs[]): string =>
  `${JSON.stringify({ note: NOTE, labs: labs.map((lab) => ({ ...lab, noSource: lab.noSource ?? null })) }, null, 2)}\n`

export function similarText(labs: readonly LabPairs[]): string {
  return [...labs.map(labText), `${NOTE}\n`].join('\n')
}
function labText({ lab, submissions, withBehaviour, noSource, pairs }: LabPairs): string {
  const head = `${lab}: ${submissions} submissions, ${withBehaviour} with recorded behaviour; what was handed out is left out`
  const lines = pairs.length === 0 ? ['no two have anything in common'] : pairs.flatMap(pairLines)
  return [
    head,
    ...(withBehaviour < submissions ? [NOT_RECORDED] : []),
    ...(noSource === undefined ? [] : [`source similarity is unavailable: ${noSource}`]),
    'behaviour  source',
    ...lines,
    '',
  ].join('\n')
}
const NOT_RECORDED =
  'the others did not run, or were graded by another version of the machine: grading again records them'
function pairLines({ names, sameFiles, behaviour, source }: Pair): string[] {
  const pair = `${number(behaviour?.unusual)}     ${number(source?.[0]?.similarity)}    ${names.map(plain).join(' and ')}`
  const told = [
    ...(sameFiles ? ['the same files, byte for byte'] : []),
    ...(source ?? [])
      .filter(({ similarity }) => similarity > 0)
      .map(
        ({ file, similarity, longest }) =>
          `${file}: ${percent(similarity)} alike, ${longest} tokens in one piece`,
      ),
    ...(behaviour && behaviour.alike > 0
      ? [`${percent(behaviour.alike)} of what either does beyond the handed-out kernel; most unusual:`]
      : []),
    ...(behaviour?.shared ?? []).map(
      ({ scenario, aspect, common, of }) => `  ${scenario}: ${ASPECTS[aspect]}, ${common} of ${of}`,
    ),
  ]
  return [pair, ...told.map((line) => `${' '.repeat(INDENT)}${line}`)]
}
const INDENT = 19
const number = (value: number | undefined): string => (value === undefined ? '-' : value.toFixed(2)).padEnd(6)
const percent = (value: number): string => `${Math.round(value * 100)} %`
