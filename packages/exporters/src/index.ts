// The face of the exporters: results as the files that courses need. Pure: no file, clock or chance is looked at.

export type { LabClass, Member } from './class-page/member.ts'
export { classPage } from './class-page/page.ts'
export { type Context, type Format, VISIBILITIES, type Visibility } from './format.ts'
export { annotations } from './formats/annotations.ts'
export { classroom50Shim } from './formats/classroom50-shim.ts'
export { type FormatName, formats } from './formats.ts'
export type {
  ColumnRole,
  Filled,
  Gradebook,
  GradebookOptions,
  GradebookRow,
} from './gradebooks/gradebook.ts'
export { type Student, SYSTEMS, type System, type Unmatched } from './gradebooks/match.ts'
export { type ClassRow, gradebookRow, writeCsv } from './gradebooks/rows.ts'
export { type GradebookName, gradebooks } from './gradebooks.ts'
export type { Outcome } from './outcome.ts'
