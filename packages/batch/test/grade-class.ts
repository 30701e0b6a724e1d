// Grades the class in the folder argv[2] into the book argv[3]; for tests that kill it. Prints a name as each comes out.

import { findSubmissions, sandboxOf } from '@pagewalk/grader'
import { fake } from '@pagewalk/grader/test-kit'
import { Book, gradeInto } from '../src/index.ts'

const [, , dir, path] = process.argv as [string, string, string, string]
const entered = findSubmissions(dir, [fake]).map((submission) => ({ submission, details: {} }))
await gradeInto(new Book(path, { create: true }), 'grade', entered, {
  seed: 1,
  jobs: 2,
  sandbox: await sandboxOf(),
  progress: ({ latest }) => latest && console.log(latest.name),
})
