// Commands that give points: to one submission or to a class.

import { type Command, Option } from 'commander'
import { capsuleOptions, labOption, number, whole } from './arguments.ts'

export function gradeCommands(program: Command): void {
  gradeCommand(program)
  regradeCommand(program)
  compareCommand(program)
  overrideCommand(program)
  exportCommand(program)
  reportCommand(program)
  similarCommand(program)
}

const grading = whole('the number of a grading, 1 or more', 1)
/** What every command takes that grades. */
const playing = (command: Command): Command =>
  capsuleOptions(command)
    .option(
      '--seed <n>',
      'draws what a kernel could be fitted to, such as addresses that are asked for (default: 1)',
      whole('a whole number, 1 or more', 1),
    )
    .option(
      '--queue <url>',
      'have what the book lacks graded by the workers on this Redis, such as redis://host:6379',
    )

function gradeCommand(program: Command): void {
  playing(
    program
      .command('grade')
      .description('Grade submissions: what holds of the machine is a point, what does not is told.')
      .argument(
        '<path...>',
        "a student's folder, the file that makes it one, a zip, a folder of such, or what Gradescope, Canvas, Moodle, Brightspace or Classroom 50 export",
      ),
  )
    .addOption(labOption())
    .option('--json', 'one JSON document on standard output: an object, or an array for several')
    .option('--format <name>', `the results as ${FORMATS} wants them, on standard output or in -o`)
    .option('-o, --output <file>', 'where --format writes: a file, or a folder for a file of each submission')
    .option('--full', 'the full report of each submission, also for several')
    .option(
      '--fail-under <points>',
      'exit with 1 if a score is lower',
      number('a number of points, 0 or more', 0),
    )
    .option(
      '--book <file>',
      'keep results, history and machine states in this file: what it knows is not graded again (see below)',
    )
    .option(
      '--roster <file>',
      'who is in the course, as CSV: whose submission is whose, and who handed in nothing',
    )
    .option(
      '--sheet <dir>',
      'also write a sheet for each submission that a person gives points to (see below)',
    )
    .option('--points <file>', 'the points that a person has given, as JSON (see below)')
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
      const { gradeCommand: grade } = await import('../grade.ts')
      process.exitCode = await grade(paths, options)
    })
}
function regradeCommand(program: Command): void {
  playing(
    program
      .command('regrade')
      .description(
        "Grade a book's submissions by the rubric as it is now, from what the machine did; only what is new is played.",
      )
      .argument('<book>', 'a file that `grade --book` made'),
  ).action(async (book: string, options) => {
    const { regrade } = await import('../class.ts')
    process.exitCode = await regrade(book, options)
  })
}
function compareCommand(program: Command): void {
  program
    .command('compare')
    .description('What changed between two gradings, and for whom.')
    .argument('<before>', 'a book, or results of `grade --json`')
    .argument('[after]', 'a later one (default: two gradings of the same book)')
    .option('--from <n>', 'which grading of the first (default: the last but one)', grading)
    .option('--to <n>', 'which grading of the second (default: the last)', grading)
    .option('--json', 'the changes as a JSON array')
    .action(async (before: string, after: string | undefined, options) => {
      const { comparePaths } = await import('../compare.ts')
      await comparePaths(before, after, options)
    })
}
function overrideCommand(program: Command): void {
  program
    .command('override')
    .description(
      'Decide otherwise than a check, with a reason; kept through regrades. Without a name: all that is decided.',
    )
    .argument('<book>', 'a file that `grade --book` made')
    .argument('[name]', 'whose submission')
    .argument('[check]', 'which check, by its id in the report')
    .argument('[points]', 'how many points it has', number('a number of points, 0 or more', 0))
    .option('--reason <text>', 'why')
    .option('--by <name>', 'who decides')
    .option('--undo', 'as the checks say, again')
    .action(async (book: string, name, check, points, options) => {
      const { override } = await import('../override.ts')
      await override(book, name, check, points, options)
    })
}
function exportCommand(program: Command): void {
  program
    .command('export')
    .description(
      `A book's grades for a gradebook (canvas, moodle, brightspace), as csv, json, or ${FORMATS}.`,
    )
    .argument('<book>', 'a file that `grade --book` made')
    .argument('<format>', 'which of them')
    .option('--gradebook <file>', 'for a gradebook: the CSV file that it exported, which is filled in')
    .option(
      '-o, --output <file>',
      'a file, or a folder for a file of each submission (default: standard output)',
    )
    .option('--assignment <name>', 'which assignment of the gradebook, if it has several')
    .option('--no-scale', "write points as they are, not as so much of the gradebook's own maximum")
    .addOption(new Option('--decimal <sign>', 'of the numbers (default: as in the file)').choices(['.', ',']))
    .option('--column <role=title>', 'a column by its title, for files in another language', many, [])
    .action(async (book: string, format: string, options) => {
      const { exportBook } = await import('../export.ts')
      await exportBook(book, format, options)
    })
}
function reportCommand(program: Command): void {
  program
    .command('report')
    .description(
      'A book as pages for people: the class in pictures, and the reasons and maps of each submission.',
    )
    .argument('<book>', 'a file that `grade --book` made')
    .option(
      '-o, --output <place>',
      'a folder for all pages, or FILE.html for the page of the class alone (default: BOOK-report)',
    )
    .action(async (book: string, { output }) => {
      const { reportBook } = await import('../report-book.ts')
      await reportBook(book, output)
    })
}
function similarCommand(program: Command): void {
  capsuleOptions(
    program
      .command('similar')
      .description(
        'Which submissions resemble each other, in what they do and, with Dolos, in their source. Evidence, not a verdict.',
      )
      .argument('<path...>', 'a book, or submissions as `grade` takes them, which are played first'),
  )
    .addOption(labOption())
    .option('--top <n>', 'how many pairs to tell (default: 20)', whole('a whole number, 1 or more', 1))
    .option('--json', 'the same as one JSON object')
    .option(
      '--export <dir>',
      'also write a folder of each submission and the handed-out code, for JPlag or MOSS',
    )
    .action(async (paths: string[], options) => {
      const { similar } = await import('../similar.ts')
      await similar(paths, options)
    })
}
const many = (value: string, before: string[]): string[] => [...before, value]
const FORMATS =
  'gradescope, classroom50, classroom-legacy, junit, check50, prairielearn, markdown or annotations'

const READERS = `
Points that only a person can give (answers to questions) await a reader: they count as 0 and are shown as pending.

--sheet DIR writes DIR/NAME.md for each submission: the answers, and what the machine has seen of the matter. A sheet of an
earlier run is replaced unless somebody has changed it; nothing else in DIR is ever touched: where the name is taken the
sheet gets a number. Characters of NAME that are no letters, digits, spaces or ._- become _.

--points FILE takes them over: { "NAME": { "points": { "CHECK": 7.5 }, "comment": "...", "by": "..." } }, 0 to what the
check is worth. What has not passed what the machine checks first gets none. Names that are not graded now are left out.

--book FILE is for a class. Each result is written as it comes out, so a grading that was interrupted goes on where it was, and
submissions that have not changed cost nothing. See regrade, compare, override and export for what to do with it.`
