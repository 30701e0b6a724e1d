// The command line as a process.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))

export interface Done {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
/** @param cwd  where it is called */
export async function pagewalk(cwd: string, ...args: readonly string[]): Promise<Done> {
  const child = spawn(process.execPath, [main, ...args], { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let [out, err] = ['', '']
  child.stdout.on('data', (text) => (out += text))
  child.stderr.on('data', (text) => (err += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err }
}
