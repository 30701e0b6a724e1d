// The runs that the checks read: what is booted, for how long. Data only.

import type { Scenario } from '@pagewalk/grader'
import type { GradedBoot } from './probes/boot.ts'
import { FILE_BYTES, FILE_NAME, fileByte } from './probes/places.ts'

/** Where the random operations come from, and how many of each kind there are. */
export const SET_SEEDS = { adds: 11, removes: 12, all: 13 } as const
export const SET_STEPS = 3500

/** Room for a probe; one that comes to its end idles, which costs nothing. */
const PROBE_INSTRUCTIONS = 600_000
const SET_INSTRUCTIONS = 3_000_000
/** Room for the handout's test code: the comparison of all memory, a fault for each page. */
const SHELL_INSTRUCTIONS = 60_000_000
const AFTER_PROMPT = 400_000
const FILE: Uint8Array = Uint8Array.from({ length: FILE_BYTES }, (_, offset) => fileByte(offset))

const probe = (id: string, boot: GradedBoot, instructions: number = PROBE_INSTRUCTIONS): Scenario => ({
  id,
  boot,
  plan: [{ do: 'run', instructions }],
})
const simple = (...names: string[]): Scenario[] => names.map((name) => probe(name, { probe: name }))
const variants = (id: string, name: string, numbers: readonly number[]): Scenario[] =>
  numbers.map((variant) => probe(`${id}-${variant}`, { probe: name, variant }))

export const scenarios: readonly Scenario[] = [
  ...simple('eager', 'two-spaces', 'inherits'),
  ...simple('overlaps', 'mutated', 'many', 'own-sets'),
  ...(['adds', 'removes'] as const).map((mode) =>
    probe(`set-${mode}`, { probe: 'set', mode, seed: SET_SEEDS[mode], steps: SET_STEPS }, SET_INSTRUCTIONS),
  ),
  probe('set-all', { probe: 'model', seed: SET_SEEDS.all, steps: SET_STEPS }, SET_INSTRUCTIONS),
  ...simple('lazy', 'lazy-places', 'lazy-spaces', 'at-the-end'),
  ...variants('denied', 'denied', [0, 1, 2, 3]),
  ...variants('nowhere', 'nowhere', [0, 1, 2, 3, 4]),
  ...simple(
    'protection',
    'removes',
    'moves',
    'protects',
    'grants',
    'refusals',
    'pinned',
    'elsewhere',
    'destroys',
  ),
  ...simple('grows', 'shot', 'crossfire', 'large'),
  ...variants('grows-no-further', 'grows-no-further', [0, 1, 2, 3, 4]),
  probe('files', { probe: 'files', files: [{ name: FILE_NAME, bytes: FILE }] }),
  ...variants('removed', 'read-removed', [1, 2]),
  ...variants('protected', 'write-protected', [0, 1, 2, 3]),
  {
    id: 'shells',
    boot: {},
    machine: { eventLimit: 2000 }, // of 16,000 page faults for each shell
    plan: [
      { do: 'run', instructions: SHELL_INSTRUCTIONS, untilOutput: 'root-shell> ' },
      { do: 'run', instructions: AFTER_PROMPT },
      { do: 'image', label: 'one' },
      { do: 'type', text: 'shell second\n', instructions: 100_000 },
      { do: 'run', instructions: SHELL_INSTRUCTIONS, untilOutput: 'second> ' },
      { do: 'run', instructions: AFTER_PROMPT },
    ],
  },
]
