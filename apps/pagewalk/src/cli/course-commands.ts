// Commands for whoever sets up a course's grading.

import type { Command } from 'commander'

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
}
