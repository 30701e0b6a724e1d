// The handout's table of names: what is called how in C and here, made from the docstrings, which open with the C form.
//
//     node packages/weensyos/tools/names.ts      writes it into README.md
//
// A test says that what is there is what this makes.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const BEGIN = '<!-- names: made by packages/weensyos/tools/names.ts -->'
const END = '<!-- end of names -->'
/** In the order in which a student meets them. */
const FILES = [
  'kernel.ts',
  'lib/hardware.ts',
  'lib/loader.ts',
  'lib/console.ts',
  'lib/proc.ts',
  'lib/layout.ts',
  'lib/check.ts',
  'lib/memshow.ts',
]

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const read = (name: string): string => readFileSync(path(name), 'utf8')
export const README: string = path('README.md')

/** @returns `readme` with the table as it should be */
export function withNames(readme: string): string {
  const [before, after] = [readme.indexOf(BEGIN), readme.indexOf(END)]
  if (before < 0 || after < before) throw new Error(`README.md: must have ${BEGIN}, and ${END} behind it`)
  const table = ['| C | here | in | |', '|---|---|---|---|', ...FILES.flatMap(rowsOf)].join('\n')
  return `${readme.slice(0, before + BEGIN.length)}\n\n${table}\n\n${readme.slice(after)}`
}

/** A docstring, and the name that is declared below it. */
const DOCUMENTED = /\/\*\*((?:(?!\*\/).)*)\*\/\nexport (?:function|const|class|interface|type) (\w+)/gs
/** One or more C forms in backquotes, and what the docstring says behind them. */
const C_FORMS = /^((?:`[^`]+`(?:, )?)+):?(.*)$/s

function rowsOf(file: string): string[] {
  const source = read(file)
  return [...source.matchAll(DOCUMENTED)].flatMap(({ 0: all, 1: docstring = '', 2: name = '', index }) => {
    const [, c, text] = C_FORMS.exec(unwrapped(docstring)) ?? []
    if (c === undefined || text === undefined || !isReached(file, name)) return []
    const same = /^`[A-Z]/.test(c) // macros keep their names, also where one docstring is for two
    const here = same ? c : `\`${name}${parameters(source.slice(index + all.length))}\``
    return `| ${c} | ${here} | \`${file}\` | ${firstSentence(text)} |`
  })
}
const unwrapped = (docstring: string): string => docstring.replace(/^[ \t]*\*? ?/gm, '').trim()
/** Does kernel.ts have it, or get it through the door of lib? */
function isReached(file: string, name: string): boolean {
  return (
    file === 'kernel.ts' ||
    file === 'lib/layout.ts' ||
    new RegExp(`\\b${name}\\b`).test(read('lib/kernel.ts'))
  )
}
/** "(p, segment)" of a function whose declaration goes on with `rest`; '' of anything else. */
function parameters(rest: string): string {
  const list = /^(?:: [^\n]*? =|\s*=)?\s*\((.*?)\)(?:: | =>)/s.exec(rest)?.[1]
  if (list === undefined) return ''
  const names = [...list.matchAll(/(?:^|,)\s*((?:\.\.\.)?\w+|\{[^}]*\})(?=\s*[?:=])/g)].map(
    ([, name = '']) => (name.startsWith('{') ? '{ ... }' : name.replace(/^_/, '')),
  )
  return `(${names.join(', ')})`
}
function firstSentence(text: string): string {
  const [paragraph = ''] = text.trim().split(/\n\n|\n-|\s@/)
  const [sentence = ''] = paragraph.replaceAll('\n', ' ').split(/(?<=[^.]\.) (?=[A-Z0-9`])/)
  return sentence.replace(/[.:]$/, '').replaceAll('|', '\\|')
}

if (import.meta.main) writeFileSync(README, withNames(readFileSync(README, 'utf8')))
