// What all commands need of the two output streams.

import { plain, type Style, SubmissionError, type UsageError } from '@pagewalk/grader'

/** Colour only on a terminal, and not if the user does not want any (no-color.org). */
export function styleOf(stream: NodeJS.WriteStream): Style {
  return { colour: stream.isTTY === true && colourWanted(), width: stream.columns ?? 100 }
}
/** Of a terminal. */
export function colourWanted(): boolean {
  const { NO_COLOR, TERM } = process.env
  return !NO_COLOR && TERM !== 'dumb'
}
/** Write all of it, however slow the reader is. */
export function write(text: string): Promise<void> {
  return new Promise((resolve) => process.stdout.write(text, () => resolve()))
}
/** For standard error: the sentence, and below it, if the student's file is what is wrong, the place in it and the stack. */
export function troubleText(error: UsageError | SubmissionError): string {
  const details = error instanceof SubmissionError ? error.details : []
  return [`pagewalk: ${plain(error.message)}`, ...details, ''].join('\n')
}
/** Sentences for the person at the terminal, whatever they are made of. */
export function tell(sentences: readonly string[]): void {
  for (const sentence of sentences) process.stderr.write(`${plain(sentence)}\n`)
}
