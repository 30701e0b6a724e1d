// The sheet for whoever reads STATUS.md: each answer, and beside it what the machine has seen of the same matter.

import type { Evidence } from '@pagewalk/grader'
import { CHANGES, OVERLAPS } from './probes/places.ts'
import { hex, Probed } from './run.ts'
import { answersIn, QUESTIONS } from './status.ts'

/** Markdown. `evidence` may lack runs: then that is what the sheet says. */
export function sheet(evidence: Evidence, name: string): string {
  const answers = answersIn(evidence.file('STATUS.md') ?? '')
  const parts = QUESTIONS.map(({ heading, about }) => {
    const answer = answers.get(heading) ?? ''
    const quoted = answer === '' ? '_no answer_' : answer.replace(/^/gm, '> ')
    return `## ${heading}: ${about}\n\n${quoted}\n\n**The machine:** ${seen(evidence, heading)}\n`
  })
  return `# ${name}: reflection\n\n10 points: check id \`status-read\`.\n\n${parts.join('\n')}`
}
function seen(evidence: Evidence, heading: string): string {
  try {
    return EVIDENCE[heading]?.(evidence) ?? 'nothing'
  } catch (error) {
    return `no evidence (${(error as Error).message})`
  }
}

const statusWord = (status: number | undefined): string =>
  status === undefined ? 'not called' : status === 0 ? '0' : status === 1 ? '-1' : 'neither 0 nor -1'
const returned = (probed: Probed, tags: readonly string[]): string =>
  tags.map((tag) => `${tag}: ${statusWord(probed.status(tag))}`).join('; ')

/** Flushes between two notes: INVLPGs, and loads of CR3. */
function flushes(probed: Probed, from: string, to: string, n = 0): string {
  const [start, end] = [probed.time(from, n), probed.time(to, n)]
  if (start === undefined || end === undefined) return 'not reached'
  const between = probed.run.events.filter(({ time }) => time >= start && time <= end)
  const pages = between.flatMap((event) => (event.kind === 'invlpg' ? [event.address] : []))
  const loads = between.filter(({ kind }) => kind === 'cr3').length
  const shown = pages.slice(0, 3).map(hex).join(', ')
  return `${pages.length} INVLPG${pages.length > 0 ? ` (${shown}${pages.length > 3 ? ', ...' : ''})` : ''}, ${loads} loads of CR3`
}
/** What each change of the probes flushed. */
function flushesOfChanges(evidence: Evidence): string {
  const runs: [string, string][] = [
    ['removes', 'remove'],
    ['moves', 'move'],
    ['protects', 'protect'],
  ]
  return runs
    .map(([scenario, verb]) => {
      const probed = new Probed(evidence, scenario)
      const steps = CHANGES.map(({ name, pages, lazy }, i) => {
        const before = i === 0 ? undefined : `${verb} ${CHANGES[i - 1]!.name}`
        const told = before === undefined ? 'first' : flushes(probed, before, `${verb} ${name}`)
        return `${pages} pages ${lazy ? 'lazy' : 'eager'}: ${told}`
      })
      return `${verb}_region: ${steps.slice(1).join('; ')}`
    })
    .join('. ')
}

const EVIDENCE: { readonly [heading: string]: (evidence: Evidence) => string } = {
  '1': (evidence) => {
    const many = new Probed(evidence, 'many')
    const refused = many.notes('many').filter(([status]) => status !== 0n).length
    const [first, last] = [many.time('many'), many.time('many', 999)]
    const cost =
      first !== undefined && last !== undefined
        ? `; adding 999 of them took ${last - first} instructions of machine time`
        : ''
    return `of 1000 regions ${refused} were refused${cost}. ${many.ending}.`
  },
  '2a': (evidence) =>
    returned(
      new Probed(evidence, 'overlaps'),
      OVERLAPS.filter(({ taken }) => !taken).map(({ name }) => name),
    ),
  '2b': (evidence) =>
    `all regions of this probe have the same physical address. ${returned(
      new Probed(evidence, 'overlaps'),
      OVERLAPS.filter(({ taken }) => taken).map(({ name }) => name),
    )}`,
  '2c': (evidence) =>
    returned(new Probed(evidence, 'refusals'), [
      'move to another address',
      'move to another length',
      'move longer',
    ]),
  '2d': (evidence) =>
    returned(new Probed(evidence, 'refusals'), [
      'protect elsewhere',
      'protect other start',
      'protect longer',
    ]),
  '2e': flushesOfChanges,
  '2f': flushesOfChanges,
  '2g': (evidence) => `a read of a removed page: ${new Probed(evidence, 'removed-1').ending}.`,
}
