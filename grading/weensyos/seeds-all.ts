// `node grading/weensyos/seeds-all.ts [N]`: grades the reference and all designs with the seeds 1 to N (default 50). What is
// right has full marks with each of them: nothing that a seed chooses, and no order of pages or turns, may matter to a check.
// Exit code 1 if one loses points.

import { argv, exit } from 'node:process'
import { edited, type Grade, withVerdict } from '@pagewalk/grader'
import { type Design, designs } from './designs/index.ts'
import { inParallel } from './in-parallel.ts'
import { gradeKernel, reference } from './try-kernels.ts'

const count = Number(argv[2] ?? 50)
if (!Number.isInteger(count) || count < 1) {
  console.error(`seeds-all: expected how many seeds, 1 or more, got ${argv[2]}`)
  exit(2)
}
const seeds = Array.from({ length: count }, (_, index) => index + 1)

const isFull = ({ result }: Grade): boolean =>
  result.score === result.maxScore && result.extraCredit === result.maxExtraCredit
const scoreOf = ({ result }: Grade): string => `${result.score}+${result.extraCredit}`

/** Prints the scores seen, with how many seeds saw each. @returns were all full? */
async function judge({ name, edits }: Design): Promise<boolean> {
  const source = edited(reference, edits, name)
  const grades = await inParallel(seeds, (seed) => gradeKernel(name, source, { seed }))
  const scores = [...Map.groupBy(grades, scoreOf)].map(([score, { length }]) => `${score} (${length})`)
  const lost = grades.filter((grade) => !isFull(grade))
  console.log(`${lost.length === 0 ? 'ok  ' : 'LOST'} ${scores.join('  ').padEnd(16)} ${name}`)
  for (const grade of lost)
    console.log(`       seed ${grade.result.seed}: fails ${withVerdict(grade, 'fail').join(' ')}`)
  return lost.length === 0
}

const kernels: readonly Design[] = [{ name: 'the reference', edits: [] }, ...designs]
let full = 0
for (const design of kernels) if (await judge(design)) full += 1
console.log(`${full} of ${kernels.length} kernels have full marks with each of ${count} seeds`)
process.exitCode = full === kernels.length ? 0 : 1
