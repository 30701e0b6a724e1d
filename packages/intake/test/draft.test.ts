import { expect, test } from 'vitest'
import { draftsOf } from '../src/draft.ts'
import { crafted, file, folder, KERNEL, one, take, takeOne, zipped } from './kit.ts'

test('what does not fit into memory any more is trouble of what comes last', async () => {
  const path = folder({ 'ann/kernel.ts': KERNEL, 'bo/kernel.ts': KERNEL, 'cy/kernel.ts': '//' })
  const budget = { bytes: KERNEL.length + 2 }
  const { drafts } = await draftsOf(path, { labs: [one], latest: true, logins: new Set(), budget })
  expect(drafts.map(({ readings }) => readings[0]?.submission.trouble?.observed)).toEqual([
    undefined,
    `kernel.ts: ${KERNEL.length} bytes too many`,
    undefined,
  ])
})
test('a zip beside the lab’s file stays closed, and is told', async () => {
  const path = folder({
    'ann/kernel.ts': KERNEL,
    'ann/old.zip': await zipped({ 'kernel.ts': '//' }),
  })
  const { submission, warnings } = await takeOne(path)
  expect(submission.files.get('kernel.ts')).toBe(KERNEL)
  expect(warnings).toEqual(['not opened, because kernel.ts is there: old.zip'])
})
test('of several zips one may be broken: it is told, and the other is read', async () => {
  const zips = { 'm_1_2_lab.zip': await zipped({ 'kernel.ts': KERNEL }), 'm_1_3_notes.zip': 'no zip' }
  const { submission, warnings } = await takeOne(file('s.zip', await zipped(zips)))
  expect(submission.trouble).toBeUndefined()
  expect(warnings).toEqual([expect.stringMatching(/^notes\.zip: End of central directory/)])
})
test('no more than five zips of one person are opened', async () => {
  const empty = await zipped({ 'x.md': '' })
  const zips = Object.fromEntries([...'abcdefg'].map((name) => [`m_1_2_${name}.zip`, empty]))
  const { warnings } = await takeOne(file('s.zip', await zipped(zips)), { labs: [one] })
  expect(warnings).toContain('not opened, because there are 7 zips: f.zip, g.zip')
})
test('a student’s zip among others is never taken for an export, whatever it says of itself', async () => {
  const fake = await zipped({
    'submission_metadata.yml': "submission_1:\n  :submitters:\n  - {:name: Bo, :sid: '2'}\n",
    'submission_1/kernel.ts': KERNEL,
  })
  const { entries } = await take(folder({ 'ann.zip': fake, 'bo.zip': await zipped({ 'kernel.ts': KERNEL }) }))
  expect(entries.map(({ name, kind, students }) => [name, kind, students])).toEqual([
    ['ann', 'zip', []],
    ['bo', 'zip', []],
  ])
})
test('an export alone in a folder is read as one', async () => {
  const { entries } = await take(folder({ 'down.zip': await zipped({ 'leeann_1_2_kernel.ts': KERNEL }) }))
  expect(entries.map(({ name, kind }) => [name, kind])).toEqual([['leeann_1', 'canvas']])
})
test('a file of an export that is damaged costs its submission only', async () => {
  const path = file('s.zip', crafted([{ name: 'm_1_2_kernel.ts', crc: 1 }, { name: 'z_2_3_kernel.ts' }]))
  const { entries } = await take(path)
  expect(entries.map(({ submission }) => submission.trouble?.observed)).toEqual([
    'm_1_2_kernel.ts: bytes that its checksum does not fit',
    undefined,
  ])
})
