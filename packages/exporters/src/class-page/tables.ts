// The tables of a class's page.

import { awaitWords, type Html, html, type Part, rounded } from '@pagewalk/grader'
import { strip } from './charts.ts'
import { COUNTED, type Counts, countSteps, type StepCounts } from './counts.ts'
import { firstMistake, type GradedMember, isGraded, type ToldMember } from './member.ts'

const HEADS: { readonly [standing in (typeof COUNTED)[number]]: string } = {
  passed: 'pass',
  partial: 'partly',
  failed: 'fail',
  blocked: 'blocked',
  waits: 'waits',
}

export function stepsTable(graded: readonly GradedMember[]): Html {
  const rows = countSteps(graded).map((step) => [
    html`<tr class="step"><th scope="row">${stepTitle(step)}${strip(step.counts)}</th>${numbers(step.counts)}</tr>\n`,
    step.checks.map(
      ({ id, claim, counts }) =>
        html`<tr><th scope="row">${id}<span class="claim">${claim}</span>${strip(counts)}</th>${numbers(counts)}</tr>\n`,
    ),
  ])
  return html`<table class="counts"><caption>How many submissions stand where, by step and check</caption>
<thead><tr><th scope="col">step, check</th>${COUNTED.map((standing) => html`<th scope="col">${HEADS[standing]}</th>`)}</tr></thead>
<tbody>
${rows}</tbody></table>
<p class="who">Blocked: what the check needs failed, so nobody can tell. Waits: a person has still to give the points. The bars show the same numbers, in the same order.</p>
`
}
const stepTitle = ({ id, title, extra }: StepCounts): string =>
  `Step ${id}: ${title}${extra ? ' (extra credit)' : ''}`
const numbers = (counts: Counts): Html[] =>
  COUNTED.map((standing) =>
    counts[standing] > 0 ? html`<td>${counts[standing]}</td>` : html`<td class="none">0</td>`,
  )

export function decisionsTable(graded: readonly GradedMember[]): Html | undefined {
  const rows = graded.flatMap((member) =>
    member.account.items.flatMap(({ check: { id, override, points, maxPoints } }) =>
      override
        ? [
            html`<tr><th scope="row">${nameOf(member)}<span class="claim">${id}</span></th><td class="number">${rounded(points)}/${rounded(maxPoints)}</td><td class="number">${rounded(override.points)}</td><td>${override.reason} <span class="who">${override.by}</span></td></tr>\n`,
          ]
        : [],
    ),
  )
  if (rows.length === 0) return undefined
  return html`<table><caption>Where a person decided otherwise than a check</caption>
<thead><tr><th scope="col">submission, check</th><th scope="col" class="number">points</th><th scope="col" class="number">checks gave</th><th scope="col">why, and who</th></tr></thead>
<tbody>
${rows}</tbody></table>
`
}

export function membersTable(members: readonly ToldMember[]): Html {
  return html`<table><caption>All submissions, by name</caption>
<thead><tr><th scope="col">submission</th><th scope="col">points</th><th scope="col">first mistake, and what else is to know</th></tr></thead>
<tbody>
${members.map(memberRow)}</tbody></table>
`
}
function memberRow(member: ToldMember): Html {
  if (!isGraded(member)) return row(member, 'not graded', [member.trouble, lateWords(member)])
  const { result, account } = member
  const decided = account.items.filter(({ check }) => check.override).length
  return row(member, `${rounded(account.score)}/${rounded(account.maxScore)}`, [
    firstMistake(member)?.check.id ?? '',
    result.pending > 0 ? awaitWords(result.pending) : '',
    decided > 0 ? `${decided} decided by a person` : '',
    lateWords(member),
  ])
}
const lateWords = ({ late }: ToldMember): string => (late ? 'late' : '')
const row = (member: ToldMember, points: string, notes: readonly string[]): Html =>
  html`<tr><th scope="row">${nameOf(member)}</th><td>${points}</td><td>${notes.filter(Boolean).join('; ')}</td></tr>\n`
export const nameOf = ({ name, href }: ToldMember): Part =>
  href === undefined ? name : html`<a href="${href}">${name}</a>`
