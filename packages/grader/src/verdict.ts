// Judges: every check once, in the order of what it needs. The two checks about the submission itself are built in.

import { SourceMap } from 'node:module'
import type { Stop } from '@pagewalk/machine'
import { type Bundle, ofStudent, type Script, STUDENT, type Trouble } from './bundle.ts'
import type { Ending, Played } from './capsule.ts'
import { Blocked } from './evidence.ts'
import type { Thrown } from './harness.ts'
import {
  type Check,
  type Evidence,
  type Finding,
  fail,
  type Lab,
  pass,
  type Run,
  type Scenario,
} from './lab.ts'

/** What came of a check. */
export type Judgement =
  | Finding
  /** A person's, with so many points. */
  | { readonly verdict: 'pass' | 'fail'; readonly points: number; readonly observed?: string }
  /** `why`: the root cause, for people. `awaitsReader`: it needs no more than a person's word. */
  | {
      readonly verdict: 'blocked'
      readonly observed: string
      readonly why?: string
      readonly awaitsReader?: true
    }
  | { readonly verdict: 'error'; readonly observed: string; readonly stack: string }

export const LOADS = 'loads'
export const STOPS = 'stops'
/** Claims of the checks that every lab has. */
export const BUILT_IN: ReadonlyMap<string, string> = new Map([
  [LOADS, 'The code compiles, imports only what the lab gives, and has what the lab calls.'],
  [STOPS, 'The kernel always gives the CPU back: no endless loop and no JavaScript exception.'],
])

/** What is known before the lab's checks are asked. */
export interface Findings {
  readonly loads: Finding
  readonly stops: Finding
  readonly runs: ReadonlyMap<string, Run>
  /** Scenario without a run -> why. */
  readonly broken: ReadonlyMap<string, string>
}

/** Check id -> judgement, for the built-in checks and all of the lab's. */
export function judge(
  lab: Lab,
  { loads, stops, broken }: Findings,
  evidence: Evidence,
): Map<string, Judgement> {
  const told = explaining(evidence, broken)
  const checks = new Map(lab.checks.map((check) => [check.id, check]))
  const judged = new Map<string, Judgement>([
    [LOADS, loads],
    [STOPS, loads.verdict === 'pass' ? stops : blockedBy(LOADS, loads)],
  ])
  const asked = new Set<string>()
  const ask = (id: string): Judgement => {
    const known = judged.get(id)
    if (known) return known
    const check = checks.get(id)
    if (!check || asked.has(id))
      return ours(new Error(check ? `${id} needs itself` : `no check is named ${id}`))
    asked.add(id)
    const missing = [LOADS, ...check.needs]
      .map((need) => [need, ask(need)] as const)
      .find(([, j]) => j.verdict !== 'pass')
    const verdict = missing ? blockedBy(...missing) : run(check)
    judged.set(id, verdict)
    return verdict
  }
  const run = (check: Check): Judgement => {
    try {
      return check.run(told)
    } catch (thrown) {
      return thrown instanceof Blocked
        ? { verdict: 'blocked', observed: `not judged: ${thrown.message}`, why: thrown.message }
        : ours(thrown)
    }
  }
  for (const id of checks.keys()) ask(id)
  return judged
}
/** What is blocked by something blocked is blocked by the same cause. */
function blockedBy(need: string, judgement: Judgement): Judgement {
  if (judgement.verdict === 'blocked') return judgement
  const how = judgement.verdict === 'error' ? 'could not be judged' : 'failed'
  return {
    verdict: 'blocked',
    observed: `not judged: it needs ${need}`,
    why: `needs ${need}, which ${how}`,
  }
}
/** The same evidence; asked for a scenario that broke off, it says why. */
function explaining(evidence: Evidence, broken: ReadonlyMap<string, string>): Evidence {
  const mustHaveEnded = (scenario: string): void => {
    const why = broken.get(scenario)
    if (why !== undefined)
      throw new Blocked(`the scenario ${scenario} did not come to its end: ${quoted(why)}`)
  }
  const asked =
    <T>(give: (scenario: string, label?: string) => T) =>
    (scenario: string, label?: string): T => {
      mustHaveEnded(scenario)
      return give(scenario, label)
    }
  return {
    ...evidence,
    run: asked(evidence.run),
    machine: asked(evidence.machine),
    view: asked(evidence.view),
  }
}
const ours = (thrown: unknown): Judgement => {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  return { verdict: 'error', observed: `the grader's own error: ${error.message}`, stack: error.stack ?? '' }
}

export const unusable = (trouble: Trouble): Findings => ({
  loads: fail(trouble),
  stops: pass,
  runs: new Map(),
  broken: new Map(),
})

/** The built-in checks' findings, from what the capsule said. */
export function findingsOf(scenarios: readonly Scenario[], played: Played, bundle: Bundle): Findings {
  if (played.load) return unusable(loadTrouble(played.load, bundle))
  const told = new Map([...played.runs].map(([id, run]) => [id, located(run, bundle)] as const))
  const runs = new Map([...told].filter(([, run]) => !isBroken(run.stop)))
  const trouble = stopTroubles(scenarios, { ...played, runs: told }, bundle)
  const broken = new Map(trouble.map(({ scenario, observed }) => [scenario, observed]))
  if (trouble.length === 0) return { loads: pass, stops: pass, runs, broken }
  const expected = 'every call of the kernel returns, and throws nothing'
  return {
    loads: pass,
    stops: fail({ expected, observed: together(trouble), hint: trouble[0]?.hint ?? '' }),
    runs,
    broken,
  }
}
const isBroken = ({ reason }: Stop): boolean =>
  reason === 'hang' || reason === 'deadlock' || reason === 'error'
/** Of what is told in full elsewhere, the beginning. */
const QUOTED = 300
const quoted = (text: string): string => (text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text)
/** Scenarios that say the same are told together. */
const together = (trouble: readonly { scenario: string; observed: string }[]): string =>
  [...Map.groupBy(trouble, ({ observed }) => observed)]
    .map(([observed, list]) => `${list.map(({ scenario }) => scenario).join(', ')}: ${observed}`)
    .join('; ')

type Broken = Played['broken'] extends ReadonlyMap<string, infer T> ? T : never
function stopTroubles(
  scenarios: readonly Scenario[],
  played: Played,
  bundle: Bundle,
): (Told & { readonly scenario: string })[] {
  return scenarios.flatMap(({ id }) => {
    const broken = played.broken.get(id)
    const stop = played.runs.get(id)?.stop
    const told = broken ? toldBroken(broken, bundle) : stop && toldStop(stop, bundle)
    return told ? [{ scenario: id, ...told }] : []
  })
}
type Told = { readonly observed: string; readonly hint: string }
function toldBroken(broken: Broken, bundle: Bundle): Told | undefined {
  if ('threw' in broken) return toldThrow(broken.threw, bundle)
  return 'ended' in broken ? toldEnding(broken.ended) : undefined
}
function toldStop(stop: Stop, bundle: Bundle): Told | undefined {
  if (stop.reason === 'error') return toldThrow(stop, bundle)
  if (stop.reason === 'deadlock')
    return {
      observed: stop.message,
      hint: 'Who would have to run so that the wait ends, and why can it not?',
    }
  if (stop.reason !== 'hang') return undefined
  return { observed: stop.message, hint: 'Which loop of yours waits for something that nobody changes?' }
}
function toldThrow(thrown: Thrown, bundle: Bundle): Told {
  const place = placeOf(thrown.stack, bundle)
  const hint = 'A kernel has nobody above it to catch. Which value is not what this line takes it for?'
  return { observed: `${place && `${place}: `}${thrown.message}`, hint }
}
/** How a capsule ended, in a sentence. */
export const endingWords = (ending: Ending): string => toldEnding(ending).observed
function toldEnding(ending: Ending): Told {
  if (ending.reason === 'time') {
    const seconds = ending.milliseconds / 1000
    if (ending.all)
      return {
        observed: `the kernel needed more than ${seconds} s of CPU time for all scenarios together`,
        hint: 'What of it takes so long, again and again?',
      }
    return {
      observed: `the kernel did not come back within ${seconds} s, and did not touch the machine often enough to be stopped by it`,
      hint: 'Which loop of yours never ends?',
    }
  }
  if (ending.reason === 'memory')
    return {
      observed: `the kernel used more than ${ending.heapMiB} MiB of JavaScript memory`,
      hint: 'Which list of yours only grows?',
    }
  const what =
    ending.reason === 'died'
      ? 'the process that ran the kernel died'
      : 'what came back is no state of a machine'
  return { observed: `${what} (${ending.told})`, hint: 'What does your file do that a kernel does not?' }
}
function loadTrouble(load: NonNullable<Played['load']>, bundle: Bundle): Trouble {
  if ('missing' in load) {
    const expected = 'the file exports what the lab calls'
    return {
      expected,
      observed: `no exported ${load.missing.join(', ')}`,
      hint: 'Has a name changed, or an export gone?',
    }
  }
  const told = 'threw' in load ? toldThrow(load.threw, bundle) : toldEnding(load.ended)
  return { expected: 'the file loads: its top level runs to its end', ...told }
}

const sourceMaps = new WeakMap<Script, SourceMap>()
function sourceMapOf(script: Script): SourceMap {
  const known = sourceMaps.get(script) ?? new SourceMap(JSON.parse(script.map))
  sourceMaps.set(script, known)
  return known
}

/** A place in a file, as the student knows it; line and column count from 1. */
export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}
export const placeWords = ({ file, line, column }: Place): string => `${file}:${line}:${column}`
interface StackFrame {
  /** Name of the function; '' if it has none. */
  readonly call: string
  readonly place: Place
  /** Is it in a file of the student's? */
  readonly own: boolean
}
const FRAME = /(?:\bat (?:(?:async|new) )?([^\s()]+) .*?)?\b(submission|library)\.js:(\d+):(\d+)/g
const FRAMES_LIMIT = 50
/** The frames of a JavaScript stack that are in the student's or the library's source, topmost first. */
function sourceFrames(stack: string, made: Bundle): StackFrame[] {
  return [...stack.matchAll(FRAME)].slice(0, FRAMES_LIMIT).flatMap(([, call, script, at, atColumn]) => {
    const map = sourceMapOf(script === 'library' ? made.library : made)
    // not findOrigin, which adds how far the bundle's column is behind the token that the map has
    const found = map.findEntry(Number(at) - 1, Number(atColumn) - 1)
    if (!('originalSource' in found)) return []
    const { originalSource, originalLine, originalColumn } = found
    const place = { file: shown(originalSource), line: originalLine + 1, column: originalColumn + 1 }
    return [{ call: call?.replace(/^Object\./, '') ?? '', place, own: ofStudent(originalSource) }]
  })
}
/** The frames in the student's own files. */
export const framesOf = (stack: string, made: Bundle): StackFrame[] =>
  sourceFrames(stack, made).filter(({ own }) => own)
/** `kernel.ts:12:5` of the topmost frame in a file of the student's, else of any file; '' if there is none. */
export function placeOf(stack: string, made: Bundle): string {
  const frames = sourceFrames(stack, made)
  const frame = frames.find(({ own }) => own) ?? frames[0]
  return frame ? placeWords(frame.place) : ''
}
/** What stopped the machine in a call of the kernel, told with the place in the student's file. */
export function located<T extends { readonly stop: Stop; readonly stack: string }>(told: T, made: Bundle): T {
  const { stop, stack } = told
  const place = stack === '' ? '' : placeOf(stack, made)
  if (place === '') return told
  if (stop.reason === 'panic')
    return { ...told, stop: { ...stop, message: `${stop.message} (called at ${place})` } }
  if (stop.reason === 'reset')
    return { ...told, stop: { ...stop, story: `${stop.story}; the kernel was at ${place}` } }
  if (stop.reason === 'hang' || stop.reason === 'stall' || stop.reason === 'deadlock')
    return { ...told, stop: { ...stop, message: `${stop.message}; it was at ${place}` } }
  return told
}
/** A source's name as the student knows it. */
const shown = (file: string): string =>
  ofStudent(file) ? file.slice(STUDENT.length + 1) : file.replace(/^.*?([^/]+\/[^/]+)$/, '$1')
