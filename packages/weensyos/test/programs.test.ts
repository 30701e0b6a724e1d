// The committed ELF files are what their sources make.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readElf } from '@pagewalk/machine'
import { expect, test } from 'vitest'
import { PROC_SIZE, PROC_START_ADDR } from '../lib/index.ts'
import { loadPrograms } from '../programs/node.ts'

const programs = fileURLToPath(new URL('../programs/', import.meta.url))
function compiler(): string {
  try {
    return execFileSync('gcc', ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\n')[0]!
  } catch {
    return 'no gcc'
  }
}
const builtWith = readFileSync(join(programs, 'elf/built-with.txt'), 'utf8').trim()
const here = compiler()

test.skipIf(here !== builtWith)(`rebuilding gives the same bytes (needs ${builtWith}; here: ${here})`, () => {
  const out = mkdtempSync(join(tmpdir(), 'programs-'))
  execFileSync('make', ['-s', '-C', programs, `OUT=${out}`], { stdio: 'pipe' })
  for (const flavour of ['slow', 'fast'] as const)
    for (const { name, elf } of loadPrograms(flavour))
      expect(Buffer.compare(readFileSync(join(out, flavour, `${name}.elf`)), elf), `${flavour}/${name}`).toBe(
        0,
      )
  rmSync(out, { recursive: true })
})
test('each program is one page of code and one of data, in its own window', () => {
  const windows = [0n, 1n, 2n, 3n, 0n, 0n]
  for (const [i, { elf }] of loadPrograms('slow').entries()) {
    const base = PROC_START_ADDR + PROC_SIZE * windows[i]!
    const image = readElf(elf)
    expect(image.entry).toBe(base)
    expect(image.segments.filter((s) => s.type === 1).map((s) => [s.va, s.memorySize <= 4096n])).toEqual([
      [base, true],
      [base + 4096n, true],
    ])
  }
})
