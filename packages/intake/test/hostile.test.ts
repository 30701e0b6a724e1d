// Archives that nobody should make. Each is one person's in a class of three: the two others are graded as ever.

import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { FILE_LIMIT } from '@pagewalk/grader'
import { describe, expect, test } from 'vitest'
import { type Crafted, crafted, file, folder, KERNEL, one, take, takeOne, zipped } from './kit.ts'

const good: Crafted = { name: 'kernel.ts' }
const zeros = Buffer.alloc(FILE_LIMIT)
const bomb = deflateRawSync(zeros)
const huge = deflateRawSync(Buffer.alloc(300 << 20), { level: 9 })
const utf7075 = (name: string): Buffer => {
  const text = Buffer.from(name)
  const head = Buffer.from([0x75, 0x70, text.length + 5, 0, 1, 0, 0, 0, 0])
  return Buffer.concat([head, text])
}

/** Trouble of the submission: what is observed. */
const TROUBLES: readonly (readonly [what: string, archive: Buffer, observed: RegExp])[] = [
  [
    'a name that leads out',
    crafted([{ name: '../kernel.ts' }]),
    /kernel\.ts: a name that leads out of it: \.\.\/kernel\.ts$/,
  ],
  [
    'a name that leads out after a folder',
    crafted([{ name: 'a/../../kernel.ts' }]),
    /a name that leads out of it/,
  ],
  [
    'a name that leads out with backslashes',
    crafted([{ name: '..\\..\\kernel.ts' }]),
    /a name that leads out of it/,
  ],
  [
    'an absolute name',
    crafted([{ name: '/etc/kernel.ts' }]),
    /kernel\.ts: an absolute name: \/etc\/kernel\.ts$/,
  ],
  [
    'a name with a drive',
    crafted([{ name: 'C:\\lab\\kernel.ts' }]),
    /an absolute name: C:\/lab\/kernel\.ts$/,
  ],
  ['a name on a server', crafted([{ name: '\\\\host\\share\\kernel.ts' }]), /an absolute name/],
  [
    'a name with a NUL',
    crafted([{ name: 'x\0/kernel.ts' }]),
    /a name with control characters: x\?\/kernel\.ts$/,
  ],
  [
    'a name that steers the terminal',
    crafted([{ name: '\x1b[2J/kernel.ts' }]),
    /a name with control characters: \?\[2J/,
  ],
  [
    'a name that is written backwards',
    crafted([{ name: '\u202e/kernel.ts' }]),
    /a name with control characters/,
  ],
  ['a huge name', crafted([{ name: `${'x'.repeat(60_000)}/kernel.ts` }]), /kernel\.ts: 60010: x+\.\.\.$/],
  [
    'a symbolic link',
    crafted([{ ...good, mode: 0o120777, content: '/etc/passwd' }]),
    /a symbolic link, which is not followed$/,
  ],
  ['a device', crafted([{ ...good, mode: 0o020644 }]), /kernel\.ts: something else$/],
  ['encryption', crafted([{ ...good, flags: 0x801 }]), /kernel\.ts: encrypted$/],
  ['strong encryption', crafted([{ ...good, flags: 0x841 }]), /strong encryption is not supported$/],
  [
    'a method that is not read',
    crafted([{ ...good, method: 14 }]),
    /packed with method 14, which is not read$/,
  ],
  ['a bomb', crafted([{ ...good, content: zeros, packed: bomb }]), /\d{3} times: a zip bomb$/],
  [
    'a bomb that tells a small size',
    crafted([{ ...good, packed: huge, size: 10 }]),
    /kernel\.ts: more than that$/,
  ],
  [
    'a bomb that tells its size',
    crafted([{ ...good, packed: huge, size: 300 << 20 }]),
    /kernel\.ts: more than that$/,
  ],
  ['a size that is not so', crafted([{ ...good, size: 5 }]), /kernel\.ts: 28 bytes$/],
  ['a checksum that does not fit', crafted([{ ...good, crc: 1 }]), /bytes that its checksum does not fit$/],
  [
    'bytes that are not deflated',
    crafted([{ ...good, packed: Buffer.from('not deflated at all') }]),
    /kernel\.ts: invalid/,
  ],
  [
    'a deflated part that ends too early',
    crafted([{ ...good, packed: deflateRawSync(Buffer.from(KERNEL)).subarray(0, 9) }]),
    /unexpected end of file$/,
  ],
  ['a local header that is elsewhere', crafted([{ ...good, offset: 7 }]), /invalid local file header/],
  ['a local header that is nowhere', crafted([{ ...good, offset: 0xfffffff0 }]), /kernel\.ts: /],
  ['more packed bytes than there are', crafted([{ ...good, packedSize: 500_000 }]), /kernel\.ts: /],
  ['one name twice', crafted([good, { ...good, content: '// other' }]), /there 2 times under this name$/],
  [
    'names that differ in case',
    crafted([good, { name: 'KERNEL.ts' }]),
    /under names that some systems take for one: .*KERNEL\.ts, .*kernel\.ts$/,
  ],
  [
    'a folder called as the file',
    crafted([good, { name: 'kernel.ts/x' }]),
    /a file and a folder of this name$/,
  ],
  [
    'folders whose names differ in their accents',
    crafted([{ name: '\u00e9/kernel.ts' }, { name: 'e\u0301/kernel.ts' }]),
    /some systems take for one/,
  ],
  [
    'a name that is not UTF-8 and says so',
    crafted([{ name: Buffer.concat([Buffer.of(0xff, 0x2f), Buffer.from('kernel.ts')]) }]),
    /a name that is not UTF-8$/,
  ],
  ['more entries told than there are', crafted([good], { count: 7 }), /unexpected EOF$/],
  ['more entries than are listed', crafted([good], { count: 2 ** 40 }), /: more than 100000 files in it$/],
  ['nothing', Buffer.alloc(0), /: End of central directory record signature not found/],
  ['no zip', Buffer.from('Rar!\x1a\x07'), /: End of central directory record signature not found/],
  [
    'half of a zip',
    crafted([good, good]).subarray(0, 90),
    /: End of central directory record signature not found/,
  ],
  ['bytes behind its end', Buffer.concat([crafted([good]), Buffer.from('more')]), /Invalid comment length/],
  ['no entries', crafted([]), /kernel\.ts: not there$/],
  [
    'bytes that are not UTF-8',
    crafted([{ ...good, content: Buffer.of(0xc3, 0x28) }]),
    /bytes that are not UTF-8$/,
  ],
  [
    'too many bytes',
    crafted([{ ...good, method: 0, content: Buffer.alloc(FILE_LIMIT + 1, 'x') }]),
    /kernel\.ts: more than that$/,
  ],
]

describe('an archive with', () => {
  test.each(TROUBLES)('%s is trouble of its own only', async (_what, archive, observed) => {
    const others = { 'ann.zip': await zipped({ 'kernel.ts': KERNEL }), 'zed/kernel.ts': KERNEL }
    const { entries } = await take(folder({ ...others, 'mallory.zip': archive }), { labs: [one] })
    const told = Object.fromEntries(
      entries.map(({ name, submission }) => [name, submission.trouble?.observed]),
    )
    expect(Object.keys(told)).toEqual(['ann', 'mallory', 'zed'])
    expect(told).toMatchObject({ ann: undefined, zed: undefined, mallory: expect.stringMatching(observed) })
  })
  test.each(TROUBLES)('%s is the same trouble in an export', async (_what, archive) => {
    const path = file('s.zip', await zipped({ 'm_1_2_lab.zip': archive, 'z_2_3_kernel.ts': KERNEL }))
    const { entries } = await take(path, { labs: [one] })
    expect(entries.map(({ submission }) => submission.trouble === undefined)).toEqual([false, true])
  })
  test.each<readonly [string, Crafted, string]>([
    [
      'a name that leads out',
      { name: '../../etc/cron.d/x' },
      'etc/cron.d/x (a name that leads out of it: ../../etc/cron.d/x)',
    ],
    ['a link', { name: 'x', mode: 0o120777 }, 'x (a symbolic link, which is not followed)'],
    ['encryption', { name: 'x.pdf', flags: 0x801 }, 'x.pdf (encrypted)'],
  ])('%s beside the lab’s file costs nothing, and is told', async (_what, entry, told) => {
    const { submission, warnings } = await takeOne(file('a.zip', crafted([good, entry])))
    expect(submission.trouble).toBeUndefined()
    expect(warnings).toEqual([`not read: ${told}`])
  })
  test('a bomb beside the lab’s file is never unpacked', async () => {
    const { submission, warnings } = await takeOne(
      file('a.zip', crafted([good, { name: 'x', packed: huge, size: 1 }])),
    )
    expect([submission.trouble, warnings]).toEqual([undefined, []])
  })
  test('backslashes for folders, as some tools for Windows write it, is read', async () => {
    const { submission } = await takeOne(file('a.zip', crafted([{ name: 'lab\\kernel.ts' }])))
    expect(submission.trouble).toBeUndefined()
  })
  test('names in an old code page, or in UTF-8 that does not say so, is read', async () => {
    for (const name of [Buffer.concat([Buffer.of(0x81), Buffer.from('/kernel.ts')]), 'ü/kernel.ts'])
      expect((await takeOne(file('a.zip', crafted([{ name, flags: 0 }])))).submission.trouble).toBeUndefined()
  })
  test('a second name in an extra field is known by the first one', async () => {
    const entry = await takeOne(file('a.zip', crafted([{ ...good, extra: utf7075('../evil.ts') }])))
    expect(entry.submission.files.get('kernel.ts')).toBe(KERNEL)
  })
  test('a zip in a zip in a zip is not opened further', async () => {
    const inner = await zipped({ 'kernel.ts': KERNEL })
    const path = file('s.zip', await zipped({ 'm_1_2_lab.zip': await zipped({ 'again.zip': inner }) }))
    const { submission } = await takeOne(path, { labs: [one] })
    expect(submission.trouble?.hint).toMatch(/^m_1_2_lab\.zip|lab\.zip\/again\.zip is not opened/)
  })
  test('a zip that is a bomb itself is not opened', async () => {
    const path = file(
      's.zip',
      crafted([{ name: 'm_1_2_lab.zip', content: Buffer.alloc(40 << 20) }, { name: 'z_2_3_kernel.ts' }]),
    )
    const { entries } = await take(path)
    expect(entries[0]?.submission.trouble?.observed).toMatch(/lab\.zip: \d+ times: a zip bomb$/)
    expect(entries[1]?.submission.trouble).toBeUndefined()
  })
  test('a thousand copies of one file that overlap is read once', async () => {
    const same = Array.from({ length: 1000 }, (_, i): Crafted => ({ name: `x${i}`, packed: bomb, offset: 0 }))
    const { submission } = await takeOne(file('a.zip', crafted([good, ...same])))
    expect(submission.files.get('kernel.ts')).toBe(KERNEL)
  })
  test('any byte changed is never thrown at anybody', async () => {
    const archive = crafted([
      good,
      { name: 'lib/room.ts', content: 'x' },
      { name: 'x/', content: '', mode: 0o040755 },
    ])
    for (let i = 0; i < archive.length; i++) {
      const changed = Buffer.from(archive)
      changed[i]! ^= 0xff
      const { entries } = await take(file('a.zip', changed), { labs: [one] })
      for (const { submission } of entries)
        expect(submission.trouble?.observed ?? submission.files.get('kernel.ts')).toBeTruthy()
    }
  })
  test('any number of bytes missing at its end is trouble', async () => {
    const archive = crafted([good])
    for (let length = 0; length < archive.length; length++) {
      const { submission } = await takeOne(file('a.zip', archive.subarray(0, length)), { labs: [one] })
      expect(submission.trouble?.expected).toBe('a.zip is a zip archive that can be read')
    }
  })
})

describe('names', () => {
  test.each([
    ['CON', '_CON'],
    ['aux.txt', '_aux.txt'],
    ['a:b*c?"<>|', 'a_b_c_____'],
    [' hidden. ', 'hidden'],
    ['-rf', 'rf'],
    ['\u202eevil', '_evil'],
    ['…', '…'],
    ['   ', 'submission'],
  ])('the folder %j becomes the entry %j', async (name, expected) => {
    const { entries } = await take(
      file('c.zip', await zipped({ [`c/${name}/kernel.ts`]: KERNEL, 'c/zz/kernel.ts': KERNEL })),
    )
    expect(entries.map((entry) => entry.name)).toContain(expected)
  })
  test('are short enough for every system, whatever the script', async () => {
    const { entries } = await take(
      file(
        'c.zip',
        await zipped({ [`${'語'.repeat(80)}/kernel.ts`]: KERNEL, [`${'語'.repeat(81)}/kernel.ts`]: KERNEL }),
      ),
    )
    expect(new Set(entries.map(({ name }) => name)).size).toBe(2)
    for (const { name } of entries) expect(Buffer.byteLength(name)).toBeLessThan(200)
  })
})

test.skipIf(process.platform === 'win32')('links in an unpacked export are not followed', async () => {
  const outside = folder({ 'kernel.ts': '// secret' })
  const path = folder({
    'submission_metadata.yml': 'submission_1: {}',
    'submission_1/notes.md': '',
    'submission_2/kernel.ts': KERNEL,
  })
  symlinkSync(join(outside, 'kernel.ts'), join(path, 'submission_1', 'kernel.ts'))
  symlinkSync(outside, join(path, 'submission_1', 'deep'))
  const { entries } = await take(path)
  expect(entries[0]?.submission.trouble?.observed).toBe('kernel.ts: a symbolic link, which is not followed')
  expect(JSON.stringify(entries[0])).not.toContain('secret')
})
