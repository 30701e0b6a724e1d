// Fingerprints of sequences by winnowing: of every stretch that two sequences have in common, both keep the same hash.
// Schleimer, Wilkerson, Aiken: "Winnowing: Local Algorithms for Document Fingerprinting", SIGMOD 2003.

/** Tokens that are hashed together: what is shorter is chance. */
const GRAM = 4
/** Of so many hashes in a row the smallest is kept: a common stretch of GRAM + WINDOW - 1 tokens is always seen. */
const WINDOW = 4

/** Hashes, ascending, each once: whole numbers below 2^53. */
export type Fingerprint = Float64Array

/** @param seed  sequences with different seeds have nothing in common */
export function fingerprintOf(seed: string, tokens: readonly string[]): Fingerprint {
  const hashes = gramsOf(seed, tokens)
  const kept = new Set<number>()
  const windows = Math.min(hashes.length, Math.max(1, hashes.length - WINDOW + 1))
  for (let start = 0; start < windows; start++) kept.add(Math.min(...hashes.slice(start, start + WINDOW)))
  return Float64Array.from(kept).sort()
}
function gramsOf(seed: string, tokens: readonly string[]): number[] {
  const known = new Map<string, Hash>()
  const words = tokens.map((token) => {
    const hash = known.get(token) ?? hashOf(token)
    known.set(token, hash)
    return hash
  })
  const first = hashOf(seed)
  const grams = Math.min(words.length, Math.max(1, words.length - GRAM + 1))
  return Array.from({ length: grams }, (_, at) => numberOf(words.slice(at, at + GRAM).reduce(mixed, first)))
}

/** 64 bits in two halves. */
type Hash = readonly [number, number]
const mixed = ([a, b]: Hash, [c, d]: Hash): Hash => [
  Math.imul(a ^ c, 0x9e3779b1) ^ (b >>> 15),
  Math.imul(b ^ d, 0x85ebca77) ^ (a >>> 13),
]
const hashOf = (text: string): Hash => {
  let hash: Hash = [0xdeadbeef, 0x41c6ce57]
  for (let i = 0; i < text.length; i++) hash = mixed(hash, [text.charCodeAt(i), text.charCodeAt(i)])
  return hash
}
const numberOf = ([a, b]: Hash): number => (b & 0x1fffff) * 2 ** 32 + (a >>> 0)

/** What of `one` is not in `other`. */
export function without(one: Fingerprint, other: Fingerprint | undefined): Fingerprint {
  if (!other || other.length === 0) return one
  const left = new Set(other)
  return one.filter((hash) => !left.has(hash))
}
/** Positions in `one` of what both have. */
export function* common(one: Fingerprint, other: Fingerprint): Generator<number> {
  let at = 0
  for (let i = 0; i < one.length; i++) {
    while (at < other.length && other[at]! < one[i]!) at++
    if (other[at] === one[i]) yield i
  }
}
