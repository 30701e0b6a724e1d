// `node grading/weensyos/mutants-all.ts [ID...]`: grades all mutants (or those named) and tells which checks each one
// fails. Exit code 1 if any fails other checks than it must.

import { argv } from 'node:process'
import { edited } from './edits.ts'
import { type Mutant, mutants } from './mutants.ts'
import { gradeKernel, reference, withVerdict } from './try-kernels.ts'

const wanted = argv.slice(2)
const chosen = mutants.filter(({ id }) => wanted.length === 0 || wanted.includes(id))

async function judge(mutant: Mutant): Promise<boolean> {
  const graded = await gradeKernel(mutant.id, edited(reference, mutant.edits, mutant.id))
  const failed = [...withVerdict(graded, 'fail'), ...withVerdict(graded, 'error')]
  const exact = JSON.stringify([...failed].sort()) === JSON.stringify([...mutant.mustFail].sort())
  const { score } = graded.result
  console.log(
    `${exact ? 'ok  ' : 'DIFF'} ${mutant.id.padEnd(6)} ${String(score).padStart(3)}  ${failed.join(' ')}`,
  )
  if (!exact) console.log(`             must fail: ${mutant.mustFail.join(' ')}`)
  return exact
}

const exact: boolean[] = []
for (const mutant of chosen) exact.push(await judge(mutant))
const right = exact.filter(Boolean).length
console.log(`${right} of ${exact.length} mutants fail exactly the checks they must`)
process.exitCode = right === exact.length ? 0 : 1
