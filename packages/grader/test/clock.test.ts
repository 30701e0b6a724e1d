import { type ChildProcess, spawn } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { Clock, cpuTime, FAR, innermost } from '../src/clock.ts'

function child(code: string): ChildProcess {
  const one = spawn(process.execPath, ['--eval', code], { stdio: 'ignore' })
  onTestFinished(() => void one.kill('SIGKILL'))
  return one
}
/** @returns after how many milliseconds a clock of 300 ms is over */
const over = (used: () => number | undefined, milliseconds = 300): Promise<number> => {
  const began = performance.now()
  return new Promise((resolve) => {
    new Clock(used, () => resolve(performance.now() - began)).wind(milliseconds)
  })
}
const told = cpuTime(process.pid) !== undefined

test.skipIf(!told)('CPU time is that of the process: one that sleeps uses none', async () => {
  const [busy, idle] = [child('for (;;) {}'), child('setInterval(() => {}, 1e9)')]
  await expect.poll(() => cpuTime(busy.pid!), { timeout: 20_000 }).toBeGreaterThan(500)
  expect(cpuTime(idle.pid!)).toBeLessThan(400)
  busy.kill('SIGKILL')
  await expect.poll(() => cpuTime(busy.pid!)).toBeUndefined()
})
test.skipIf(!told)('what runs behind a wrapper is found; a process without children is its own', async () => {
  const wrapper = child("require('child_process').spawn('sleep', ['100'], { stdio: 'ignore' })")
  await expect.poll(() => innermost(wrapper.pid!), { timeout: 20_000 }).not.toBe(wrapper.pid)
  const sleep = innermost(wrapper.pid!)!
  expect(innermost(sleep)).toBe(sleep)
  process.kill(sleep, 'SIGKILL')
})
test('a clock does not count what the process has not used: a busy host takes nothing from it', async () => {
  let used = 0
  const timer = setInterval(() => {
    used += 20
  }, 100)
  expect(await over(() => used)).toBeGreaterThan(1000)
  clearInterval(timer)
})
test('time that was used before counts for nothing', async () => {
  let used = 10_000
  const timer = setInterval(() => {
    used += 100
  }, 100)
  expect(await over(() => used)).toBeGreaterThan(250)
  clearInterval(timer)
})
test('a process that sleeps is ended, much later', async () => {
  expect(await over(() => 0, 20)).toBeGreaterThanOrEqual(20 * FAR - 5)
})
test('where CPU time is not told, there is more of the wall’s', async () => {
  expect(await over(() => undefined, 100)).toBeGreaterThan(390)
})
test('a clock that rests is never over', async () => {
  let rang = false
  const clock = new Clock(
    () => undefined,
    () => {
      rang = true
    },
  )
  clock.wind(10)
  clock.rest()
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(rang).toBe(false)
})
