// The machine runs where there is no Node: its browser bundle, in a realm with the language's own globals and
// WebAssembly only, comes to the same state, bit for bit.

import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { build } from 'esbuild'
import { expect, test } from 'vitest'
import { DATA, kit, RING0 } from './kit.ts'

test('the same run in a realm without Node gives the same state hash', async () => {
  const k = kit()
  k.place(
    RING0,
    `mov ecx, 20000; .l: imul rax, rcx, 77; add [${DATA} + rcx], rax; ror rax, cl; dec ecx; jnz .l; hlt`,
  )
  k.run(RING0, 1)
  const start = k.machine.image()
  expect(k.machine.run(1_000_000)).toEqual({ reason: 'halt' })

  const entry = fileURLToPath(new URL('../src/index.ts', import.meta.url))
  const bundle = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'pagewalk',
    platform: 'browser',
  })
  const realm = createContext({ start, TextEncoder })
  runInContext(bundle.outputFiles[0]!.text, realm)
  const there = runInContext(
    `const own = (T, a) => T.from(a)
     const image = { ...start, ram: own(Uint8Array, start.ram), pages: own(Uint32Array, start.pages),
       cpus: own(BigUint64Array, start.cpus), tlbs: Array.from(start.tlbs, (tlb) => own(Int32Array, tlb)), started: [...start.started] }
     const machine = pagewalk.Machine.fromImage(image)
     const stop = machine.run(1000000)
     ;({ hash: machine.stateHash(), reason: stop.reason, process: typeof process, require: typeof require })`,
    realm,
  ) as { hash: string; reason: string; process: string; require: string }
  expect({ ...there }).toEqual({
    hash: k.machine.stateHash(),
    reason: 'halt',
    process: 'undefined',
    require: 'undefined',
  })
})
