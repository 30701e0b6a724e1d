// What one full grade costs: CPU time with and without start-up, wall clock, memory, beside the original's grading.
//
//     npm run bench -- grade [runs]
//
// Grades the reference of each lab as `grade PATH --json` does, with the public seed; and with --strict. Start-up is what the
// same command costs with files that export nothing: all processes stand, the lab's library is evaluated, and no machine boots. Node's cache of
// compiled code is warm: a first run of each command is not counted.
//
// CPU time is measured at the sandbox's level `permission`: Linux counts it nowhere for what bubblewrap has run when that is killed.
// What the levels above it add shows in the wall clock, which is measured with the strongest.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Lab, PUBLIC_SEED, sampleSubmissions } from '@pagewalk/grader'
import { nautilus } from '@pagewalk/grading-nautilus-aspace'
import { weensyos } from '@pagewalk/grading-weensyos'
import { type Cost, measure } from './measure/command.ts'

/** What a full grade of WeensyOS may cost: seconds of CPU time, MiB. */
const AIMS = { cpu: 1.5, afterStartUp: 1, memory: 300 } as const
/**
 * Seconds of wall clock that the original's five checks take at least: six runs in QEMU, each of 10 s of the guest's time on any
 * computer, and the builds between them. Computed, not measured here. Steps 6 and 7 are not among them.
 */
const ORIGINAL = { least: 65, most: 70 } as const

const COUNTED = ['--sandbox', 'permission'] as const
const EXIT_USAGE = 2

type Amount = (value: number) => string
const seconds: Amount = (value) => `${value.toFixed(2)} s`
const mebibytes: Amount = (value) => (Number.isNaN(value) ? 'unknown' : `${value.toFixed(0)} MiB`)

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)
const best = (values: readonly number[]): number => sorted(values)[0]!
const median = (values: readonly number[]): number => sorted(values)[Math.floor(values.length / 2)]!

/** One line of figures, and how they stand to what is aimed at. */
function line(name: string, values: readonly number[], amount: Amount, aim?: number): string {
  const figures = `  ${name.padEnd(26)} best ${amount(best(values)).padStart(8)}   median ${amount(median(values)).padStart(8)}`
  if (aim === undefined) return figures
  return `${figures}   aim ${amount(aim).padStart(8)}: ${(median(values) / aim).toFixed(2)} of it`
}
async function costs(runs: number, args: readonly string[], exitCode: number): Promise<Cost[]> {
  await measure(args, exitCode) // warms the caches
  const measured: Cost[] = []
  for (let i = 0; i < runs; i++) measured.push(await measure(args, exitCode))
  return measured
}
/** The reference's files as a folder in `dir`, or files of the same names that export nothing. @returns its path */
function referenceOf(lab: Lab, dir: string, { empty = false } = {}): string {
  const path = mkdtempSync(join(dir, lab.id))
  const { files } = sampleSubmissions(lab).find(({ name }) => name === 'reference')!
  for (const [name, source] of files) writeFileSync(join(path, name), empty ? 'export {}\n' : source)
  return path
}

async function bench(runs: number, dir: string): Promise<void> {
  console.log(
    `${runs} runs of each, ${availableParallelism()} CPUs, Node ${process.version}, seed ${PUBLIC_SEED}\n`,
  )
  for (const lab of [weensyos, nautilus]) {
    const [empty, reference] = [referenceOf(lab, dir, { empty: true }), referenceOf(lab, dir)]
    const startUp = await costs(runs, ['grade', empty, '--json', ...COUNTED], 0)
    const startUpCpu = startUp.map(({ cpu }) => cpu)
    const graded = await costs(runs, ['grade', reference, '--json', ...COUNTED], 0)
    const walled = await costs(runs, ['grade', reference, '--json'], 0)
    const aims = lab === weensyos ? AIMS : undefined
    const cpu = graded.map((cost) => cost.cpu)
    const afterStartUp = cpu.map((each) => each - median(startUpCpu))
    const wall = walled.map((cost) => cost.wall)
    const memory = walled.map((cost) => cost.memory)
    console.log(`${lab.title}: ${lab.scenarios(PUBLIC_SEED).length} scenarios, ${lab.checks.length} checks`)
    console.log(line('CPU time of start-up', startUpCpu, seconds))
    console.log(line('CPU time with start-up', cpu, seconds, aims?.cpu))
    console.log(line('CPU time after start-up', afterStartUp, seconds, aims?.afterStartUp))
    console.log(line('wall clock with start-up', wall, seconds))
    console.log(line('memory, all processes', memory, mebibytes, aims?.memory))
    const strictly = ['grade', reference, '--json', '--strict']
    const strictCpu = (await costs(runs, [...strictly, ...COUNTED], 0)).map((cost) => cost.cpu)
    const strictWall = (await costs(runs, strictly, 0)).map((cost) => cost.wall)
    console.log(strictLine('CPU time, strict', cpu, strictCpu))
    console.log(strictLine('wall clock, strict', wall, strictWall))
    if (lab === weensyos) console.log(`${originalLine(median(wall))}\n`)
  }
}
/** So many times the time of a usual grade. */
const STRICT_TIMES = 3
const strictLine = (name: string, usual: readonly number[], strict: readonly number[]): string =>
  `${line(name, strict, seconds)}   ${(median(strict) / median(usual)).toFixed(2)} times, aim ${STRICT_TIMES}`
function originalLine(wall: number): string {
  const { least, most } = ORIGINAL
  const times = (each: number): string => (each / wall).toFixed(0)
  return `  the original               ${least} to ${most} s of wall clock for its five checks, computed: ${times(least)} to ${times(most)} times as long`
}

const runs = Number(process.argv[2] ?? 5)
if (!Number.isInteger(runs) || runs < 1) {
  console.error(`bench grade: expected a number of runs, 1 or more, got ${process.argv[2]}`)
  process.exit(EXIT_USAGE)
}
const dir = mkdtempSync(join(tmpdir(), 'pagewalk-bench-'))
try {
  await bench(runs, dir)
} finally {
  rmSync(dir, { recursive: true, force: true })
}
