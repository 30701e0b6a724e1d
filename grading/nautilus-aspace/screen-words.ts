// What the lab's screen means, and what it must show once a task is done. Handout: section 4, and the tasks.

import type { Live } from '@pagewalk/grader'

export const LEGEND: NonNullable<Live['legend']> = [
  'One virtual console at a time; each shell has its own. Ctrl-N shows the next.',
  'A prompt such as root-shell> waits for a command. Some of them:',
  'ases, ases detail   the address spaces, and what they hold',
  'asis                the implementations: base, and yours',
  'threads, cores      who is in which address space; exceptions of each CPU',
  'shell NAME          one more shell, in an address space of its own',
  'pwalk ADDR          a page walk, told',
  'pagingTest          adds, moves, protects and removes regions',
  'help                all commands',
]

/** The first sentence of each fits on a line by itself. */
export const EXPECTS: NonNullable<Live['expects']> = {
  1: 'Without the memcmp in shell.ts, the prompt root-shell> comes. Before it: "Survived moving thread into its own address space".',
  2: 'The prompt still comes. A region that overlaps another one is refused; ases detail tells the set, if your print does.',
  3: 'With the memcmp, too, the prompt root-shell> comes. Before it: "Survived memory comparison of two mapped copies"; cores then counts 16128ex, a page fault for each page.',
  4: 'The command pagingTest tells no failed step. After it, shell two still comes to its prompt.',
}
