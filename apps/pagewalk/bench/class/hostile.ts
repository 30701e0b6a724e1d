// What hostile students put behind their files: each costs the grader what it can.

const spins = 'export const spin = (() => { for (;;) {} })()'
/** Source that is appended to a file that is otherwise handed in as it was handed out. */
export const ATTACKS: readonly string[] = [
  spins,
  "throw { get message() { return 'x'.repeat(1e7) } }",
  'const hoard: unknown[] = []; for (;;) hoard.push(new Uint8Array(1 << 24).fill(1))',
  "let text = 'x'; for (;;) text += text",
  "for (let i = 0; i < 1e7; i++) console.log('x'.repeat(1000))",
  "(globalThis as any).process?.exit(0); ({} as any).constructor.constructor('return process')().exit(0)",
  '(function again(): void { again() })()',
  "Object.defineProperty(Object.prototype, 'score', { value: 100 })",
  'void Promise.resolve().then(function again(): unknown { return Promise.resolve().then(again) })',
  "/(a+)+$/.test('a'.repeat(40) + 'b')",
  `export const deep = ${'['.repeat(5000)}${']'.repeat(5000)}`,
  '2n ** (10n ** 9n)',
]
/** Files that nobody can use. */
export const RUINS: readonly (string | Uint8Array | undefined)[] = [
  undefined,
  '',
  'export function kernel( {',
  "import fs from 'node:fs'",
  Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe),
  'x'.repeat(1 << 18),
]
