// What a terminal sends when a key is pressed, and which key of the emulated keyboard that is.

/** Ctrl-]: where all keys are typed into the machine, the next one is a command. */
export const COMMAND = '\x1d'

/** One string for each key: an escape sequence is one. Pasted text is many keys. */
export const keysOf = (input: string): string[] =>
  input.match(/\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])|[\s\S]/gu) ?? []

const NAMES: ReadonlyMap<string, string> = new Map([
  ['\r', 'Enter'],
  ['\n', 'Enter'],
  ['\x7f', 'Backspace'],
  ['\b', 'Backspace'],
  ['\t', 'Tab'],
  ['\x1b', 'Escape'],
  ...['[', 'O'].flatMap((lead): [string, string][] => [
    [`\x1b${lead}A`, 'ArrowUp'],
    [`\x1b${lead}B`, 'ArrowDown'],
    [`\x1b${lead}C`, 'ArrowRight'],
    [`\x1b${lead}D`, 'ArrowLeft'],
  ]),
])

/** @returns the name as the emulated keyboard knows it; undefined if it has no such key */
export function keyName(key: string): string | undefined {
  const name = NAMES.get(key)
  if (name) return name
  const code = key.length === 1 ? key.charCodeAt(0) : 0
  if (code >= 1 && code <= 26) return `Ctrl-${String.fromCharCode(code + 64)}`
  return code >= 32 && code < 127 ? key : undefined
}
