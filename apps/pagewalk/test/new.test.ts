// A fresh folder in an editor: the compiler, and its language server, which is what editors ask. No node_modules, nothing installed.

import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Editor, TSC } from './editor.ts'

const main = fileURLToPath(new URL('../bin/pagewalk.mjs', import.meta.url))
const LABS = ['weensyos', 'nautilus']
let root = ''
const folder = (lab: string): string => join(root, lab)

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'pagewalk-new-'))
  for (const lab of LABS) execFileSync(process.execPath, [main, 'new', lab, folder(lab)])
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const compiled = (lab: string): { code: number | null; told: string } => {
  const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', folder(lab), '--pretty', 'false'], {
    cwd: folder(lab),
    encoding: 'utf8',
  })
  return { code: status, told: stdout }
}

test.each(LABS)('a fresh folder of %s has no type error', (lab) => {
  expect(compiled(lab)).toEqual({ code: 0, told: '' })
})
test('a type error is told at its line', () => {
  const kernel = join(folder('weensyos'), 'kernel.ts')
  const source = readFileSync(kernel, 'utf8')
  try {
    writeFileSync(kernel, source.replace('timerInit(HZ)\n', 'timerInit(HZ)\n  const page: u64 = 4096\n'))
    const line = source.slice(0, source.indexOf('timerInit(HZ)\n')).split('\n').length + 1
    const message = "error TS2322: Type 'number' is not assignable to type 'bigint'."
    expect(compiled('weensyos')).toEqual({ code: 1, told: `kernel.ts(${line},9): ${message}\n` })
  } finally {
    writeFileSync(kernel, source)
  }
})
test('pictures of the README are in the folder', () => {
  const readme = readFileSync(join(folder('weensyos'), 'README.md'), 'utf8')
  const pictures = [...readme.matchAll(/!\[.*?\]\((.+?)\)/g)].map(([, path]) => path!)
  expect(pictures).not.toEqual([])
  for (const path of pictures)
    expect([path, existsSync(join(folder('weensyos'), path))]).toEqual([path, true])
})

test.each([
  [
    'weensyos',
    'kernel.ts',
    'virtualMemoryMap(',
    '`virtual_memory_map(pagetable, va, pa, sz, perm, allocator)`',
  ],
  ['weensyos', 'kernel.ts', 'pageinfo[', '`pageinfo[NPAGES]`'],
  ['nautilus', 'paging.ts', 'pagingHelperCreate(', '`paging_helper_create('],
])(
  'in a fresh folder of %s, pointing in %s at %s shows its docstring',
  async (lab, file, name, docstring) => {
    const editor = await Editor.open(folder(lab), file)
    try {
      expect(await editor.hover(editor.text.lastIndexOf(name))).toContain(docstring)
    } finally {
      await editor.close()
    }
  },
)
test('a dot after the machine, a process and a page shows what they have', async () => {
  const editor = await Editor.open(folder('weensyos'), 'kernel.ts')
  try {
    const after = (text: string): Promise<string[]> =>
      editor.completions(editor.text.indexOf(text) + text.length)
    expect(await after('= ring0.')).toEqual(expect.arrayContaining(['read64', 'invlpg', 'cr2']))
    expect(await after('  p.')).toEqual(expect.arrayContaining(['registers', 'pagetable', 'state', 'pid']))
    expect(await after('  page.')).toEqual(expect.arrayContaining(['owner', 'refcount']))
  } finally {
    await editor.close()
  }
})
