// The gradebooks that can be filled in, by name.

import { brightspace } from './gradebooks/brightspace.ts'
import { canvas } from './gradebooks/canvas.ts'
import type { Gradebook } from './gradebooks/gradebook.ts'
import { moodle } from './gradebooks/moodle.ts'

export type GradebookName = 'canvas' | 'moodle' | 'brightspace'

export const gradebooks: { readonly [name in GradebookName]: Gradebook } = { canvas, moodle, brightspace }
