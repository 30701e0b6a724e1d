// What a book keeps of how a submission came in.

import type { Details } from '@pagewalk/batch'
import type { Student } from '@pagewalk/exporters'
import type { Entry } from '@pagewalk/intake'
import { z } from 'zod'

const text = z.string()
const student = z.strictObject({
  name: text.exactOptional(),
  email: text.exactOptional(),
  section: text.exactOptional(),
  ids: z.record(text, text),
})
const schema = z.looseObject({
  students: z.array(student).default([]),
  late: z.boolean().default(false),
  changedLibrary: z.array(text).default([]),
})
export interface Came {
  readonly students: readonly Student[]
  readonly late: boolean
  readonly changedLibrary: readonly string[]
}

export const detailsOf = (entry: Entry): Details => {
  const { students, late, attempt, earlier, source, kind, warnings, submission } = entry
  return {
    students,
    late,
    attempt,
    earlier,
    source,
    kind,
    warnings,
    changedLibrary: submission.changedLibrary,
  }
}
export const cameFrom = (details: Details): Came => schema.parse(details)
