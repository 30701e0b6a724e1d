import type { Edit } from '@pagewalk/grader'

export interface Design {
  readonly name: string
  readonly edits: readonly Edit[]
}
export const designs: readonly Design[] = []
