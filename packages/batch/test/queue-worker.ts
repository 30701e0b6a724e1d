// A worker for the fake lab on the queue argv[2]; for tests that kill it. Prints its news, a line of JSON each.

import { fake } from '@pagewalk/grader/test-kit'
import { startWorker } from '../src/index.ts'

const [, , url] = process.argv as [string, string, string]
const { signal } = new AbortController()
await startWorker(url, {
  labs: [fake],
  sandbox: { level: 'realm', idle: 0 },
  jobs: 1,
  signal,
  giveBack: signal,
  log: (news) => console.log(JSON.stringify(news)),
})
