// What a class costs: submissions per second, memory, what an interruption and an unchanged regrade cost, strict beside default.
//
//     npm run bench -- batch [submissions]
//
// The class is of both labs, right, wrong, hostile and broken in equal parts; no two submissions are the same. Each command is
// the real command line in a process of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeClass } from './class/students.ts'
import { MAIN, proportionalMiB } from './measure/command.ts'

const AIMS = { rate: 4, strict: 3, memoryMiB: 1536, regradeSeconds: 2 } as const
const SAMPLE_MS = 200
/** Of the class, for the comparison of strict mode with the default. */
const STRICT_SHARE = 0.2

interface Ran {
  readonly seconds: number
  readonly memoryMiB: number
  readonly out: string
}
const seconds = (since: number): number => (performance.now() - since) / 1000
const start = (args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })

/** Run the command line to its end. */
async function run(args: readonly string[]): Promise<Ran> {
  const began = performance.now()
  let [memoryMiB, out] = [0, '']
  const child = start(args)
  child.stdout?.on('data', (text) => {
    out += text
  })
  const sampling = setInterval(() => {
    memoryMiB = Math.max(memoryMiB, proportionalMiB(child.pid ?? 0))
  }, SAMPLE_MS)
  const [code] = (await once(child, 'close')) as [number | null]
  clearInterval(sampling)
  if (code !== 0) throw new Error(`pagewalk ${args.join(' ')}: exit code ${code}`)
  return { seconds: seconds(began), memoryMiB, out }
}
/** Kill the command line after so many seconds, and all that it has started. */
async function killed(args: readonly string[], after: number): Promise<void> {
  const child = start(args)
  setTimeout(() => child.kill('SIGKILL'), after * 1000)
  await once(child, 'close')
}
async function bench(count: number, dir: string): Promise<void> {
  const folder = join(dir, 'class')
  writeClass(folder, count)
  const path = join(dir, 'class.book')
  console.log(`${count} submissions, ${availableParallelism()} CPUs, Node ${process.version}\n`)
  const whole = await run(['grade', folder, '--book', path])
  const rate = count / whole.seconds
  line(
    'default sandbox',
    `${rate.toFixed(2)}/s`,
    `aim ${AIMS.rate}/s: ${(rate / AIMS.rate).toFixed(2)} of it`,
  )
  line('memory, all processes', `${whole.memoryMiB.toFixed(0)} MiB`, `aim ${AIMS.memoryMiB} MiB`)
  const again = await run(['regrade', path])
  line('unchanged regrade', `${again.seconds.toFixed(2)} s`, `aim ${AIMS.regradeSeconds} s`)
  await resuming(folder, join(dir, 'killed.book'), whole.seconds)
  await strict(dir, Math.max(1, Math.round(count * STRICT_SHARE)))
}
async function resuming(folder: string, path: string, whole: number): Promise<void> {
  const args = ['grade', folder, '--book', path]
  await killed(args, whole / 2)
  const { seconds, out } = await run(args)
  const [, known = '?'] = /(\d+) of them known before/.exec(out) ?? []
  line(
    'killed at half, resumed',
    `${seconds.toFixed(1)} s`,
    `${known} were known; uninterrupted ${whole.toFixed(1)} s`,
  )
}
/** The same smaller class both ways, one after the other. */
async function strict(dir: string, count: number): Promise<void> {
  const folder = join(dir, 'some')
  writeClass(folder, count)
  const plain = await run(['grade', folder, '--book', join(dir, 'plain.book')])
  const apart = await run(['grade', folder, '--strict', '--book', join(dir, 'strict.book')])
  const times = apart.seconds / plain.seconds
  line(`strict, of ${count}`, `${times.toFixed(2)} times`, `aim ${AIMS.strict} times as long as the default`)
}
const line = (name: string, figure: string, aim: string): void =>
  console.log(`  ${name.padEnd(26)} ${figure.padStart(12)}   ${aim}`)

const count = Number(process.argv[2] ?? 300)
if (!Number.isInteger(count) || count < 1) {
  console.error(`bench batch: expected a number of submissions, 1 or more, got ${process.argv[2]}`)
  process.exit(2)
}
const dir = mkdtempSync(join(tmpdir(), 'pagewalk-bench-'))
try {
  await bench(count, dir)
} finally {
  rmSync(dir, { recursive: true, force: true })
}
