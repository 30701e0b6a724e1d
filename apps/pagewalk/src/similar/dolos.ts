// Dolos, if somebody has installed it: how alike the sources of a class are, whatever their names and layout. It is native
// code that reads what students wrote, and may need an older Node, so it has a process of its own.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

const PACKAGE = '@dodona/dolos-lib'

/** Where Dolos is, and what runs it. */
export interface Dolos {
  readonly url: string
  readonly node: string
}
export interface Source {
  readonly name: string
  readonly text: string
}
/** Of two sources, each in a file of this name. */
export interface Resemblance {
  readonly names: readonly [string, string]
  /** So much of both is in the other, in [0, 1]. */
  readonly similarity: number
  /** Of the longest piece in common, in tokens. */
  readonly longest: number
}

/** @returns undefined if it is neither in the folder that PAGEWALK_DOLOS names, nor here, nor beside Pagewalk */
export function findDolos(env: NodeJS.ProcessEnv = process.env): Dolos | undefined {
  const { PAGEWALK_DOLOS: named, PAGEWALK_DOLOS_NODE: node = process.execPath } = env
  const folders = named ? [resolve(named)] : [process.cwd(), import.meta.dirname]
  for (const folder of folders) {
    try {
      const path = createRequire(join(folder, 'package.json')).resolve(PACKAGE)
      return { url: pathToFileURL(path).href, node }
    } catch {
      // not in this folder or above it
    }
  }
  return undefined
}
export const HOW_TO_GET_IT: string = `\`npm install ${PACKAGE}\` beside the book gets it (it is compiled, which takes minutes; PAGEWALK_DOLOS names another folder, PAGEWALK_DOLOS_NODE another Node)`

/** So long Dolos may take, in milliseconds; for 300 files it takes a few seconds. */
const LIMIT_MS = 600_000

/**
 * Every pair of `sources`. Sources that Dolos cannot read, or that are as they were handed out, have no pair.
 *
 * @param ignored  what was handed out: what is in it is not counted
 * @throws DolosError if it does not start, or ends without an answer
 */
export async function resemblances(
  { url, node }: Dolos,
  sources: readonly Source[],
  ignored: Source | undefined,
): Promise<Resemblance[]> {
  const child = spawn(node, ['--input-type=module', '--eval', PROGRAM, url], { timeout: LIMIT_MS })
  child.stdin.on('error', () => {}) // that it has gone is told by its end
  child.stdin.end(JSON.stringify({ sources, ignored }))
  try {
    const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    if (child.exitCode !== 0)
      throw new DolosError(reasonIn(errors) ?? `it ended with ${child.signalCode ?? child.exitCode}`)
    return answerSchema.parse(JSON.parse(out))
  } catch (error) {
    throw error instanceof DolosError ? error : new DolosError((error as Error).message)
  }
}
export class DolosError extends Error {}
const answerSchema: z.ZodType<Resemblance[]> = z.array(
  z.strictObject({
    names: z.tuple([z.string(), z.string()]),
    similarity: z.number().min(0).max(1),
    longest: z.number().int().nonnegative(),
  }),
)
/** The line of a stack trace that says what is wrong. */
const reasonIn = (errors: string): string | undefined => /^\w*Error.*$/m.exec(errors)?.[0]

/**
 * Plain JavaScript for any Node that Dolos runs on. A source that throws by itself is left out.
 *
 * Of a pair Dolos says in how many places each is like the other; how many places of a source are its own is how many are
 * like its twin. Dolos' own figure counts places that were handed out several times as one, so equal files are not 1 in it.
 */
const PROGRAM = `
const { Dolos, File } = await import(process.argv[1])
let input = ''
for await (const chunk of process.stdin) input += chunk
const { sources, ignored } = JSON.parse(input)
const base = ignored && new File(ignored.name, ignored.text)
const pairsOf = async (files) =>
  (await new Dolos({ language: 'typescript' }).analyze(files, 'class', base)).allPairs()
const own = new Map()
const files = []
for (const { name, text } of sources) {
  const file = new File(name, text)
  const [twins] = await pairsOf([file, new File(name, text)]).catch(() => [])
  if (!twins?.leftCovered) continue
  own.set(name, twins.leftCovered)
  files.push(file)
}
const pairs = files.length > 1 ? await pairsOf(files) : []
process.stdout.write(JSON.stringify(pairs.map(({ leftFile, rightFile, leftCovered, rightCovered, longest }) => {
  const names = [leftFile.path, rightFile.path]
  return { names, similarity: (leftCovered + rightCovered) / (own.get(names[0]) + own.get(names[1])), longest }
})))
`
