// Markdown for people, as $GITHUB_STEP_SUMMARY takes it. Texts of students show as they are: nothing in them is markup.
// Source: GitHub Docs, Workflow commands for GitHub Actions, "Adding a job summary": at most 1 MiB for a step.

import { type Result, type ResultStep, rounded, totalWords } from '@pagewalk/grader'
import type { Format } from '../format.ts'
import { accountOf, failuresIn, type Item, labelOf, reasonsOf, type Standing } from '../items.ts'
import { notGraded, type Outcome, toldOf } from '../outcome.ts'
import { type Cut, fitted } from '../text.ts'

const BYTES_LIMIT = 1 << 20
/** So many submissions are listed; a longer list says how many more there are. */
const ROWS_LIMIT = 1000

export const markdown: Format = {
  name: 'markdown',
  describe: 'Markdown for a job summary on GitHub: a table for each step, what failed and why',
  many: true,
  write: (outcomes) => {
    const told = outcomes.map(toldOf)
    return fitted(BYTES_LIMIT, (cut) => fileOf(told, cut))
  },
}

const fileOf = (outcomes: readonly Outcome[], cut: Cut): string =>
  [
    ...(outcomes.length > 1 ? overview(outcomes, cut) : []),
    // without texts, a section says no more than the overview
    ...(outcomes.length > 1 && cut.bare ? [] : outcomes.map((outcome) => section(outcome, cut))),
    ...(cut.note ? [`*${cut.note}*\n`] : []),
  ].join('\n')

function overview(outcomes: readonly Outcome[], cut: Cut): string[] {
  const row = (told: Outcome): string => {
    const sum = 'trouble' in told ? 'not graded' : totalWords(told.result)
    return `| ${markup(cut.cut(told.name) || '…')} | ${sum} |\n`
  }
  const more = outcomes.length - ROWS_LIMIT
  return [
    `## ${outcomes.length} submissions\n`,
    `| submission | score |\n|---|---|\n${outcomes.slice(0, ROWS_LIMIT).map(row).join('')}`,
    ...(more > 0 ? [`and ${more} more\n`] : []),
  ]
}
function section(told: Outcome, cut: Cut): string {
  const name = markup(cut.cut(told.name))
  if ('trouble' in told) return `## ${name}: not graded\n\n${markup(cut.cut(notGraded(told.trouble)))}\n`
  const { result } = told
  const { items } = accountOf(result)
  const steps = result.steps.map((step) =>
    stepSection(
      step,
      items.filter((item) => item.step === step),
      cut,
    ),
  )
  return [`## ${name}: ${totalWords(result)}\n`, `${provenance(result)}\n`, ...steps].join('\n')
}
const provenance = ({ lab, rubric, seed, machine }: Result): string =>
  markup(
    `${lab}, rubric ${rubric.version}, seed ${seed}, machine state ${machine.stateHash.slice(0, 12) || 'none'}`,
  )

function stepSection(step: ResultStep, items: readonly Item[], cut: Cut): string {
  const { id, title, score, maxScore, extra } = step
  const points = `${rounded(score)}/${rounded(maxScore)}${extra ? ', extra credit' : ''}`
  const head = `### Step ${markup(id)}: ${markup(title)} (${points})\n`
  if (items.length === 0) return head
  const table = `| check | verdict | points |\n|---|---|---|\n${items.map((item) => row(item, cut)).join('')}`
  return [head, table, ...failuresIn(items).map((item) => details(item, cut))].join('\n')
}
const WORDS: { readonly [standing in Standing]: string } = {
  passed: '✅ passed',
  partial: '🟡 in part',
  failed: '❌ failed',
  blocked: '➖ not judged',
  waits: '⏳ awaits a reader',
  error: '⚠️ error of the grader',
}
function row({ check, standing }: Item, { cut }: Cut): string {
  const points = check.maxPoints > 0 ? `${rounded(check.points)}/${rounded(check.maxPoints)}` : ''
  const claim = markup(cut(check.claim))
  return `| **${markup(check.id)}** ${claim} | ${WORDS[standing]} | ${points} |\n`
}
/** HTML without a blank line in it, so that no Markdown is looked for inside. */
function details(item: Item, { cut }: Cut): string {
  const reasons = reasonsOf(item.check)
    .map(({ name, text }) => `<dt>${name}</dt><dd>${markup(cut(text)).replaceAll('\n', '<br>')}</dd>`)
    .join('')
  return `<details><summary>${markup(labelOf(item))}</summary><dl>${reasons}</dl></details>\n`
}

/** As text, in Markdown and in HTML: what could be markup is written as a character reference. */
const markup = (text: string): string => text.replace(/[&<>"'`*_~[\]\\|#!@]/g, (c) => `&#${c.charCodeAt(0)};`)
