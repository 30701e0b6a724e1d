// Processes that go where they may not: each must have been stopped there, and nobody else.

import { type Evidence, type Finding, fail, pass } from '@pagewalk/grader'
import { hex } from './os.ts'
import type { GradedBoot } from './probes/boot.ts'
import { parametersOf } from './programs.ts'
import { os } from './troubles.ts'

const PAGE_FAULT = 14
const HOW = ['read', 'write', 'jump to'] as const

export function stopped(evidence: Evidence, scenario: 'trespass-kernel' | 'trespass-foreign'): Finding {
  const run = os(evidence, scenario)
  const expected =
    'a page fault at the address that was not allowed, the process never heard of again, the others alive'
  const hint =
    'What in the page tables stops ring 3 here, and what does your handler do with the one who was stopped?'
  const { programs } = evidence.scenario(scenario).boot as GradedBoot
  for (const [slot, program] of programs.slice(0, 4).entries()) {
    if (!program.name.startsWith('p-trespass')) continue
    const [how, address] = parametersOf(program)
    const pid = slot + 1
    const space = run.space(pid)
    const what = `process ${pid} tried to ${HOW[Number(how)]} ${hex(address!)}`
    if (run.faults.some((fault) => fault.vector === PAGE_FAULT && fault.address === address)) continue
    const shows = space && run.show(space, address! & ~0xfffn)
    const observed = `${what} and was not stopped; ${run.ending}`
    return fail({ expected, observed, hint, ...(shows && { shows }) })
  }
  return run.finished ? pass : fail({ expected, observed: `after the faults: ${run.ending}`, hint })
}
