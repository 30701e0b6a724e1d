import { describe, expect, test } from 'vitest'
import { file, folder, KERNEL, one, take, takeOne, zipped } from './kit.ts'

const from = async (files: Record<string, string>, labs = [one]) =>
  takeOne(file('ann.zip', await zipped(files)), { labs })

describe('the lab’s files', () => {
  test.each([
    'kernel (1).ts',
    'Kernel.ts',
    'KERNEL.TS',
    'kernel.ts.txt',
    'my_kernel.ts',
    'myKernel.ts',
    'kernel-2.ts',
    'kernel copy.ts',
    'Copy of kernel.ts',
    'kernel2.ts',
    'work/kernel_final_v3.ts',
  ])('%s is taken for kernel.ts if nothing else may be, and told', async (name) => {
    const { submission, warnings } = await from({ [name]: KERNEL, 'notes.md': '' })
    expect(submission.trouble).toBeUndefined()
    expect(submission.files.get('kernel.ts')).toBe(KERNEL)
    expect(warnings).toEqual([`kernel.ts is not there: ${name} is taken for it`])
  })
  test.each(['kernel.test.ts', 'kernel.d.ts', 'kernels.ts', 'kernel.js', 'kern.ts', 'lib/kernel.ts'])(
    '%s is not taken for kernel.ts',
    async (name) => {
      const { submission } = await from({ [name]: KERNEL })
      expect(submission.trouble).toEqual({
        expected: 'kernel.ts is among the files',
        observed: 'kernel.ts: not there',
        hint: `There is ${name}. Is this what you meant to hand in?`,
      })
    },
  )
  test('of several that may be meant none is taken; the hint names them', async () => {
    const { submission } = await from({ 'kernel (1).ts': KERNEL, 'my_kernel.ts': '//' })
    expect(submission.trouble).toEqual({
      expected: 'kernel.ts is among the files',
      observed: 'kernel.ts: not there',
      hint: 'Which of kernel (1).ts, my_kernel.ts is meant? Hand in one file, named kernel.ts.',
    })
  })
  test('a file of the right name wins over one that reminds of it, and the other is told', async () => {
    const { submission, warnings } = await from({ 'kernel.ts': KERNEL, 'kernel (1).ts': '// newer?' })
    expect(submission.files.get('kernel.ts')).toBe(KERNEL)
    expect(warnings).toEqual(['kernel (1).ts is not used: kernel.ts is there'])
  })
  test('the nearest to the top is used, and the others are told', async () => {
    const { submission, warnings } = await from({ 'x/kernel.ts': KERNEL, 'x/old/kernel.ts': '//' })
    expect(submission.files.get('kernel.ts')).toBe(KERNEL)
    expect(warnings).toEqual(['kernel.ts is there more than once: x/kernel.ts is used, not x/old/kernel.ts'])
  })
  test('two different ones equally near are trouble; two that are the same are not', async () => {
    const { submission } = await from({ 'package.json': '{}', 'a/kernel.ts': KERNEL, 'b/kernel.ts': '//' })
    expect(submission.trouble?.observed).toBe(
      'kernel.ts: there 2 times, each different: a/kernel.ts, b/kernel.ts',
    )
    const same = await from({ 'package.json': '{}', 'a/kernel.ts': KERNEL, 'b/kernel.ts': KERNEL })
    expect(same.submission.files.get('kernel.ts')).toBe(KERNEL)
    expect(same.warnings).toHaveLength(1)
  })
  test('all that are missing are named at once; what is no code may be missing', async () => {
    const missing = await takeOne(
      folder({ 'x.ts': '', 'ann/shell.ts': '//', 'ann/STATUS.md': 'x' }).concat('/ann'),
    )
    expect(missing.submission.trouble?.observed).toBe('paging.ts: not there')
    const { submission } = await takeOne(file('ann.zip', await zipped({ 'paging-1.ts': '//' })))
    expect(submission.lab.id).toBe('several')
    expect(submission.trouble?.observed).toBe('shell.ts: not there')
    const none = await take(file('ann.zip', await zipped({ 'report.pdf': '' })), { labs: [submission.lab] })
    expect(none.entries[0]?.submission.trouble).toMatchObject({
      expected: 'paging.ts and shell.ts are among the files',
      observed: 'paging.ts and shell.ts: not there',
      hint: 'There is report.pdf. Is this what you meant to hand in?',
    })
  })
  test('they are looked for in one folder first', async () => {
    const { submission } = await takeOne(
      file(
        'ann.zip',
        await zipped({
          'work/paging.ts': 'a',
          'work/shell.ts': 'b',
          'work/STATUS.md': 'c',
          'work/old/shell.ts': 'd',
          'STATUS.md': 'top',
        }),
      ),
    )
    expect([...submission.files]).toEqual([
      ['STATUS.md', 'c'],
      ['paging.ts', 'a'],
      ['shell.ts', 'b'],
    ])
  })
  test('an archive that is not opened is named', async () => {
    const { submission } = await from({ 'lab.tar.gz': 'x' })
    expect(submission.trouble?.hint).toBe(
      'lab.tar.gz is not opened: only zip archives are, and none inside another one. What is in it?',
    )
  })
  test('what systems and tools leave behind is not seen', async () => {
    const { submission, warnings } = await from({
      'lab/kernel.ts': KERNEL,
      '__MACOSX/lab/._kernel.ts': 'x',
      'lab/.DS_Store': 'x',
      'lab/node_modules/kernel.ts': 'x',
      'lab/.history/kernel.ts': 'x',
      'lab/lib/kernel.ts': 'x',
    })
    expect(submission.files.get('kernel.ts')).toBe(KERNEL)
    expect(warnings).toEqual([])
  })
})
