// Type errors of a submission, as its author's editor shows them. They cost no points: what a kernel does is graded. The
// compiler is a process beside the grading, in a folder as `new` makes it; nothing of the author's folder but the lab's files is in it.

import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { plain, type Style, type Submission } from '@pagewalk/grader'
import { put, putTypes } from './folder.ts'

interface TypeWarning {
  /** "kernel.ts:12:5" */
  readonly place: string
  readonly message: string
}
/** In the compiler's order; undefined if the compiler is not there or did not come to an end. */
export type TypeWarnings = readonly TypeWarning[] | undefined

/** The compiler is given so long, in milliseconds. */
const TIME_MS = 20_000
const OUTPUT_LIMIT = 16 << 20
/** The most characters of a message, and the most messages, that are told. */
const MESSAGE_LIMIT = 300
const TOLD = 20

/** Never throws: nothing about types is worth a grade. */
export async function typeWarnings({ lab, files }: Submission): Promise<TypeWarnings> {
  let dir: string | undefined
  try {
    dir = mkdtempSync(join(tmpdir(), 'pagewalk-types-'))
    const code = [...files].filter(([name]) => name.endsWith('.ts'))
    for (const [name, source] of code) put(dir, name, source)
    cpSync(lab.bundle.lib, join(dir, 'lib'), { recursive: true })
    putTypes(dir, lab)
    const told = await compile(dir)
    return told === undefined ? undefined : warningsIn(told, new Set(code.map(([name]) => name)))
  } catch {
    return undefined
  } finally {
    if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
  }
}

/** @returns what the compiler printed, or undefined */
function compile(dir: string): Promise<string | undefined> {
  const tsc = join(fileURLToPath(import.meta.resolve('typescript/package.json')), '..', 'bin', 'tsc')
  const { SystemRoot } = process.env // Windows needs it
  // without noResolve a file could name any other on this computer, and what is in that one would be told in messages
  const args = ['--project', dir, '--pretty', 'false', '--noResolve']
  const options = {
    cwd: dir,
    env: SystemRoot === undefined ? {} : { SystemRoot },
    timeout: TIME_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_LIMIT,
  } as const
  return new Promise((resolve) => {
    execFile(process.execPath, [tsc, ...args], options, (failure, stdout) => {
      const ended = !failure || (typeof failure.code === 'number' && /error TS\d+: /.test(stdout))
      resolve(ended ? stdout : undefined)
    })
  })
}

const DIAGNOSTIC = /^(.+?)\((\d+),(\d+)\): error TS\d+: (.*)$/
/** Lines behind an error that explain it begin with a blank, and are left out. */
function warningsIn(told: string, names: ReadonlySet<string>): TypeWarning[] {
  return told.split('\n').flatMap((line) => {
    const [, name = '', row, column, message = ''] = DIAGNOSTIC.exec(line) ?? []
    if (!names.has(name)) return []
    const cut = message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT)} ...` : message
    return [{ place: `${name}:${row}:${column}`, message: plain(cut).trimEnd() }]
  })
}

/** For people, below a report; '' if there is nothing to warn of. */
export function reportTypes(warnings: TypeWarnings, { colour }: Style): string {
  const paint = (format: 'yellow' | 'dim', text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text
  if (!warnings)
    return `\n${paint('dim', 'Types were not checked: the compiler is not there, or did not come to an end.')}\n`
  if (warnings.length === 0) return ''
  const lines = warnings
    .slice(0, TOLD)
    .map(({ place, message }) => `${paint('yellow', 'warning')}  ${place}  ${message}`)
  const more = warnings.length - lines.length
  if (more > 0) lines.push(`${paint('yellow', 'warning')}  and ${more} more`)
  const advice = paint('dim', 'Types cost no points: your editor shows the same. --no-types leaves this out.')
  return `\n${[...lines, advice].join('\n')}\n`
}
