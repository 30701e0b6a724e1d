import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { SubmissionError } from '@pagewalk/grader'
import { weensyos } from '@pagewalk/grading-weensyos'
import { expect, onTestFinished, test } from 'vitest'
import { LogFile } from '../src/log-file.ts'
import { SavedFiles } from '../src/watch.ts'

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pagewalk-watch-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
function kernel(): { dir: string; file: string } {
  const dir = folder()
  const file = join(dir, 'kernel.ts')
  writeFileSync(file, 'first')
  return { dir, file }
}

test('a save is seen, and several that follow each other are one', async () => {
  const { dir, file } = kernel()
  const next = new SavedFiles(dir, weensyos).next()
  writeFileSync(file, '')
  writeFileSync(file, 'second')
  expect((await next).files.get('kernel.ts')).toBe('second')
})
test('a file that is put in the place of the old one is a save; that it was away for a moment is no error', async () => {
  const { dir, file } = kernel()
  const next = new SavedFiles(file, weensyos).next()
  renameSync(file, join(dir, 'kernel.ts~'))
  writeFileSync(join(dir, 'new'), 'second')
  await after(400)
  renameSync(join(dir, 'new'), file)
  expect((await next).files.get('kernel.ts')).toBe('second')
})
test('a file that stays away is told', async () => {
  const { dir, file } = kernel()
  const next = new SavedFiles(dir, weensyos).next()
  rmSync(file)
  await expect(next).rejects.toThrow(SubmissionError)
})
test('nobody has to wait to the end', async () => {
  const { dir } = kernel()
  const leaving = new AbortController()
  const next = new SavedFiles(dir, weensyos).next(leaving.signal)
  leaving.abort()
  await expect(next).rejects.toThrow()
})

test('a log holds the bytes that came since it was last cleared', () => {
  const path = join(folder(), 'log.txt')
  writeFileSync(path, 'of an earlier run')
  const log = new LogFile(path)
  onTestFinished(() => log.close())
  log.add('one \xe9\n')
  expect(readFileSync(path)).toEqual(Buffer.from('one \xe9\n', 'latin1'))
  log.clear()
  log.add('two\n')
  log.add('three\n')
  expect(readFileSync(path, 'utf8')).toBe('two\nthree\n')
})
test('a log that cannot be written is the error of whoever named it', () => {
  expect(() => new LogFile(folder())).toThrow(
    /^--log: expected a file that can be written \(.*\), got EISDIR/,
  )
})
