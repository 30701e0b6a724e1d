// The host CPU as oracle: natexec.c, compiled when the tests run.

import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Outcome, Vector } from './vectors.ts'

const SOURCE = fileURLToPath(new URL('natexec.c', import.meta.url))
const CHUNK = 10_000

export interface Host {
  run(vectors: readonly Vector[]): Outcome[]
  close(): void
}

/** @returns undefined if this is no x86-64 Linux with gcc */
export function openHost(): Host | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const folder = mkdtempSync(join(tmpdir(), 'pagewalk-natexec-'))
  const close = (): void => rmSync(folder, { recursive: true, force: true })
  const program = join(folder, 'natexec')
  if (spawnSync('gcc', ['-O1', '-o', program, SOURCE]).status !== 0) {
    close()
    return undefined
  }
  const run = (vectors: readonly Vector[]): Outcome[] => {
    const chunks = Array.from({ length: Math.ceil(vectors.length / CHUNK) }, (_, i) =>
      vectors.slice(i * CHUNK, (i + 1) * CHUNK),
    )
    return chunks.flatMap((chunk) => execute(program, chunk))
  }
  return { run, close }
}
function execute(program: string, vectors: readonly Vector[]): Outcome[] {
  const input = vectors.map(inputLine).join('')
  const { stdout, status, signal } = spawnSync(program, { input, maxBuffer: 1 << 28, encoding: 'utf8' })
  const lines = stdout.trim().split('\n')
  if (status !== 0 || lines.length !== vectors.length) {
    const last = vectors[lines.length - 1]
    throw new Error(
      `natexec: status ${status} ${signal} after ${lines.length} of ${vectors.length}, at ${last && inputLine(last)}`,
    )
  }
  return lines.map(outcome)
}
const inputLine = (v: Vector): string => {
  const code = v.code.map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return `${code} ${[...v.regs, v.flags | 0x202].map((x) => x.toString(16)).join(' ')}\n`
}
function outcome(line: string): Outcome {
  const [trap, ...fields] = line.split(' ')
  const numbers = fields.map((f) => BigInt(`0x${f}`))
  const [error, address] = numbers as [bigint, bigint]
  const [flags, crc] = numbers.slice(18) as [bigint, bigint]
  return {
    trap: Number(trap),
    error: Number(error),
    address,
    regs: numbers.slice(2, 18),
    flags: Number(flags),
    crc: Number(crc),
  }
}
