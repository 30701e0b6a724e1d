// What the command line says of capsules: how many at a time, for how long, how far from this host.

import { availableParallelism } from 'node:os'
import {
  DEFAULT_LIMITS,
  LEVELS,
  type Level,
  type Limits,
  mustReach,
  probed,
  type Sandbox,
  sandboxOf,
  UsageError,
} from '@pagewalk/grader'

/** Who plays on this host. */
export interface HostOptions {
  readonly jobs?: number
  /** A level, or 'auto'. */
  readonly sandbox?: string
  /** The weakest level that will do. */
  readonly requireSandbox?: string
}
export interface CapsuleOptions extends HostOptions {
  /** In seconds. */
  readonly timeout?: number
  /** The student's kernel in a thread of its own. */
  readonly strict?: boolean
}

export const jobsFor = ({ jobs = availableParallelism() }: Pick<CapsuleOptions, 'jobs'>): number => jobs
export const limitsFor = ({ timeout }: Pick<CapsuleOptions, 'timeout'>): Limits =>
  timeout === undefined
    ? DEFAULT_LIMITS
    : { ...DEFAULT_LIMITS, milliseconds: Math.max(1, Math.round(timeout * 1000)) }

type Isolation = Pick<CapsuleOptions, 'sandbox' | 'requireSandbox' | 'strict'>
/** @throws UsageError if this host has not what is asked for */
export async function sandboxFor({
  sandbox: wanted = 'auto',
  requireSandbox,
  strict = false,
}: Isolation): Promise<Sandbox> {
  if (requireSandbox !== undefined) await probed() // what is required is not believed of an earlier day
  const sandbox = await sandboxOf(levelNamed('--sandbox', wanted, AUTO_LEVELS))
  if (requireSandbox !== undefined)
    mustReach(sandbox.level, levelNamed('--require-sandbox', requireSandbox, LEVELS), '--require-sandbox')
  return { ...sandbox, strict }
}
/** What workers on other hosts must have: what is asked for; if nothing is, as much as this host has. */
export async function sandboxElsewhere(options: Isolation): Promise<Sandbox> {
  const { sandbox = 'auto', requireSandbox, strict = false } = options
  const level = levelNamed('--sandbox', sandbox, AUTO_LEVELS)
  if (requireSandbox !== undefined)
    return { level: levelNamed('--require-sandbox', requireSandbox, LEVELS), idle: 0, strict }
  return level === 'auto' ? sandboxFor(options) : { level, idle: 0, strict }
}
const AUTO_LEVELS = ['auto', ...LEVELS] as const
function levelNamed<T extends Level | 'auto'>(option: string, name: string, levels: readonly T[]): T {
  const level = levels.find((each) => each === name)
  if (level) return level
  throw new UsageError(`${option}: expected one of ${levels.join(', ')}, got ${JSON.stringify(name)}`)
}
