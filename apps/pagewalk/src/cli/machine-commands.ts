// Commands about one submission and its machine.

import { type Command, Option } from 'commander'
import { labOption, ticks, whole } from './arguments.ts'

export function machineCommands(program: Command): void {
  program
    .command('run')
    .description('Boot a submission and show its screen, live in the terminal or after some time.')
    .argument('<path>', "a student's folder, or the file that makes it one")
    .addOption(labOption())
    .option('--program <name>', "what to boot (default: the lab's first)")
    .option('--watch', 'boot again whenever the files have been saved')
    .option('--step <id>', 'tell what the screen must show once this step is done')
    .option(
      '--log <file>',
      'write what the kernel prints with logPrintf to this file, as it comes; with --headless the first MiB, and - is standard output',
    )
    .option('--headless', 'no terminal: run as fast as it goes, then print the screen as text')
    .option('--ticks <n>', 'with --headless: how many timer ticks to run (default: 500)', ticks)
    .option('--keys <keys>', 'with --headless: keys to press at the start, such as f')
    .option('--type <text>', 'with --headless: text to type once the system waits for it; \\n is Enter')
    .option('--serial', 'with --headless: print what came out of the serial port instead of the screen')
    .addHelpText('after', KEYS)
    .action(async (path: string, options) => {
      const { runHeadless, runLive } = await import('../run.ts')
      await (options.headless ? runHeadless(path, options) : runLive(path, options))
    })

  program
    .command('explain')
    .description(
      'One address in words: the page walk, what an access does, whose the page is, TLB, regions, page faults.',
    )
    .argument('<path>', "a student's folder, or the file that makes it one")
    .requiredOption('--va <address>', 'the virtual address, such as 0x40000')
    .addOption(labOption())
    .option('--pid <n>', 'in the address space of this process', whole('a process ID, 0 or more', 0))
    .option('--space <name>', 'in the address space of this name (default: the one that the CPU uses)')
    .addOption(
      new Option('--access <kind>', 'what is tried (default: read)').choices(['read', 'write', 'fetch']),
    )
    .option('--kernel', 'by ring 0 (default: by ring 3)')
    .option('--program <name>', "what to boot (default: the lab's first)")
    .option('--ticks <n>', 'how many timer ticks to run first (default: 500)', ticks)
    .option('--keys <keys>', 'keys to press at the start')
    .option('--type <text>', 'text to type once the system waits for it; \\n is Enter')
    .option('--json', 'the same as one JSON object')
    .action(async (path: string, options) => {
      const { explain } = await import('../explain.ts')
      await explain(path, options)
    })

  program
    .command('snapshot')
    .description(
      'The machine as data (JSON): memory map with owners, address spaces, page tables, TLB, registers, screen.',
    )
    .argument('<path>', "a student's folder, or the file that makes it one")
    .addOption(labOption())
    .option('--program <name>', "what to boot (default: the lab's first)")
    .option('--ticks <n>', 'how many timer ticks to run first (default: 500)', ticks)
    .option('--keys <keys>', 'keys to press at the start')
    .option('--type <text>', 'text to type once the system waits for it; \\n is Enter')
    .option('-o, --output <file>', 'where to write it; - is standard output', '-')
    .action(async (path: string, options) => {
      const { snapshot } = await import('../run.ts')
      await snapshot(path, options)
    })

  program
    .command('diff')
    .description(
      'What differs between two snapshots: ranges that came, went, or changed rights or owners; threads, registers.',
    )
    .argument('<before>', 'a file that `snapshot` wrote')
    .argument('<after>', 'a later one')
    .option('--json', 'the changes as a JSON array')
    .action(async (before: string, after: string, options) => {
      const { diff } = await import('../diff.ts')
      diff(before, after, options)
    })

  program
    .command('new')
    .description(
      "Make a student's folder: the files to edit, the lab's library to read, types for the editor, a README.",
    )
    .argument('<lab>', 'which lab, such as weensyos')
    .argument('<dir>', 'the folder; it must be empty or not there')
    .action(async (id: string, dir: string) => {
      const { newFolder } = await import('../new.ts')
      await newFolder(id, dir)
    })
}

const KEYS = `
Keys while it runs (the line below the screen says which there are):
  ?  h      all keys, and what the screen's signs mean
  p  .      pause; run to the next trap
  +  -      faster, slower
  r         start again
  w         why it stopped: the whole story, with the stack in the student's files
  x         asks for an address and tells its page walk
  s         what the screen must show after the next step of the lab
  q         quit
  1 to 9    show the address space of that process, 0: all in turn, where the lab has such a screen
Other keys go to the emulated keyboard. In a lab with a shell all keys do, also Ctrl-C; there the keys above come after
Ctrl-], which by itself is not sent.

A machine that resets itself may boot again, and does so no more often than the lab says. --ticks is for each boot. With
--type, what comes before the text may take as many ticks again. In the text, \\n is Enter, \\\\ a backslash.`
