// `node grading/nautilus-aspace/mutants-all.ts [ID...]`: grades all mutants and designs (or the mutants named), tells
// which checks each mutant fails, and which checks no mutant fails. Exit code 1 if one fails other checks than it must,
// or a design has not full marks.

import { availableParallelism } from 'node:os'
import { argv } from 'node:process'
import { type Edit, edited, type Grade, withVerdict } from '@pagewalk/grader'
import { checks } from './checks.ts'
import { designs } from './designs/index.ts'
import { type Mutant, mutants } from './mutants/index.ts'
import { type Files, gradeFiles, sampleFiles } from './try-submissions.ts'

const wanted = argv.slice(2)
const bases = { plain: sampleFiles('reference'), extra: sampleFiles('with-extra-credit') }

/** A sample with one of its files edited. */
export function changed(base: Files, file: string, edits: readonly Edit[], name: string): Files {
  return { ...base, [file]: edited(base[file] ?? '', edits, name) }
}
export const filesOf = ({ id, edits, file = 'paging.ts', extra }: Mutant): Files =>
  changed(extra ? bases.extra : bases.plain, file, edits, id)

/** Ids of the checks that a mutant fails. Extra credit that is not attempted is no mistake. */
export async function failedBy(
  mutant: Mutant,
): Promise<{ readonly failed: readonly string[]; readonly graded: Grade }> {
  const graded = await gradeFiles(mutant.id, filesOf(mutant))
  const extras = graded.result.steps.find(({ id }) => id === 'extra')?.checks.map(({ id }) => id) ?? []
  const failed = [...withVerdict(graded, 'fail'), ...withVerdict(graded, 'error')].filter(
    (id) => mutant.extra || !extras.includes(id),
  )
  return { failed, graded }
}
async function judge(mutant: Mutant): Promise<{ exact: boolean; failed: readonly string[] }> {
  const { failed, graded } = await failedBy(mutant)
  const exact = JSON.stringify([...failed].sort()) === JSON.stringify([...mutant.mustFail].sort())
  const { score, extraCredit } = graded.result
  const sum = `${String(score).padStart(5)} ${String(extraCredit).padStart(4)}`
  console.log(
    `${exact ? 'ok  ' : 'DIFF'} ${mutant.id.padEnd(5)} ${sum}  ${failed.join(' ')}  (${mutant.name})`,
  )
  if (!exact) console.log(`           must fail: ${mutant.mustFail.join(' ')}`)
  return { exact, failed }
}
async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await work(items[at]!)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return results
}

if (import.meta.main) {
  const chosen = mutants.filter(({ id }) => wanted.length === 0 || wanted.includes(id))
  const judged = await inParallel(chosen, judge)
  const right = judged.filter(({ exact }) => exact).length
  console.log(`${right} of ${judged.length} mutants fail exactly the checks they must`)
  const caught = new Set(judged.flatMap(({ failed }) => failed))
  const idle = checks.map(({ id }) => id).filter((id) => !caught.has(id))
  if (wanted.length === 0) console.log(`checks that no mutant fails: ${idle.join(', ') || 'none'}`)

  const tried = await inParallel(wanted.length === 0 ? designs : [], async ({ name, change }) => {
    const { result } = await gradeFiles(name, {
      ...bases.plain,
      'paging.ts': change(bases.plain['paging.ts'] ?? ''),
    })
    const full = result.score + result.pending === result.maxScore
    console.log(`${full ? 'ok  ' : 'DIFF'} ${String(result.score).padStart(5)}  ${name}`)
    return full
  })
  if (wanted.length === 0)
    console.log(`${tried.filter(Boolean).length} of ${designs.length} designs have full marks`)
  process.exitCode = right === judged.length && tried.every(Boolean) ? 0 : 1
}
