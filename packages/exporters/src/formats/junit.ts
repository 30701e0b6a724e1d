// JUnit XML: a suite for each submission, a case for each check.
// Source: there is no standard; testmoapp/junitxml, README, and Jenkins, junit-10.xsd.

import { rounded } from '@pagewalk/grader'
import { create } from 'xmlbuilder2'
import type { Context, Format } from '../format.ts'
import { accountOf, type Item, labelOf, reasonLines, reasonsOf } from '../items.ts'
import { cleaned, notGraded, type Outcome, toldOf } from '../outcome.ts'
import { placeIn } from '../places.ts'
import { oneLine } from '../text.ts'

export const junit: Format = {
  name: 'junit',
  describe: 'JUnit XML, a suite for each submission and a case for each check; points as properties',
  many: true,
  write,
}

/** An element as xmlbuilder2 takes it: `@` for attributes, `#` for text. */
interface Element {
  readonly [key: string]: string | number | Element | readonly Element[]
}
interface Suite {
  readonly counts: Counts
  readonly element: Element
}
interface Counts {
  readonly tests: number
  readonly failures: number
  readonly errors: number
  readonly skipped: number
}

function write(outcomes: readonly Outcome[], { seconds = 0 }: Context): string {
  const suites = outcomes.map((outcome) => suiteOf(outcome, outcomes.length === 1 ? seconds : 0))
  const total = (key: keyof Counts): number => suites.reduce((sum, { counts }) => sum + counts[key], 0)
  const testsuites = {
    '@name': 'pagewalk',
    ...attributes({
      tests: total('tests'),
      failures: total('failures'),
      errors: total('errors'),
      skipped: total('skipped'),
      time: seconds,
    }),
    testsuite: suites.map(({ element }) => element),
  }
  return `${create({ version: '1.0', encoding: 'UTF-8' }, { testsuites }).end({ prettyPrint: true })}\n`
}

function suiteOf(outcome: Outcome, time: number): Suite {
  // checks that the grader could not judge are errors by themselves: the others keep their verdicts
  const clean = cleaned(outcome)
  const { name } = clean
  if ('trouble' in clean) return troubleSuite(name, clean.trouble)
  const { result } = clean
  const { items, score, maxScore } = accountOf(result)
  const count = (...wanted: readonly Ending[]): number =>
    items.filter((item) => wanted.includes(endingOf(item))).length
  const counts = {
    tests: items.length,
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
  }
  const graded = !('trouble' in toldOf(outcome))
  const properties = propertiesOf({
    ...(graded && { score }),
    max_score: maxScore,
    extra_credit: rounded(result.extraCredit),
    max_extra_credit: rounded(result.maxExtraCredit),
    pending: rounded(result.pending),
    lab: result.lab,
    rubric_version: result.rubric.version,
    seed: result.seed,
    sha256: result.submission.sha256,
    state_hash: result.machine.stateHash,
    isolation: result.isolation.level,
  })
  const testcase = items.map((item) => caseOf(item, result.lab))
  return { counts, element: { ...attributes({ name, ...counts, time }), properties, testcase } }
}
function troubleSuite(name: string, trouble: string): Suite {
  const message = notGraded(trouble)
  const counts = { tests: 1, failures: 0, errors: 1, skipped: 0 }
  const error = attributes({ message, type: 'infrastructure' })
  const testcase = { ...attributes({ name: 'graded', classname: 'pagewalk', time: 0 }), error }
  return { counts, element: { ...attributes({ name, ...counts, time: 0 }), testcase } }
}

type Ending = 'none' | 'failure' | 'error' | 'skipped'
const ENDINGS = {
  passed: 'none',
  partial: 'failure',
  failed: 'failure',
  blocked: 'skipped',
  waits: 'skipped',
  error: 'error',
} as const
/** Extra credit that was not earned breaks no build. */
const endingOf = ({ standing, step }: Item): Ending =>
  step.extra && ENDINGS[standing] === 'failure' ? 'skipped' : ENDINGS[standing]

function caseOf(item: Item, lab: string): Element {
  const { check, step, score, maxScore } = item
  const place = placeIn(check.observed)
  const ending = endingOf(item)
  return {
    ...attributes({
      name: labelOf(item),
      classname: `${lab}.step ${step.id} ${step.title}`,
      time: 0,
      ...(place && { file: place.file, line: place.line }),
    }),
    properties: propertiesOf({ score, max_score: maxScore }),
    ...(ending !== 'none' && { [ending]: reasonFor(item, ending) }),
  }
}
function reasonFor({ check, score, maxScore }: Item, ending: Ending): Element {
  const message = `${score}/${maxScore} points: ${check.observed ?? check.claim}`
  const type = ending === 'skipped' ? {} : { type: check.verdict }
  return { ...attributes({ message, ...type }), '#': reasonLines(reasonsOf(check)) }
}

const attributes = (values: { readonly [name: string]: string | number }): Element =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      `@${name}`,
      typeof value === 'number' ? String(value) : oneLine(value),
    ]),
  )
const propertiesOf = (values: { readonly [name: string]: string | number }): Element => ({
  property: Object.entries(values).map(([name, value]) => attributes({ name, value })),
})
