// esbuild, for sources that may be made to hurt it.

import type { BuildOptions, BuildResult } from 'esbuild'

/** The compiler died of this source, or did not come to an end with it. */
export class Overwhelmed extends Error {}
type Build = BuildOptions & { readonly write: false }
/** Resolved when nothing is built alone. */
let quiet: Promise<unknown> = Promise.resolve()
/** Milliseconds that a build may take beside others, and alone. */
export interface Patience {
  readonly among: number
  readonly alone: number
}
/** On a busy host: a student's files take some 20. */
const PATIENCE: Patience = { among: 5000, alone: 10_000 }
/**
 * esbuild is one process for all builds: whoever kills it, or keeps it busy for ever, does so to what others build meanwhile.
 * Then each of them is built again, alone, so that only the culprit's is lost.
 */
export async function buildSafely(
  options: Build,
  { among, alone: longest }: Patience = PATIENCE,
): Promise<BuildResult<Build>> {
  const { build, stop } = await import('esbuild')
  await quiet
  try {
    return await inTime(among, build(options))
  } catch (failure) {
    if (!isGone(failure)) throw failure
  }
  const alone = quiet.then(async () => {
    await stop() // so that the build starts it anew
    try {
      return await inTime(longest, build(options))
    } catch (failure) {
      if (!isGone(failure)) throw failure
      await stop()
      throw new Overwhelmed()
    }
  })
  quiet = alone.catch(() => {})
  return alone
}
/** @throws Overwhelmed after so many milliseconds */
async function inTime<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Overwhelmed()), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
    work.catch(() => {}) // of a service that is stopped nobody hears any more
  }
}
const isGone = (failure: unknown): boolean =>
  failure instanceof Overwhelmed ||
  (failure instanceof Error && /service (was stopped|is no longer running)/i.test(failure.message))
