// `pagewalk gradescope`: an autograder for Gradescope, a zip with all that grading needs but Node, which its setup.sh fetches.
// Source: Gradescope Autograder Documentation, Autograder Specifications.

import { readFileSync, writeFileSync } from 'node:fs'
import { formats } from '@pagewalk/exporters'
import { UsageError } from '@pagewalk/grader'
import { ZipFile } from 'yazl'
import type { PackageFile } from '../pack/package.ts'
import { esbuildFiles } from './esbuild-files.ts'
import { labNamed } from './labs.ts'
import { VERSION } from './results.ts'

export interface GradescopeOptions {
  readonly seed?: number
  /** A file; '-': standard output. */
  readonly output: string
}

/** @throws UsageError if the zip would go to a terminal, or cannot be made on this host */
export async function gradescope(id: string, { seed, output }: GradescopeOptions): Promise<void> {
  const { id: lab } = await labNamed(id)
  if (output === '-' && process.stdout.isTTY)
    throw new UsageError('gradescope: expected a file for the zip, got a terminal; try > autograder.zip')
  const { packageFiles } = await import('../pack/package.ts')
  const program = [...(await packageFiles()), ...esbuildFiles()]
  const bytes = await zip([
    ['setup.sh', script('setup.sh')],
    ['run_autograder', script('run_autograder')],
    ['arguments', text(argumentsFor(lab, seed))],
    ['trouble.json', text(trouble())],
    ...program.map(([path, file]): [string, PackageFile] => [`pagewalk/${path}`, file]),
  ])
  if (output === '-') await new Promise<void>((resolve) => process.stdout.write(bytes, () => resolve()))
  else attempt(output, () => writeFileSync(output, bytes))
}
function attempt(path: string, work: () => void): void {
  try {
    work()
  } catch (error) {
    throw new UsageError(`${path}: expected a file that can be written, got ${(error as Error).message}`)
  }
}

const script = (name: string): PackageFile => ({
  contents: readFileSync(new URL(`../templates/gradescope/${name}`, import.meta.url)),
  executable: true,
})
const text = (contents: string): PackageFile => ({ contents: Buffer.from(contents), executable: false })
/** Of `grade`, one on a line. */
const argumentsFor = (lab: string, seed: number | undefined): string =>
  [`--lab`, lab, ...(seed === undefined ? [] : ['--seed', String(seed)])].map((line) => `${line}\n`).join('')
/** The results of whoever gets none, as if the grader had written them. */
const trouble = (): string =>
  formats.gradescope.write([{ name: 'submission', trouble: 'the grader did not come to an end' }], {
    version: VERSION,
  })

/** The same entries, the same bytes, in any time zone. */
async function zip(entries: readonly (readonly [path: string, file: PackageFile])[]): Promise<Buffer> {
  const file = new ZipFile()
  for (const [path, { contents, executable }] of entries)
    file.addBuffer(Buffer.from(contents), path, {
      mtime: new Date(1985, 9, 26),
      mode: executable ? 0o100755 : 0o100644,
      forceDosTimestamp: true,
    })
  file.end()
  const chunks: Uint8Array[] = []
  for await (const chunk of file.outputStream) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}
