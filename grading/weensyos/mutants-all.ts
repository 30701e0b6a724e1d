// `node grading/weensyos/mutants-all.ts [ID...]`: grades all mutants and designs (or the mutants named), tells which
// checks each mutant fails. Exit code 1 if one fails other checks than it must, or a design has not full marks.

import { argv } from 'node:process'
import { edited, withVerdict } from '@pagewalk/grader'
import { designs } from './designs/index.ts'
import { type Mutant, mutants } from './mutants.ts'
import { gradeKernel, reference } from './try-kernels.ts'

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

let full = 0
for (const { name, edits } of wanted.length === 0 ? designs : []) {
  const { result } = await gradeKernel(name, edited(reference, edits, name))
  console.log(`${result.score === 100 ? 'ok  ' : 'DIFF'} ${String(result.score).padStart(3)}  ${name}`)
  if (result.score === 100) full += 1
}
if (wanted.length === 0) console.log(`${full} of ${designs.length} designs have full marks`)
process.exitCode = right === exact.length && (wanted.length > 0 || full === designs.length) ? 0 : 1
