// The WeensyOS lab as the grader is handed it. Hidden parts (mutants, designs) are not reached from here.

import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Lab } from '@pagewalk/grader'
import { COMMANDS, machineOptions } from '@pagewalk/weensyos'
import { loadPrograms } from '@pagewalk/weensyos/programs/node.ts'
import { checks } from './checks.ts'
import { INSTRUCTIONS_PER_TICK, LAST_TICKS_ADDR, SHOWING_ADDR } from './layout.ts'
import { EXPECTS, LEGEND } from './map-words.ts'
import { endedByProgram } from './os.ts'
import { rubric } from './rubric.ts'
import { scenarios } from './scenarios.ts'
import { view } from './view.ts'

const path = (specifier: string): string => fileURLToPath(import.meta.resolve(specifier))
const folder = (specifier: string): string => fileURLToPath(new URL('.', import.meta.resolve(specifier)))

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const lib = folder('@pagewalk/weensyos')
/**
 * What is wrong in one thing each, and between them by name the handed-out kernel and the reference. In the package that
 * students install only the handed-out kernel is there.
 */
const samples = new Map([
  ...foldersIn(here('samples')).map((name): [string, string] => [name, join(here('samples'), name)]),
  ['handed-out', dirname(path('@pagewalk/weensyos/kernel'))],
  ...(existsSync(here('reference')) ? [['reference', here('reference')] as const] : []),
])
function foldersIn(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : []
}

export const weensyos: Lab = {
  id: 'weensyos',
  title: 'WeensyOS: virtual memory',
  files: ['kernel.ts'],
  recognise: (source) => /\bexport function exception\b/.test(source),
  bundle: {
    lib,
    entry: "export { boot } from 'probes/boot.ts'",
    student: "export * from './kernel.ts'",
    lasting: true,
    trusted: { 'probes/': here('probes'), '@pagewalk/weensyos/lib/': lib },
    modules: { '@pagewalk/machine/x86-64': path('@pagewalk/machine/x86-64') },
    exports: ['kernel', 'exception', 'schedule', 'assignPhysicalPage'],
  },
  machine: { ...machineOptions, log: ['syscall', 'ring3', 'fault', 'reset'], eventLimit: 50_000 },
  scenarios,
  checks,
  rubric,
  samples: Object.fromEntries([...samples].sort().map(([name, dir]) => [name, [dir]])),
  view,
  ended: endedByProgram,
  live: {
    programs: COMMANDS,
    boot: (program) => ({ command: program, programs: loadPrograms('slow') }),
    instructionsPerTick: INSTRUCTIONS_PER_TICK,
    keys: [
      { key: 'a', does: 'allocator' },
      { key: 'f', does: 'fork' },
      { key: 'e', does: 'forkexit' },
    ],
    // The kernel moves on half a second after `last_ticks`; a last tick in the far future holds it.
    shown: (digit) =>
      digit === 0
        ? [{ address: LAST_TICKS_ADDR, value: 0 }]
        : [
            { address: SHOWING_ADDR, value: digit },
            { address: LAST_TICKS_ADDR, value: 0x7fff_ffff },
          ],
    legend: LEGEND,
    expects: EXPECTS,
  },
  starter: {
    files: {
      'kernel.ts': { copy: path('@pagewalk/weensyos/kernel') },
      ...Object.fromEntries(
        ['README.md', 'handout'].map((name) => [
          name,
          { copy: fileURLToPath(new URL(`../${name}`, import.meta.resolve('@pagewalk/weensyos'))) },
        ]),
      ),
      lib: { copy: lib },
      ...Object.fromEntries(
        ['process.h', 'p-allocator.c', 'p-fork.c', 'p-forkexit.c'].map((name) => [
          `programs/${name}`,
          { copy: path(`@pagewalk/weensyos/programs/${name}`) },
        ]),
      ),
    },
  },
}
