// Runs vitest with one worker more than there are CPUs: tests of queues and clocks wait more than they work.
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

const args = [`--maxWorkers=${availableParallelism() + 1}`, '--testTimeout=60000', '--hookTimeout=60000']
const { status, error } = spawnSync('vitest', ['run', ...args, ...process.argv.slice(2)], {
  stdio: 'inherit',
  shell: process.platform === 'win32',
})
if (error) throw error
process.exitCode = status ?? 1
