// The live screen on a real pseudo-terminal, where `script` of util-linux can make one.

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sampleSubmissions } from '@pagewalk/grader'
import { nautilus } from '@pagewalk/grading-nautilus-aspace'
import { expect, onTestFinished, test } from 'vitest'
import { ENTER, LEAVE } from '../src/screen.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const kernel = fileURLToPath(new URL('../../../packages/weensyos/kernel.ts', import.meta.url))
const hasScript =
  spawnSync('script', ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') ?? false

/**
 * Type each key when the text it waits for has come; only cells that change are sent, so a text has no blanks.
 * @returns all that the terminal got, and the exit code
 */
function onTerminal(
  command: string,
  keys: readonly (readonly [waitFor: RegExp, key: string])[],
): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('script', ['-qefc', `stty cols 100 rows 30; ${command}`, '/dev/null'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill())
    const waiting = [...keys]
    let [text, since] = ['', 0]
    child.stdout.on('data', (more) => {
      text += more
      for (let next = waiting[0]; next?.[0].test(text.slice(since)); next = waiting[0]) {
        waiting.shift()
        since = text.length
        child.stdin.write(next[1])
      }
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, text }))
  })
}

test.skipIf(!hasScript)(
  'run shows the screen, obeys its keys and leaves the terminal as it was',
  async () => {
    const { code, text } = await onTerminal(`'${process.execPath}' '${main}' run '${kernel}'`, [
      [/PHYSICAL MEMORY/, '2'],
      [/SPACE FOR 2|process 2/, 'f'],
      [/the kernel panicked: PANIC: Unexpected exception 52!/, 'p'],
      [/paused/, 'q'],
    ])
    expect(code).toBe(0)
    expect(text.startsWith(ENTER)).toBe(true)
    expect(text).toContain('0x1C0000')
    expect(text).toContain(LEAVE)
    expect(text.slice(text.indexOf(LEAVE) + LEAVE.length)).toMatch(
      /^the kernel panicked: PANIC: Unexpected exception 52! \(called at kernel\.ts:\d+:\d+\)\r\n$/,
    )
  },
  30_000,
)

const CTRL_BRACKET = '\x1d'
const run = (path: string): string => `'${process.execPath}' '${main}' run '${path}'`

test.skipIf(!hasScript)(
  'in a lab with a shell all keys are typed; commands come behind Ctrl-]',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'pagewalk-live-'))
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
    const reference = sampleSubmissions(nautilus).find(({ name }) => name === 'reference')
    for (const [name, text] of reference?.files ?? []) writeFileSync(join(dir, name), text)
    const { code, text } = await onTerminal(run(dir), [
      [/root-shell>/, 'quip\r'],
      [/"quip"/, CTRL_BRACKET],
      [/command\?/, 'p'],
      [/paused/, `${CTRL_BRACKET}pshell two\r`],
      [/two>/, `${CTRL_BRACKET}q`],
    ])
    expect(code).toBe(0)
    expect(text).toContain('Ctrl-] then:')
    expect(text.slice(text.indexOf(LEAVE) + LEAVE.length)).toBe('')
  },
  60_000,
)

test.skipIf(!hasScript)(
  'a machine that resets itself boots again, so often as the lab says, and the story is told',
  async () => {
    const handedOut = dirname(
      fileURLToPath(import.meta.resolve('../../../packages/nautilus-aspace/paging.ts')),
    )
    const { code, text } = await onTerminal(run(handedOut), [
      [/boot 1 of 3: the machine reset itself, and boots again/, ''],
      [/boot 2 of 3: the machine reset itself, and boots again/, ''],
      [/boot 3 of 3: the machine reset itself: #PF/, `${CTRL_BRACKET}q`],
    ])
    expect(code).toBe(0)
    expect(text.slice(text.indexOf(LEAVE) + LEAVE.length)).toMatch(
      /^boot 3 of 3: the machine reset itself: #PF .*triple fault; the kernel was at paging\.ts:\d+:\d+\r\n$/,
    )
  },
  60_000,
)
