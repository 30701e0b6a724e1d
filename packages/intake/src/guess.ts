// Names that a file may have got on its way: "kernel (1).ts", "Kernel.ts", "kernel.ts.txt", "my_kernel.ts", "kernel-2.ts".

import { baseOf } from './item.ts'

/** Words that say that a file is something else. */
const OTHERS = new Set(['test', 'tests', 'spec', 'd'])

/** May the file at `path` be what should be called `wanted`? Not if it is called so. */
export function looksLike(path: string, wanted: string): boolean {
  const name = baseOf(path)
  if (name === wanted) return false
  const { words, ending } = partsOf(name)
  const want = partsOf(wanted)
  if (ending !== want.ending || words.some((word) => OTHERS.has(word))) return false
  return words.some((_, at) => want.words.every((word, i) => words[at + i] === word))
}
/** In small letters: the words of the name, and its ending without what a mail program or an editor has put behind it. */
function partsOf(name: string): { readonly words: readonly string[]; readonly ending: string } {
  const plain = name.normalize('NFC').replace(/\.(txt|bak|download)$/i, '')
  const dot = plain.lastIndexOf('.')
  const words = plain
    .slice(0, Math.max(dot, 0))
    .replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+|(?<=\p{L})(?=\p{N})/u)
  return { words: words.filter((word) => word !== ''), ending: plain.slice(dot).toLowerCase() }
}
