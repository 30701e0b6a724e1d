// A library that lasts is evaluated once for all scenarios; the student's files are evaluated for each.

import { expect, test, vi } from 'vitest'
import { findSubmissions, type Grade, grade, type Lab } from '../src/index.ts'
import { fake } from './fake/lab.ts'
import { checksOf, folder, put, RIGHT } from './kit.ts'

vi.setConfig({ testTimeout: 60_000 })

const lasting: Lab = { ...fake, bundle: { ...fake.bundle, lasting: true } }
const graded = (lab: Lab, source: string): Promise<Grade> =>
  grade(findSubmissions(put(folder(), { 'kernel.ts': source }), [lab])[0]!)
const observed = async (source: string): Promise<string | undefined> =>
  checksOf(await graded(lasting, source)).loads?.observed

test('the machine comes to the same state as with a library for each scenario', async () => {
  const [one, other] = [await graded(fake, RIGHT), await graded(lasting, RIGHT)]
  expect(other.result.score).toBe(10)
  expect(other.result.machine).toEqual(one.result.machine)
})
test('what a student’s file keeps in a variable is gone in the next scenario', async () => {
  const source = `${RIGHT.replace('export function tick', 'let ticks = 0\nexport function tick').replace(
    'write32(COUNT, read32(COUNT) + 1)',
    'write32(COUNT, ++ticks)',
  )}`
  expect((await graded(lasting, source)).result.score).toBe(10)
})
test('a student’s file cannot change it', async () => {
  const mine = "import * as room from './lib/room.ts'\n"
  expect(await observed(`${mine}Object.assign(room.say, { twice: 1 })\n${RIGHT}`)).toMatch(
    /^kernel\.ts:2:8: TypeError: Cannot add property twice, object is not extensible$/,
  )
  expect(await observed(`${mine}Object.assign(room, { say: 1 })\n${RIGHT}`)).toMatch(
    /^kernel\.ts:2:8: TypeError/,
  )
})
test('a name that it does not export is an error at its place', async () => {
  const source = RIGHT.replaceAll('COUNT', 'COUNTS')
  expect(await observed(source)).toMatch(
    /^kernel\.ts:4:\d+: No matching export in "library:\.\/lib\/room\.ts" for import "COUNTS"/,
  )
})
