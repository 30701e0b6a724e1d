// Where results go: a file or a folder of files in one of the formats, or standard output.

import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import {
  annotations,
  type Context,
  type Format,
  type FormatName,
  formats,
  type Outcome,
} from '@pagewalk/exporters'
import { UsageError } from '@pagewalk/grader'
import { fileNames } from './file-names.ts'
import { write } from './terminal.ts'

/** And lines for the log of a job on GitHub, which are no file. */
const NAMED: { readonly [name: string]: Format } = {
  ...formats,
  annotations: {
    name: 'annotations',
    describe: 'lines for the log of a job on GitHub, which shows what failed beside the code',
    many: true,
    write: (outcomes) => outcomes.map((outcome) => annotations(outcome)).join(''),
  },
}
/** @throws UsageError if there is no such format */
export function formatNamed(name: string): Format {
  const format = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined
  if (format) return format
  throw new UsageError(
    `--format: expected one of ${Object.keys(NAMED).join(', ')}, got ${JSON.stringify(name)}`,
  )
}

/**
 * In a format that holds one submission, several are written into a folder, a file for each.
 *
 * @param output  a file or a folder; absent or '-': standard output
 * @throws UsageError if it cannot be written
 */
export async function writeFormat(
  format: Format,
  outcomes: readonly Outcome[],
  output: string | undefined,
): Promise<void> {
  const context = contextOf()
  if (format.many || outcomes.length === 1) return writeText(format.write(outcomes, context), output)
  if (output === undefined || output === '-')
    throw new UsageError(
      `${format.name}: expected -o with a folder for ${outcomes.length} files, got standard output`,
    )
  attempt(output, () => mkdirSync(output, { recursive: true }))
  const files = fileNames(
    outcomes.map(({ name }) => name),
    endingOf(format),
  )
  for (const outcome of outcomes)
    await writeText(format.write([outcome], context), join(output, files.get(outcome.name)!))
}
const contextOf = (): Context => ({ version: VERSION, env: process.env })
/** Of the command line. */
export const VERSION: string = (
  JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
).version

const ENDINGS: { readonly [name in FormatName]?: string } = {
  junit: '.xml',
  markdown: '.md',
  'classroom-legacy': '.txt',
}
const endingOf = ({ name }: Format): string => ENDINGS[name as FormatName] ?? '.json'

/** @param output  a file; absent or '-': standard output */
export async function writeText(text: string, output: string | undefined): Promise<void> {
  if (output === undefined || output === '-') return write(text)
  attempt(output, () => {
    mkdirSync(dirname(output), { recursive: true })
    writeFileSync(output, text)
  })
}
/** @throws UsageError */
export function readText(path: string, most: number = 64 << 20): string {
  return attempt(path, () => {
    const { size } = statSync(path)
    if (size > most) throw new UsageError(`${path}: expected at most ${most} bytes, got ${size}`)
    return readFileSync(path, 'utf8')
  })
}
function attempt<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${path}: expected a file that can be used, got ${(error as Error).message}`)
  }
}
