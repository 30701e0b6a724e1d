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
  const { Command } = await import('commander')
  const [{ gradeCommands }, { hostsCommands }, { machineCommands }, { courseCommands }] = await Promise.all([
    import('./cli/grade-commands.ts'),
    import('./cli/hosts-commands.ts'),
    import('./cli/machine-commands.ts'),
    import('./cli/course-commands.ts'),
  ])
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

  gradeCommands(program)
  hostsCommands(program)
  machineCommands(program)
  courseCommands(program)
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

try {
  const program = await commands()
  await program.parseAsync()
} catch (error) {
  process.exitCode = await told(error)
}
