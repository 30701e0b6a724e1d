// `pagewalk doctor`: what this host can keep from student code, each layer really tried, and the versions that count.

import { arch, release, type } from 'node:os'
import { LEVELS, type Level, plain, probed, type Tried, tryLayers, tryRealm } from '@pagewalk/grader'
import { labsMeant } from './labs.ts'
import { write } from './terminal.ts'

interface Layer {
  readonly level: Level
  readonly does: string
  readonly holds: boolean
  /** Why it does not hold, and what would help. */
  readonly why?: string
  readonly remedy?: string
}
interface Health {
  readonly node: string
  readonly os: string
  /** What `--sandbox auto` takes. */
  readonly level: Level
  readonly layers: readonly Layer[]
  readonly labs: readonly { readonly id: string; readonly title: string; readonly rubric: string }[]
}

export async function doctor({ json }: { readonly json?: true }): Promise<void> {
  const health = await examine()
  await write(json ? `${JSON.stringify(health, null, 2)}\n` : report(health))
}
async function examine(): Promise<Health> {
  const sandbox = await probed()
  const layers: Layer[] = []
  for (const level of LEVELS) {
    const tried = level === 'realm' ? await tryRealm(sandbox) : await tryAlone(level, sandbox.idle)
    layers.push({ level, does: DOES[level], holds: tried.holds, ...(!tried.holds && helpFor(level, tried)) })
  }
  const labs = await labsMeant(undefined)
  return {
    node: process.version,
    os: `${type()} ${release()} ${arch()}`,
    level: sandbox.level,
    layers,
    labs: labs.map(({ id, title, rubric }) => ({ id, title, rubric: rubric.version })),
  }
}
const NONE = { permission: false, limits: false, bwrap: false } as const
const tryAlone = (layer: Exclude<Level, 'realm'>, idle: number): Promise<Tried> =>
  tryLayers({ ...NONE, [layer]: true }, idle)

const DOES: { readonly [level in Level]: string } = {
  realm: 'a process of its own, and a frozen realm in it without anything of Node',
  permission: "Node's permission model: no files, no processes, no network",
  limits: 'prlimit: an end to memory and CPU time, nothing written',
  bwrap: 'bubblewrap: files, processes and network of its own',
}
function helpFor(level: Level, { why }: Extract<Tried, { holds: false }>): { why: string; remedy: string } {
  return { why, remedy: remedy(level, why) }
}
function remedy(level: Level, why: string): string {
  if (level === 'realm') return 'grade nothing here, and tell us'
  if (level === 'permission') return 'Node 22.13 or later'
  if (process.platform !== 'linux') return 'only Linux has it: a virtual machine or a container'
  if (level === 'limits') return 'apt-get install util-linux'
  if (why.startsWith('spawn ')) return 'apt-get install bubblewrap'
  return (
    'user name spaces: on Ubuntu 24.04 `sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, in Docker ' +
    '`--security-opt seccomp=unconfined --security-opt apparmor=unconfined`'
  )
}

function report({ node, os, level, layers, labs }: Health): string {
  const lines = [
    `Node ${node}, ${os}`,
    '',
    `sandbox: ${level} (each level has those above it)`,
    ...layers.flatMap(layerLines),
    '',
    ...labs.map(({ id, title, rubric }) => `lab ${id}: ${title}, rubric ${rubric}`),
  ]
  return `${lines.join('\n')}\n`
}
function layerLines({ level, does, holds, why = '', remedy: help }: Layer): string[] {
  const head = `  ${holds ? 'yes' : 'no '}  ${level.padEnd(12)}`
  const told = holds ? [] : [`why: ${plain(why)}`, `to get it: ${help}`]
  return [`${head}${does}`, ...told.map((text) => `${' '.repeat(head.length)}${text}`)]
}
