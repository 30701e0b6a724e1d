import { describe, expect, test } from 'vitest'
import { importsOf } from '../src/imports.ts'

const told = (source: string): string[] =>
  importsOf(source).map(({ kind, specifier, line, column }) => `${kind} ${specifier} ${line}:${column}`)

describe('importsOf', () => {
  test('finds every form of import and export from', () => {
    const source = [
      "import a from 'a'",
      "import * as b from 'b'",
      "import c, { d as e } from './c.ts'",
      "import 'f'",
      "import type { G } from 'g'",
      "import type H from 'h'",
      "export * from 'i'",
      "export * as j from 'j'",
      "export { k } from 'k'",
      "export type { L } from 'l'",
      "  const m = await import('m')",
      "const n = require('n')",
      'import.meta.url',
      "import { type O } from 'o'",
    ].join('\n')
    expect(told(source)).toEqual([
      'import a 1:1',
      'import b 2:1',
      'import ./c.ts 3:1',
      'import f 4:1',
      'type g 5:1',
      'type h 6:1',
      'import i 7:1',
      'import j 8:1',
      'import k 9:1',
      'type l 10:1',
      'dynamic m 11:19',
      'require n 12:11',
      'meta  13:1',
      'import o 14:1',
    ])
  })
  test('takes no text for code: comments, strings, templates, regular expressions', () => {
    const source = [
      "// import 'a'",
      "/* import 'b' */",
      `const s = "import 'c'"`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is in the source under test
      "const t = `import 'd' ${`import('e')`} `",
      "const r = /import 'f'[/]\"/.test(s)",
      "export const u = 1 / 2 // '",
      "const v = a.import('g')",
    ].join('\n')
    expect(told(source)).toEqual([])
  })
  test("sees an import in a template's expression", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the template is in the source under test
    expect(told("const t = `${{ a: await import('a') }.a} ${import('b')}`")).toEqual([
      'dynamic a 1:25',
      'dynamic b 1:44',
    ])
  })
  test('sees an import that is written oddly', () => {
    expect(told("import/**/(/* x */'a')")).toEqual(['dynamic a 1:1'])
    expect(told('import(name)')).toEqual(['dynamic  1:1'])
    expect(told("import x from 'a' with { type: 'json' }").length).toBe(1)
    expect(importsOf("import x from 'a' with { type: 'json' }")[0]?.attributes).toBe(true)
  })
  test('an export that imports nothing is none', () => {
    expect(
      told("export const from = 'a'\nexport { b }\nexport type T = { from: 'x' }\nexport function f() {}"),
    ).toEqual([])
  })
})
