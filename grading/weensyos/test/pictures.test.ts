import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sampled } from '@pagewalk/grader/test-kit'
import { expect, test } from 'vitest'
import { draw, FOLDER, PICTURES } from '../pictures.ts'

const readme = readFileSync(join(FOLDER, '..', 'README.md'), 'utf8')

test.each(sampled(PICTURES, 2))(
  'the handout’s picture $name is what the kernel shows (else: node grading/weensyos/pictures.ts)',
  {
    timeout: 60_000,
  },
  async (picture) => {
    expect(readFileSync(join(FOLDER, `${picture.name}.svg`), 'utf8')).toBe(await draw(picture))
  },
)
test('the folder has these pictures and no others, and the handout shows each', () => {
  const names = PICTURES.map(({ name }) => `${name}.svg`)
  expect(readdirSync(FOLDER).sort()).toEqual([...names].sort())
  for (const name of names) expect(readme).toContain(`](handout/${name})`)
})
