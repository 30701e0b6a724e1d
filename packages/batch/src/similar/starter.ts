// What was handed out, as a submission: whatever is in it is nobody's own.

import { readFileSync } from 'node:fs'
import { type Lab, type Submission, submissionOf } from '@pagewalk/grader'

export function starterOf(lab: Lab): Submission {
  const files = lab.files.flatMap((name) => {
    const source = lab.starter.files[name]
    if (!source) return []
    return [[name, 'text' in source ? Buffer.from(source.text) : readFileSync(source.copy)] as const]
  })
  return submissionOf('handed-out', lab, { files: new Map(files), library: [] })
}
