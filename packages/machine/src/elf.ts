// Program images: ELF-64, little-endian, x86-64. Answers to: System V ABI, "ELF-64 Object File Format" version 1.5.
// The bytes may come from anybody: each offset, size and count is checked before it is used.

import type { u64 } from './x86-64.ts'

export const PT_LOAD = 1
export const PF_X = 1
export const PF_W = 2
export const PF_R = 4

export interface ElfSegment {
  readonly type: number
  readonly flags: number
  /** Where its bytes lie in the file; offset + fileSize is inside it. */
  readonly offset: number
  readonly va: u64
  readonly pa: u64
  readonly fileSize: number
  /** Bytes in memory; of a PT_LOAD at least fileSize, the rest is zero. va + memorySize does not wrap. */
  readonly memorySize: number
  /** 0 or a power of two. */
  readonly align: u64
}

export interface ElfSymbol {
  readonly name: string
  readonly value: u64
  readonly size: u64
  /** STT_...: 0 none, 1 object, 2 function, ... */
  readonly type: number
}

export interface ElfImage {
  readonly entry: u64
  readonly segments: readonly ElfSegment[]
  /** The symbol table, if the file has not been stripped. */
  readonly symbols?: readonly ElfSymbol[]
}

/** The bytes are no such image. "elf: where: what must hold, got what". */
export class ElfError extends Error {
  override readonly name = 'ElfError'
}

const HEADER_BYTES = 64
const PROGRAM_HEADER_BYTES = 56
const SECTION_HEADER_BYTES = 64
const SYMBOL_BYTES = 24
const SHT_SYMTAB = 2
const PN_XNUM = 0xffff
const MEMORY_LIMIT = 2n ** 48n

/**
 * Read an executable's headers and symbols.
 *
 * Does not read relocations or the dynamic section; a position-independent image is taken as linked at 0.
 *
 * @throws ElfError if anything in the headers does not hold
 */
export function readElf(bytes: Uint8Array): ElfImage {
  const file = new File(bytes)
  checkHeader(file)
  const entry = file.u64(24)
  const segments = readSegments(file)
  const symbols = readSymbols(file)
  return symbols === undefined ? { entry, segments } : { entry, segments, symbols }
}

class File {
  readonly bytes: Uint8Array
  readonly #view: DataView
  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }
  get length(): number {
    return this.bytes.length
  }
  u8(at: number): number {
    return this.#view.getUint8(at)
  }
  u16(at: number): number {
    return this.#view.getUint16(at, true)
  }
  u32(at: number): number {
    return this.#view.getUint32(at, true)
  }
  u64(at: number): u64 {
    return this.#view.getBigUint64(at, true)
  }

  /** Check that [offset, offset + size) lies in the file. @returns offset as a number */
  range(where: string, offset: u64, size: u64): number {
    if (offset + size > BigInt(this.length))
      fail(
        where,
        `offset + size must be at most the file's ${this.length} bytes`,
        `${hex(offset)} + ${hex(size)}`,
      )
    return Number(offset)
  }
}

function checkHeader(file: File): void {
  if (file.length < HEADER_BYTES) fail('header', `the file must have ${HEADER_BYTES} bytes`, `${file.length}`)
  expect(file.u32(0), 0x464c457f, 'header', 'the first four bytes must be 7F 45 4C 46 (0x464c457f)')
  expect(file.u8(4), 2, 'header', 'class must be 2 (64 bits)')
  expect(file.u8(5), 1, 'header', 'data encoding must be 1 (little-endian)')
  expect(file.u8(6), 1, 'header', 'identification version must be 1')
  const type = file.u16(16)
  if (type !== 2 && type !== 3)
    fail('header', 'type must be 2 (executable) or 3 (position-independent)', hex(type))
  expect(file.u16(18), 62, 'header', 'machine must be 62 (x86-64)')
  expect(file.u32(20), 1, 'header', 'version must be 1')
  if (file.u16(52) < HEADER_BYTES) fail('header', 'header size must be at least 64', hex(file.u16(52)))
}

function readSegments(file: File): ElfSegment[] {
  const count = file.u16(56)
  if (count === 0) return []
  if (count === PN_XNUM) fail('header', 'the number of program headers must be below 0xffff', hex(count))
  expect(file.u16(54), PROGRAM_HEADER_BYTES, 'header', 'a program header must have 56 bytes')
  const table = file.range('program headers', file.u64(32), BigInt(count * PROGRAM_HEADER_BYTES))
  return Array.from({ length: count }, (_, n) =>
    readSegment(file, table + n * PROGRAM_HEADER_BYTES, `program header ${n}`),
  )
}

function readSegment(file: File, at: number, where: string): ElfSegment {
  const type = file.u32(at)
  const fileSize = file.u64(at + 32)
  const memorySize = file.u64(at + 40)
  const va = file.u64(at + 16)
  const align = file.u64(at + 48)
  const offset = file.range(where, file.u64(at + 8), fileSize)
  if (type === PT_LOAD && memorySize < fileSize)
    fail(where, `memory size must be at least the file size ${hex(fileSize)}`, hex(memorySize))
  if (memorySize > MEMORY_LIMIT || va + memorySize > 2n ** 64n)
    fail(where, 'the segment must end inside the address space', `${hex(va)} + ${hex(memorySize)}`)
  if ((align & (align - 1n)) !== 0n) fail(where, 'alignment must be 0 or a power of two', hex(align))
  if (type === PT_LOAD && align > 1n && (va - BigInt(offset)) % align !== 0n)
    fail(
      where,
      `address and offset must agree modulo the alignment ${hex(align)}`,
      `${hex(va)} and ${hex(offset)}`,
    )
  return {
    type,
    flags: file.u32(at + 4),
    offset,
    va,
    pa: file.u64(at + 24),
    fileSize: Number(fileSize),
    memorySize: Number(memorySize),
    align,
  }
}

/** @returns undefined if the file has no symbol table */
function readSymbols(file: File): ElfSymbol[] | undefined {
  const count = file.u16(60)
  if (count === 0) return undefined
  expect(file.u16(58), SECTION_HEADER_BYTES, 'header', 'a section header must have 64 bytes')
  const table = file.range('section headers', file.u64(40), BigInt(count * SECTION_HEADER_BYTES))
  for (let n = 0; n < count; n += 1) {
    const at = table + n * SECTION_HEADER_BYTES
    if (file.u32(at + 4) !== SHT_SYMTAB) continue
    const link = file.u32(at + 40)
    if (link >= count) fail(`section ${n}`, `its string table must be a section below ${count}`, hex(link))
    return readTable(file, at, table + link * SECTION_HEADER_BYTES, `section ${n}`)
  }
  return undefined
}

function readTable(file: File, header: number, stringsHeader: number, where: string): ElfSymbol[] {
  const size = file.u64(header + 32)
  const start = file.range(where, file.u64(header + 24), size)
  if (size % BigInt(SYMBOL_BYTES) !== 0n) fail(where, 'its size must be a multiple of 24', hex(size))
  const stringBytes = file.u64(stringsHeader + 32)
  const strings = file.range(`string table of ${where}`, file.u64(stringsHeader + 24), stringBytes)
  const text = file.bytes.subarray(strings, strings + Number(stringBytes))
  const symbols: ElfSymbol[] = []
  for (let at = start; at < start + Number(size); at += SYMBOL_BYTES) {
    const name = stringAt(text, file.u32(at), where)
    if (name !== '')
      symbols.push({ name, value: file.u64(at + 8), size: file.u64(at + 16), type: file.u8(at + 4) & 15 })
  }
  return symbols
}

function stringAt(strings: Uint8Array, start: number, where: string): string {
  if (start === 0) return ''
  const end = strings.indexOf(0, start)
  if (start >= strings.length || end < 0)
    fail(where, `a name must end inside its string table of ${strings.length} bytes`, hex(start))
  return String.fromCharCode(...strings.subarray(start, Math.min(end, start + 4096)))
}

function expect(got: number, wanted: number, where: string, what: string): void {
  if (got !== wanted) fail(where, what, hex(got))
}

function fail(where: string, what: string, got: string): never {
  throw new ElfError(`elf: ${where}: ${what}, got ${got}`)
}

function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`
}
