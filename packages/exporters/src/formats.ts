// Every format of `--format`, by name.

import type { Format } from './format.ts'
import { check50 } from './formats/check50.ts'
import { classroomLegacy } from './formats/classroom-legacy.ts'
import { classroom50 } from './formats/classroom50.ts'
import { gradescope } from './formats/gradescope.ts'
import { junit } from './formats/junit.ts'
import { markdown } from './formats/markdown.ts'
import { prairielearn } from './formats/prairielearn.ts'

export type FormatName =
  | 'gradescope'
  | 'classroom50'
  | 'classroom-legacy'
  | 'junit'
  | 'check50'
  | 'prairielearn'
  | 'markdown'

export const formats: { readonly [name in FormatName]: Format } = {
  gradescope,
  classroom50,
  'classroom-legacy': classroomLegacy,
  junit,
  check50,
  prairielearn,
  markdown,
}
