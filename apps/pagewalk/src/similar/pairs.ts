// Two kinds of evidence about the same pairs, put together.

import type { Likeness } from '@pagewalk/batch'

/** Of the sources of a pair, in a file that both have. */
export interface FileLikeness {
  readonly file: string
  readonly similarity: number
  /** In tokens. */
  readonly longest: number
}
export interface Pair {
  readonly names: readonly [string, string]
  /** Did they hand in the same files, byte for byte? */
  readonly sameFiles: boolean
  /** null: of at least one of them it is not recorded. */
  readonly behaviour: Omit<Likeness, 'names'> | null
  /** The file that is most alike first; null: not known. */
  readonly source: readonly FileLikeness[] | null
}

/**
 * The pairs that anything speaks for, by the mean of what is known of behaviour and source.
 *
 * @param files    'name\0name' in order of name -> their files
 * @param content  name -> hash of the files; of those that are as they were handed out, none
 */
export function pairsOf(
  likenesses: readonly Likeness[],
  files: ReadonlyMap<string, readonly FileLikeness[]> | undefined,
  content: ReadonlyMap<string, string>,
): Pair[] {
  const behaviours = new Map(likenesses.map(({ names, ...rest }) => [keyOf(names), rest]))
  const keys = new Set([...behaviours.keys(), ...(files?.keys() ?? [])])
  return [...keys]
    .sort()
    .map((key) => {
      const [one = '', other = ''] = key.split('\0')
      return {
        names: [one, other] as const,
        sameFiles: content.has(one) && content.get(one) === content.get(other),
        behaviour: behaviours.get(key) ?? null,
        source: files?.get(key)?.toSorted((a, b) => b.similarity - a.similarity) ?? null,
      }
    })
    .filter((pair) => weightOf(pair) > 0)
    .sort((a, b) => weightOf(b) - weightOf(a))
}
export const keyOf = ([one, other]: readonly [string, string]): string =>
  one < other ? `${one}\0${other}` : `${other}\0${one}`
function weightOf({ sameFiles, behaviour, source }: Pair): number {
  if (sameFiles) return 2
  const known = [...(behaviour ? [behaviour.unusual] : []), ...(source ? [source[0]?.similarity ?? 0] : [])]
  return known.reduce((sum, value) => sum + value, 0) / known.length
}
