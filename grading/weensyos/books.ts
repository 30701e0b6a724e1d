// What the audit of physical memory (probes/audit.ts) has found, in words.

import type { Run } from '@pagewalk/grader'
import { hex, type Os, ownerWord } from './os.ts'
import { audit, WRONG, type Wrong } from './probes/audit.ts'
import type { Seen } from './troubles.ts'

const WORDS: ReadonlyMap<number, string> = new Map([
  [WRONG.lost, 'has an owner, but nobody maps it or walks through it'],
  [WRONG.free, 'is in use, but free by pageinfo'],
  [WRONG.count, 'has another reference count than uses'],
  [WRONG.owner, 'belongs to a process that does not use it'],
  [WRONG.shared, 'is used by two, and one of them can write it'],
  [WRONG.open, 'is a page table or the kernel’s, and is used for something else, too'],
])
const told = ([wrong, page, owner, refcount, uses]: Wrong): string => {
  const books = `owner ${ownerWord(refcount === 0 ? 0 : owner)}, refcount ${refcount}`
  return `physical page ${hex(page * 4096)} ${WORDS.get(wrong)} (${books}; ${uses} ${uses === 1 ? 'use' : 'uses'})`
}

/** At the end of a run. */
export function bookTrouble(run: Os): Seen | undefined {
  const wrong = audit(run.machine.memory.bytes)
  return wrong && { observed: `at the end ${told(wrong)}`, shows: run.showPages([wrong[1]]) }
}

/** After any event of an audited run: the first trouble. */
export function eventTrouble({ notes, scenario }: Run): Seen | undefined {
  const first = notes.find(({ tag }) => tag === 'wrong')
  if (!first) return undefined
  const [intno, ...words] = first.words.map((word) => Number(BigInt.asIntN(32, word)))
  const [wrong = 0, page = 0, owner = 0, refcount = 0, uses = 0] = words
  const event = intno === 0 ? 'the boot' : `an interrupt ${intno}`
  return { observed: `${scenario}: after ${event} ${told([wrong, page, owner, refcount, uses])}` }
}
