// Every name of the handout is here under its mechanical translation, and its docstring opens with the handout's own form,
// so that searching for the C name lands on it.

import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as kernel from '../kernel.ts'
import * as lib from '../lib/kernel.ts'

const here = (path: string): string => new URL(`../${path}`, import.meta.url).pathname
const sources = ['kernel.ts', ...readdirSync(here('lib')).map((name) => `lib/${name}`)].map((path) =>
  readFileSync(here(path), 'utf8'),
)

const FUNCTIONS = [
  'kernel',
  'process_setup',
  'assign_physical_page',
  'exception',
  'schedule',
  'run',
  'pageinfo_init',
  'hardware_init',
  'timer_init',
  'virtual_memory_map',
  'virtual_memory_lookup',
  'set_pagetable',
  'physical_memory_isreserved',
  'process_init',
  'console_show_cursor',
  'check_keyboard',
  'poweroff',
  'program_load',
  'console_printf',
  'console_clear',
  'log_printf',
  'error_printf',
  'panic',
  'memset',
  'memcpy',
  'check_virtual_memory',
  'memshow_physical',
  'memshow_virtual',
  'memshow_virtual_animate',
  'PAGENUMBER',
  'PAGEADDRESS',
  'PAGEINDEX',
  'CPOS',
]
const VARIABLES = ['processes', 'pageinfo', 'current', 'kernel_pagetable', 'ticks']
const CONSTANTS = [
  'PTE_P',
  'PTE_W',
  'PTE_U',
  'PTE_ADDR',
  'PAGESIZE',
  'MEMSIZE_PHYSICAL',
  'MEMSIZE_VIRTUAL',
  'NPAGES',
  'NPROC',
  'HZ',
  'KERNEL_START_ADDR',
  'KERNEL_STACK_TOP',
  'PROC_START_ADDR',
  'PROC_SIZE',
  'CONSOLE_ADDR',
  'PO_FREE',
  'PO_RESERVED',
  'PO_KERNEL',
  'P_FREE',
  'P_RUNNABLE',
  'P_BLOCKED',
  'P_BROKEN',
  'INT_GPF',
  'INT_PAGEFAULT',
  'INT_TIMER',
  'INT_SYS_PANIC',
  'INT_SYS_GETPID',
  'INT_SYS_YIELD',
  'INT_SYS_PAGE_ALLOC',
  'INT_SYS_FORK',
  'INT_SYS_EXIT',
]
const camelCase = (name: string): string =>
  /[a-z]/.test(name) ? name.replace(/_([a-z0-9])/g, (_, c: string) => c.toUpperCase()) : name
const exported: Record<string, unknown> = { ...lib, ...kernel }

test.each(FUNCTIONS)('%s is a function, and its docstring opens with its call', (name) => {
  expect(exported[camelCase(name)]).toBeTypeOf('function')
  const form = new RegExp(`/\\*\\*\\s+(?:\\* )?\`(?:[A-Za-z(), ]*\`, \`)?${name}\\(`)
  expect(sources.some((source) => form.test(source))).toBe(true)
})
test.each(VARIABLES)('%s is there', (name) => {
  expect(exported[camelCase(name)]).toBeTypeOf('object')
})
test('the constants are the handout’s', () => {
  for (const name of CONSTANTS) expect([name, typeof exported[name]]).not.toEqual([name, 'undefined'])
  expect(exported).toMatchObject({
    MEMSIZE_PHYSICAL: 0x20_0000n,
    MEMSIZE_VIRTUAL: 0x30_0000n,
    NPAGES: 512,
    NPROC: 16,
    HZ: 100,
    KERNEL_START_ADDR: 0x4_0000n,
    KERNEL_STACK_TOP: 0x8_0000n,
    PROC_START_ADDR: 0x10_0000n,
    PROC_SIZE: 0x4_0000n,
    CONSOLE_ADDR: 0xb_8000n,
    PO_RESERVED: -1,
    PO_KERNEL: -2,
    INT_SYS_PANIC: 48,
    INT_SYS_GETPID: 49,
    INT_SYS_YIELD: 50,
    INT_SYS_PAGE_ALLOC: 51,
    INT_SYS_FORK: 52,
    INT_SYS_EXIT: 53,
    P_BROKEN: 3,
  })
})
