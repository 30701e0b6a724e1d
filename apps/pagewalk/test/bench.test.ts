import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { measure } from '../bench/measure/command.ts'

const bench = fileURLToPath(new URL('../../../tools/bench.ts', import.meta.url))

test('a bench of no known name is a usage error that lists the names', () => {
  const { status, stderr } = spawnSync(process.execPath, [bench, 'nothing'], { encoding: 'utf8' })
  expect(status).toBe(2)
  expect(stderr).toMatch(
    /^usage: .*\n {2}batch +What a class costs.*\n {2}grade +What one full grade costs.*\n {2}mips +How many guest instructions/,
  )
})
test.skipIf(process.platform === 'win32')(
  'what a command costs has CPU time and a wall clock, and its end is checked',
  async () => {
    const { cpu, wall } = await measure(['--help'], 0)
    expect(cpu).toBeGreaterThan(0)
    expect(wall).toBeGreaterThan(0)
    await expect(measure(['--help'], 1)).rejects.toThrow('exit code 0')
  },
)
