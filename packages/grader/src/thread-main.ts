// What the thread of the student's kernel runs: the same bare context as in a capsule without threads, and in it the library and
// the student's script. The machine is in the main thread.

import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { BootMessage } from './harness.ts'
import { evaluator, openRealm } from './realm.ts'
import type { ThreadData } from './thread.ts'

const { channel, port, exports, ...sources } = workerData as ThreadData
const realm = openRealm(sources.harness)

/** An object of this realm, which code in the context could come by, leads nowhere. */
const bare = <T extends object>(object: T): T => Object.setPrototypeOf(object, null)

// in the thread's loop, so that the loop has begun: by it the main thread sees whether there still is a thread
setImmediate(() =>
  realm.harness.kernelThread(bare(channel), {
    evaluate: evaluator(realm, sources),
    exports,
    message() {
      const message = receiveMessageOnPort(port)?.message as BootMessage
      return { ...message, memory: bare(message.memory) }
    },
    settle: () => realm.run(() => {}),
  }),
)
