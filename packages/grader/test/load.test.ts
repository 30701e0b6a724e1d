import { readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FILE_LIMIT, findSubmissions, submissionOf, UsageError, unusable } from '../src/index.ts'
import { fake } from './fake/lab.ts'
import { folder, put, RIGHT } from './kit.ts'

const names = (path: string): string[] => findSubmissions(path, [fake]).map(({ name }) => name)

describe('findSubmissions', () => {
  test('takes a folder, the file, and a folder of folders', () => {
    const dir = put(folder(), {
      'x/kernel.ts': RIGHT,
      'y/kernel.ts': RIGHT,
      '.git/kernel.ts': '',
      'node_modules/z/kernel.ts': '',
    })
    expect(names(dir)).toEqual(['x', 'y'])
    expect(names(join(dir, 'x'))).toEqual(['x'])
    expect(names(join(dir, 'x', 'kernel.ts'))).toEqual(['x'])
  })
  test('takes a file of another name if only one lab is meant', () => {
    expect(names(join(put(folder(), { 'alice.ts': RIGHT }), 'alice.ts'))).toEqual(['alice'])
  })
  test('the hash is of the student’s files alone', () => {
    const dir = put(folder(), {
      'x/kernel.ts': RIGHT,
      'y/kernel.ts': RIGHT,
      'y/notes.md': 'hello',
      'z/kernel.ts': `${RIGHT} `,
    })
    const [x, y, z] = findSubmissions(dir, [fake]).map(({ sha256 }) => sha256)
    expect(x).toBe(y)
    expect(x).not.toBe(z)
  })
  test.skipIf(process.platform === 'win32')('a symbolic link is not followed', () => {
    const dir = put(folder(), { 'real/kernel.ts': RIGHT, 'x/notes.md': '' })
    symlinkSync(join(dir, 'real', 'kernel.ts'), join(dir, 'x', 'kernel.ts'))
    const [, x] = findSubmissions(dir, [fake])
    expect(x?.trouble?.observed).toBe('kernel.ts: a symbolic link, which is not followed')
    expect(x?.files.size).toBe(0)
  })
  test('code must be there; other files of the lab are read if they are', () => {
    const lab = { ...fake, files: ['kernel.ts', 'more.ts', 'STATUS.md'] }
    const dir = put(folder(), {
      'a/kernel.ts': RIGHT,
      'a/more.ts': '',
      'b/kernel.ts': RIGHT,
      'b/STATUS.md': 'done',
    })
    const [a, b] = findSubmissions(dir, [lab])
    expect(a?.trouble).toBeUndefined()
    expect(b?.files.get('STATUS.md')).toBe('done')
    expect(b?.trouble?.observed).toBe('more.ts: not there')
  })
  test('a changed copy of the library is seen', () => {
    const own = readFileSync(join(fake.bundle.lib, 'boot.ts'), 'utf8')
    const dir = put(folder(), {
      'kernel.ts': RIGHT,
      'lib/boot.ts': own,
      'lib/room.ts': '',
      'lib/more.ts': '',
      'lib/notes.md': '',
    })
    expect(findSubmissions(dir, [fake])[0]?.changedLibrary).toEqual(['lib/more.ts', 'lib/room.ts'])
  })
  test('a file that is too long is not read', () => {
    const [x] = findSubmissions(put(folder(), { 'kernel.ts': ' '.repeat(FILE_LIMIT + 1) }), [fake])
    expect(x?.trouble).toMatchObject({
      expected: `kernel.ts has at most ${FILE_LIMIT} bytes`,
      observed: `kernel.ts: ${FILE_LIMIT + 1} bytes`,
    })
  })
  test.each([
    [
      'nothing there',
      (dir: string) => join(dir, 'none'),
      /expected a folder with kernel\.ts, .* got nothing there$/,
    ],
    [
      'a folder with neither',
      (dir: string) => dir,
      /expected kernel\.ts in it, or in folders in it; got neither$/,
    ],
    [
      'a file of another kind',
      (dir: string) => join(dir, 'notes.md'),
      /expected a file named kernel\.ts, .* got notes\.md$/,
    ],
  ])('says what it expected: %s', (_what, path, message) => {
    const dir = put(folder(), { 'notes.md': '', 'empty/notes.md': '' })
    expect(() => findSubmissions(path(dir), [fake])).toThrow(UsageError)
    expect(() => findSubmissions(path(dir), [fake])).toThrow(message)
  })
})

describe('submissionOf', () => {
  const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
  test('makes of bytes in memory what findSubmissions makes of a folder', () => {
    const dir = put(folder(), { 'kernel.ts': `\ufeff${RIGHT}`, 'lib/boot.ts': '//', 'lib/new.ts': '' })
    const inMemory = submissionOf('x', fake, {
      files: new Map([['kernel.ts', bytes(`\ufeff${RIGHT}`)]]),
      library: [
        ['boot.ts', bytes('//')],
        ['new.ts', bytes('')],
      ],
    })
    expect(inMemory).toEqual({ ...findSubmissions(dir, [fake])[0], name: 'x' })
    expect(inMemory.changedLibrary).toEqual(['lib/boot.ts', 'lib/new.ts'])
  })
  test('what cannot be used is its trouble', () => {
    const troubleOf = (handed?: Parameters<typeof unusable>[1] | Uint8Array) => {
      const file = typeof handed === 'string' ? unusable('kernel.ts', handed, 'encrypted') : handed
      return submissionOf('x', fake, { files: new Map(file ? [['kernel.ts', file]] : []), library: [] })
        .trouble
    }
    expect(troubleOf()?.observed).toBe('kernel.ts: not there')
    expect(troubleOf('can be read')).toMatchObject({
      expected: 'kernel.ts can be read',
      observed: 'kernel.ts: encrypted',
    })
    expect(troubleOf(Uint8Array.of(0xff))?.observed).toBe('kernel.ts: bytes that are not UTF-8')
    expect(troubleOf(new Uint8Array(FILE_LIMIT + 1))?.observed).toBe(`kernel.ts: ${FILE_LIMIT + 1} bytes`)
  })
})
