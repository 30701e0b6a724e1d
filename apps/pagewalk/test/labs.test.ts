import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { labNamed, labsMeant } from '../src/labs.ts'

const dir = mkdtempSync(join(tmpdir(), 'pagewalk-labs-'))
afterAll(() => rmSync(dir, { recursive: true }))
for (const [name, file] of [
  ['ada', 'kernel.ts'],
  ['ben', 'paging.ts'],
] as const) {
  mkdirSync(join(dir, name))
  writeFileSync(join(dir, name, file), '')
}
const ids = async (id: string | undefined, ...names: string[]): Promise<string[]> =>
  (
    await labsMeant(
      id,
      names.map((name) => join(dir, name)),
    )
  ).map((lab) => lab.id)

test('only the labs that a submission may be of are loaded', async () => {
  expect(await ids(undefined, 'ada')).toEqual(['weensyos'])
  expect(await ids(undefined, 'ben/paging.ts')).toEqual(['nautilus'])
  expect(await ids(undefined, 'ada', 'ben')).toEqual(['weensyos', 'nautilus'])
  expect(await ids(undefined, 'ada', '.')).toEqual(['weensyos', 'nautilus'])
  expect(await ids(undefined)).toEqual(['weensyos', 'nautilus'])
  expect(await ids('nautilus', 'ada')).toEqual(['nautilus'])
})
test('the file that is looked for is the first of the lab’s own', async () => {
  for (const [id, file] of [
    ['weensyos', 'kernel.ts'],
    ['nautilus', 'paging.ts'],
  ])
    expect((await labNamed(id!)).files[0]).toBe(file)
})
