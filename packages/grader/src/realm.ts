// A bare context, without Node's globals, and the harness in it. Of the realm around it the student's code gets nothing: what
// it is handed is made inside (bare-realm.ts).

import { types } from 'node:util'
import { type Context, constants, createContext, Script } from 'node:vm'
import type { Library, Submission } from './harness.ts'
import type { Job } from './protocol.ts'

export type Harness = typeof import('./harness.ts')

export interface Realm {
  readonly context: Context
  readonly harness: Harness
  /** Do `work`, and then what promises have left to be done; with an end to it, if there is one. */
  run<T>(work: () => T): T
}
/** @param script  of harness.ts; @param timeout  after so many milliseconds `run` is broken off, and with it the process */
export function openRealm(script: string, timeout?: number): Realm {
  const context = createContext(constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: true },
    microtaskMode: 'afterEvaluate',
  })
  const harness = scriptIn(context, 'harness.js', script) as Harness
  const door = harness.prepare()
  const go = new Script(`${harness.DOOR}()`)
  const run = <T>(work: () => T): T => {
    let result: T | undefined
    door(() => {
      result = work()
    })
    try {
      go.runInContext(context, timeout === undefined ? {} : { timeout })
    } catch (thrown) {
      if (isTimeout(thrown)) process.exit(1)
      throw thrown
    }
    return result as T
  }
  return { context, harness, run }
}
const scriptIn = (context: Context, filename: string, code: string): unknown =>
  new Script(code, { filename }).runInContext(context)

/** Looks at no property of what the student's code may have thrown: an error of this realm is Node's. */
const isTimeout = (thrown: unknown): boolean =>
  types.isNativeError(thrown) &&
  Object.getPrototypeOf(thrown) === Error.prototype &&
  (thrown as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT'

/** The scripts of a submission. */
export type Sources = Pick<Job, 'code' | 'library' | 'lasting'>
/** @returns what makes a fresh instance of the student's files: what one scenario leaves in their variables is no other's */
export function evaluator(
  { context, harness, run }: Realm,
  { code, library, lasting }: Sources,
): () => Submission {
  let kept: Library | undefined
  return () => {
    const parts = kept ?? harness.library(scriptIn(context, 'library.js', library), lasting)
    if (lasting) kept = parts
    const make = scriptIn(context, 'submission.js', code)
    return run(() => harness.submission(make, parts))
  }
}
