// Commands for whoever sets up a course's grading.

import { type Command, Option } from 'commander'
import { whole } from './arguments.ts'

export function courseCommands(program: Command): void {
  program
    .command('doctor')
    .description(
      'What this host can keep from student code, tried and told with what would help; and versions.',
    )
    .option('--json', 'the same as one JSON object')
    .action(async (options) => {
      const { doctor } = await import('../doctor.ts')
      await doctor(options)
    })
  program
    .command('gradescope')
    .description('An autograder for Gradescope: pagewalk gradescope LAB > autograder.zip')
    .argument('<lab>', 'which lab, such as weensyos')
    .option('--seed <n>', "the course's own, which students do not know (default: the public one)", seed)
    .option('-o, --output <file>', 'where to write the zip; - is standard output', '-')
    .action(async (lab: string, options) => {
      const { gradescope } = await import('../gradescope.ts')
      await gradescope(lab, options)
    })
  program
    .command('workflow')
    .description("A workflow that grades each push to a student's repository on GitHub.")
    .argument('<lab>', 'which lab, such as weensyos')
    .addOption(
      new Option(
        '--for <place>',
        'github: reasons in the summary and beside the code; classroom: for the actions of GitHub Classroom; classroom50: an autograder.py for Classroom 50',
      )
        .choices(['github', 'classroom', 'classroom50'])
        .default('github'),
    )
    .option(
      '--package <tarball>',
      'where Pagewalk itself comes from, a path or an address (default: a file beside it)',
    )
    .action(async (lab: string, options) => {
      const { workflow } = await import('../workflow.ts')
      await workflow(lab, options)
    })
}
const seed = whole('a whole number, 1 or more', 1)
