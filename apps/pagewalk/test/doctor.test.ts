// `pagewalk doctor`, and the options that it is asked for: a process, its output, its exit code.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { LEVELS, reaches, strongest } from '@pagewalk/grader'
import { expect, test, vi } from 'vitest'

vi.setConfig({ testTimeout: 120_000 })

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
const kernel = fileURLToPath(new URL('../../../packages/weensyos/kernel.ts', import.meta.url))
const pagewalk = (...args: readonly string[]) =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
const { level } = await strongest()

test('says of each layer whether it holds, and of one that does not why and how to get it', () => {
  const { status, stdout, stderr } = pagewalk('doctor', '--json')
  expect([status, stderr]).toEqual([0, ''])
  const told = JSON.parse(stdout)
  expect(told).toMatchObject({ node: process.version, level, labs: [{ id: 'weensyos' }, { id: 'nautilus' }] })
  for (const layer of told.layers) {
    if (reaches(level, layer.level)) expect(layer).toMatchObject({ holds: true })
    if (!layer.holds) expect(layer).toMatchObject({ why: expect.any(String), remedy: expect.any(String) })
  }
  expect(told.layers.map((layer: { level: string }) => layer.level)).toEqual([...LEVELS])
})
test('says the same to people, a line for each layer', () => {
  const { status, stdout } = pagewalk('doctor')
  expect(status).toBe(0)
  expect(stdout).toContain(`sandbox: ${level} `)
  for (const each of LEVELS) expect(stdout).toMatch(new RegExp(`^  (yes|no ) {2}${each} `, 'm'))
})
test('a level that is not reached is refused before anything is graded', () => {
  const { status, stdout, stderr } = pagewalk(
    'grade',
    kernel,
    '--sandbox',
    'realm',
    '--require-sandbox',
    'limits',
  )
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(
    /^pagewalk: --require-sandbox: expected capsules isolated with limits, got realm; .*\n$/,
  )
  const unknown = pagewalk('grade', kernel, '--sandbox', 'jail')
  expect([unknown.status, unknown.stdout]).toEqual([2, ''])
  expect(unknown.stderr).toMatch(/^pagewalk: --sandbox: expected one of auto, realm, .*, got "jail"\n$/)
})
