// Cells that a spreadsheet shows and does not run.

const NUMBER = /^-?\d+([.,]\d+)?$/
/** What begins a formula, in full width too, after any white space; and white space that a spreadsheet drops. */
const FORMULA = /^(?:\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])/

/** The text, behind an apostrophe if a spreadsheet could take it for a formula. Numbers stay numbers. */
export const harmless = (text: string): string =>
  NUMBER.test(text) || !FORMULA.test(text) ? text : `'${text}`
