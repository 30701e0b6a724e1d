import { describe, expect, test } from 'vitest'
import { file, folder, KERNEL, namesOf, one, take, takeOne, zipped } from './kit.ts'

const CLASS = {
  'leeann_101_9001_kernel.ts': KERNEL,
  'smithbob_LATE_102_9002_kernel.ts': `${KERNEL}// bob`,
  'diazcy_103_9003_kernel-2.ts': KERNEL,
}

describe('a Canvas export', () => {
  test('has an entry for each user, with the id of the gradebook, and late if its name says so', async () => {
    const { entries, notes } = await take(file('submissions.zip', await zipped(CLASS)))
    expect(entries.map(({ name, kind, late, students }) => [name, kind, late, students])).toEqual([
      ['diazcy_103', 'canvas', false, [{ name: 'diazcy', ids: { canvas: '103' } }]],
      ['leeann_101', 'canvas', false, [{ name: 'leeann', ids: { canvas: '101' } }]],
      ['smithbob_102', 'canvas', true, [{ name: 'smithbob', ids: { canvas: '102' } }]],
    ])
    expect(notes).toEqual([])
  })
  test('is the same unpacked and zipped', async () => {
    const zip = await take(file('submissions.zip', await zipped(CLASS)))
    const unpacked = await take(folder(CLASS))
    const told = ({ entries }: typeof zip) => entries.map(({ source, ...entry }) => entry)
    expect(told(unpacked)).toEqual(told(zip))
  })
  test('a name that Canvas has numbered is the attempt of that number', async () => {
    const { entries } = await take(file('s.zip', await zipped(CLASS)))
    const [cy] = entries
    expect(cy).toMatchObject({ attempt: 3, earlier: 2, warnings: [] })
    expect(cy?.submission.files.get('kernel.ts')).toBe(KERNEL)
  })
  test('of several versions the newest is graded; all of them if asked for', async () => {
    const versions = {
      'leeann_1_11_kernel.ts': '// first',
      'leeann_1_12_kernel-1.ts': '// second',
      'leeann_1_10_kernel-2.ts': '// third',
    }
    const path = file('s.zip', await zipped(versions))
    const last = await takeOne(path)
    expect(last).toMatchObject({ name: 'leeann_1', attempt: 3, earlier: 2 })
    expect(last.submission.files.get('kernel.ts')).toBe('// third')
    const { entries } = await take(path, { latest: false })
    expect(
      entries.map(({ name, attempt, earlier, submission }) => [
        name,
        attempt,
        earlier,
        submission.files.get('kernel.ts'),
      ]),
    ).toEqual([
      ['leeann_1 attempt 1', 1, 0, '// first'],
      ['leeann_1 attempt 2', 2, 0, '// second'],
      ['leeann_1 attempt 3', 3, 0, '// third'],
    ])
  })
  test('files of one user belong together, each in its newest version', async () => {
    const entry = await takeOne(
      file(
        's.zip',
        await zipped({
          'leeann_1_11_paging.ts': '// old',
          'leeann_1_12_shell.ts': '// shell',
          'leeann_1_13_paging-1.ts': '// new',
        }),
      ),
    )
    expect([...entry.submission.files]).toEqual([
      ['paging.ts', '// new'],
      ['shell.ts', '// shell'],
    ])
    expect(entry.submission.lab.id).toBe('several')
  })
  test('a zip that a student handed in is opened', async () => {
    const inner = await zipped({
      'work/kernel.ts': KERNEL,
      '__MACOSX/work/._kernel.ts': 'x',
      'work/.DS_Store': 'x',
    })
    const entry = await takeOne(file('s.zip', await zipped({ 'leeann_1_2_work.zip': inner })))
    expect(entry.submission.trouble).toBeUndefined()
    expect(entry.submission.files.get('kernel.ts')).toBe(KERNEL)
    expect(entry.warnings).toEqual([])
  })
  test('anonymous submissions have a name, and nobody', async () => {
    const { entries } = await take(
      file(
        's.zip',
        await zipped({ 'anon_k3x9a_21_kernel.ts': KERNEL, 'LATE_anon_zz1_22_kernel.ts': KERNEL }),
      ),
    )
    expect(entries.map(({ name, late, students }) => [name, late, students])).toEqual([
      ['anon_k3x9a', false, []],
      ['anon_zz1', true, []],
    ])
  })
  test('a text that was typed instead is no file, and is told', async () => {
    const { entries } = await take(
      file('s.zip', await zipped({ 'leeann_1_text.html': '<p>', 'smithbob_2_9_kernel.ts': KERNEL })),
    )
    const [lee, bob] = entries
    expect(lee?.submission.trouble?.observed).toBe('kernel.ts: not there')
    expect(lee?.warnings).toContain('a text or a link was handed in too; it is not read')
    expect(bob?.submission.trouble).toBeUndefined()
  })
  test('300 submissions, a third of them zips', async () => {
    const inner = await zipped({ 'kernel.ts': KERNEL })
    const files = Object.fromEntries(
      Array.from({ length: 300 }, (_, i) =>
        i % 3 === 0
          ? [`s${i}_${i}_9${i}_work.zip`, inner]
          : [`s${i}_${i}_9${i}_kernel.ts`, `${KERNEL}// ${i}`],
      ),
    )
    const intake = await take(file('s.zip', await zipped(files)), { labs: [one] })
    expect(new Set(namesOf(intake)).size).toBe(300)
    expect(intake.entries.filter(({ submission }) => submission.trouble)).toEqual([])
  })
})
