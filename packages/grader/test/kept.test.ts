// What is built of our own files is kept on disk, and never for longer than it is true.

import { createHash, randomUUID } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { kept, packed, remembered } from '../src/kept.ts'
import { folder, put } from './kit.ts'

const FOLDER = fileURLToPath(new URL('../node_modules/.cache/pagewalk', import.meta.url))
const host = randomUUID()
afterAll(() => {
  const own = `${createHash('sha256').update(host).digest('hex')}.json`
  for (const name of [...packed().keys(), own]) rmSync(join(FOLDER, name), { force: true })
})

const text = z.string()
/** Calls of `make` are counted; each key is new. */
function counted(inputs: readonly string[]): { made: () => number; get: () => Promise<string> } {
  const key = `test ${randomUUID()}`
  let calls = 0
  const make = async (): Promise<{ value: string; inputs: readonly string[] }> => {
    calls++
    return { value: `made ${calls}`, inputs }
  }
  return { made: () => calls, get: () => kept(key, text, make) }
}

test('what is kept is built once, and again when one of its files changes or goes', async () => {
  const dir = put(folder(), { 'a.ts': 'one', 'b.ts': 'two' })
  const { made, get } = counted([join(dir, 'a.ts'), join(dir, 'b.ts')])
  expect([await get(), await get(), made()]).toEqual(['made 1', 'made 1', 1])
  put(dir, { 'b.ts': 'three' })
  expect([await get(), await get()]).toEqual(['made 2', 'made 2'])
  put(dir, { 'b.ts': 'two' })
  expect(await get()).toBe('made 3') // one version is kept, not all
})
test('what is kept in another form than is wanted today is built again', async () => {
  const key = `test ${randomUUID()}`
  await kept(key, text, async () => ({ value: 'words', inputs: [] }))
  const value = await kept(key, z.number(), async () => ({ value: 7, inputs: [] }))
  expect(value).toBe(7)
})
test('names of no file are no files', async () => {
  const { made, get } = counted(['virtual:library'])
  expect([await get(), await get(), made()]).toEqual(['made 1', 'made 1', 1])
})
test('what cannot be built is not kept', async () => {
  const key = `test ${randomUUID()}`
  const fails = async (): Promise<never> => {
    throw new Error('no')
  }
  await expect(kept(key, text, fails)).rejects.toThrow('no')
  expect(await kept(key, text, async () => ({ value: 'yes', inputs: [] }))).toBe('yes')
})
test('what is true of this host is remembered and never packed; what was built is', async () => {
  const built = randomUUID()
  expect(await remembered(host, text, async () => host)).toBe(host)
  expect(await remembered(host, text, async () => 'other')).toBe(host)
  await kept(built, text, async () => ({ value: built, inputs: [] }))
  const files = [...packed().values()].join()
  expect(files).toContain(built)
  expect(files).not.toContain(host)
})
