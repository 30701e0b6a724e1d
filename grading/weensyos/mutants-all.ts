// `node grading/weensyos/mutants-all.ts [--seed N] [ID...]`: grades all mutants and designs (or the mutants named), tells which checks
// each mutant fails, and at the end how many mutants each check catches. Exit code 1 if a mutant fails other checks than it
// must, or a design has not full marks. What mutants must fail is said for the public seed; a few differ with others.

import { argv } from 'node:process'
import { parseArgs } from 'node:util'
import { edited, type Grade, PUBLIC_SEED, withVerdict } from '@pagewalk/grader'
import { checks } from './checks.ts'
import { type Design, designs } from './designs/index.ts'
import { inParallel } from './in-parallel.ts'
import { type Mutant, mutants } from './mutants/index.ts'
import { gradeKernel, reference } from './try-kernels.ts'

const scoreOf = ({ result }: Grade): string =>
  `${String(result.score).padStart(3)} +${String(result.extraCredit).padEnd(2)}`

export interface Judged {
  /** Ids of the checks that it failed. */
  readonly failed: readonly string[]
  /** Those that it must fail, and no others? */
  readonly exact: boolean
  readonly graded: Grade
}
export async function judge({ id, edits, mustFail }: Mutant, seed: number = PUBLIC_SEED): Promise<Judged> {
  const graded = await gradeKernel(id, edited(reference, edits, id), { seed })
  const failed = [...withVerdict(graded, 'fail'), ...withVerdict(graded, 'error')]
  const exact = JSON.stringify(failed.toSorted()) === JSON.stringify([...mustFail].sort())
  return { failed, exact, graded }
}
function report({ id, name, mustFail }: Mutant, { failed, exact, graded }: Judged): void {
  console.log(`${exact ? 'ok  ' : 'DIFF'} ${id.padEnd(6)} ${scoreOf(graded)}  ${failed.join(' ')}  (${name})`)
  if (!exact) console.log(`            must fail: ${mustFail.join(' ')}`)
}
/** For each check how many mutants it catches; the last line names those that none exercises. */
function reportChecks(judged: readonly Judged[]): void {
  const caught = Map.groupBy(
    judged.flatMap(({ failed }) => failed),
    (id) => id,
  )
  for (const { id } of checks) console.log(`${String(caught.get(id)?.length ?? 0).padStart(4)}  ${id}`)
  const idle = checks.map(({ id }) => id).filter((id) => !caught.has(id))
  console.log(`checks that no mutant exercises: ${idle.join(', ') || 'none'}`)
}
async function isFull({ name, edits }: Design, seed: number): Promise<boolean> {
  const graded = await gradeKernel(name, edited(reference, edits, name), { seed })
  const { score, maxScore, extraCredit, maxExtraCredit } = graded.result
  const full = score === maxScore && extraCredit === maxExtraCredit
  console.log(`${full ? 'ok  ' : 'DIFF'} ${scoreOf(graded)}  ${name}`)
  return full
}

if (import.meta.main) {
  const { values, positionals: wanted } = parseArgs({
    args: argv.slice(2),
    options: { seed: { type: 'string', default: String(PUBLIC_SEED) } },
    allowPositionals: true,
  })
  const seed = Number(values.seed)
  const all = wanted.length === 0
  const chosen = mutants.filter(({ id }) => all || wanted.includes(id))
  const judged = await inParallel(chosen, async (mutant) => {
    const one = await judge(mutant, seed)
    report(mutant, one)
    return one
  })
  const right = judged.filter(({ exact }) => exact).length
  const tried = await inParallel(all ? designs : [], (design) => isFull(design, seed))
  if (all) reportChecks(judged)
  console.log(`${right} of ${judged.length} mutants fail exactly the checks they must`)
  if (all) console.log(`${tried.filter(Boolean).length} of ${designs.length} designs have full marks`)
  process.exitCode = right === judged.length && tried.every(Boolean) ? 0 : 1
}
