// Grades as text for people: a table of points, and for each check that failed what was expected and what was seen.

import { styleText } from 'node:util'
import type { Stop } from '@pagewalk/machine'
import type { Grade } from './grade.ts'
import type { Result, ResultCheck, ResultStep } from './result.ts'

export interface Style {
  readonly colour: boolean
  /** Columns of the terminal. */
  readonly width: number
}
type Paint = (format: 'red' | 'green' | 'yellow' | 'dim' | 'bold', text: string) => string
const painter =
  ({ colour }: Style): Paint =>
  (format, text) =>
    colour ? styleText(format, text, { validateStream: false }) : text

/** One submission: its steps, then the checks that earned less than they could. */
export function reportGrade({ result, endings, changedLibrary, errors }: Grade, style: Style): string {
  const paint = painter(style)
  const checks = result.steps.flatMap((step) => step.checks)
  const failed = checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'error')
  const read = checks.filter(({ verdict, observed }) => verdict === 'pass' && observed !== undefined)
  const blocked = checks.filter(({ verdict, pending }) => verdict === 'blocked' && !pending)
  const width = Math.max(...result.steps.map(({ id }) => id.length))
  const lines = [
    `${paint('bold', result.submission.name)}  ${total(result)}`,
    ...result.steps.map((step) => stepLine(step, width, paint)),
    ...[...failed, ...read].flatMap((check) => ['', ...checkLines(check, paint, style)]),
  ]
  if (blocked.length > 0) lines.push('', ...wrap('blocked   ', blocked.map(({ id }) => id).join(', '), style))
  const pending = checks.filter((check) => check.pending)
  if (pending.length > 0) lines.push('', ...pending.flatMap((check) => pendingLines(check, style)))
  if (failed.length > 0 && endings.length > 0) lines.push('', ...endingLines(endings, style))
  if (changedLibrary.length > 0) {
    const told = `${changedLibrary.join(', ')} differ from the lab's; the lab's were used`
    lines.push('', ...wrap('library   ', told, style))
  }
  lines.push(...errors.flatMap((stack) => ['', paint('red', stack)]))
  return `${lines.join('\n')}\n`
}
const points = (value: number): string => String(Math.round(value * 100) / 100)
const pointsWord = (value: number): string => `${points(value)} ${value === 1 ? 'point' : 'points'}`
function total({ score, maxScore, pending, extraCredit, maxExtraCredit }: Result): string {
  const extra = maxExtraCredit > 0 ? `, extra credit ${points(extraCredit)}/${points(maxExtraCredit)}` : ''
  return `${points(score)}/${points(maxScore)}${awaited(pending)}${extra}`
}

/** @param width  of the longest step's id */
function stepLine(step: ResultStep, width: number, paint: Paint): string {
  const { checks, score, maxScore, pending } = step
  const name = `step ${step.id.padEnd(width)}`
  const title = `${step.title}${step.extra ? ' (extra)' : ''}`
  if (checks.length === 0) return paint('dim', `  -     ${name}           ${title}, not graded`)
  const passed = checks.filter(({ verdict }) => verdict === 'pass').length
  const sum = `${points(score).padStart(3)}/${points(maxScore).padEnd(3)}`
  const counts = paint('dim', `, ${passed} of ${checks.length} checks${awaited(pending)}`)
  const state = step.extra && passed === 0 ? paint('dim', '-   ') : stepState(checks, passed, paint)
  return `  ${state}  ${name}  ${sum}  ${title}${counts}`
}
function stepState(checks: readonly ResultCheck[], passed: number, paint: Paint): string {
  const waiting = checks.filter(({ pending }) => pending).length
  if (passed === checks.length) return paint('green', 'pass')
  if (passed + waiting === checks.length) return paint('yellow', 'wait')
  return passed === 0 ? paint('red', 'fail') : paint('yellow', 'part')
}
const awaited = (pending: number): string => (pending > 0 ? `, ${points(pending)} await a reader` : '')
function checkLines(check: ResultCheck, paint: Paint, style: Style): string[] {
  const { id, claim, verdict, maxPoints, expected, observed, hint } = check
  const part = check.points > 0 ? `${points(check.points)} of ` : ''
  const worth = maxPoints > 0 ? ` (${part}${pointsWord(maxPoints)})` : ''
  const parts = Object.entries({ claim, expected, observed, hint })
  return [
    `  ${paint(verdict === 'pass' ? 'green' : 'red', verdict)}  ${paint('bold', id)}${worth}`,
    ...parts.flatMap(([name, text]) => (text ? wrap(name.padEnd(10), text, style) : [])),
  ]
}
const pendingLines = ({ id, observed = '', pending = 0 }: ResultCheck, style: Style): string[] =>
  wrap('waits     ', `${id} (${pointsWord(pending)}) ${observed}`, style)
/** Scenarios that ended in the same way are one line. */
function endingLines(endings: Grade['endings'], style: Style): string[] {
  const byWords = Map.groupBy(endings, ({ words }) => words)
  const names = (list: Grade['endings']): string => list.map(({ scenario }) => scenario).join(', ')
  return [...byWords].flatMap(([words, list]) => wrap('ended     ', `${names(list)}: ${words}`, style))
}
/** Words wrapped to the width, indented behind `head`. A longer word stays whole. */
function wrap(head: string, text: string, { width }: Style): string[] {
  const indent = ' '.repeat(8)
  const room = Math.max(30, width - indent.length - head.length)
  const lines: string[] = []
  for (const word of plain(text).split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= room)
      lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines.map((line, i) => indent + (i === 0 ? head : ' '.repeat(head.length)) + line)
}
/** Without control characters, on one line: what a student's file says may be shown on a terminal. */
export const plain = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Why the machine stands still, for people; undefined if it would go on. */
export function stopWords(stop: Stop): string | undefined {
  switch (stop.reason) {
    case 'limit':
    case 'kernel':
      return undefined
    case 'panic':
      return `the kernel panicked: ${stop.message}`
    case 'reset':
      return `the machine reset itself: ${stop.story}`
    case 'exit':
      return `the machine was switched off (code ${stop.code})`
    case 'halt':
      return 'every CPU has halted, and no interrupt will wake one'
    case 'hang':
      return stop.message
    case 'deadlock':
      return `nothing moves any more: ${stop.message}`
    case 'error':
      return `the kernel threw: ${stop.message}`
  }
}

/** Many submissions in short: of each that lost points, every check that failed and what was seen. */
export function reportReasons(grades: readonly Grade[], style: Style): string {
  const paint = painter(style)
  return grades
    .flatMap(({ result, errors }) => {
      const failed = triedChecks(result).filter(({ verdict }) => verdict === 'fail' || verdict === 'error')
      const lines = failed.flatMap(({ id, verdict, observed = '' }) => [
        `  ${paint('red', verdict)}  ${paint('bold', id)}`,
        ...wrap('', observed, style),
      ])
      const head = `${paint('bold', plain(result.submission.name))}  ${total(result)}`
      return failed.length === 0 ? [] : [head, ...lines, ...errors, '']
    })
    .join('\n')
}

/** Many submissions: for each lab a table with a line each, a column per step, and the first reason. */
export function reportTable(grades: readonly Grade[], style: Style): string {
  const byLab = Map.groupBy(
    grades.map(({ result }) => result),
    ({ lab }) => lab,
  )
  return [...byLab.values()].map((results) => tableOf(results, style)).join('\n')
}
function tableOf(results: readonly Result[], style: Style): string {
  const paint = painter(style)
  const { steps, lab, rubric } = results[0]!
  const worth = steps.flatMap(({ maxScore }, at) => (maxScore > 0 ? [at] : []))
  const waits = results.some(({ pending }) => pending > 0)
  const name = Math.min(32, Math.max(10, ...results.map(({ submission }) => submission.name.length)))
  const room = Math.max(24, style.width - (name + 8 + (worth.length + (waits ? 1 : 0)) * 8 + 2))
  const columns = ['score', ...(waits ? ['waits'] : []), ...worth.map((at) => stepTitle(steps[at]!))]
  const titles = columns.map((text) => text.slice(0, 7).padStart(7))
  const line = (result: Result): string => {
    const sum = `${points(result.score + result.extraCredit)}/${points(result.maxScore)}`.padStart(7)
    const wait = (result.pending > 0 ? points(result.pending) : '').padStart(7)
    const cells = [
      ...(waits ? [paint('yellow', wait)] : []),
      ...worth.map((at) => stepCell(result.steps[at]!, paint)),
    ]
    const submission = cut(plain(result.submission.name), name).padEnd(name)
    return [submission, paint('bold', sum), ...cells, ` ${cut(reason(result), room)}`].join(' ').trimEnd()
  }
  const head = ['submission'.padEnd(name), ...titles, ' first reason'].join(' ')
  const foot = waits ? [paint('dim', 'waits: points that await a reader, see --sheet and --points')] : []
  const top = [paint('dim', `${lab}, rubric ${rubric.version}`), paint('bold', head)]
  return `${[...top, ...results.map(line), ...foot].join('\n')}\n`
}
const stepTitle = ({ id }: ResultStep): string => (id.length > 2 ? id : `step ${id}`)
function stepCell({ score, maxScore, pending }: ResultStep, paint: Paint): string {
  const text = `${points(score)}/${points(maxScore)}`.padStart(7)
  return paint(score === maxScore ? 'green' : score === 0 && pending === 0 ? 'red' : 'yellow', text)
}
/** The first check that failed, in a few words. */
function reason(result: Result): string {
  const checks = triedChecks(result)
  const worst =
    checks.find(({ verdict }) => verdict === 'error') ?? checks.find(({ verdict }) => verdict === 'fail')
  return worst ? plain(`${worst.id}: ${worst.observed ?? ''}`) : ''
}
/** Extra credit that nobody has tried is no reason for anything. */
const triedChecks = ({ steps }: Result): readonly ResultCheck[] =>
  steps.flatMap(({ extra, score, checks }) => (extra && score === 0 ? [] : checks))
const cut = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length - 1)}…`
