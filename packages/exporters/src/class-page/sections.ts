// The sections of a class's page. One that has nothing to say is left out.

import { awaitWords, type Html, html, NOTHING, type Part, pointsWord, rounded } from '@pagewalk/grader'
import { oneLine } from '../text.ts'
import { barChart } from './charts.ts'
import { countMistakes, type Mistake } from './counts.ts'
import { figuresOf, scoreBars, secondsWord, timeBars } from './distribution.ts'
import {
  type GradedMember,
  isGraded,
  isTroubled,
  type LabClass,
  type ToldMember,
  type TroubledMember,
  toldMembers,
} from './member.ts'
import { decisionsTable, membersTable, nameOf, stepsTable } from './tables.ts'

export interface Section {
  readonly id: string
  readonly title: string
  readonly body: Html
}

/** @param prefix  the beginning of their ids */
export function sectionsOf(lab: LabClass, prefix: string): Section[] {
  const members = toldMembers(lab)
  const graded = members.filter(isGraded)
  const troubled = members.filter(isTroubled)
  const parts: readonly (readonly [id: string, title: string, body: Html | undefined])[] = [
    ['points', 'Points', pointsBody(graded, troubled, prefix)],
    ['not-graded', 'Not graded, by our error', troublesBody(troubled)],
    ['checks', 'Steps and checks', graded.length > 0 ? stepsTable(graded) : undefined],
    ['mistakes', 'First mistakes', mistakesBody(graded)],
    ['decisions', 'Decisions of people', decisionsTable(graded)],
    ['late', 'Late', lateBody(members)],
    ['time', 'Time', timeBody(graded, prefix)],
    ['how', 'How it was graded', howBody(graded, lab.facts)],
    ['all', 'All submissions', membersTable(members)],
  ]
  return parts.flatMap(([id, title, body]) => (body ? [{ id: `${prefix}-${id}`, title, body }] : []))
}

export const countWord = (list: readonly unknown[]): string =>
  `${list.length} ${list.length === 1 ? 'submission' : 'submissions'}`
const facts = (list: readonly (readonly [term: string, value: Part])[]): Html =>
  html`<dl class="facts">${list.map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>\n`)}</dl>\n`
function pointsBody(graded: readonly GradedMember[], troubled: readonly TroubledMember[], id: string): Html {
  const left = troubled.length > 0 ? [['not graded', troubled.length] as const] : []
  if (graded.length === 0) return facts([['graded', 0], ...left])
  const accounts = graded.map(({ account }) => account)
  const { lowest, median, mean, highest } = figuresOf(accounts.map(({ score }) => score))
  const pending = graded.reduce((sum, { result }) => sum + result.pending, 0)
  const extra = graded.some(({ result }) => result.maxExtraCredit > 0)
  const title = `Points of ${countWord(graded)}`
  return html`${facts([
    ['graded', graded.length],
    ...left,
    ['median', rounded(median)],
    ['mean', rounded(mean)],
    ['lowest', rounded(lowest)],
    ['highest', rounded(highest)],
  ])}<figure><figcaption>${title}${extra ? ', with extra credit' : ''}</figcaption>
${barChart(`${id}-points-chart`, title, scoreBars(accounts))}
<p class="who">Who has as many points as a bar's upper end is in the next bar.${troubled.length > 0 ? ' Who could not be graded is in none.' : ''}</p></figure>
${pending > 0 ? html`<p>${awaitWords(pending)}, and until then count as 0.</p>\n` : NOTHING}`
}

const troublesBody = (troubled: readonly TroubledMember[]): Html | undefined =>
  troubled.length === 0
    ? undefined
    : html`<p>Through no fault of the students': they have no grade, and no zero. Grading again tries them again.</p>
<dl>${troubled.map((member) => html`<dt>${nameOf(member)}</dt><dd>${member.trouble}</dd>\n`)}</dl>
`

/** So many mistakes, ways of one, and names are told. */
const MOST = { mistakes: 12, shapes: 4, names: 4 }
function mistakesBody(graded: readonly GradedMember[]): Html | undefined {
  const mistakes = countMistakes(graded)
  if (mistakes.length === 0) return undefined
  const links = new Map(graded.map((member) => [member.name, nameOf(member)]))
  const rest = mistakes.slice(MOST.mistakes)
  const others = rest.map(({ check, names }) => `${check} (${names.length})`).join(', ')
  return html`<p>Of each submission the check that failed first; … stands for a number that differs.</p>
<ol class="mistakes">${mistakes.slice(0, MOST.mistakes).map((mistake) => mistakeHtml(mistake, links))}</ol>
${rest.length > 0 ? html`<p>And ${others}.</p>\n` : NOTHING}`
}
function mistakeHtml({ check, step, names, shapes }: Mistake, links: ReadonlyMap<string, Part>): Html {
  const ways = shapes
    .slice(0, MOST.shapes)
    .map(
      (way) =>
        html`<li>${way.shape} <span class="who">${way.names.length}: ${namesHtml(way.names, links)}</span></li>\n`,
    )
  const more = shapes.length - MOST.shapes
  return html`<li><strong>${check}</strong>, step ${step}: ${countWord(names)}
<ul>${ways}${more > 0 ? html`<li class="who">and ${more} other ways</li>\n` : NOTHING}</ul></li>
`
}
function namesHtml(names: readonly string[], links: ReadonlyMap<string, Part>): Part {
  const shown = names.slice(0, MOST.names).map((name, i) => [i > 0 ? ', ' : '', links.get(name) ?? name])
  return [shown, names.length > MOST.names ? ` and ${names.length - MOST.names} more` : '']
}

function lateBody(members: readonly ToldMember[]): Html | undefined {
  const late = members.filter((member) => member.late)
  if (late.length === 0) return undefined
  return html`<p>${countWord(late)}; nothing was taken off for it.</p>
<p>${late.map((member, i) => [i > 0 ? ', ' : '', nameOf(member)])}</p>
`
}

const SLOWEST = 5
function timeBody(graded: readonly GradedMember[], id: string): Html | undefined {
  const timed = graded.filter(({ milliseconds }) => milliseconds > 0)
  if (timed.length === 0) return undefined
  const times = timed.map(({ milliseconds }) => milliseconds)
  const { median, highest } = figuresOf(times)
  const slowest = timed.toSorted((a, b) => b.milliseconds - a.milliseconds).slice(0, SLOWEST)
  const known = graded.length - timed.length
  const title = `Time that grading took, of ${countWord(timed)}`
  return html`${facts([
    ['in all', secondsWord(times.reduce((sum, time) => sum + time, 0))],
    ['median', secondsWord(median)],
    ['longest', secondsWord(highest)],
  ])}<figure><figcaption>${title}</figcaption>
${barChart(`${id}-time-chart`, title, timeBars(times))}</figure>
<p>Slowest: ${slowest.map((member, i) => [i > 0 ? ', ' : '', nameOf(member), ` (${secondsWord(member.milliseconds)})`])}.${known > 0 ? ` ${known} more were known from before, and took no time.` : ''}</p>
`
}

function howBody(graded: readonly GradedMember[], others: LabClass['facts']): Html | undefined {
  if (graded.length === 0) return undefined
  const told = (title: string, value: (member: GradedMember) => string): readonly [string, string] => [
    title,
    valuesWords(graded.map(value)),
  ]
  return html`${facts([
    told('rubric', ({ result }) => result.rubric.version),
    told('seed', ({ result }) => String(result.seed)),
    told('isolation', ({ result }) => result.isolation.level),
    told('maximum', ({ result }) => pointsWord(result.maxScore)),
    ...others.map(([term, value]) => [oneLine(term), oneLine(value)] as const),
  ])}`
}
/** Each value, with how many have it if there are several. */
function valuesWords(values: readonly string[]): string {
  const groups = [...Map.groupBy(values, (value) => value)].sort(([, a], [, b]) => b.length - a.length)
  return groups.map(([value, list]) => (groups.length > 1 ? `${value} (${list.length})` : value)).join(', ')
}
