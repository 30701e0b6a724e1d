// The capsule: a process of its own for one submission. It evaluates the student's script in a bare context, without
// Node's globals, on a machine that lives in the same context, and sends back raw machine state. It knows no score.
//
// Of this file's realm the student's code gets nothing: what it is handed is made inside the context (harness.ts).
// The grader ends a capsule that takes too long; should the grader be gone, the capsule's own clock does, a little later.

import { types } from 'node:util'
import { type Context, constants, createContext, Script } from 'node:vm'
import type { Library, Session, Submission } from './harness.ts'
import type { Job, Order, Report } from './protocol.ts'

type Harness = typeof import('./harness.ts')

const CLOCK = Number(process.argv[1])

process.once('message', (job: Job) => void main(job))

async function main(job: Job): Promise<void> {
  const context = createContext(constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: true },
    microtaskMode: 'afterEvaluate',
  })
  const harness = new Script(job.harness, { filename: 'harness.js' }).runInContext(context) as Harness
  harness.prepare()
  await send({ kind: 'ready' })
  const submission = await load(context, harness, job)
  if (!submission) return finish()
  await send({ kind: 'loaded' })
  const capsule: Loaded = { context, harness, submission, job }
  if (job.watch) return watch(capsule, job.watch.boot)
  for (const scenario of job.scenarios) {
    await send({ kind: 'begin', scenario: scenario.id })
    await send(outcome(capsule, scenario))
  }
  return finish()
}
interface Loaded {
  readonly context: Context
  readonly harness: Harness
  readonly submission: Submission
  readonly job: Job
}

/** Name of a global that is there only until `GO` has read it, before any of the student's code runs. */
const DOOR = '__capsule'
const GO = new Script(`{ const go = globalThis.${DOOR}; delete globalThis.${DOOR}; go() }`, {
  filename: 'go.js',
})
/** Do `work` with an end to it: a loop without end is broken off, and with it the process. */
function timed<T>(context: Context, work: () => T): T {
  const globals = context as Record<string, unknown>
  let result: T | undefined
  globals[DOOR] = () => {
    result = work()
  }
  try {
    GO.runInContext(context, { timeout: CLOCK })
  } catch (thrown) {
    if (isTimeout(thrown)) process.exit(1)
    throw thrown
  }
  return result as T
}

/** Looks at no property of what the student's code may have thrown: an error of this realm is Node's. */
const isTimeout = (thrown: unknown): boolean =>
  types.isNativeError(thrown) &&
  Object.getPrototypeOf(thrown) === Error.prototype &&
  (thrown as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'

async function load(context: Context, harness: Harness, job: Job): Promise<Submission | undefined> {
  try {
    const submission = evaluate(context, harness, job)
    const names = harness.missing(submission, job.exports).map(String)
    if (names.length === 0) return submission
    await send({ kind: 'missing', names })
  } catch (thrown) {
    await send({ kind: 'threw', thrown: copy(harness, thrown) })
  }
  return undefined
}
/** A fresh instance of the student's files: what one scenario leaves in their variables is no other's. */
function evaluate(context: Context, harness: Harness, { code, library, lasting }: Job): Submission {
  const parts = (lasting && kept) || harness.library(scriptIn(context, 'library.js', library), lasting)
  if (lasting) kept = parts
  const make = scriptIn(context, 'submission.js', code)
  return timed(context, () => harness.submission(make, parts))
}
let kept: Library | undefined
const scriptIn = (context: Context, filename: string, code: string): unknown =>
  new Script(code, { filename }).runInContext(context, { timeout: CLOCK })

function outcome({ context, harness, job }: Loaded, scenario: Job['scenarios'][number]): Report {
  try {
    const submission = evaluate(context, harness, job)
    return { kind: 'run', run: timed(context, () => harness.play(submission, job.machine, scenario)) }
  } catch (thrown) {
    return { kind: 'broke', scenario: scenario.id, thrown: copy(harness, thrown) }
  }
}
/** What was thrown, as strings of a bearable length. */
function copy(harness: Harness, thrown: unknown): { message: string; stack: string } {
  const { message, stack } = harness.describe(thrown)
  return { message: String(message).slice(0, 4000), stack: String(stack).slice(0, 16_000) }
}

async function watch({ context, harness, submission, job }: Loaded, boot: unknown): Promise<void> {
  let session: Session
  try {
    session = timed(context, () => harness.watch(submission, job.machine, boot))
  } catch (thrown) {
    await send({ kind: 'broke', scenario: '', thrown: copy(harness, thrown) })
    return finish()
  }
  process.on('message', (order: Order) => {
    if (order.do === 'key') session.key(order.key)
    else if (order.do === 'poke') session.poke(order.address, order.value)
    else if (order.do === 'image') {
      const image = timed(context, () => session.image())
      void send({ kind: 'image', image })
    } else {
      const frame = timed(context, () => session.run(order.instructions, order.until))
      void send({ kind: 'frame', frame })
    }
  })
  await send({ kind: 'booted' })
}

async function finish(): Promise<void> {
  await send({ kind: 'done' })
  process.disconnect?.()
}
function send(report: Report): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = (error: Error | null): void => (error ? reject(error) : resolve())
    if (process.send) process.send(report, undefined, undefined, sent)
    else reject(new Error('this must be started by the grader: it has nobody to talk to'))
  })
}
