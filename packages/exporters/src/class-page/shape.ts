// Sentences that differ only in numbers are the same mistake.

/** Longer sentences are told by their beginning. */
const MOST = 200

/** The sentence with `…` for each number and `0x…` for each address; lists of them are one. */
export function shapeOf(sentence: string): string {
  const shape = sentence
    .replace(/\s+/g, ' ')
    .replace(/0x[0-9a-f]+/gi, '0x…')
    .replace(/(?<![\p{L}_])\d+(?:\.\d+)?(?![\p{L}_])/gu, '…')
    .replace(/((?:0x)?…)(?:(?:, | and |, and | )\1)+/g, '$1, …')
  return shape.length <= MOST ? shape : `${shape.slice(0, MOST - 1).toWellFormed()}…`
}
