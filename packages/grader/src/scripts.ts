// What every capsule's process runs, whatever the lab.

import { fileURLToPath } from 'node:url'
import type { BuildOptions } from 'esbuild'
import { z } from 'zod'
import { scriptOf } from './bundle.ts'
import { type Built, kept, ROOT } from './kept.ts'

/** What the process itself runs (capsule-main.ts), what its second thread runs, and what is evaluated beside the student's code. */
export interface CapsuleScripts {
  readonly main: string
  readonly thread: string
  readonly harness: string
}
const schema = z.strictObject({ main: z.string(), thread: z.string(), harness: z.string() })

let scripts: Promise<CapsuleScripts> | undefined
export function capsuleScripts(): Promise<CapsuleScripts> {
  scripts ??= kept('scripts of a capsule', schema, build)
  return scripts
}
/** What a process runs to try its layers (probe-main.ts). */
export const probeScript = (): Promise<string> =>
  kept('script of a probe', z.string(), () => script('probe-main.ts', { format: 'cjs', platform: 'node' }))

async function build(): Promise<Built<CapsuleScripts>> {
  const [main, thread, harness] = await Promise.all([
    script('capsule-main.ts', { format: 'cjs', platform: 'node' }),
    script('thread-main.ts', { format: 'cjs', platform: 'node' }),
    script('harness.ts', { format: 'iife', platform: 'neutral', globalName: 'harness' }),
  ])
  return {
    value: { main: main.value, thread: thread.value, harness: scriptOf(harness.value, 'harness') },
    inputs: [...main.inputs, ...thread.inputs, ...harness.inputs],
  }
}
async function script(file: string, options: BuildOptions): Promise<Built<string>> {
  const { build } = await import('esbuild')
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    write: false,
    metafile: true,
    target: 'esnext',
    logLevel: 'silent',
    tsconfigRaw: '{}',
    ...options,
  })
  const own = fileURLToPath(import.meta.url) // how it is built counts, too
  return { value: outputFiles?.[0]?.text ?? '', inputs: [own, ...Object.keys(metafile?.inputs ?? {})] }
}
