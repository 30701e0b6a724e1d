// The Nautilus paging lab as the grader is handed it. Mutants and designs are not reached from here; of the reference, only
// the folder is named, as a sample.

import { fileURLToPath } from 'node:url'
import type { Lab } from '@pagewalk/grader'
import { machineOptions } from '@pagewalk/nautilus-aspace'
import { checks } from './checks.ts'
import { rubric } from './rubric.ts'
import { SAMPLES } from './samples.ts'
import { scenarios } from './scenarios.ts'
import { EXPECTS, LEGEND } from './screen-words.ts'
import { sheet } from './sheet.ts'
import { view } from './view.ts'

const path = (specifier: string): string => fileURLToPath(import.meta.resolve(specifier))
const folder = (specifier: string): string => fileURLToPath(new URL('.', import.meta.resolve(specifier)))

const lib = folder('@pagewalk/nautilus-aspace')

export const nautilus: Lab = {
  id: 'nautilus',
  title: 'Nautilus paging lab',
  files: ['paging.ts', 'shell.ts', 'STATUS.md'],
  bundle: {
    lib,
    entry: "export { boot } from 'probes/boot.ts'",
    student: "export { pagingImpl } from './paging.ts'; export { shell } from './shell.ts'",
    trusted: {
      'probes/': fileURLToPath(new URL('probes', import.meta.url)),
      '@pagewalk/nautilus-aspace/lib/': lib,
    },
    modules: { '@pagewalk/machine/x86-64': path('@pagewalk/machine/x86-64') },
    exports: ['pagingImpl{}', 'shell'],
  },
  machine: {
    ...machineOptions,
    cpus: 2,
    log: ['fault', 'cr0', 'cr3', 'invlpg', 'ipi', 'reset'],
    eventLimit: 8000, // a right kernel's scenarios have 2000 at most; one that flushes page by page has 45,000
  },
  scenarios: () => scenarios,
  checks,
  rubric,
  samples: SAMPLES,
  sheet,
  view,
  ended: ({ notes, stop }) =>
    notes.some(({ tag }) => tag === 'end') ||
    (stop.reason === 'panic' && notes.some(({ tag }) => tag === 'trying')),
  live: {
    programs: ['root-shell'],
    boot: (program) => ({ shells: [program] }),
    instructionsPerTick: machineOptions.instructionsPerSecond / 100,
    keys: [],
    typing: true,
    ready: '> ',
    boots: 3,
    legend: LEGEND,
    expects: EXPECTS,
  },
  starter: {
    files: {
      ...Object.fromEntries(
        ['paging.ts', 'shell.ts', 'STATUS.md', 'README.md'].map((name) => [
          name,
          { copy: fileURLToPath(new URL(`../${name}`, import.meta.resolve('@pagewalk/nautilus-aspace'))) },
        ]),
      ),
      lib: { copy: lib },
    },
  },
}
