// Every name of the handout is here under its mechanical translation, and its docstring opens with the handout's own form,
// so that searching for the C name lands on it.

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import * as lib from '../lib/kernel.ts'

const here = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url))
const read = (path: string): string => readFileSync(here(path), 'utf8')
const paging = read('paging.ts')
const sources = [
  paging,
  read('shell.ts'),
  ...readdirSync(here('lib'))
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(`lib/${name}`)),
]

const FUNCTIONS = [
  'nk_aspace_query',
  'nk_aspace_create',
  'nk_aspace_destroy',
  'nk_aspace_find',
  'nk_aspace_add_region',
  'nk_aspace_remove_region',
  'nk_aspace_protect_region',
  'nk_aspace_move_region',
  'nk_aspace_move_thread',
  'nk_aspace_switch',
  'nk_aspace_exception',
  'nk_aspace_register',
  'nk_aspace_unregister',
  'nk_aspace_register_impl',
  'nk_aspace_dump_aspaces',
  'nk_aspace_dump_aspace_impls',
  'nk_paging_default_cr3',
  'nk_paging_default_cr4',
  'paging_helper_create',
  'paging_helper_free',
  'paging_helper_walk',
  'paging_helper_drill',
  'paging_helper_permissions_ok',
  'paging_helper_set_permissions',
  'paging_helper_set_highest_permissions',
  'read_cr0',
  'write_cr0',
  'read_cr2',
  'read_cr3',
  'write_cr3',
  'read_cr4',
  'write_cr4',
  'invlpg',
  'spin_lock_irq_save',
  'spin_unlock_irq_restore',
  'list_add',
  'list_add_tail',
  'list_del',
  'list_empty',
  'get_cur_thread',
  'get_cpu',
  'smp_xcall',
  'malloc',
  'free',
  'memcmp',
  'panic',
  'ADDR_TO_PML4_INDEX',
  'ADDR_TO_PDP_INDEX',
  'ADDR_TO_PD_INDEX',
  'ADDR_TO_PT_INDEX',
]
/** In paging.ts; not exported, but the handout's interface table names them. */
const INTERFACE = [
  'destroy',
  'add_thread',
  'remove_thread',
  'add_region',
  'remove_region',
  'protect_region',
  'move_region',
  'switch_from',
  'switch_to',
  'exception',
  'print',
  'get_characteristics',
  'create',
]
const camelCase = (name: string): string =>
  /[a-z]/.test(name) ? name.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase()) : name
const exported: Record<string, unknown> = { ...lib }
const docstring = (name: string): RegExp => new RegExp(`/\\*\\*\\s+(?:\\* )?\`(?:[^\`]*\`, \`)?${name}\\(`)

test.each(FUNCTIONS)('%s is a function, and its docstring opens with its call', (name) => {
  expect(exported[camelCase(name)]).toBeTypeOf('function')
  expect(sources.some((source) => docstring(name).test(source))).toBe(true)
})
test.each(INTERFACE)('%s is a function of paging.ts, and its docstring opens with its call', (name) => {
  expect(paging).toMatch(docstring(name))
  expect(paging).toMatch(new RegExp(`\\nfunction ${camelCase(name)}\\(`))
})
test('the constants are the handout’s', () => {
  expect(exported).toMatchObject({
    NK_ASPACE_READ: 1,
    NK_ASPACE_WRITE: 2,
    NK_ASPACE_EXEC: 4,
    NK_ASPACE_PIN: 8,
    NK_ASPACE_KERN: 16,
    NK_ASPACE_SWAP: 32,
    NK_ASPACE_EAGER: 64,
    NK_ASPACE_ANON: 128,
    NK_ASPACE_FILE: 256,
    NK_ASPACE_GROWS_UP: 512,
    NK_ASPACE_GROWS_DOWN: 1024,
    NK_ASPACE_HOOK_PF: 1,
    NK_ASPACE_HOOK_GPF: 2,
    GP_EXCP: 13,
    PF_EXCP: 14,
    PAGE_SIZE_4KB: 0x1000n,
    PAGE_SIZE_2MB: 0x20_0000n,
    PAGE_SIZE_1GB: 0x4000_0000n,
    MEMSIZE: 0x400_0000n,
  })
})
test('WRITE ME! stands where there is something to write, and nowhere else', () => {
  expect(paging.match(/ {2,4}\/\/ WRITE ME!\n/g)).toHaveLength(7)
  expect(sources.join('').match(/WRITE ME/g)).toHaveLength(7)
})
test('a student’s file imports lib/kernel.ts and x86-64, and nothing else', () => {
  for (const source of [paging, read('shell.ts')])
    for (const [, from] of source.matchAll(/ from '(.*)'/g))
      expect(['./lib/kernel.ts', '@pagewalk/machine/x86-64']).toContain(from)
})
test('STATUS.md has a heading for each question of the reflection', () => {
  const headings = [...read('STATUS.md').matchAll(/^## (\d.*)$/gm)].map(([, heading]) => heading)
  expect(headings).toEqual(['1', '2a', '2b', '2c', '2d', '2e', '2f', '2g'])
})
