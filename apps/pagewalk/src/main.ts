// The command line. Exit codes: 0 done; 1 a score below --fail-under; 2 usage, told in one sentence; 3 our own error.

import type { Command } from 'commander'

const EXIT_USAGE = 2
const EXIT_OURS = 3

/** A reader that went away (`| head`) is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

/** @returns the exit code */
async function told(error: unknown): Promise<number> {
  const { CommanderError } = await import('commander')
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE // commander has said it
  const grader = await import('@pagewalk/grader').catch(() => undefined) // may be what failed
  if (grader && (error instanceof grader.UsageError || error instanceof grader.SubmissionError)) {
    const { troubleText } = await import('./terminal.ts')
    process.stderr.write(troubleText(error))
    return EXIT_USAGE
  }
  const stack = error instanceof Error ? error.stack : String(error)
  process.stderr.write(`pagewalk: this is our own error, not yours:\n${stack}\n`)
  return EXIT_OURS
}

async function commands(): Promise<Command> {
  const { Command, InvalidArgumentError, Option } = await import('commander')
  const number =
    (what: string, least: number) =>
    (text: string): number => {
      const value = Number(text)
      if (text.trim() !== '' && Number.isFinite(value) && value >= least) return value
      throw new InvalidArgumentError(`Expected ${what}, got ${JSON.stringify(text)}.`)
    }
  const whole =
    (what: string, least: number) =>
    (text: string): number => {
      const value = number(what, least)(text)
      if (Number.isSafeInteger(value)) return value
      throw new InvalidArgumentError(`Expected ${what}, got ${JSON.stringify(text)}.`)
    }
  const lab = (): InstanceType<typeof Option> =>
    new Option('--lab <id>', 'which lab it is, if that cannot be seen')
  const ticks = whole('a number of timer ticks, 0 or more', 0)

  const program = new Command(NAME)
    .description('Grades and runs operating-system paging labs on an emulated x86-64 machine.')
    .usage('[command] [options]')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'pagewalk: ')) })
    .addHelpText('after', HELP)
    .action(async (_options: object, command: Command) => {
      if (command.args.length > 0)
        command.error(`error: expected a command, got ${JSON.stringify(command.args[0])}; see --help`)
      const { gradeSamples } = await import('./grade.ts')
      process.exitCode = await gradeSamples()
    })
    .allowExcessArguments()

  program
    .command('grade')
    .description('Grade submissions: what holds of the machine is a point, what does not is told.')
    .argument('<path...>', "a student's folder, the file that makes it one, or a folder of such folders")
    .addOption(lab())
    .option('--json', 'one JSON document on standard output: an object, or an array for several')
    .option('--full', 'the full report of each submission, also for several')
    .option(
      '--fail-under <points>',
      'exit with 1 if a score is lower',
      number('a number of points, 0 or more', 0),
    )
    .option(
      '--jobs <n>',
      'how many to grade at a time (default: one per CPU)',
      whole('a whole number, 1 or more', 1),
    )
    .option(
      '--timeout <seconds>',
      'wall clock for each scenario (default: 10)',
      number('a number of seconds above 0', 0.001),
    )
    .option(
      '--sheet <dir>',
      'also write a sheet for each submission that a person gives points to (see below)',
    )
    .option('--points <file>', 'the points that a person has given, as JSON (see below)')
    .option(
      '--seed <n>',
      'draws what a kernel could be fitted to, such as addresses that are asked for (default: 1)',
      whole('a whole number, 1 or more', 1),
    )
    .option('--step <id>', 'grade up to this step: 1, 2, ...; what comes after it does not count')
    .option(
      '--html <file>',
      'also write a page with the reasons and the maps, for a browser; - is standard output, instead of the report',
    )
    .option(
      '--no-types',
      'leave out the warnings about types, which the report of a single submission ends with',
    )
    .addHelpText('after', READERS)
    .action(async (paths: string[], options) => {
      const { gradePaths } = await import('./grade.ts')
      process.exitCode = await gradePaths(paths, options)
    })

  program
    .command('run')
    .description('Boot a submission and show its screen, live in the terminal or after some time.')
    .argument('<path>', "a student's folder, or the file that makes it one")
    .addOption(lab())
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
      const { runHeadless, runLive } = await import('./run.ts')
      await (options.headless ? runHeadless(path, options) : runLive(path, options))
    })

  program
    .command('explain')
    .description(
      'One address in words: the page walk, what an access does, whose the page is, TLB, regions, page faults.',
    )
    .argument('<path>', "a student's folder, or the file that makes it one")
    .requiredOption('--va <address>', 'the virtual address, such as 0x40000')
    .addOption(lab())
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
      const { explain } = await import('./explain.ts')
      await explain(path, options)
    })

  program
    .command('snapshot')
    .description(
      'The machine as data (JSON): memory map with owners, address spaces, page tables, TLB, registers, screen.',
    )
    .argument('<path>', "a student's folder, or the file that makes it one")
    .addOption(lab())
    .option('--program <name>', "what to boot (default: the lab's first)")
    .option('--ticks <n>', 'how many timer ticks to run first (default: 500)', ticks)
    .option('--keys <keys>', 'keys to press at the start')
    .option('--type <text>', 'text to type once the system waits for it; \\n is Enter')
    .option('-o, --output <file>', 'where to write it; - is standard output', '-')
    .action(async (path: string, options) => {
      const { snapshot } = await import('./run.ts')
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
      const { diff } = await import('./diff.ts')
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
      const { newFolder } = await import('./new.ts')
      await newFolder(id, dir)
    })
  return program
}

/** How the user calls this. */
const NAME = process.env.PAGEWALK_NAME ?? 'pagewalk'
const HELP = `
Without a command, the samples that come with the labs are graded.

Examples:
  ${NAME} new weensyos my-lab          make a folder to work in
  ${NAME} run my-lab --watch           boot it and watch; again at each save
  ${NAME} explain my-lab --va 0x40000  what becomes of an address
  ${NAME} grade my-lab                 score it, with the reasons
  ${NAME} grade class/ --json          score a folder of folders, as JSON

Exit codes: 0 done, 1 a score below --fail-under, 2 wrong usage, 3 our own error.`

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

const READERS = `
Points that only a person can give (answers to questions) await a reader: they count as 0 and are shown as pending.

--sheet DIR writes DIR/NAME.md for each submission: the answers, and what the machine has seen of the matter. A sheet of an
earlier run is replaced unless somebody has changed it; nothing else in DIR is ever touched: where the name is taken the
sheet gets a number. Characters of NAME that are no letters, digits, spaces or ._- become _.

--points FILE takes them over: { "NAME": { "points": { "CHECK": 7.5 }, "comment": "...", "by": "..." } }, 0 to what the
check is worth. What has not passed what the machine checks first gets none. Names that are not graded now are left out.`

try {
  const program = await commands()
  await program.parseAsync()
} catch (error) {
  process.exitCode = await told(error)
}
