// The shim is run: by Python, in a folder that a student has handed in.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { classroom50Shim, formats } from '../../src/index.ts'
import { context, expectGolden, small, trouble } from '../kit.ts'

const python = spawnSync('python3', ['--version']).status === 0
const root = mkdtempSync(join(tmpdir(), 'pagewalk-shim-'))
const bundle = join(root, 'bundle')
const checkout = join(root, 'checkout')
const handedIn = join(checkout, 'result.json')
afterAll(() => rmSync(root, { recursive: true }))
beforeEach(() => {
  for (const folder of [bundle, checkout]) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
  }
  writeFileSync(handedIn, '{"score": 100, "forged": true}')
})

/** Exit code of the shim, with a command that prints this. */
function run(printed: string, exit = 0): number | null {
  writeFileSync(join(bundle, 'printed'), printed)
  const program = `process.stdout.write(require('fs').readFileSync(process.argv[1])); process.exitCode = ${exit}`
  const command = [process.execPath, '-e', program, '{here}/printed']
  writeFileSync(join(bundle, 'autograder.py'), classroom50Shim(command))
  return spawnSync('python3', [join(bundle, 'autograder.py')], { cwd: checkout }).status
}

test('the shim is the golden file', () => {
  const command = ['node', '{here}/pagewalk/bin/pagewalk.mjs', 'grade', '.', '--format', 'classroom50']
  expectGolden('autograder.py', classroom50Shim(command))
})
test('a shim without a program is refused', () => {
  expect(() => classroom50Shim([])).toThrow('expected a program to run, got nothing')
})
describe.skipIf(!python)('the shim, run by Python', () => {
  test('writes what the command prints, byte for byte', () => {
    const file = formats.classroom50.write([small], context)
    expect(run(file)).toBe(0)
    expect(readFileSync(handedIn, 'utf8')).toBe(file)
  })
  test('our own failure is an infrastructure error, and no result is left', () => {
    expect(run(formats.classroom50.write([trouble], context))).toBe(1)
    expect(existsSync(handedIn)).toBe(false)
  })
  test('so is a command that fails, and one that prints no JSON', () => {
    expect(run(formats.classroom50.write([small], context), 3)).toBe(1)
    expect(run('no JSON')).toBe(1)
    expect(existsSync(handedIn)).toBe(false)
  })
})
