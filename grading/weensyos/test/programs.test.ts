import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readElf } from '@pagewalk/machine'
import { expect, test } from 'vitest'
import { parametersOf, probe } from '../programs.ts'

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

test('each probe is read-only segments and one of data, page-aligned, in its window', () => {
  for (const file of images) {
    const { entry, segments } = readElf(readFileSync(join(committed, file)))
    const digit = Number(/(\d)\.elf$/.exec(file)?.[1] ?? 1)
    const base = 0x100000n + 0x40000n * BigInt(digit - 1)
    const [text, constants, data] = [5, 4, 6]
    expect(segments.map(({ va, flags }) => [va % 4096n, flags])).toEqual(
      (file === 'p-fork-large.elf' ? [text, constants, data] : [text, data]).map((flags) => [0n, flags]),
    )
    expect(segments[0]?.va).toBe(base)
    expect(entry >= base && entry < segments[1]!.va).toBe(true)
  }
})
test('a probe finds what it was told at the start of its data, and the image on disk stays as it is', () => {
  const told = probe('p-ask2', [2, 0x1000n, 2n ** 64n - 1n])
  expect(parametersOf(told).slice(0, 5)).toEqual([2n, 0x1000n, 2n ** 64n - 1n, 0n, 0n])
  expect(parametersOf(probe('p-ask2'))).toEqual(new Array(16).fill(0n))
  expect(() => probe('p-idle', [1])).toThrow(/^p-idle: the program has no room for parameters$/)
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
