// A kernel made of another one by replacing text: how mutants, designs and the kernels of single steps are written.

export interface Edit {
  /** Must occur exactly once. */
  readonly find: string
  readonly replace: string
}

/** @throws Error if a text is not there, or more than once */
export function edited(source: string, edits: readonly Edit[], name: string): string {
  return edits.reduce((text, { find, replace }) => {
    const parts = text.split(find)
    if (parts.length !== 2)
      throw new Error(
        `${name}: the text to replace must occur exactly once, got ${parts.length - 1} times: ${find}`,
      )
    return parts.join(replace)
  }, source)
}
