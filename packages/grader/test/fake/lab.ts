// A whole lab in few lines: a real machine, a real kernel, two steps.

import { fileURLToPath } from 'node:url'
import { Machine } from '@pagewalk/machine'
import { fail, type Lab, pass, survey } from '../../src/index.ts'

const COUNT = 0x30000
const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

export const fake: Lab = {
  id: 'fake',
  title: 'The fake lab',
  files: ['kernel.ts'],
  bundle: {
    lib: path('lib'),
    entry: "export { boot } from './lib/boot.ts'",
    student: "export * from './kernel.ts'",
    modules: { '@pagewalk/machine/x86-64': fileURLToPath(import.meta.resolve('@pagewalk/machine/x86-64')) },
    exports: ['kernel', 'tick'],
  },
  machine: { memoryBytes: 1 << 20, instructionsPerSecond: 100_000, log: ['cr3', 'reset', 'stop'] },
  // the seed is where the second scenario begins to count
  scenarios: (seed) => [
    {
      id: 'short',
      boot: { first: 0 },
      plan: [
        { do: 'run', instructions: 1000 },
        { do: 'image', label: 'half' },
        { do: 'run', instructions: 1000 },
      ],
    },
    { id: 'long', boot: { first: 100 * seed }, plan: [{ do: 'run', instructions: 20_000 }] },
  ],
  checks: [
    {
      id: 'counts',
      claim: 'The word at COUNT grows with each call.',
      needs: [],
      run(evidence) {
        const [half, end] = [evidence.machine('short', 'half'), evidence.machine('short')].map((m) =>
          m.memory.read32(COUNT),
        )
        if (half! > 0 && end! > half!) return pass
        return fail({
          expected: 'a number that grows',
          observed: `${half}, then ${end}`,
          hint: 'Who counts?',
        })
      },
    },
    {
      id: 'keeps-up',
      claim: 'After many calls the count is that of the calls.',
      needs: ['counts'],
      run(evidence) {
        const { memory } = evidence.machine('long')
        const { first } = evidence.scenario('long').boot as { first: number }
        const [count, last] = [memory.read32(COUNT), memory.read32(COUNT + 8)]
        const calls = last - first + 1
        if (count === calls) return pass
        return fail({ expected: `${calls}`, observed: `${count}`, hint: 'Which call is not counted?' })
      },
    },
  ],
  rubric: {
    version: '1',
    steps: [
      { id: '1', title: 'Count', extra: false, checks: [{ check: 'counts', points: 6 }] },
      { id: '2', title: 'Keep counting', extra: false, checks: [{ check: 'keeps-up', points: 4 }] },
    ],
  },
  view(image) {
    const machine = Machine.fromImage(image)
    return survey(machine, {
      lab: 'fake',
      spaces: [{ id: 'kernel', name: 'Kernel', cr3: machine.registers().cr3 }],
      owner: (pn) => ({ owner: pn < 64 ? 'kernel' : 'free', refcount: pn < 64 ? 1 : 0 }),
    })
  },
  live: {
    programs: ['zero', 'hundred'],
    boot: (name) => ({ first: name === 'zero' ? 0 : 100 }),
    instructionsPerTick: 1000,
    keys: [],
  },
  starter: { files: { 'kernel.ts': { copy: path('kernel.ts') }, lib: { copy: path('lib') } } },
}
