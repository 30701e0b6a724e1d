// The capsule: a process of its own for one submission. It evaluates the student's script in a bare context, without
// Node's globals, on a machine that lives in the same context, and sends back raw machine state. It knows no score.
//
// Of this file's realm the student's code gets nothing: what it is handed is made inside the context (harness.ts).
// The grader ends a capsule that takes too long; should the grader be gone, the capsule's own clock does, a little later.

import { types } from 'node:util'
import { type Context, constants, createContext, Script } from 'node:vm'
import type { Door, Library, Session, Submission } from './harness.ts'
import { openPipes, type Pipes } from './pipes.ts'
import type { Job, Report } from './protocol.ts'

type Harness = typeof import('./harness.ts')

const CLOCK = Number(process.argv[1])

function main(pipes: Pipes): void {
  const { job, send } = pipes
  const context = createContext(constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: true },
    microtaskMode: 'afterEvaluate',
  })
  const harness = new Script(job.harness, { filename: 'harness.js' }).runInContext(context) as Harness
  const realm: Realm = { context, harness, door: harness.prepare(), go: new Script(`${harness.DOOR}()`) }
  send({ kind: 'ready' })
  play({ ...realm, ...pipes })
  send({ kind: 'done' })
}
function play(capsule: Capsule): void {
  const { job, send } = capsule
  const submission = load(capsule)
  if (!submission) return
  send({ kind: 'loaded' })
  if (job.watch) return watch(capsule, submission, job.watch.boot)
  for (const scenario of job.scenarios) {
    send({ kind: 'begin', scenario: scenario.id })
    send(outcome(capsule, scenario))
  }
}
interface Realm {
  readonly context: Context
  readonly harness: Harness
  readonly door: Door
  readonly go: Script
}
type Capsule = Realm & Pipes

/** Do `work` with an end to it: a loop without end is broken off, and with it the process. */
function timed<T>({ context, door, go }: Realm, work: () => T): T {
  let result: T | undefined
  door(() => {
    result = work()
  })
  try {
    go.runInContext(context, { timeout: CLOCK })
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

function load(capsule: Capsule): Submission | undefined {
  const { harness, job, send } = capsule
  try {
    const submission = evaluate(capsule, job)
    const names = harness.missing(submission, job.exports).map(String)
    if (names.length === 0) return submission
    send({ kind: 'missing', names })
  } catch (thrown) {
    send({ kind: 'threw', thrown: copy(harness, thrown) })
  }
  return undefined
}
/** A fresh instance of the student's files: what one scenario leaves in their variables is no other's. */
function evaluate(realm: Realm, { code, library, lasting }: Job): Submission {
  const { context, harness } = realm
  const parts = (lasting && kept) || harness.library(scriptIn(context, 'library.js', library), lasting)
  if (lasting) kept = parts
  const make = scriptIn(context, 'submission.js', code)
  return timed(realm, () => harness.submission(make, parts))
}
let kept: Library | undefined
const scriptIn = (context: Context, filename: string, code: string): unknown =>
  new Script(code, { filename }).runInContext(context, { timeout: CLOCK })

function outcome(capsule: Capsule, scenario: Job['scenarios'][number]): Report {
  const { harness, job } = capsule
  try {
    const submission = evaluate(capsule, job)
    return { kind: 'run', run: timed(capsule, () => harness.play(submission, job.machine, scenario)) }
  } catch (thrown) {
    return { kind: 'broke', scenario: scenario.id, thrown: copy(harness, thrown) }
  }
}
/** What was thrown, as strings of a bearable length. */
function copy(harness: Harness, thrown: unknown): { message: string; stack: string } {
  const { message, stack } = harness.describe(thrown)
  return { message: String(message).slice(0, 4000), stack: String(stack).slice(0, 16_000) }
}

function watch(capsule: Capsule, submission: Submission, boot: unknown): void {
  const { harness, job, orders, send } = capsule
  let session: Session
  try {
    session = timed(capsule, () => harness.watch(submission, job.machine, boot))
  } catch (thrown) {
    return send({ kind: 'broke', scenario: '', thrown: copy(harness, thrown) })
  }
  send({ kind: 'booted' })
  for (const order of orders) {
    if (order.do === 'key') session.key(order.key)
    else if (order.do === 'poke') session.poke(order.address, order.value)
    else if (order.do === 'image') send({ kind: 'image', image: timed(capsule, () => session.image()) })
    else send({ kind: 'frame', frame: timed(capsule, () => session.run(order.instructions, order.until)) })
  }
}

main(openPipes())
