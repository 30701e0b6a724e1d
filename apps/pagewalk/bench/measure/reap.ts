// Loaded into the command line that is measured: ends the bundler's process before its parent ends, so that its time is counted.

import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'

/** The bundler's process is given so long to end, in milliseconds. */
const END_MS = 100

const { resolve, cache } = createRequire(import.meta.resolve('@pagewalk/grader'))
process.once('beforeExit', async () => {
  const esbuild = cache[resolve('esbuild')]?.exports as { stop(): Promise<void> } | undefined
  if (!esbuild) return
  await esbuild.stop()
  await setTimeout(END_MS)
})
