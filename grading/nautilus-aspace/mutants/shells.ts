// Shells that reach their prompt without having passed the test, beside a right paging.ts.

import { edit, type Mistake } from './kit.ts'

const one = (id: string, name: string, find: string, replace: string): Mistake => ({
  id,
  name,
  file: 'shell.ts',
  edits: [edit(find, replace)],
})
const COMPARE = 'yield* memcmp(START, HIGH + START, MEMSIZE - START)'
const LAZY = 'NK_ASPACE_EXEC | NK_ASPACE_PIN | NK_ASPACE_KERN\n'

export const shells: readonly Mistake[] = [
  one('3.25', 'memcmp is left out', COMPARE, '0'),
  one('S1', 'memcmp of half of memory', COMPARE, 'yield* memcmp(START, HIGH + START, MEMSIZE / 2n)'),
  one('S2', 'memcmp of the first page only', COMPARE, 'yield* memcmp(START, HIGH + START, 4096n)'),
  one(
    'S3',
    'memcmp without the last page',
    COMPARE,
    'yield* memcmp(START, HIGH + START, MEMSIZE - START - 4096n)',
  ),
  one('S4', 'memcmp of low memory with itself', COMPARE, 'yield* memcmp(START, START, MEMSIZE - START)'),
  one('S5', 'the second region is eager', LAZY, LAZY.replace('\n', ' | NK_ASPACE_EAGER\n')),
  one('S6', 'the thread does not move', 'nkAspaceMoveThread(as) !== 0', 'as.name.length === 0'),
  one(
    'S7',
    'the thread moves back before the prompt',
    "  nkVcPrint('Survived memory comparison of two mapped copies\\n')\n",
    "  nkVcPrint('Survived memory comparison of two mapped copies\\n')\n  nkAspaceMoveThread(null)\n",
  ),
  one(
    'S8',
    'all shells have the same address space',
    "nkAspaceCreate('paging', name, c)",
    "nkAspaceCreate('paging', 'root-shell', c)",
  ),
  one('S9', 'no test at all', '  yield* enterAddressSpace(name)\n', ''),
  one(
    'S10',
    'the prompt is printed, nobody is there',
    '  yield* runShell(name)\n',
    '  nkVcPrint(`${name}> `)\n',
  ),
  one(
    'S11',
    'only the first shell is tested',
    '  yield* enterAddressSpace(name)\n',
    "  if (name === 'root-shell') yield* enterAddressSpace(name)\n",
  ),
  {
    id: 'S12',
    name: 'a question of STATUS.md has no answer',
    file: 'STATUS.md',
    edits: [edit('\n## 2g\n', '\n## 2x\n')],
  },
]
