// A class for benches: of both labs, right, wrong, hostile and broken in equal parts, no two the same.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Lab, sampleSubmissions } from '@pagewalk/grader'
import { nautilus } from '@pagewalk/grading-nautilus-aspace'
import { students as nautilusStudents } from '@pagewalk/grading-nautilus-aspace/students'
import { weensyos } from '@pagewalk/grading-weensyos'
import { students as weensyosStudents } from '@pagewalk/grading-weensyos/students'
import { ATTACKS, RUINS } from './hostile.ts'

type Files = { readonly [name: string]: string | Uint8Array | undefined }

const LABS: readonly {
  readonly lab: Lab
  readonly right: readonly Files[]
  readonly wrong: readonly Files[]
}[] = [
  { lab: weensyos, ...weensyosStudents },
  { lab: nautilus, ...nautilusStudents },
]
const KINDS = ['right', 'wrong', 'hostile', 'broken'] as const

/** Writes `count` submissions as folders into `dir`. */
export function writeClass(dir: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const { lab, right, wrong } = LABS[i % LABS.length]!
    const kind = KINDS[Math.floor(i / LABS.length) % KINDS.length]!
    const turn = Math.floor(i / (LABS.length * KINDS.length))
    const files = {
      right: () => right[turn % right.length]!,
      wrong: () => wrong[(turn * 7) % wrong.length]!,
      hostile: () => appended(lab, ATTACKS[turn % ATTACKS.length]!),
      broken: () => ({ ...handedOut(lab), [lab.files[0]!]: RUINS[turn % RUINS.length] }),
    }[kind]()
    write(join(dir, `s${String(i).padStart(3, '0')}-${kind}`), files, `\n// ${i}\n`)
  }
}
/** @param signature  makes a file like no other */
function write(folder: string, files: Files, signature: string): void {
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(files))
    if (content !== undefined)
      writeFileSync(
        join(folder, name),
        typeof content === 'string' && name.endsWith('.ts') ? content + signature : content,
      )
}
const appended = (lab: Lab, attack: string): Files => {
  const files = handedOut(lab)
  const [first = ''] = lab.files
  return { ...files, [first]: `${files[first]}\n${attack}\n` }
}
const handedOut = (lab: Lab): { readonly [name: string]: string } =>
  Object.fromEntries(sampleSubmissions(lab).find(({ name }) => name === 'handed-out')?.files ?? [])
