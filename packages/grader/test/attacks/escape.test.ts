// Attacks that want out of the realm: to Node, to the capsule's own code, to other submissions.

import { type Attack, attacks, guarded, LAZY, LOOT, lazy } from './attack.ts'

guarded()

const absent = (name: string): Attack => ({
  name: `${name} is not there`,
  source: lazy({ top: `if (typeof ${name} !== 'undefined') throw new Error('${LOOT}')` }),
  score: 0,
  cause: LAZY,
})
attacks(
  'names of Node and of the grader',
  [
    ...['process', 'module', 'Buffer', 'global', 'setTimeout', 'setImmediate', 'queueMicrotask'],
    ...[
      'structuredClone',
      'fetch',
      'Worker',
      'MessageChannel',
      'performance',
      'SharedArrayBuffer',
      'Atomics',
    ],
    ...['Date', 'Intl', 'WeakRef', 'harness', 'job', 'context', 'scenario', 'rubric'],
  ].map(absent),
)

const dead = (name: string, top: string, cause: RegExp): Attack => ({
  name,
  source: lazy({ top }),
  score: 0,
  cause,
})
attacks('ways out', [
  dead(
    'process.exit',
    ';(globalThis as any).process.exit(0)',
    /^loads: kernel\.ts:\d+:\d+: TypeError: .*'exit'/,
  ),
  dead(
    'process.kill of the parent',
    ';(globalThis as any).process.kill((globalThis as any).process.ppid)',
    /^loads: .*TypeError: /,
  ),
  dead('process.abort', ';(globalThis as any).process.abort()', /^loads: .*TypeError: .*'abort'/),
  dead(
    'process.send of a forged run',
    ";(globalThis as any).process.send({ kind: 'run' })",
    /^loads: .*TypeError: .*'send'/,
  ),
  dead(
    'an import of a file',
    "import { readFileSync } from 'node:fs'\nreadFileSync('/etc/passwd')",
    /^loads: kernel\.ts:\d+:\d+: import of 'node:fs'$/,
  ),
  dead(
    'an import of another submission',
    "import '../other/kernel.ts'",
    /^loads: kernel\.ts:\d+:\d+: import of '\.\.\/other\/kernel\.ts'$/,
  ),
  dead('an import of the rubric', "import '../../lab.ts'", /^loads: kernel\.ts:\d+:\d+: import of /),
  dead(
    'an import at run time',
    "export const later = () => import('node:fs')",
    /^loads: kernel\.ts:\d+:\d+: import\('node:fs'\) at run time$/,
  ),
  dead(
    'an import at run time of what is computed',
    "export const later = (n: string) => import('node:' + n)",
    /^loads: kernel\.ts:\d+:\d+: import\(.*\) at run time$/,
  ),
  dead(
    'an import at run time, hidden by a comment',
    'export const later = () => import/* */(`node:fs`)',
    /^loads: kernel\.ts:\d+:\d+: import\(.*\) at run time$/,
  ),
  dead('import.meta', 'throw new Error(import.meta.url)', /^loads: kernel\.ts:\d+:\d+: import\.meta$/),
  dead(
    'require',
    "declare const require: any\nrequire('fs')",
    /^loads: kernel\.ts:\d+:\d+: require\('fs'\)$/,
  ),
  dead(
    'an import with attributes',
    "import text from './lib/room.ts' with { type: 'text' }\nvoid text",
    /^loads: .*with attributes$/,
  ),
  dead('an import by address', "import 'data:text/javascript,throw 1'", /^loads: .*import of 'data:/),
  dead('an import by an absolute path', "import '/etc/passwd'", /^loads: .*import of '\/etc\/passwd'$/),
  dead('an export from elsewhere', "export * from 'node:child_process'", /^loads: .*'node:child_process'/),
])

attacks('the capsule’s own code', [
  {
    name: 'a setter in the place of its door gets no function of its realm',
    source: lazy({
      top: `let stolen: any
      try {
        Object.defineProperty(globalThis, '__capsule', {
          configurable: true,
          get: () => stolen,
          set(value) { stolen = value },
        })
      } catch {}`,
      tick: `if (stolen !== undefined) throw new Error('${LOOT} ' + typeof stolen)`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'a door that is nailed shut stops only its own kernel',
    source: lazy({
      top: "try { Object.defineProperty(globalThis, '__capsule', { value: 1, configurable: false }) } catch {}",
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'getters on the global object see nobody come',
    source: lazy({
      top: `for (const name of ['go', 'harness', 'submission', 'library', '__library', 'exports', 'then'])
        try { Object.defineProperty(globalThis, name, { set() { throw new Error('${LOOT}') }, get() { throw new Error('${LOOT}') } }) } catch {}`,
    }),
    score: 0,
    cause: LAZY,
  },
  {
    name: 'no object at hand is of another realm',
    source: lazy({
      tick: `const seen = new Set<unknown>()
      const look = (value: any): void => {
        if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return
        seen.add(value)
        let root = value
        for (let up = value; up; up = Object.getPrototypeOf(up)) root = up
        if (root !== Object.prototype && Object.getPrototypeOf(value) !== null) throw new Error('${LOOT}')
        for (const key of Reflect.ownKeys(value)) {
          const { value: inner, get, set } = Object.getOwnPropertyDescriptor(value, key)!
          for (const each of [inner, get, set]) look(each)
        }
      }
      if (count % 64 === 1) { look(globalThis); look(console.log); try { write32(-1, 0) } catch (fault) { look(fault) } }`,
    }),
    score: 0,
    cause: LAZY,
    limits: { milliseconds: 5000 },
  },
  {
    name: 'what the machine throws, kept and thrown again, is nothing to the next call',
    source: lazy({
      imports: 'panic',
      tick: `try { panic('first') } catch (stop) { world.kept = stop }
      throw world.kept`,
    }),
    score: 0,
    cause: LAZY,
  },
])
