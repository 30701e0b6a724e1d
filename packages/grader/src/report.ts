// Grades as text for people: points, check by check, and for each check that failed what was expected and what was seen,
// with the part of the memory map that shows it.

import { styleText } from 'node:util'
import type { Stop } from '@pagewalk/machine'
import type { Grade } from './grade.ts'
import { isolationWords } from './levels.ts'
import {
  type Cell,
  type MapRange,
  type MapRow,
  type MemoryMap,
  markedWords,
  processOf,
  rangeWords,
} from './maps.ts'
import type { Picture } from './pictures.ts'
import { awaitWords, pointsWord, rounded, totalWords } from './points.ts'
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

/** One submission: a line for each check, then those that earned less than they could, with the reasons. */
export function reportGrade(grade: Grade, style: Style): string {
  const { result, endings, pictures, changedLibrary, errors } = grade
  const paint = painter(style)
  const checks = result.steps.flatMap((step) => step.checks)
  const failed = checks.filter(({ verdict }) => verdict === 'fail' || verdict === 'error')
  const others = checks.filter((check) => !failed.includes(check) && hasReason(check))
  const width = Math.max(...result.steps.map(({ id }) => id.length))
  const lines = [
    `${paint('bold', plain(result.submission.name))}  ${totalWords(result)}`,
    ...result.steps.flatMap((step) => [
      stepLine(step, width, paint),
      ...step.checks.map((check) => checkLine(check, width, paint)),
    ]),
    ...[...failed, ...others].flatMap((check) => [
      '',
      ...reasonLines(check, paint, style),
      ...mapLines(pictures.get(check.id), style),
    ]),
  ]
  const causes = blockedByCause(grade)
  if (causes.length > 0) lines.push('')
  for (const { why, checks: ids } of causes)
    lines.push(...wrap('blocked   ', `${why}: ${ids.join(', ')}`, style))
  const pending = checks.filter((check) => check.pending)
  if (pending.length > 0) lines.push('', ...pending.flatMap((check) => pendingLines(check, style)))
  if (failed.length > 0 && endings.length > 0) lines.push('', ...endingLines(endings, style))
  if (changedLibrary.length > 0) {
    const told = `${changedLibrary.join(', ')} differ from the lab's; the lab's were used`
    lines.push('', ...wrap('library   ', told, style))
  }
  lines.push('', paint('dim', `${' '.repeat(INDENT)}sandbox   ${isolationWords(result.isolation)}`))
  lines.push(...errors.flatMap((stack) => ['', paint('red', stack)]))
  return `${lines.join('\n')}\n`
}
/** @param width  of the longest step's id */
function stepLine(step: ResultStep, width: number, paint: Paint): string {
  const { checks, score, maxScore, pending } = step
  const name = `step ${step.id.padEnd(width)}`
  const title = `${step.title}${step.extra ? ' (extra)' : ''}`
  if (checks.length === 0) return paint('dim', `  -     ${name}           ${title}, not graded`)
  const passed = checks.filter(({ verdict }) => verdict === 'pass').length
  const sum = `${String(rounded(score)).padStart(3)}/${String(rounded(maxScore)).padEnd(3)}`
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
const awaited = (pending: number): string => (pending > 0 ? `, ${awaitWords(pending)}` : '')
/** The verdict in a word: what only a person has still to look at is not blocked by anything. */
export const verdictWord = ({ verdict, pending }: ResultCheck): string => (pending ? 'waits' : verdict)
const VERDICT_COLOURS = { pass: 'green', fail: 'red', blocked: 'yellow', error: 'red' } as const
/** Its verdict and its points stand below those of the step. */
function checkLine(check: ResultCheck, width: number, paint: Paint): string {
  const verdict = verdictWord(check).padEnd('step '.length + width + 2)
  const worth =
    check.maxPoints > 0 ? `${String(rounded(check.points)).padStart(3)}/${rounded(check.maxPoints)}` : ''
  return `        ${paint(VERDICT_COLOURS[check.verdict], verdict)}${worth.padEnd(9)}${check.id}${check.override ? ', decided' : ''}`
}
/** What blocks checks, each cause once, in the order of the first check that it blocks. */
export function blockedByCause({ result, blocked }: Grade): { why: string; checks: string[] }[] {
  const ids = result.steps.flatMap((step) => step.checks.map(({ id }) => id)).filter((id) => blocked.has(id))
  return [...Map.groupBy(ids, (id) => blocked.get(id)!)].map(([why, checks]) => ({ why, checks }))
}
function reasonLines(check: ResultCheck, paint: Paint, style: Style): string[] {
  const { id, verdict, maxPoints } = check
  const part = check.points > 0 ? `${rounded(check.points)} of ` : ''
  const worth = maxPoints > 0 ? ` (${part}${pointsWord(maxPoints)})` : ''
  return [
    `  ${paint(VERDICT_COLOURS[verdict], verdict)}  ${paint('bold', id)}${worth}`,
    ...reasonParts(check).flatMap(([name, text]) => wrap(name.padEnd(10), text, style)),
  ]
}
/** Is there more to say of it than its verdict? Why others are blocked is told together. */
export const hasReason = ({ verdict, observed, override }: ResultCheck): boolean =>
  override !== undefined || (verdict !== 'blocked' && observed !== undefined)
/** What is said of a check, each part with its name. */
export function reasonParts(check: ResultCheck): (readonly [name: string, text: string])[] {
  const { claim, expected, observed, hint, override } = check
  const decided = override && overrideWords(override)
  return Object.entries({ claim, expected, observed, hint, decided }).flatMap(([name, text]) =>
    text ? [[name, text] as const] : [],
  )
}
/** `by ann: the log shows it (the checks gave 3)` */
export const overrideWords = ({
  by,
  reason: why,
  points: given,
  pending,
}: NonNullable<ResultCheck['override']>): string =>
  `by ${by}: ${why} (the checks gave ${rounded(given)}${awaited(pending)})`
const pendingLines = ({ id, observed = '', pending = 0 }: ResultCheck, style: Style): string[] =>
  wrap('waits     ', `${id} (${pointsWord(pending)}) ${observed}`, style)
/** Scenarios that ended in the same way are one line. */
function endingLines(endings: Grade['endings'], style: Style): string[] {
  const byWords = Map.groupBy(endings, ({ words }) => words)
  const names = (list: Grade['endings']): string => list.map(({ scenario }) => scenario).join(', ')
  return [...byWords].flatMap(([words, list]) => wrap('ended     ', `${names(list)}: ${words}`, style))
}
const INDENT = 8
/** Words wrapped to the width, indented behind `head`. A longer word stays whole. */
function wrap(head: string, text: string, { width }: Style): string[] {
  const indent = ' '.repeat(INDENT)
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

/** So many marked rows, or ranges, of a map are shown. */
const ROWS_SHOWN = 4
/** As wide as the addresses of the rows on a lab's screen. */
const MARGIN = 12
/** Of each map the part with marked pages: a line of carets, or an arrow, marks them without colour too. */
function mapLines(picture: Picture | undefined, style: Style): string[] {
  if (!picture) return []
  const { physical, spaces } = picture
  const maps = [
    { title: 'physical memory', map: physical },
    ...spaces.map(({ name, map }) => ({ title: `address space ${name}`, map })),
  ]
  return maps.flatMap(({ title, map }) => {
    const lines = map.rows.length > 0 ? rowLines(map, style) : rangeLines(map, style)
    return lines.length > 0
      ? [...wrap('map       ', `${title}, ${pictureWords(picture)}`, style), ...lines]
      : []
  })
}
/** Which state of which run it is. */
export const pictureWords = ({ scenario, label }: Picture): string =>
  `scenario ${scenario}, ${label === undefined ? 'at its end' : `at "${label}"`}`
function rowLines(map: MemoryMap, style: Style): string[] {
  const marked = map.rows.filter(({ cells }) => cells.some((cell) => cell.marked))
  const lines = marked.slice(0, ROWS_SHOWN).flatMap((row) => {
    const address = `   ${rowAddress(row)} `
    const carets = row.cells.map((cell) => (cell.marked ? '^' : ' ')).join('')
    // a longer address has a line of its own
    const head = address.length > MARGIN ? [address.trimEnd(), ' '.repeat(MARGIN)] : [address]
    const letters = cellRuns(row.cells).map(({ text, cell }) => painted(text, cell, style))
    const before = head.slice(0, -1)
    return [
      ...before,
      `${head.at(-1)}${letters.join('')}`.trimEnd(),
      `${' '.repeat(MARGIN)}${carets}`.trimEnd(),
    ]
  })
  const more = marked.length - ROWS_SHOWN
  if (more > 0) lines.push(`${' '.repeat(MARGIN)}and so in ${more} more ${more === 1 ? 'row' : 'rows'}`)
  const told = markedWords(map, ROWS_SHOWN)
  return told ? [...lines, ...wrap(' '.repeat(MARGIN - INDENT), told, style)] : lines
}
/** `0x040000`, as on a lab's screen. */
export const rowAddress = ({ address }: MapRow): string =>
  `0x${address.toString(16).toUpperCase().padStart(6, '0')}`
/** Neighbours that look the same, together. */
export function cellRuns(cells: readonly Cell[]): { text: string; cell: Cell }[] {
  const runs: { text: string; cell: Cell }[] = []
  for (const cell of cells) {
    const last = runs.at(-1)
    if (last && alike(last.cell, cell)) last.text += cell.letter
    else runs.push({ text: cell.letter, cell })
  }
  return runs
}
const alike = (a: Cell, b: Cell): boolean =>
  a.letter === b.letter && a.user === b.user && a.shared === b.shared && a.marked === b.marked
const PROCESS_COLOURS = ['red', 'green', 'blue', 'yellow', 'white'] as const
function painted(text: string, { letter, user, shared }: Cell, { colour }: Style): string {
  if (!colour || letter === ' ') return text
  const pid = processOf(letter)
  const hue = letter === 'K' ? 'magenta' : pid > 0 ? PROCESS_COLOURS[(pid - 1) % 5]! : 'white'
  const bright = letter === 'K' || pid > 0
  const shade = bright && !shared ? (`${hue}Bright` as const) : hue
  return styleText(user ? [shade, 'inverse'] : [shade], text, { validateStream: false })
}
/** The marked ranges, each with its neighbours. */
function rangeLines({ ranges }: MemoryMap, style: Style): string[] {
  const marked = [...ranges.keys()].filter((at) => ranges[at]!.marked)
  const near = new Set(marked.slice(0, ROWS_SHOWN).flatMap((at) => [at - 1, at, at + 1]))
  const line = (range: MapRange): string[] => wrap(range.marked ? '> ' : '  ', rangeWords(range), style)
  const lines = ranges.filter((_, at) => near.has(at)).flatMap(line)
  const more = marked.length - ROWS_SHOWN
  return more > 0 ? [...lines, ...wrap('  ', `and ${more} more marked`, style)] : lines
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
    case 'stall':
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
      const head = `${paint('bold', plain(result.submission.name))}  ${totalWords(result)}`
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
    const sum = `${rounded(result.score + result.extraCredit)}/${rounded(result.maxScore)}`.padStart(7)
    const wait = (result.pending > 0 ? String(rounded(result.pending)) : '').padStart(7)
    const cells = [
      ...(waits ? [paint('yellow', wait)] : []),
      ...worth.map((at) => stepCell(result.steps[at]!, paint)),
    ]
    const submission = cut(plain(result.submission.name), name).padEnd(name)
    return [submission, paint('bold', sum), ...cells, ` ${cut(reason(result), room)}`].join(' ').trimEnd()
  }
  const head = ['submission'.padEnd(name), ...titles, ' first reason'].join(' ')
  const levels = [...new Set(results.map(({ isolation }) => isolationWords(isolation)))].sort()
  const foot = [
    ...(waits ? [paint('dim', 'waits: points that await a reader, see --sheet and --points')] : []),
    paint('dim', `sandbox: ${levels.join(', ')}`),
  ]
  const top = [paint('dim', `${lab}, rubric ${rubric.version}`), paint('bold', head)]
  return `${[...top, ...results.map(line), ...foot].join('\n')}\n`
}
const stepTitle = ({ id }: ResultStep): string => (id.length > 2 ? id : `step ${id}`)
function stepCell({ score, maxScore, pending }: ResultStep, paint: Paint): string {
  const text = `${rounded(score)}/${rounded(maxScore)}`.padStart(7)
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
