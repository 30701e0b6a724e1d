// Which modules a TypeScript source asks for, and where. A lexer that knows strings, templates, comments and regular
// expressions, so that text in them is not taken for code. Does not parse: what is no import is not looked at.

export interface ImportSite {
  /** `type`: erased, loads nothing. `dynamic`: `import(...)`, also where it is a type. `meta`: `import.meta`. */
  readonly kind: 'import' | 'type' | 'dynamic' | 'require' | 'meta'
  /** Empty if it is not a plain string. */
  readonly specifier: string
  /** `with { ... }` behind it. */
  readonly attributes: boolean
  /** From 1. */
  readonly line: number
  readonly column: number
}

interface Token {
  readonly kind: 'word' | 'string' | 'other'
  readonly text: string
  readonly at: number
}

/** Behind one of these a slash begins a regular expression although it is a word. */
const OPERATORS = new Set(
  'return typeof case do else in instanceof new of void delete throw await yield'.split(' '),
)

const SPACE = /\s+/y
const COMMENT = /\/\/[^\n\r]*|\/\*[\s\S]*?(?:\*\/|$)/y
const WORD = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy
const NUMBER = /\.?\d[\w.]*/y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const REGEXP = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y

/** Tokens of `source`, without comments; a template's expressions are tokens, its text is not. */
function tokens(source: string): Token[] {
  const found: Token[] = []
  const templates: number[] = [] // for each `${` that is open: how many braces are open inside it
  let at = 0
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(source)?.[0]
  }
  const add = (kind: Token['kind'], text: string): void => {
    found.push({ kind, text, at })
    at += text.length
  }
  /** From `at`, inside a template, to behind its end or the next `${`. */
  const template = (): void => {
    const text = take(TEMPLATE) ?? ''
    at += text.length
    if (text.endsWith('${')) templates.push(0)
  }
  while (at < source.length) {
    const skip = take(SPACE) ?? take(COMMENT)
    if (skip) {
      at += skip.length
      continue
    }
    const c = source[at] ?? ''
    const word = take(WORD)
    const string = word ? undefined : take(STRING)
    const number = word || string ? undefined : take(NUMBER)
    const regexp = c === '/' && !endsOperand(found.at(-1)) ? take(REGEXP) : undefined
    if (word) add('word', word)
    else if (string) add('string', string)
    else if (number || regexp) add('other', (number ?? regexp)!)
    else if (c === '`') {
      add('other', c)
      template()
    } else if (c === '}' && templates.at(-1) === 0) {
      templates.pop()
      add('other', c)
      template()
    } else {
      const open = templates.length - 1
      if (open >= 0 && c === '{') templates[open]!++
      if (open >= 0 && c === '}') templates[open]!--
      add('other', c)
    }
  }
  return found
}
const endsOperand = (token: Token | undefined): boolean =>
  token !== undefined &&
  (token.kind === 'word'
    ? !OPERATORS.has(token.text)
    : token.kind === 'string' || /[\w)\]}`]$/.test(token.text))

/** Every place of `source` that asks for a module, in order. */
export function importsOf(source: string): ImportSite[] {
  const all = tokens(source)
  return all.flatMap((token, i) => {
    if (token.kind !== 'word' || all[i - 1]?.text === '.') return []
    const site =
      token.text === 'import'
        ? importAt(all, i)
        : token.text === 'export'
          ? exportAt(all, i)
          : requireAt(all, i)
    return site ? [{ ...site, ...position(source, token.at) }] : []
  })
}
type Site = Omit<ImportSite, 'line' | 'column'>

function importAt(all: readonly Token[], i: number): Site | undefined {
  const next = all[i + 1]
  if (next?.text === '(') return { kind: 'dynamic', specifier: unquote(all[i + 2]), attributes: false }
  if (next?.text === '.') return { kind: 'meta', specifier: '', attributes: false }
  if (next?.kind === 'string') return named(all, i + 1, 'import')
  if (next?.text === ':' || next?.text === '=') return undefined // a property or a variable of this name
  const behind = all[i + 2]?.text
  const type = next?.text === 'type' && behind !== 'from' && behind !== ','
  const from = all.findIndex((token, at) => at > i && token.text === 'from' && all[at + 1]?.kind === 'string')
  return from < 0 ? undefined : named(all, from + 1, type ? 'type' : 'import')
}
function exportAt(all: readonly Token[], i: number): Site | undefined {
  const type = all[i + 1]?.text === 'type'
  let at = type ? i + 2 : i + 1
  if (all[at]?.text === '*') at += all[at + 1]?.text === 'as' ? 3 : 1
  else if (all[at]?.text === '{') at = all.findIndex((token, j) => j > at && token.text === '}') + 1
  else return undefined
  return all[at]?.text === 'from' && all[at + 1]?.kind === 'string'
    ? named(all, at + 1, type ? 'type' : 'import')
    : undefined
}
function requireAt(all: readonly Token[], i: number): Site | undefined {
  if (all[i]?.text !== 'require' || all[i + 1]?.text !== '(') return undefined
  return { kind: 'require', specifier: unquote(all[i + 2]), attributes: false }
}
function named(all: readonly Token[], at: number, kind: 'import' | 'type'): Site {
  const behind = all[at + 1]?.text
  const attributes = (behind === 'with' || behind === 'assert') && all[at + 2]?.text === '{'
  return { kind, specifier: unquote(all[at]), attributes }
}
const unquote = (token: Token | undefined): string =>
  token?.kind === 'string' ? token.text.slice(1, -1).replace(/\\(.)/g, '$1') : ''

/** Line and column, both from 1. */
function position(source: string, at: number): { line: number; column: number } {
  const before = source.slice(0, at).split('\n')
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 }
}
