import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readElf } from '@pagewalk/machine'
import { expect, test } from 'vitest'

const programs = join(import.meta.dirname, '..', 'programs')
const committed = join(programs, 'elf')
const images = readdirSync(committed).filter((file) => file.endsWith('.elf'))

function compiler(): string | undefined {
  try {
    return execFileSync('gcc', ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).split('\n')[0]
  } catch {
    return undefined
  }
}

test('each probe is one code segment and one data segment, page-aligned, in its window', () => {
  for (const file of images) {
    const { entry, segments } = readElf(readFileSync(join(committed, file)))
    const digit = Number(/(\d)\.elf$/.exec(file)?.[1] ?? 1)
    const base = 0x100000n + 0x40000n * BigInt(digit - 1)
    expect(segments.map(({ va, flags }) => [va % 4096n, flags])).toEqual([
      [0n, 5],
      [0n, 6],
    ])
    expect(segments[0]?.va).toBe(base)
    expect(entry >= base && entry < base + 4096n).toBe(true)
  }
})

const builtWith = readFileSync(join(committed, 'built-with.txt'), 'utf8').trim()
test.skipIf(compiler() !== builtWith)(
  `the committed images are what ${builtWith} makes of the sources`,
  () => {
    const out = mkdtempSync(join(tmpdir(), 'probes-'))
    execFileSync('make', ['-s', '-C', programs, `OUT=${out}`])
    for (const file of images)
      expect(readFileSync(join(out, file)).equals(readFileSync(join(committed, file))), file).toBe(true)
    rmSync(out, { recursive: true })
  },
)
