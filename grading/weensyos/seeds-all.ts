// `node grading/weensyos/seeds-all.ts [N]`: grades the reference and all designs with the seeds 1 to N (default 50). What is
// right has full marks with each of them: nothing that a seed chooses, and no order of pages or turns, may matter to a check.
// Exit code 1 if one loses points.

import { argv, exit } from 'node:process'
import { edited, type Grade, withVerdict } from '@pagewalk/grader'
import { type Design, designs } from './designs/index.ts'
import { gradeKernel, reference } from './try-kernels.ts'

const SEEDS = Number(argv[2] ?? 50)
if (!Number.isInteger(SEEDS) || SEEDS < 1) {
  console.error(`seeds-all: expected how many seeds, 1 or more, got ${argv[2]}`)
  exit(2)
}
/** So many grades at a time: a grade is one busy process. */
const JOBS = 2

const isFull = ({ result }: Grade): boolean =>
  result.score === result.maxScore && result.extraCredit === result.maxExtraCredit
const scoreOf = ({ result }: Grade): string => `${result.score}+${result.extraCredit}`

/** One grade for each seed, seed 1 first. */
async function underAllSeeds({ name, edits }: Design): Promise<Grade[]> {
  const source = edited(reference, edits, name)
  const grades: Grade[] = []
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < SEEDS) {
      const at = next++
      grades[at] = await gradeKernel(name, source, { seed: at + 1 })
    }
  }
  await Promise.all(Array.from({ length: JOBS }, worker))
  return grades
}

function report(name: string, grades: readonly Grade[]): boolean {
  const scores = Map.groupBy(grades, scoreOf)
  const told = [...scores].map(([score, same]) => `${score} (${same.length})`).join('  ')
  const lost = grades.filter((grade) => !isFull(grade))
  console.log(`${lost.length === 0 ? 'ok  ' : 'LOST'} ${told.padEnd(16)} ${name}`)
  for (const grade of lost)
    console.log(`       seed ${grade.result.seed}: fails ${withVerdict(grade, 'fail').join(' ')}`)
  return lost.length === 0
}

const all: readonly Design[] = [{ name: 'the reference', edits: [] }, ...designs]
let full = 0
for (const design of all) if (report(design.name, await underAllSeeds(design))) full += 1
console.log(`${full} of ${all.length} kernels have full marks with each of ${SEEDS} seeds`)
process.exitCode = full === all.length ? 0 : 1
