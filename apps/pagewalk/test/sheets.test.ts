import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Grade, Lab, Submission } from '@pagewalk/grader'
import { describe, expect, onTestFinished, test } from 'vitest'
import { fileName } from '../src/file-names.ts'
import { openSheets, writeSheets } from '../src/sheets.ts'

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pagewalk-sheets-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
const lab = {
  id: 'fake',
  rubric: {
    version: '1',
    steps: [{ id: '1', title: '', extra: false, checks: [{ check: 'read', points: 9, reader: true }] }],
  },
  sheet: () => '',
} as unknown as Lab
const submissions = (...names: string[]): Submission[] =>
  names.map((name) => ({ name, lab, files: new Map(), sha256: '', changedLibrary: [] }))
const grades = (...sheets: string[]): Grade[] => sheets.map((sheet) => ({ sheet }) as unknown as Grade)
const text = (dir: string, name: string): string => readFileSync(join(dir, name), 'utf8')

describe('a sheet', () => {
  test('is a file with the name of its submission, and ends with what goes into the file of points', () => {
    const dir = folder()
    expect(writeSheets(dir, submissions('ann', 'bob'), grades('# A\n', '# B'))).toEqual([
      `2 sheets in ${dir}`,
    ])
    expect(readdirSync(dir)).toEqual(['ann.md', 'bob.md'])
    expect(text(dir, 'ann.md')).toMatch(
      /^<!-- sheet of fake, "ann", [0-9a-f]{16} -->\n# A\n\nFor the file of `--points` \(read: 0 to 9\):/,
    )
    const json = /```json\n([^`]*)```/.exec(text(dir, 'ann.md'))?.[1] ?? ''
    expect(JSON.parse(json)).toEqual({ ann: { points: { read: 0 }, comment: '', by: '' } })
  })
  test('of before is replaced; one that somebody has changed, and any other file, is not', () => {
    const dir = folder()
    writeSheets(dir, submissions('ann', 'bob'), grades('# A', '# B'))
    writeFileSync(join(dir, 'bob.md'), `${text(dir, 'bob.md')}good!`)
    writeFileSync(join(dir, 'cy.md'), 'mine')
    mkdirSync(join(dir, 'dee.md'))
    const told = writeSheets(
      dir,
      submissions('ann', 'bob', 'cy', 'dee'),
      grades('# A2', '# B2', '# C2', '# D2'),
    )
    expect(told).toHaveLength(4)
    expect(told[0]).toBe(
      `${join(dir, 'bob.md')} is not as a sheet of bob was written, and was kept; the new one is ${join(dir, 'bob-2.md')}`,
    )
    expect(text(dir, 'ann.md')).toContain('# A2')
    expect(text(dir, 'bob.md')).toContain('# B\n')
    expect(text(dir, 'bob-2.md')).toContain('# B2')
    expect(text(dir, 'cy.md')).toBe('mine')
    expect(text(dir, 'cy-2.md')).toContain('# C2')
    expect(text(dir, 'dee-2.md')).toContain('# D2')
  })
  test('of another submission is not taken for one’s own', () => {
    const dir = folder()
    writeSheets(dir, submissions('a/b'), grades('# 1'))
    writeSheets(dir, submissions('a:b'), grades('# 2'))
    writeSheets(dir, submissions('A:b', 'a:b'), grades('# 3', '# 4'))
    expect(readdirSync(dir).map((name) => /^# \d/m.exec(text(dir, name))?.[0])).toHaveLength(3)
    expect(text(dir, 'a_b.md')).toContain('# 1')
    expect(text(dir, 'a_b-2.md')).toContain('# 4')
  })
  test.each([
    ['ann', 'ann'],
    ['Zoë 2.1-b_c', 'Zoë 2.1-b_c'],
    ['../../etc/passwd', '_.._etc_passwd'],
    ['a\\b:c*d\n', 'a_b_c_d_'],
    ['...', 'submission'],
    ['nul', '_nul'],
    ['x'.repeat(300), 'x'.repeat(80)],
  ])('for %j has the name %j', (name, file) => {
    expect(fileName(name)).toBe(file)
  })
  test('needs a lab with something to read, and a folder', () => {
    const { sheet, ...without } = lab
    const none = submissions('ann').map((one) => ({ ...one, lab: without as Lab }))
    expect(() => openSheets(folder(), none)).toThrow(
      '--sheet: expected a lab that leaves points to a reader, got fake',
    )
    const dir = folder()
    writeFileSync(join(dir, 'file'), '')
    expect(() => openSheets(join(dir, 'file'), submissions('ann'))).toThrow(
      /^--sheet: expected a folder that can be written, got EEXIST/,
    )
  })
})
