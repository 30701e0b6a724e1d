// Attacks by what is handed in: files that are no files, names, sizes, and sources that are meant for the compiler.

import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findSubmissions, gradeAll, type Lab, reportGrade, reportHtml } from '../../src/index.ts'
import { fake } from '../fake/lab.ts'
import { RIGHT } from '../kit.ts'
import {
  type Attack,
  attacks,
  causeOf,
  gradeFiles,
  guarded,
  LAZY,
  LOOT,
  lazy,
  SMALL,
  unharmed,
  world,
} from './attack.ts'

guarded()

const limits = { milliseconds: 5000 }
const bomb = (name: string, top: string, cause: RegExp): Attack => ({
  name,
  source: lazy({ top }),
  score: 0,
  cause,
  limits,
})
const REFUSED =
  /^loads: (kernel\.ts: more than that|.*the compiler gave up|.*(RangeError|SyntaxError|the kernel used more than))/
/** Either will do: what is not refused must do no harm. */
const SURVIVED = new RegExp(`${REFUSED.source}|^loads: kernel\\.ts:\\d+|${LAZY.source}`)
/** They keep the compiler busy until its time is over, 15 s each; PAGEWALK_ALL=1 tries them (compiler.test.ts has one in short). */
const ENDLESS: readonly Attack[] = [
  bomb('functions that return functions', `export const x = ${'x=>'.repeat(4e4)}1`, SURVIVED),
  bomb('comparisons without end', `export const x = ${'a<'.repeat(3e4)}`, SURVIVED),
  bomb('conditions without end', `${'if(1)'.repeat(2e4)};`, SURVIVED),
]
attacks('bombs for the compiler', [
  ...(process.env.PAGEWALK_ALL === '1' ? ENDLESS : []),
  bomb('brackets in brackets', `export const x = ${'['.repeat(5e4)}${']'.repeat(5e4)}`, REFUSED),
  bomb('brackets that never close', `export const x = ${'('.repeat(1e5)}`, REFUSED),
  bomb('blocks in blocks', `${'{'.repeat(5e4)}${'}'.repeat(5e4)}`, REFUSED),
  bomb('templates in templates', `export const x = ${'`${'.repeat(2e4)}1${'}`'.repeat(2e4)}`, REFUSED),
  bomb('types in types', `export type X = ${'Array<'.repeat(1.5e4)}1${'>'.repeat(1.5e4)}`, SURVIVED),
  bomb('a sum of many numbers', `export const x = ${'1+'.repeat(6e4)}1`, SURVIVED),
  bomb('a chain of conditions', `export const x: any = ${'0?1:'.repeat(3e4)}1`, SURVIVED),
  bomb('else upon else', `${'if(0);else '.repeat(1e4)};`, SURVIVED),
  bomb('a not of a not', `export const x = ${'!'.repeat(1.2e5)}1`, SURVIVED),
  bomb('a text without end', `export const x = ${JSON.stringify('x'.repeat(1.2e5))}`, LAZY),
  bomb('a template without end', `export const x = \`${'y\n'.repeat(6e4)}\``, LAZY),
  bomb('many names', Array.from({ length: 6e3 }, (_, i) => `const v${i} = ${i}`).join('\n'), LAZY),
  bomb('many exports', Array.from({ length: 4e3 }, (_, i) => `export const v${i} = ${i}`).join('\n'), LAZY),
  bomb('a list of many things', `export const x = [${'1,'.repeat(6e4)}]`, LAZY),
  bomb(
    'a regular expression in a regular expression',
    `export const x = () => /${'('.repeat(400)}a${')+'.repeat(400)}/`,
    SURVIVED,
  ),
  bomb('comments without end', '/*'.repeat(6e4), /^loads: kernel\.ts:\d+:\d+: /),
])

attacks('sources that say what they are not', [
  {
    name: 'a source map that lies',
    source: `${lazy({ tick: "throw new Error('here')" })}\n//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbIi9ldGMvcGFzc3dkIl0sIm1hcHBpbmdzIjoiQUFBQSJ9`,
    score: 0,
    cause: /^stops: short, long: kernel\.ts:\d+:\d+: Error: here$/,
  },
  {
    name: 'a source map that is a file of the host',
    source: `${lazy({})}\n//# sourceMappingURL=file:///etc/passwd`,
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a source that calls itself harness.js',
    source: `${lazy({ tick: "throw new Error('here')" })}\n//# sourceURL=harness.js`,
    score: 0,
    cause: /^stops: short, long: .*Error: here$/,
  },
  {
    name: 'a stack that blames the library',
    source: lazy({
      tick: "const e = new Error('not me'); e.stack = 'Error\\n at boot (library.js:1:1)'; throw e",
    }),
    score: 0,
    cause: /^stops: short, long: .*Error: not me$/,
  },
  {
    name: 'the end of what it is wrapped in',
    source: `${lazy({})}\n}; return { kernel() {}, tick() { throw new Error('${LOOT}') } }; {`,
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: /,
  },
  {
    name: 'a comment that opens and never closes',
    source: `${lazy({})}\n/* `,
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: /,
  },
  {
    name: 'a name that the bundle uses itself',
    source: lazy({ top: 'export const submission = 1, __library = 2, __export = 3, __toCommonJS = 4' }),
    score: 0,
    cause: LAZY,
  },
  { name: 'a hash bang and a byte order mark', source: `\ufeff${lazy({})}`, score: 0, cause: LAZY },
  {
    name: 'letters that look like others',
    source: lazy({ top: 'const сount = 1 // the c is Cyrillic\nvoid сount' }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'an import whose name is escaped',
    source: `import { x } from '\\x6eode:fs'\n${lazy({ top: 'void x' })}`,
    score: 0,
    cause: /^loads: kernel\.ts:1:1: import of '.*fs'$/,
  },
  {
    name: 'an import of itself',
    source: lazy({ top: "import * as me from './kernel.ts'\nvoid me" }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'an import that climbs out of the library',
    source: lazy({ top: "import './lib/../../lab.ts'" }),
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: import of /,
  },
  {
    name: 'an import that climbs out of it in code',
    source: lazy({ top: "import './lib/%2e%2e/%2e%2e/lab.ts'" }),
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: /,
  },
  {
    name: 'an import of the library’s folder',
    source: lazy({ top: "import './lib/'" }),
    score: 0,
    cause: /^loads: kernel\.ts:\d+:\d+: /,
  },
  {
    name: 'a directive for JSX that runs code',
    source: `/** @jsxImportSource node:fs */\n${lazy({ top: 'export const x = 1' })}`,
    score: 0,
    cause: LAZY,
  },
])

/** A folder with a folder for each submission; gone when the test is. */
function room(): string {
  const path = mkdtempSync(join(tmpdir(), 'pagewalk-hostile-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}
const found = (path: string, labs: readonly Lab[] = [fake]) =>
  gradeAll(findSubmissions(path, labs), { jobs: 2, limits: SMALL })
/** One folder with something in the place of the file, beside an honest one. */
async function beside(make: (path: string) => void): Promise<string | undefined> {
  const path = room()
  mkdirSync(join(path, 'attack'))
  mkdirSync(join(path, 'honest'))
  make(join(path, 'attack', 'kernel.ts'))
  writeFileSync(join(path, 'honest', 'kernel.ts'), RIGHT)
  const [attack, honest] = await found(path)
  expect(attack?.result.score).toBe(0)
  expect(honest?.result.score).toBe(10)
  expect(JSON.stringify(attack?.result)).not.toContain(LOOT)
  return causeOf(attack!)
}
const posix = process.platform !== 'win32'
describe('files that are no files', () => {
  test.skipIf(!posix).each([
    ['the grader’s secret', () => join(world.folder, 'rubric.txt')],
    ['another submission', () => '../honest/kernel.ts'],
    ['a device that never ends', () => '/dev/zero'],
    ['itself', () => 'kernel.ts'],
    ['nothing', () => 'nowhere'],
  ])('a symbolic link to %s is not followed', async (_name, target) => {
    expect(await beside((path) => symlinkSync(target(), path))).toMatch(
      /a symbolic link, which is not followed$/,
    )
  })
  test.skipIf(!posix)('a pipe is not waited for', async () => {
    expect(await beside((path) => execFileSync('mkfifo', [path]))).toMatch(
      /^loads: kernel\.ts: something else$/,
    )
  })
  test('a folder in the place of the file', async () => {
    expect(await beside((path) => mkdirSync(path))).toMatch(/^loads: kernel\.ts: something else$/)
  })
  test.skipIf(!posix)('a library that is a link to the host is not looked into', async () => {
    const path = room()
    writeFileSync(join(path, 'kernel.ts'), RIGHT)
    symlinkSync(world.folder, join(path, 'lib'))
    const [one] = await found(path)
    expect(one).toMatchObject({ changedLibrary: [], result: { score: 10 } })
  })
})

describe('contents that are no source', () => {
  test.each<[string, string | Uint8Array, RegExp]>([
    ['a megabyte and a byte', ' '.repeat(2 ** 20 + 1), /^loads: kernel\.ts: \d+ bytes$/],
    [
      'bytes that are not UTF-8',
      new Uint8Array([0xff, 0xfe, 0, 0x80]),
      /^loads: kernel\.ts: bytes that are not UTF-8$/,
    ],
    [
      'a program for the host',
      new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0xc3]),
      /^loads: kernel\.ts: bytes that are not UTF-8$/,
    ],
    [
      'UTF-16',
      new Uint8Array(new Uint16Array([0xfeff, 0x61, 0x62]).buffer),
      /^loads: kernel\.ts: bytes that are not UTF-8$/,
    ],
    ['nothing', '', /^loads: kernel\.ts exports no kernel|no exported|loads: /],
    ['zeros', '\0'.repeat(1000), /^loads: kernel\.ts:1:1: /],
    ['lines without end', '\n'.repeat(2 ** 20 - 1), /^loads: /],
  ])('%s', async (_name, contents, cause) => {
    expect(await beside((path) => writeFileSync(path, contents))).toMatch(cause)
  })
})

describe('names', () => {
  const names = [
    '__proto__',
    'constructor',
    'toString',
    '-rf',
    '$(touch pwned)',
    '<img src=x>',
    '=1+1',
    'a'.repeat(200),
    'été',
    '\u202eelif',
  ]
  const odd = posix ? ['new\nline', '\x1b[2J', '..hidden', '`id`', '%2e%2e', '|id', 'back\\slash'] : []
  test('of folders are names and nothing else', async () => {
    const path = room()
    const all = [...names, ...odd]
    for (const name of all) {
      mkdirSync(join(path, name))
      writeFileSync(join(path, name, 'kernel.ts'), lazy({}))
    }
    const grades = await found(path)
    // a name that begins with a dot is none of ours
    expect(grades.map(({ result }) => result.submission.name).sort()).toEqual(
      all.filter((name) => !name.startsWith('.')).sort(),
    )
    for (const one of grades) {
      expect(causeOf(one)).toMatch(LAZY)
      expect(reportGrade(one, { colour: false, width: 100 })).not.toMatch(/[\x00-\x09\x0b-\x1f\u202e]/u)
      expect(reportHtml([one])).not.toMatch(/<img/)
    }
    expect(readdirSync(path).sort()).toEqual([...all].sort())
    await unharmed()
  })
  test('a lab’s file name may be that of a property of all objects', async () => {
    const one = await gradeFiles({ 'kernel.ts': RIGHT, __proto__: 'x', constructor: 'y' })
    expect(one.result.score).toBe(10)
  })
})
