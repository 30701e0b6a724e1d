// What the machine did for a submission, as bytes for the book: so a rubric that changes is applied without running anybody's
// code again.

import { promisify } from 'node:util'
import { deserialize, serialize } from 'node:v8'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import type { Played, Scenario } from '@pagewalk/grader'
import { z } from 'zod'
import { scenarioKey } from './keys.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
/** The scenarios' images resemble each other, megabytes apart. */
const WINDOW_LOG = 24
/** More than all images of a lab that a capsule may send. */
const MOST_BYTES = 1 << 30

type Run = Played['runs'] extends ReadonlyMap<string, infer T> ? T : never
type Broken = Played['broken'] extends ReadonlyMap<string, infer T> ? T : never
/** By scenarioKey. */
interface Recording {
  readonly load: Played['load']
  readonly runs: ReadonlyMap<string, Run>
  readonly broken: ReadonlyMap<string, Broken>
}
/** Its form only: the book is the grader's own, and what is in it was checked when it came out of the capsule. */
const recordingSchema = z.strictObject({
  load: z.custom<Played['load']>((value) => value === undefined || typeof value === 'object'),
  runs: z.map(
    z.string(),
    z.custom<Run>((value) => typeof value === 'object' && value !== null),
  ),
  broken: z.map(
    z.string(),
    z.custom<Broken>((value) => typeof value === 'object' && value !== null),
  ),
})

export async function recordingOf(played: Played, scenarios: readonly Scenario[]): Promise<Uint8Array> {
  const keys = new Map(scenarios.map((scenario) => [scenario.id, scenarioKey(scenario)]))
  const renamed = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map([...map].map(([id, value]) => [keys.get(id) ?? id, value]))
  const recording: Recording = {
    load: played.load,
    runs: renamed(played.runs),
    broken: renamed(played.broken),
  }
  return compress(serialize(recording), {
    params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: WINDOW_LOG },
  })
}

/** What of `scenarios` is recorded. @throws Error if these are not the bytes of a recording */
export async function playedFrom(bytes: Uint8Array, scenarios: readonly Scenario[]): Promise<Played> {
  const plain = await decompress(bytes, { maxOutputLength: MOST_BYTES })
  const { load, runs, broken } = recordingSchema.parse(deserialize(plain))
  const found = <T>(map: ReadonlyMap<string, T>): Map<string, T> =>
    new Map(
      scenarios.flatMap((scenario) => {
        const value = map.get(scenarioKey(scenario))
        return value === undefined ? [] : [[scenario.id, value] as const]
      }),
    )
  return { load, runs: found(runs), broken: found(broken) }
}
