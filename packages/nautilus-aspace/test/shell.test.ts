import { beforeAll, beforeEach, expect, test } from 'vitest'
import { type Kernel, load } from './kit.ts'
import { Lab } from './lab.ts'

let kernel: Kernel
let lab: Lab
beforeAll(async () => {
  kernel = await load('reference')
})
/** The shell without its test of address spaces: quick. */
const quick = (): Kernel['shell'] =>
  function* (input) {
    const { lib } = kernel
    const vc = lib.nkCreateVc(String(input))!
    lib.nkBindVc(lib.getCurThread(), vc)
    lib.nkSwitchToVc(vc)
    yield* lib.runShell(String(input))
  }
const start = (options: ConstructorParameters<typeof Lab>[1] = {}): Lab => {
  const started = new Lab({ pagingImpl: kernel.pagingImpl, shell: quick() }, options, kernel.host)
  started.runUntil(() => started.said.endsWith('root-shell> '), 1_000_000)
  return started
}
beforeEach(() => {
  lab = start()
})

test('the prompt is the name of the shell, and what is typed is shown', () => {
  expect(lab.screen()[0]).toBe('root-shell>')
  lab.press(...'help me')
  expect(lab.screen()[0]).toBe('root-shell> help me')
})
test('commands are found in any case; others are not understood', () => {
  expect(lab.type('ASIS')).toBe('ASIS\nbase\npaging\nroot-shell> ')
  expect(lab.type('frobnicate it')).toContain('Don\'t understand "frobnicate it"\n')
  expect(lab.type('')).toBe('\nroot-shell> ')
})
test('a line is edited with Backspace and Ctrl-U, and called back with the arrows', () => {
  lab.press(...'asis', 'Enter', ...'vcz', 'Backspace', 's', 'Enter')
  expect(lab.said).toContain('root-shell (shown)\n')
  lab.press('ArrowUp', 'ArrowUp')
  expect(lab.said).toMatch(/asis$/)
  lab.press('ArrowDown')
  expect(lab.said).toMatch(/vcs$/)
  lab.press('Ctrl-U', ...'asis')
  expect(
    lab
      .screen()
      .filter((row) => row !== '')
      .at(-1),
  ).toBe('root-shell> asis')
  expect(lab.type('')).toContain('\nbase\npaging\n')
  expect(lab.type('history')).toContain('0 asis\n1 vcs\n2 asis\n3 history\n')
})
test('help tells every command', () => {
  const help = lab.type('help')
  for (const name of [
    'ases',
    'asis',
    'threads',
    'cores',
    'shell',
    'pagingTest',
    'testPaging',
    'pwalk',
    'exit',
  ])
    expect(help).toMatch(new RegExp(`^${name} `, 'm'))
})
test('threads and cores tell who is in which address space', () => {
  expect(lab.type('threads')).toContain('2t 1r 0c root-shell RUN adm')
  expect(lab.type('threads 1')).toBe('threads 1\nroot-shell> ')
  expect(lab.type('cores')).toMatch(/^0c ip 0nl \d+in 0ex 2t root-shell \[default\]$/m)
})
test('ases and asis list address spaces and implementations', () => {
  expect(lab.type('ases')).toContain(
    'base Base Address Space [granularity 0x40000000 alignment 0x40000000]\n',
  )
  expect(lab.type('ases detail')).toContain('(prot=5f)')
})
test('peek and poke reach memory by their size', () => {
  expect(lab.type('poke q 700000 1122334455667788')).toContain('= 0x1122334455667788\n')
  expect(lab.type('peek b 0x700001')).toContain('Mem[0000000000700001] = 0x77\n')
  expect(lab.type('peek 700000')).toContain('= 0x1122334455667788\n')
  expect(lab.type('poke b 700000 99')).toContain('= 0x99\n')
  expect(lab.type('peek w 700000')).toContain('= 0x7799\n')
  expect(lab.type('peek')).toContain('peek [b|w|d|q] ADDR\n')
})
test('a peek at what is not mapped halts the kernel', () => {
  lab.type('peek ffff800000000000', 'HALTING')
  expect(lab.said).toContain('+++ Page Fault +++')
})
test('pwalk tells a walk', () => {
  const walk = lab.type('pwalk 123456')
  expect(walk).toContain('CR3 0x4000\nPML4[0] at 0x4000: 0x5023 P W A\nPDPT[0] at 0x5000: ')
  expect(walk).toContain('0x123456 -> 0x123456\n')
  expect(lab.type('pwalk ffff800000000000')).toContain('is not mapped\n')
})
test('pagingTest passes', () => {
  expect(lab.type('pagingtest', 'sanity test')).toContain('Paging check sanity test')
  expect(lab.type('')).not.toContain('Weird')
  expect(lab.said).toContain('Passed!')
})
test('sleep sleeps', () => {
  const before = lab.machine.time
  lab.type('sleep 200', 'shell> ')
  expect(lab.machine.time - before).toBeGreaterThan(10_000_000)
})
test('shell starts another one, in a console of its own; Ctrl-N shows the next', () => {
  lab.type('shell two', 'two> ')
  expect(lab.said).toMatch(/Shell two launched on cpu -1 as 0x[0-9a-f]+\n/)
  expect(lab.screen()[0]).toBe('two>')
  expect(lab.type('vcs', 'two> ')).toContain('system\nroot-shell\ntwo (shown)\n')
  lab.press('Ctrl-N')
  expect(lab.screen()[0]).toContain('NK: 1 CPU')
  lab.press('Ctrl-N')
  expect(lab.screen()[0]).toBe('root-shell> shell two')
  expect(lab.type('asis', 'root-shell> ')).toContain('paging\nroot-shell> ')
})
test('exit ends the shell and its console', () => {
  lab.type('shell two', 'two> ')
  lab.type('exit', 'exit')
  lab.runUntil(() => false, 1_000_000)
  lab.press('Ctrl-N')
  expect(lab.type('vcs', 'root-shell> ')).toContain('system\nroot-shell (shown)\nroot-shell> ')
  expect(lab.type('threads', 'root-shell> ')).toContain('two exi')
  lab.type('reap')
  expect(lab.type('threads', 'root-shell> ')).not.toContain('two')
})
test('a full screen scrolls', () => {
  for (let i = 0; i < 3; i++) lab.type('help')
  const rows = lab.screen()
  expect(rows[24]).toBe('root-shell>')
  expect(rows[23]).toMatch(/^exit /)
  lab.type('clear')
  expect(lab.screen()[0]).toBe('root-shell>')
})
test('a shell that waits for a key leaves its CPU to the idle thread, in the default address space', () => {
  lab.runUntil(() => false, 1_000_000)
  const { retired } = lab.machine
  lab.machine.run(50_000_000)
  expect(lab.machine.retired).toBe(retired)
})
