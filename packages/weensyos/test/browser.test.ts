// The lab runs where there is no Node: its browser bundle, in a realm with the language's own globals only, comes to the same
// state as here, bit for bit.

import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { INSTRUCTIONS_PER_TICK } from '../lib/index.ts'
import { loadPrograms } from '../programs/node.ts'
import { start } from './lab.ts'

const TICKS = 60

test('the same boot in a realm without Node gives the same state hash', async () => {
  const lab = start({ flavour: 'slow' })
  lab.ticks(TICKS)

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
  const realm = createContext({
    given: loadPrograms('slow').map(({ name, elf }) => [name, [...elf]]),
    TextEncoder,
  })
  runInContext(outputFiles[0]!.text, realm)
  const there = runInContext(
    `const machine = new pagewalk.Machine({ ...pagewalk.machineOptions, log: [] })
     pagewalk.boot(machine, pagewalk.kernel, { programs: given.map(([name, elf]) => ({ name, elf: Uint8Array.from(elf) })) })
     machine.run(${TICKS * INSTRUCTIONS_PER_TICK})
     ;[machine.stateHash(), typeof process, typeof require]`,
    realm,
  ) as string[]
  expect([...there]).toEqual([lab.machine.stateHash(), 'undefined', 'undefined'])
})
