// The lab runs where there is no Node: its browser bundle comes to the same state as here, bit for bit; in a realm with the
// language's own globals only, and in a browser where there is one.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { beforeAll, expect, test } from 'vitest'
import { INSTRUCTIONS_PER_TICK } from '../lib/index.ts'
import { loadPrograms } from '../programs/node.ts'
import { start } from './lab.ts'

const TICKS = 60
let here: string
/** A script that boots the lab and leaves the state hash in `hash`. */
let script: string

beforeAll(async () => {
  const lab = start({ flavour: 'slow' })
  lab.ticks(TICKS)
  here = lab.machine.stateHash()
  const { outputFiles } = await build({
    stdin: {
      contents: `export { Machine } from '@pagewalk/machine'
        export { boot, machineOptions } from './lib/index.ts'
        export * as kernel from './kernel.ts'`,
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'pagewalk',
    platform: 'browser',
  })
  const programs = JSON.stringify(loadPrograms('slow').map(({ name, elf }) => ({ name, elf: [...elf] })))
  script = `${outputFiles[0]!.text}
    const machine = new pagewalk.Machine({ ...pagewalk.machineOptions, log: [] })
    const programs = ${programs}.map(({ name, elf }) => ({ name, elf: Uint8Array.from(elf) }))
    pagewalk.boot(machine, pagewalk.kernel, { programs })
    machine.run(${TICKS * INSTRUCTIONS_PER_TICK})
    const hash = machine.stateHash()`
})

test('the same boot in a realm without Node gives the same state hash', () => {
  const realm = createContext({ TextEncoder })
  runInContext(script, realm)
  const there = runInContext('[hash, typeof process, typeof require]', realm) as string[]
  expect([...there]).toEqual([here, 'undefined', 'undefined'])
})

/** The first browser that answers, or undefined. */
function browser(): string | undefined {
  return ['chromium', 'google-chrome', 'chromium-browser'].find((name) => {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}
const name = browser()
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--no-first-run',
  '--dump-dom',
]

test.skipIf(!name)(
  `the same boot in a browser gives the same state hash (${name ?? 'no chromium here'})`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'browser-'))
    const page = join(folder, 'page.html')
    writeFileSync(
      page,
      `<p id="hash">none</p><script>${script}; document.getElementById('hash').textContent = hash</script>`,
    )
    const profile = `--user-data-dir=${join(folder, 'profile')}`
    const dom = execFileSync(name!, [...FLAGS, profile, pathToFileURL(page).href], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 50_000,
    })
    expect(/<p id="hash">(\w+)</.exec(dom)?.[1]).toBe(here)
    rmSync(folder, { recursive: true, force: true })
  },
)
