import { expect, test } from 'vitest'
import { buildSafely, Overwhelmed } from '../src/compiler.ts'

const PATIENCE = { among: 300, alone: 1500 }
const compile = async (contents: string): Promise<string | undefined> => {
  const { outputFiles } = await buildSafely({ stdin: { contents, loader: 'ts' }, write: false }, PATIENCE)
  return outputFiles[0]?.text
}
/** Each `x=>` may be the beginning of a list of types, so the compiler tries it both ways. */
const ENDLESS = `export const x = ${'x=>'.repeat(2000)}1`

test('a source that the compiler does not come to an end with is given up, and costs nobody else', async () => {
  const fine = (n: number): Promise<string | undefined> => compile(`export const n = ${n}`)
  const [one, endless, two] = await Promise.allSettled([fine(1), compile(ENDLESS), fine(2)])
  expect(one).toMatchObject({ status: 'fulfilled', value: 'export const n = 1;\n' })
  expect(two).toMatchObject({ status: 'fulfilled', value: 'export const n = 2;\n' })
  expect(endless).toMatchObject({ status: 'rejected', reason: expect.any(Overwhelmed) })
  expect(await fine(3)).toBe('export const n = 3;\n')
})
test('a source that is wrong is told as wrong, in the time that it takes', async () => {
  await expect(compile('const =')).rejects.toThrow('Build failed with 1 error')
})
