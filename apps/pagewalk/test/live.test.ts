// The live screen on a real pseudo-terminal, where `script` of util-linux can make one.

import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sampleSubmissions } from '@pagewalk/grader'
import { nautilus } from '@pagewalk/grading-nautilus-aspace'
import { weensyos } from '@pagewalk/grading-weensyos'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ENTER, LEAVE } from '../src/screen.ts'
import { hasScript, onTerminal } from './terminal.ts'

vi.setConfig({ testTimeout: 60_000 })

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
const handedOut = (file: string): string =>
  dirname(fileURLToPath(import.meta.resolve(`../../../packages/${file}`)))
const run = (path: string, options = ''): string => `'${process.execPath}' '${main}' run '${path}' ${options}`
const CTRL_BRACKET = '\x1d'
/** What stands in the terminal when the screen is gone. */
const afterwards = (text: string): string => text.slice(text.lastIndexOf(LEAVE) + LEAVE.length)

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'pagewalk-live-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}
/** The handed-out kernel in a folder; `save` puts another version of it there, as an editor does. */
function kernelFolder(): { dir: string; source: string; save: (source: string) => void } {
  const dir = folder()
  const source = readFileSync(join(handedOut('weensyos/kernel.ts'), 'kernel.ts'), 'utf8')
  const save = (text: string): void => {
    writeFileSync(join(dir, 'kernel.ts~'), text)
    renameSync(join(dir, 'kernel.ts~'), join(dir, 'kernel.ts'))
  }
  save(source)
  return { dir, source, save }
}
function once(text: string, find: string, replace: string): string {
  expect(text.split(find).length).toBe(2)
  return text.replace(find, replace)
}

describe.skipIf(!hasScript)('run', () => {
  test('shows the screen, obeys its keys and leaves the terminal as it was', async () => {
    const { code, text } = await onTerminal(run(handedOut('weensyos/kernel.ts')), [
      { until: /PHYSICAL MEMORY/, key: '2' },
      { until: /SPACE FOR 2/, key: 'f' },
      { until: /the kernel panicked: PANIC: Unexpected exception 52!/, key: 'p' },
      { until: /paused/, key: 'q' },
    ])
    expect(code).toBe(0)
    expect(text.startsWith(ENTER)).toBe(true)
    expect(text).toContain('0x1C0000')
    expect(afterwards(text)).toMatch(
      /^the kernel panicked: PANIC: Unexpected exception 52! \(called at kernel\.ts:\d+:\d+\)\r\n$/,
    )
  })
  test('in a lab with a shell types all keys; commands come behind Ctrl-]', async () => {
    const dir = folder()
    const reference = sampleSubmissions(nautilus).find(({ name }) => name === 'reference')
    for (const [name, text] of reference?.files ?? []) writeFileSync(join(dir, name), text)
    const { code, text } = await onTerminal(run(dir), [
      { until: /root-shell>/, key: 'quip\r' },
      { until: /"quip"/, key: CTRL_BRACKET },
      { until: /command\?/, key: 'p' },
      { until: /paused/, key: `${CTRL_BRACKET}pshell two\r` },
      { until: /two>/, key: `${CTRL_BRACKET}q` },
    ])
    expect(code).toBe(0)
    expect(text).toContain('Ctrl-] then:')
    expect(afterwards(text)).toBe('')
  })
  test('boots a machine that resets itself again, so often as the lab says; then tells the story, the walk and the stack', async () => {
    const { code, text } = await onTerminal(run(handedOut('nautilus-aspace/paging.ts')), [
      { until: /boot 1 of 3: the machine reset itself, and boots again/ },
      { until: /boot 2 of 3: the machine reset itself, and boots again/ },
      { until: /boot 3 of 3: the machine reset itself: #PF/, key: `${CTRL_BRACKET}w` },
      {
        until: /\| +writeCr3.*\n +\| +\^\n {2}at switchTo \(paging\.ts:\d+:\d+\)\n[\s\S]*any key goes/,
        key: `x${CTRL_BRACKET}q`,
      },
    ])
    expect(code).toBe(0)
    expect(afterwards(text)).toMatch(
      /^boot 3 of 3: the machine reset itself: #PF .* by the walk PML4\[0\] .* is not present; #DF .*triple fault; the kernel was at paging\.ts:\d+:\d+\r\n$/,
    )
  })
  test('at 80x24 and without colour shows all that the screen says, what a step must show, the legend and walks', async () => {
    const { code, text, terminal } = await onTerminal(
      `NO_COLOR=1 ${run(handedOut('weensyos/kernel.ts'), '--step 1')}`,
      [
        { until: /0x2C0000[\s\S]*Step 1: /, key: 'p' },
        { until: /paused/, key: '?' },
        { until: /reverse video {2}the process may touch the page[\s\S]*lines 1 to 23/, key: 'nx' },
        { until: /walk of which address/, key: '40000\r' },
        { until: /0x40000 in [\s\S]*PT\[64\][\s\S]*goes to physical address 0x40000/, key: 'ns' },
        { until: /Step 2: /, key: 'q' },
      ],
      { columns: 80, rows: 24 },
    )
    expect(code).toBe(0)
    const sent = text.slice(text.indexOf(ENTER), text.lastIndexOf(LEAVE))
    expect([...new Set(sent.match(/\x1b\[[0-9;]*m/g))].sort()).toEqual(['\x1b[0m', '\x1b[7m'])
    const { rows, reversed } = terminal
    expect(rows[0]?.trim()).toBe('PHYSICAL MEMORY')
    expect(rows.filter((row) => /^ {3}0x[0-9A-F]{6}( |$)/.test(row)).length).toBe(8 + 12)
    expect(rows.at(-1)).toMatch(/^Step 2: /)
    expect(reversed).toMatch(/^R.*K.*1/) // all addresses of the handed-out kernel
  })
  test('is ended by a signal, and the terminal is as it was', async () => {
    const command = `(sh -c 'echo PID=$PPID'; exec ${run(handedOut('weensyos/kernel.ts'))}); stty -a`
    const end = (text: string): void => void process.kill(Number(/PID=(\d+)/.exec(text)?.[1]), 'SIGTERM')
    const { text } = await onTerminal(command, [{ until: /PHYSICAL MEMORY/, act: end }])
    expect(text.split(LEAVE).length).toBe(2)
    expect(afterwards(text)).toMatch(/ icanon /)
  })
})

describe.skipIf(!hasScript)('run --watch', () => {
  test('boots again on each save; what does not compile or start is told in place of the screen', async () => {
    const { dir, source, save } = kernelFolder()
    const log = join(folder(), 'log.txt')
    let logged = ''
    const start = 'export function exception(registers: X8664Registers): void {\n'
    const trapping = (statement: string): string => once(source, start, `${start}  ${statement}\n`)
    const { code, text } = await onTerminal(run(dir, `--watch --log '${log}'`), [
      {
        until: /PHYSICAL MEMORY/,
        key: '+3',
        act: () => save(source.replace(start, 'export functio')),
      },
      {
        until:
          /got kernel\.ts:\d+:8: .*\n\n +\d+ \| export functio.*\n +\| {8}\^\n[\s\S]*speed 2 +does not start/,
        act: () => save(trapping("logPrintf('trap\\n')").replace('import {', 'import {\n  logPrintf,')),
      },
      {
        until: /PHYSICAL MEMORY[\s\S]*speed 2 +running +allocator +process 3/,
        act: () => {
          logged = readFileSync(log, 'utf8')
          save(`${source}\nthrow new Error('early')\n`)
        },
      },
      {
        until: /Error: early\n\n +\d+ \| throw new Error.*\n +\| {7}\^\n +at kernel\.ts[\s\S]*does not start/,
        act: () => save(trapping('[][registers.intno]!.x')),
      },
      {
        until:
          /the kernel threw: kernel\.ts:\d+:\d+: TypeError[\s\S]*\n {2}at exception \(kernel\.ts:\d+:\d+\)\n/,
        key: 'q',
      },
    ])
    expect(code).toBe(0)
    expect(afterwards(text)).toMatch(/^the kernel threw: kernel\.ts:/)
    expect(logged).toMatch(/^(trap\n)+$/)
    expect(readFileSync(log, 'utf8')).toBe('') // of the last run
  })
})

test.each([weensyos, nautilus])(
  '$id tells what its screen means and must show, in lines that fit',
  ({ live, rubric }) => {
    const steps = rubric.steps.map(({ id }) => id)
    for (const [step, sentence] of Object.entries(live.expects ?? {})) {
      expect(steps).toContain(step)
      expect(`Step ${step}: ${sentence.split(/(?<=\.) /)[0]}`.length).toBeLessThan(80)
    }
    for (const line of live.legend ?? []) expect(line.length).toBeLessThan(78)
    expect(live.legend?.length).toBeGreaterThan(3)
  },
)
