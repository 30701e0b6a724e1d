// How many guest instructions per second the evaluator runs, by phases of the guest.
//
//     node packages/machine/bench/mips.ts [guest]
//
// A guest is a static Linux program that only writes single letters, one before each phase, and exits. Seconds are CPU
// seconds of this process, threads of the compiler included.

import { readFileSync } from 'node:fs'
import { UserSpace } from '../test/cpu/user-space.ts'

const OWN_GUEST = new URL('guest.elf', import.meta.url)

interface Mark {
  text: string
  seconds: number
  retired: number
}
const cpuSeconds = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}
const line = (name: string, from: Mark, to: Mark): string => {
  const seconds = to.seconds - from.seconds
  const mips = (to.retired - from.retired) / seconds / 1e6
  return `${name.padEnd(5)} ${seconds.toFixed(3).padStart(8)} s ${mips.toFixed(1).padStart(7)} million instructions/s`
}

const space = new UserSpace(16 << 20)
space.load(readFileSync(process.argv[2] ?? OWN_GUEST))
const marks: Mark[] = [{ text: '', seconds: cpuSeconds(), retired: 0 }]
const retired = space.finish((text, count) => marks.push({ text, seconds: cpuSeconds(), retired: count }))
const phases = marks.filter((m) => /^[a-hZ]$/.test(m.text))
for (let i = 1; i < phases.length && phases[i - 1]?.text < phases[i]?.text; i++)
  console.log(line(`${phases[i - 1]?.text}..${phases[i]?.text}`, phases[i - 1]!, phases[i]!))
console.log(line('all', marks[0]!, { text: '', seconds: cpuSeconds(), retired }))
console.log(`${retired} instructions, output ${JSON.stringify(marks.map((m) => m.text).join(''))}`)
