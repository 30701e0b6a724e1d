// Commands that spread a grading over hosts: by a queue, or by shards that know nothing of each other.

import type { Command } from 'commander'
import { hostOptions, whole } from './arguments.ts'

/** Comes after gradeCommands. */
export function hostsCommands(program: Command): void {
  shardCommand(program)
  mergeCommand(program)
  workerCommand(program)
}

/** `grade shard`; a student's folder of that name is ./shard. */
function shardCommand(program: Command): void {
  program.commands
    .find((command) => command.name() === 'grade')!
    .helpCommand(false) // a folder may be called help
    .command('shard')
    .description('Grade one share of a class, on one of many hosts, into a book of its own; see merge.')
    .argument('<path...>', 'the whole class, the same on every host')
    .requiredOption('--index <i>', 'which share: 0, 1, ...', whole('a whole number, 0 or more', 0))
    .requiredOption('--of <n>', 'how many shares there are', whole('a whole number, 1 or more', 1))
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', "\nA student's folder called shard is ./shard.")
    .action(async (paths: string[], _options, command: Command) => {
      const { gradeShard } = await import('../shard.ts')
      process.exitCode = await gradeShard(paths, command.optsWithGlobals())
    })
}
function mergeCommand(program: Command): void {
  program
    .command('merge')
    .description('The books of all shards of a class as one book, as if one host had graded it.')
    .argument('<book...>', 'files that `grade shard --book` made')
    .requiredOption('--into <file>', 'the book that they become; what it has already stays')
    .action(async (books: string[], options) => {
      const { mergeBooks } = await import('../merge.ts')
      process.exitCode = await mergeBooks(books, options)
    })
}
function workerCommand(program: Command): void {
  hostOptions(
    program
      .command('worker')
      .description('Grade what `grade --queue` and `regrade --queue` put into a queue, until Ctrl-C.')
      .requiredOption('--queue <url>', 'a Redis, such as redis://host:6379'),
  ).action(async (options) => {
    const { work } = await import('../worker.ts')
    await work(options)
  })
}
