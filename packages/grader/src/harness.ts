// What runs beside the student's code, in the same bare context or in one of another thread. Bundled to a script and evaluated
// before the student's script. Imports the machine and nothing of Node.

export * from './bare-realm.ts'
export * from './elsewhere.ts'
export * from './player.ts'
export * from './submitted.ts'
