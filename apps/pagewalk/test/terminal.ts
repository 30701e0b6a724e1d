// A small terminal for tests: what the escapes that `run` sends leave on its screen. And `script` of util-linux, which gives a
// command a real one.

import { spawn, spawnSync } from 'node:child_process'
import { onTestFinished } from 'vitest'
import { ENTER, LEAVE } from '../src/screen.ts'

export const hasScript: boolean =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false

/** Knows cursor addresses, erasing to the end of a line or of everything, and reverse video; other escapes are passed over. */
export class Terminal {
  readonly #width: number
  #cells: { character: string; reversed: boolean }[][]
  #row = 0
  #column = 0
  #reversed = false
  /** An escape that has not come whole. */
  #rest = ''

  constructor(width: number, height: number) {
    this.#width = width
    this.#cells = Array.from({ length: height }, () => this.#blank())
  }
  #blank(): { character: string; reversed: boolean }[] {
    return Array.from({ length: this.#width }, () => ({ character: ' ', reversed: false }))
  }
  write(more: string): void {
    const bytes = this.#rest + more
    const cut = /\x1b(?:\[[?0-9;]*)?$/.exec(bytes)?.index ?? bytes.length
    this.#rest = bytes.slice(cut)
    for (const [piece, parameters = '', final] of bytes
      .slice(0, cut)
      .matchAll(/\x1b\[([?0-9;]*)([A-Za-z])|[\s\S]/g)) {
      if (final === undefined) this.#put(piece)
      else if (final === 'H') [this.#row, this.#column] = position(parameters)
      else if (final === 'K') this.#erase()
      else if (final === 'J') this.#cells = this.#cells.map(() => this.#blank())
      else if (final === 'm' && /^0?$/.test(parameters)) this.#reversed = false
      else if (final === 'm' && parameters === '7') this.#reversed = true
    }
  }
  #put(character: string): void {
    const cell = this.#cells[this.#row]?.[this.#column]
    if (!cell) throw new Error(`nothing may be written at row ${this.#row}, column ${this.#column}`)
    Object.assign(cell, { character, reversed: this.#reversed })
    this.#column++
  }
  #erase(): void {
    const row = this.#cells[this.#row] ?? []
    for (let column = this.#column; column < row.length; column++)
      row[column] = { character: ' ', reversed: false }
  }
  /** Without blanks at their ends. */
  get rows(): string[] {
    return this.#cells.map((row) =>
      row
        .map(({ character }) => character)
        .join('')
        .trimEnd(),
    )
  }
  /** The characters in reverse video. */
  get reversed(): string {
    return this.#cells
      .flatMap((row) => row.flatMap(({ character, reversed }) => (reversed ? [character] : [])))
      .join('')
  }
}
const position = (parameters: string): [number, number] => {
  const [row = 1, column = 1] = parameters.split(';').map(Number)
  return [row - 1, column - 1]
}

export interface Step {
  /** What must stand on the screen. */
  readonly until: RegExp
  /** What is typed then. */
  readonly key?: string
  /** What else is done. @param text  all that has come */
  readonly act?: (text: string) => void
}
/**
 * Run a command on a terminal of its own, step by step.
 * @returns all that the terminal got, the screen at last, and the exit code
 */
export function onTerminal(
  command: string,
  steps: readonly Step[],
  { columns = 100, rows = 30 }: { columns?: number; rows?: number } = {},
): Promise<{ code: number | null; text: string; terminal: Terminal }> {
  return new Promise((resolve, reject) => {
    const sized = `stty cols ${columns} rows ${rows}; ${command}`
    const child = spawn('script', ['-qefc', sized, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill())
    const terminal = new Terminal(columns, rows)
    const waiting = [...steps]
    let [text, shown] = ['', 0]
    child.stdout.setEncoding('utf8')
    child.stdout.on('data', (more) => {
      text += more
      const [begin, end] = [text.indexOf(ENTER), text.lastIndexOf(LEAVE)]
      if (begin < 0) return
      const upTo = end < 0 ? text.length : Math.max(end, shown)
      terminal.write(text.slice(Math.max(begin, shown), upTo))
      shown = upTo
      const next = waiting[0]
      if (!next?.until.test(terminal.rows.join('\n'))) return
      waiting.shift()
      if (next.key) child.stdin.write(next.key)
      next.act?.(text)
    })
    child.on('error', reject)
    child.on('close', (code) => {
      if (waiting[0]) reject(new Error(`never seen: ${waiting[0].until} in\n${terminal.rows.join('\n')}`))
      else resolve({ code, text, terminal })
    })
  })
}
