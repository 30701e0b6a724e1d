// The face of the intake: from whatever a course hands over to submissions, and whose they are.

export { type IntakeOptions, intake } from './intake.ts'
export type { Entry, Intake, Kind, Note, Student, System } from './types.ts'
