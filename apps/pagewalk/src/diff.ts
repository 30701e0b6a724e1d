// `pagewalk diff`: two snapshot files compared.

import { readFileSync } from 'node:fs'
import { styleText } from 'node:util'
import { type Change, diffSnapshots, parseSnapshot, type Snapshot, UsageError } from '@pagewalk/grader'
import { styleOf } from './terminal.ts'

export function diff(before: string, after: string, { json }: { readonly json?: true }): void {
  const changes = diffSnapshots(read(before), read(after))
  process.stdout.write(json ? `${JSON.stringify(changes, null, 2)}\n` : told(changes))
}
/** @throws UsageError if it is no snapshot */
function read(path: string): Snapshot {
  try {
    return parseSnapshot(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`${path}: ${(error as Error).message}`)
  }
}

const SIGNS = { came: '+', went: '-', changed: '~' } as const
const COLOURS = { came: 'green', went: 'red', changed: 'yellow' } as const

/** Grouped by place: one heading, then a line for each change. */
function told(changes: readonly Change[]): string {
  const { colour } = styleOf(process.stdout)
  const paint = (format: 'green' | 'red' | 'yellow' | 'bold', text: string): string =>
    colour ? styleText(format, text, { validateStream: false }) : text
  if (changes.length === 0) return 'no difference\n'
  return [...Map.groupBy(changes, ({ where }) => where)]
    .map(([where, list]) => [
      paint('bold', where),
      ...list.map(({ kind, words }) => paint(COLOURS[kind], `  ${SIGNS[kind]} ${words}`)),
    ])
    .map((lines) => `${lines.join('\n')}\n`)
    .join('\n')
}
