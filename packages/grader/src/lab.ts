// What a lab is to the grader. The grader knows no lab; the command line hands it one.
// Everything that reaches the capsule (machine options, scenarios) is plain data.

import type { Machine, MachineEvent, MachineImage, MachineOptions, Stop } from '@pagewalk/machine'
import type { Snapshot } from './snapshot.ts'

/** Where the parts of a bundle come from: the student's files and the lab's own library, never the student's copy of it. */
export interface LabSources {
  /** Absolute path of the folder that `./lib/` means, in a student's file and in `entry`. */
  readonly lib: string
  /** Source of the library's entry: exports `boot`. */
  readonly entry: string
  /** Source of what stands beside the student's files and exports what they export, as `kernel` for `boot`. */
  readonly student: string
  /**
   * Is the library, once evaluated, as good as new for each `boot`? Then scenarios share it, frozen, and only the student's
   * files are evaluated again for each.
   */
  readonly lasting?: boolean
  /**
   * Beginnings of specifiers ('probes/', '@some/lab/lib/') -> absolute path of the folder that is meant. `entry` and the
   * files in such folders may import them, and each other relatively; a student's file never. For parts of the grading that
   * run beside the kernel. A prefix that means `lib` leads to the same modules as './lib/' does.
   */
  readonly trusted?: { readonly [prefix: string]: string }
  /** Bare specifier that student and library may import -> absolute path of the source file. */
  readonly modules: { readonly [specifier: string]: string }
  /** What `kernel` must have: functions, or objects where a name ends in `{}`. */
  readonly exports: readonly string[]
}

/** What a lab's `boot(machine, kernel, config, host)` is given beside machine, kernel and configuration. Not the student's. */
export interface BootHost {
  /** Keep what was seen, with time and CPU: a tag, and at most 16 words in [0, 2^64). */
  note(tag: string, ...words: bigint[]): void
  /** Keep the machine's state under `label`; what was under it before is lost. */
  image(label: string): void
}
export interface Note {
  readonly time: number
  readonly cpu: number
  readonly tag: string
  readonly words: readonly bigint[]
}
/** The most characters and words of a note. */
export const NOTE = { tag: 200, words: 16 } as const
/** @throws Error if it is too long for a note */
export function mustBeNote(tag: string, words: readonly bigint[]): void {
  if (tag.length > NOTE.tag || words.length > NOTE.words)
    throw new Error(`note: expected a short tag and at most ${NOTE.words} words, got ${words.length}`)
}
/** The most notes that a scenario keeps, and the most events if nothing else is said. */
export const NOTES_LIMIT = 200_000
export const EVENTS_LIMIT = 100_000

/** One step of a scenario. Data only. */
export type Action =
  | {
      readonly do: 'run'
      readonly instructions: number
      readonly until?: 'trap'
      /** End early when the serial port has said this since the action began. */
      readonly untilOutput?: string
    }
  /** A text on the keyboard, '\n' is Enter: a few keys, then so many instructions to take them, and so on. */
  | { readonly do: 'type'; readonly text: string; readonly instructions: number }
  /** A key as the emulated keyboard knows it: 'a', 'Enter', 'Ctrl-C'. */
  | { readonly do: 'key'; readonly key: string }
  /** Keep the machine's state under `label`; 'final' is taken at the end anyway. */
  | { readonly do: 'image'; readonly label: string }

export interface Scenario {
  readonly id: string
  /** Handed to the lab's `boot(machine, kernel, config, host)`; survives structured cloning. */
  readonly boot: unknown
  readonly plan: readonly Action[]
  /** Overrides the lab's: how many CPUs, the seed of their turns, what is logged. */
  readonly machine?: Partial<Omit<MachineOptions, 'memoryBytes' | 'instructionsPerSecond'>>
}

/** What came out of one scenario: raw machine state. */
export interface Run {
  readonly scenario: string
  /** The last `run`'s. */
  readonly stop: Stop
  /** JavaScript stack of the kernel's call that the machine stopped in; '' if it was in none. */
  readonly stack: string
  /** Label -> state. */
  readonly images: { readonly [label: string]: MachineImage }
  readonly final: MachineImage
  readonly events: readonly MachineEvent[]
  /** What the lab's `boot` has noted, oldest first. */
  readonly notes: readonly Note[]
  /** Events and notes beyond the limit. */
  readonly dropped: number
  /** `parallel` is the log port; `console` what the student's file said to the host's console (for people only). */
  readonly output: { readonly parallel: string; readonly serial: string; readonly console: string }
}

/** What a check may look at. All of it is state; nothing here can run the student's code. */
export interface Evidence {
  /** The run of a scenario. A scenario that hung or threw has no run: the check that asks is blocked. */
  run(scenario: string): Run
  /** What was played: a check that looks at what a seed has chosen finds it here. */
  scenario(id: string): Scenario
  /** The machine as it was at `label` (default: at the end). Shared between checks: look, do not run. */
  machine(scenario: string, label?: string): Machine
  /** The same as data. */
  view(scenario: string, label?: string): Snapshot
  /** The text of one of the student's files; undefined if it was not handed in. */
  file(name: string): string | undefined
}

export type Finding = { readonly verdict: 'pass' } | ({ readonly verdict: 'fail' } & Failure)
export interface Failure {
  readonly expected: string
  readonly observed: string
  readonly hint: string
  readonly shows?: Shows
}
export const pass: Finding = { verdict: 'pass' }
export const fail = (told: Failure): Finding => ({ verdict: 'fail', ...told })

/** Where the machine shows what a finding tells: for maps that mark the pages. */
export interface Shows {
  readonly scenario: string
  /** Which of the run's images; absent: its last state. */
  readonly label?: string
  /** Numbers of physical pages of 4 KiB. */
  readonly physical?: readonly number[]
  /** An address space, by its CR3, and pages in it: their addresses. */
  readonly space?: { readonly cr3: bigint; readonly pages: readonly bigint[] }
}

/** A fact of a correct machine. */
export interface Check {
  readonly id: string
  /** One sentence that is true of a correct machine. */
  readonly claim: string
  /** Checks that must pass first; if one does not, this one is blocked. `loads` is always needed. */
  readonly needs: readonly string[]
  run(evidence: Evidence): Finding
}

/** What the checks are worth. A changed point is a new version. */
export interface Rubric {
  readonly version: string
  readonly steps: readonly RubricStep[]
}
export interface RubricStep {
  readonly id: string
  readonly title: string
  /** Extra credit: counts beyond the maximum. */
  readonly extra: boolean
  readonly checks: readonly Priced[]
}
export interface Priced {
  readonly check: string
  readonly points: number
  /** A person gives the points, up to `points`, once the check has passed. Until then nobody has them. */
  readonly reader?: true
}

/** What `run` and `snapshot` of the command line need of a lab. */
export interface Live {
  /** What `--program` may name; the first is the default. */
  readonly programs: readonly string[]
  /** @returns what the lab's `boot` is given for a program */
  boot(program: string): unknown
  /** Instructions of one timer tick, the unit of `--ticks`. */
  readonly instructionsPerTick: number
  /** Keys that go to the emulated keyboard, each with what it does, for the help line. */
  readonly keys: readonly { readonly key: string; readonly does: string }[]
  /** All keys are typed into the machine; commands to the command line come behind a prefix key. */
  readonly typing?: true
  /** Text on the serial port that says that the system waits for somebody to type. */
  readonly ready?: string
  /** What the screen's signs mean, a line each. */
  readonly legend?: readonly string[]
  /** What a student should see once a step is done: the rubric's id of the step -> a sentence or two. */
  readonly expects?: { readonly [step: string]: string }
  /** So often `run` boots a machine that resets itself, and then tells why. Absent: once. */
  readonly boots?: number
  /**
   * Which 32-bit words to write into guest memory (physical addresses) so that the screen shows process `digit`, and
   * for 0 so that the kernel chooses again. Absent: digits go to the keyboard like all keys.
   */
  readonly shown?: (digit: number) => readonly { readonly address: number; readonly value: number }[]
}

/** What `new` writes: a student's folder. */
export interface Starter {
  /** Path in the folder -> text, or the absolute path of the file or folder that is copied there. */
  readonly files: { readonly [path: string]: { readonly text: string } | { readonly copy: string } }
}

export interface Lab {
  /** As in `--lab` and `new`. */
  readonly id: string
  readonly title: string
  /**
   * The student's files. The first one makes a folder a submission; those that end in .ts are its code and must be
   * there, others are text for the checks.
   */
  readonly files: readonly string[]
  /** If two labs have a first file of the same name: is this one ours? */
  readonly recognise?: (source: string) => boolean
  readonly bundle: LabSources
  readonly machine: MachineOptions
  /**
   * What is played. A seed chooses what a correct kernel does not depend on, and a wrong one may have been fitted to; the
   * ids are the same for every seed.
   */
  scenarios(seed: number): readonly Scenario[]
  readonly checks: readonly Check[]
  readonly rubric: Rubric
  /**
   * Sample submissions that come with the lab: the folder that has them as folders, or name -> folders. A file of several
   * folders is the last one's, so a sample may be the handed-out folder with one file changed.
   */
  readonly samples?: string | { readonly [name: string]: readonly string[] }
  /** In Markdown: what a person needs to give the points that the rubric leaves to a reader. Runs may be missing. */
  readonly sheet?: (evidence: Evidence, name: string) => string
  /** Did the lab's own programs end this run, on a kernel that worked? Then its end is not told. */
  readonly ended?: (run: Run) => boolean
  /** The machine as data, with the lab's owners and address spaces. */
  view(image: MachineImage): Snapshot
  readonly live: Live
  readonly starter: Starter
}
