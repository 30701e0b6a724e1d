import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { headerOf, readCsv, valueAt, withEdits } from '../../src/gradebooks/csv-file.ts'
import { HOSTILE } from '../kit.ts'

const edit = (text: string, line: number, column: number, value: string): string =>
  withEdits(readCsv(text, 'canvas'), new Map([[line, new Map([[column, value]])]]))

/** A file as any program may write it: quoted where it need not be, lines of any length, any line end. */
const anyCell = fc
  .tuple(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary' })), fc.boolean())
  .map(([text, quoted]) => {
    const value = text.toWellFormed()
    return quoted || /[",;\t\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
  })
const anyFile = fc
  .record({
    bom: fc.constantFrom('', '\ufeff'),
    delimiter: fc.constantFrom(',', ';', '\t'),
    lines: fc.array(fc.array(anyCell, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 5 }),
    end: fc.constantFrom('\r\n', '\n', '\r'),
    last: fc.boolean(),
  })
  .map(({ bom, delimiter, lines, end, last }) => {
    const [header = [], ...rest] = lines
    // so many cells that nobody can mistake the delimiter; a BOM is the file's, not the cell's
    const first = [...header.map((cell) => cell.replace(/^\ufeff/, '')), ...Array(12).fill('x')].join(
      delimiter,
    )
    const text = [first, ...rest.map((cells) => cells.join(delimiter))].join(end)
    return { text: bom + text + (last ? end : ''), delimiter }
  })

describe('a CSV file of somebody else', () => {
  test('comes back byte for byte', () => {
    fc.assert(
      fc.property(anyFile, ({ text }) => {
        expect(withEdits(readCsv(text, 'canvas'), new Map())).toBe(text)
      }),
    )
  })
  test('with one cell edited, every other cell comes back byte for byte', () => {
    fc.assert(
      fc.property(anyFile, fc.nat({ max: 4 }), fc.nat({ max: 4 }), ({ text, delimiter }, line, column) => {
        const file = readCsv(text, 'canvas')
        fc.pre(line < file.lines.length && column < file.lines[line]!.cells.length)
        const edited = edit(text, line, column, '72')
        const quoted = file.lines[line]!.cells[column]!.quoted
        const sources = file.lines.map(({ source }) => source)
        const before = sources.slice(0, line).join('')
        const after = sources.slice(line + 1).join('')
        expect(edited.startsWith(file.bom + before)).toBe(true)
        expect(edited.endsWith(after)).toBe(true)
        const cells = file.lines[line]!.cells.map(({ value, quoted }) =>
          quoted ? `"${value.replaceAll('"', '""')}"` : value,
        )
        cells[column] = quoted ? '"72"' : '72'
        expect(edited).toBe(file.bom + before + cells.join(delimiter) + file.lines[line]!.end + after)
      }),
    )
  })
  test('a cell with a line feed in it is one cell', () => {
    const file = readCsv('a,b\r\n"first\r\nsecond ""quoted""",2\r\n', 'moodle')
    expect(valueAt(file, 1, 0)).toBe('first\r\nsecond "quoted"')
    expect(withEdits(file, new Map([[1, new Map([[1, '3']])]]))).toBe(
      'a,b\r\n"first\r\nsecond ""quoted""",3\r\n',
    )
  })
  test('what is written is quoted if it must be, or was', () => {
    expect(edit('a,b\nx,y\n', 1, 1, 'p,q "r"')).toBe('a,b\nx,"p,q ""r"""\n')
    expect(edit('a,b\nx,"y"\n', 1, 1, '3')).toBe('a,b\nx,"3"\n')
    expect(edit('a;b\nx;y\n', 1, 1, '3,5')).toBe('a;b\nx;3,5\n')
  })
  test('a line that is too short gets the cells it lacks', () => {
    expect(edit('a,b,c\nx\n', 1, 2, '3')).toBe('a,b,c\nx,,3\n')
  })
  test('semicolons and tabs are seen', () => {
    expect(headerOf(readCsv('"Student, Name";ID\n', 'canvas'))).toEqual(['Student, Name', 'ID'])
    expect(headerOf(readCsv('a\tb,c\td\n', 'canvas'))).toEqual(['a', 'b,c', 'd'])
  })
  test.each([
    ['a,b\n"open,2\n', 'canvas: expected CSV, got: Quote Not Closed'],
    ['a,b\n5" disk,2\n', 'canvas: expected CSV, got: Invalid Opening Quote'],
    ['', 'canvas: expected a gradebook with a header line, got an empty file'],
  ])('%j is refused in a sentence', (text, message) => {
    expect(() => readCsv(text, 'canvas')).toThrow(message)
  })
})
