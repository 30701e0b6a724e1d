// The capsule: a process of its own for one submission. It evaluates the student's script in a bare context, without
// Node's globals, on a machine that lives in the same context, and sends back raw machine state. It knows no score.
//
// In strict mode the script is evaluated in such a context of another thread, and the machine stays here.
// The grader ends a capsule that takes too long; should the grader be gone, the capsule's own clock does, a little later.

import type { Session, Submitted } from './harness.ts'
import { openPipes, type Pipes } from './pipes.ts'
import type { Job, Report } from './protocol.ts'
import { evaluator, type Harness, openRealm, type Realm } from './realm.ts'
import { startThread } from './thread.ts'

const CLOCK = Number(process.argv[1])

interface Capsule extends Realm, Pipes {
  readonly submitted: Submitted
  /** Was this thrown because the process is about to end? */
  ends(thrown: unknown): boolean
}

function main(pipes: Pipes): void {
  const { job } = pipes
  const realm = openRealm(job.harness, CLOCK)
  if (job.strict) return startThread(job, realm, (thread) => begin({ ...realm, ...pipes, ...thread }))
  const submitted = realm.harness.here(evaluator(realm, job), job.exports)
  begin({ ...realm, ...pipes, submitted, ends: () => false })
}
function begin(capsule: Capsule): void {
  try {
    play(capsule)
  } catch (thrown) {
    if (capsule.ends(thrown)) return
    throw thrown
  }
  capsule.send({ kind: 'done' })
}

function play(capsule: Capsule): void {
  const { job, send, submitted } = capsule
  submitted.open()
  send({ kind: 'ready' })
  if (!loads(capsule)) return
  send({ kind: 'loaded' })
  if (job.watch) return watch(capsule, job.watch.boot)
  for (const scenario of job.scenarios) {
    send({ kind: 'begin', scenario: scenario.id })
    send(outcome(capsule, scenario))
  }
}
function loads(capsule: Capsule): boolean {
  const { run, submitted, send } = capsule
  try {
    const names = run(() => submitted.load()).map(String)
    if (names.length === 0) return true
    send({ kind: 'missing', names })
  } catch (thrown) {
    send({ kind: 'threw', thrown: told(capsule, thrown) })
  }
  return false
}
function outcome(capsule: Capsule, scenario: Job['scenarios'][number]): Report {
  const { harness, job, run, send, submitted } = capsule
  try {
    const kernel = submitted.kernel()
    const alive = (): void => send({ kind: 'alive' })
    return { kind: 'run', run: run(() => harness.play(kernel, job.machine, scenario, alive)) }
  } catch (thrown) {
    return { kind: 'broke', scenario: scenario.id, thrown: told(capsule, thrown) }
  }
}
/** What was thrown, as strings of a bearable length. @throws it, if the process is about to end */
function told({ harness, ends }: Capsule, thrown: unknown): ReturnType<Harness['describe']> {
  if (ends(thrown)) throw thrown
  const { message, stack } = harness.describe(thrown)
  return { message: String(message).slice(0, 4000), stack: String(stack).slice(0, 16_000) }
}

function watch(capsule: Capsule, boot: unknown): void {
  const { harness, job, orders, run, send, submitted } = capsule
  let session: Session
  try {
    const kernel = submitted.kernel()
    session = run(() => harness.watch(kernel, job.machine, boot))
  } catch (thrown) {
    return send({ kind: 'broke', scenario: '', thrown: told(capsule, thrown) })
  }
  send({ kind: 'booted' })
  for (const order of orders) {
    if (order.do === 'key') session.key(order.key)
    else if (order.do === 'poke') session.poke(order.address, order.value)
    else if (order.do === 'image') send({ kind: 'image', image: run(() => session.image()) })
    else send({ kind: 'frame', frame: run(() => session.run(order.instructions, order.until)) })
  }
}

main(openPipes())
