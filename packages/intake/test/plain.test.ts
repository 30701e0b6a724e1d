import { mkdirSync, symlinkSync } from 'node:fs'
import { basename, join } from 'node:path'
import { findSubmissions, UsageError } from '@pagewalk/grader'
import { describe, expect, test } from 'vitest'
import { intake } from '../src/index.ts'
import { file, folder, KERNEL, namesOf, one, other, several, take, takeOne, zipped } from './kit.ts'

describe('a folder', () => {
  test('is what findSubmissions makes of it', async () => {
    const path = folder({
      'ann/kernel.ts': KERNEL,
      'ann/lib/room.ts': '// changed',
      'bo/notes.md': '',
      'cy/paging.ts': '//',
      'cy/shell.ts': '//',
      'grades.csv': 'a,b',
      '.git/kernel.ts': '',
      'node_modules/z/kernel.ts': '',
    })
    mkdirSync(join(path, 'dee'))
    const { entries } = await take(path)
    const before = findSubmissions(path, [one, several])
    expect(entries.map(({ name }) => name)).toEqual(before.map(({ name }) => name))
    const comparable = ({ name, lab, files, sha256, changedLibrary, trouble }: (typeof before)[number]) => [
      name,
      lab.id,
      [...files],
      sha256,
      changedLibrary,
      trouble?.observed,
    ]
    expect(entries.map(({ submission }) => comparable(submission))).toEqual(before.map(comparable))
  })
  test('with the lab’s file is one submission, called as the folder', async () => {
    const path = folder({ 'kernel.ts': KERNEL, 'samples/kernel.ts': '//' })
    expect(await takeOne(path)).toMatchObject({
      name: basename(path),
      kind: 'folder',
      attempt: 1,
      earlier: 0,
      late: false,
    })
  })
  test('of zips has a submission for each, beside those in folders', async () => {
    const path = folder({
      'ann.zip': await zipped({ 'lab/kernel.ts': KERNEL }),
      'bo.zip': 'no zip at all',
      'cy/kernel.ts': KERNEL,
    })
    const { entries } = await take(path)
    expect(entries.map(({ name, kind, submission: { trouble } }) => [name, kind, trouble?.expected])).toEqual(
      [
        ['ann', 'zip', undefined],
        ['bo', 'zip', 'bo.zip is a zip archive that can be read'],
        ['cy', 'folder', undefined],
      ],
    )
  })
  test('of a student’s whole project is one submission', async () => {
    const path = folder({
      'package.json': '{}',
      'packages/lab/kernel.ts': KERNEL,
      'grading/lab/reference/kernel.ts': '// theirs',
    })
    const entry = await takeOne(path)
    expect(entry.submission.files.get('kernel.ts')).toBe(KERNEL)
    expect(entry.warnings).toEqual([
      'kernel.ts is there more than once: packages/lab/kernel.ts is used, not grading/lab/reference/kernel.ts',
    ])
  })
  test.skipIf(process.platform === 'win32')('symbolic links in it are not followed', async () => {
    const path = folder({ 'real/kernel.ts': KERNEL, 'x/notes.md': '' })
    symlinkSync(join(path, 'real', 'kernel.ts'), join(path, 'x', 'kernel.ts'))
    symlinkSync(join(path, 'real'), join(path, 'y'))
    const { entries, notes } = await take(path)
    expect(entries.map(({ name, submission }) => [name, submission.trouble?.observed])).toEqual([
      ['real', undefined],
      ['x', 'kernel.ts: a symbolic link, which is not followed'],
    ])
    expect(notes.map(({ what }) => what).join()).toContain('y')
  })
})

describe('a zip', () => {
  test('of one submission is called as the zip, at whatever depth its files are', async () => {
    for (const inside of ['kernel.ts', 'lab/kernel.ts', 'a/b/packages/weensyos/kernel.ts'])
      expect(await takeOne(file('ann.zip', await zipped({ [inside]: KERNEL })))).toMatchObject({
        name: 'ann',
        kind: 'zip',
      })
  })
  test('of a class has a submission for each folder or zip, and says that it is taken so', async () => {
    const inner = await zipped({ 'kernel.ts': KERNEL })
    const { entries, notes } = await take(
      file(
        'class.zip',
        await zipped({ 'class/ann/kernel.ts': KERNEL, 'class/bo/kernel.ts': KERNEL, 'class/cy.zip': inner }),
      ),
    )
    expect(entries.map(({ name, submission }) => [name, submission.files.get('kernel.ts')])).toEqual([
      ['ann', KERNEL],
      ['bo', KERNEL],
      ['cy', KERNEL],
    ])
    expect(notes.map(({ what }) => what)).toEqual(['taken for 3 submissions: ann, bo, cy.zip'])
  })
  test('with the lab’s file in one of its folders is one submission, and says that it is taken so', async () => {
    const { entries, notes } = await take(
      file('ann.zip', await zipped({ 'work/kernel.ts': KERNEL, 'pictures/a.png': '' })),
    )
    expect(entries.map(({ name, submission }) => [name, submission.trouble])).toEqual([['ann', undefined]])
    expect(notes.map(({ what }) => what)).toEqual([
      'taken for one submission with the folders pictures, work',
    ])
  })
  test('with several labs has a submission for each lab', async () => {
    const { entries } = await take(
      file('ann.zip', await zipped({ 'a/kernel.ts': KERNEL, 'b/paging.ts': '//', 'b/shell.ts': '//' })),
    )
    expect(entries.map(({ name, submission }) => [name, submission.lab.id, submission.trouble])).toEqual([
      ['ann one', 'one', undefined],
      ['ann several', 'several', undefined],
    ])
  })
  test('a lab is recognised by its source if another one’s file has the same name', async () => {
    const labs = [one, other]
    const at = async (source: string) =>
      (await takeOne(file('a.zip', await zipped({ 'kernel.ts': source })), { labs })).submission.lab.id
    expect(await at('// other')).toBe('other')
    expect(await at('// mine')).toBe('one')
  })
  test('has the same hash and the same changed library as the folder', async () => {
    const files = { 'kernel.ts': KERNEL, 'lib/room.ts': '// changed', 'lib/new.ts': '', 'lib/notes.md': '' }
    const [zip, unpacked] = [await takeOne(file('a.zip', await zipped(files))), await takeOne(folder(files))]
    expect(zip.submission.sha256).toBe(unpacked.submission.sha256)
    expect(zip.submission.changedLibrary).toEqual(['lib/new.ts', 'lib/room.ts'])
    expect(unpacked.submission.changedLibrary).toEqual(zip.submission.changedLibrary)
  })
  test('the order of files in it changes nothing', async () => {
    const files = {
      'ann/kernel.ts': KERNEL,
      'ann/old/kernel.ts': '// old',
      'bo/kernel (1).ts': KERNEL,
      'cy/paging.ts': '//',
      'Ann/kernel.ts': '// the other Ann',
    }
    const at = async (names: string[]) =>
      take(
        file(
          'c.zip',
          await zipped(Object.fromEntries(names.map((name) => [name, files[name as keyof typeof files]]))),
        ),
      )
    const told = async (names: string[]) =>
      (await at(names)).entries.map(({ name, submission, warnings }) => [
        name,
        submission.sha256,
        submission.trouble,
        warnings,
      ])
    const forwards = await told(Object.keys(files))
    expect(await told(Object.keys(files).reverse())).toEqual(forwards)
    expect(forwards.map(([name]) => name)).toHaveLength(4)
  })
})

describe('a file', () => {
  test('is a submission, whatever its name is if that reminds of one lab only', async () => {
    expect(await takeOne(file('kernel (1).ts', KERNEL))).toMatchObject({ name: 'kernel (1)', kind: 'file' })
    expect(await takeOne(file('alice.ts', KERNEL), { labs: [one] })).toMatchObject({
      name: 'alice',
      kind: 'file',
    })
    await expect(take(file('alice.ts', KERNEL), { labs: [several] })).rejects.toThrow(
      /expected a file named paging\.ts/,
    )
  })
})

describe('paths', () => {
  test('several give unique names, told apart by where they come from', async () => {
    const path = folder({
      'fall/ann/kernel.ts': KERNEL,
      'spring/ann/kernel.ts': '//',
      'spring/bo/kernel.ts': '//',
    })
    const paths = [join(path, 'fall'), join(path, 'spring')]
    const both = await intake(paths, { labs: [one] })
    expect(new Set(namesOf(both)).size).toBe(3)
    expect(namesOf(both)[0]).toMatch(/^ann [0-9a-f]{6}$/)
    expect(namesOf(await intake(paths.toReversed(), { labs: [one] }))).toEqual(namesOf(both))
    expect(namesOf(await intake([paths[0]!], { labs: [one] }))).toEqual(['ann'])
  })
  test('one that is named twice is read once, and told', async () => {
    const path = folder({ 'kernel.ts': KERNEL })
    const { entries, notes } = await intake([path, `${path}/`], { labs: [one] })
    expect(entries).toHaveLength(1)
    expect(notes).toEqual([{ where: path, what: 'named 2 times: read once' }])
  })
  test.each([
    [
      'nothing there',
      (path: string) => join(path, 'none'),
      /expected a folder with kernel\.ts or paging\.ts, .* got nothing there$/,
    ],
    [
      'a folder with neither',
      (path: string) => path,
      /expected kernel\.ts or paging\.ts in it, or in folders in it; got neither$/,
    ],
  ])('say what was expected: %s', async (_what, at, message) => {
    const path = folder({ 'notes.md': '' })
    await expect(take(at(path))).rejects.toThrow(UsageError)
    await expect(take(at(path))).rejects.toThrow(message)
  })
  test('what tells no lab is a submission of the lab of the others; without others it is asked', async () => {
    const broken = file('bo.zip', 'no zip')
    const good = folder({ 'paging.ts': '//', 'shell.ts': '//' })
    const { entries } = await intake([broken, good], { labs: [one, several] })
    expect(entries.find(({ name }) => name === 'bo')?.submission.lab.id).toBe('several')
    await expect(take(broken)).rejects.toThrow(
      /bo\.zip: expected kernel\.ts or paging\.ts in it, or --lab .*; got bo\.zip: End of central/,
    )
  })
})
