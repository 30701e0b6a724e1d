// The thread of the student's kernel, in strict mode, as the capsule's main thread has it. It gets nothing but the student's and
// the lab's scripts and the memory that both threads see: no pipe, no key, no environment.

import { writeSync } from 'node:fs'
import { MessageChannel, Worker } from 'node:worker_threads'
import type { Submitted } from './harness.ts'
import type { Job } from './protocol.ts'
import type { Realm } from './realm.ts'

/** What thread-main.ts is handed. */
export type ThreadData = Pick<Job, 'harness' | 'library' | 'lasting' | 'code' | 'exports'> & {
  readonly channel: SharedArrayBuffer
  readonly port: MessagePort
}

const STDERR = 2

/** The thread has ended. */
class Gone extends Error {}

/** As much as the main thread has, in MiB: V8 keeps a part of it for itself. */
const STACK_MIB = 900 / 1024 + 0.1875
/** Room for compiled code, in MiB; a thread's share of what Linux counts as written. */
const CODE_MIB = 32

export interface Thread {
  readonly submitted: Submitted
  /** Was this thrown because the thread is no more? Then the process ends, a moment later, for the same reason. */
  ends(thrown: unknown): boolean
}
/** @param begin  called once there is a thread */
export function startThread(job: Job, { harness }: Realm, begin: (thread: Thread) => void): void {
  const { library, lasting, code, exports } = job
  const channel = new SharedArrayBuffer(harness.CHANNEL_BYTES)
  const { port1: near, port2: port } = new MessageChannel()
  const submitted = harness.elsewhere(
    channel,
    (message) => near.postMessage(message),
    () => mustLive(worker),
  )
  const worker = new Worker(job.thread, {
    eval: true,
    workerData: { harness: job.harness, library, lasting, code, exports, channel, port },
    transferList: [port],
    argv: [],
    env: {},
    stdin: false,
    stdout: true,
    stderr: true,
    resourceLimits: { stackSizeMb: STACK_MIB, codeRangeSizeMb: CODE_MIB },
  })
  worker.on('error', ({ message }) => writeSync(STDERR, `${message}\n`))
  worker.on('exit', (code) => process.exit(code || 1))
  const open = (): void => {
    submitted.open()
    mustLive(worker) // asked for the first time
  }
  worker.on('online', () =>
    begin({ submitted: { ...submitted, open }, ends: (thrown) => thrown instanceof Gone }),
  )
}
/**
 * This thread waits for the other one and hears of no event meanwhile, but it can ask how long the other's loop has been idle: a
 * thread that has ended answers with -1, if it has been asked before.
 *
 * @throws Gone
 */
function mustLive(worker: Worker): void {
  if (worker.performance.eventLoopUtilization().idle < 0) throw new Gone()
}
