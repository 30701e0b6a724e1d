// Archives for tests, made byte by byte where a tool would refuse to; and two labs that nothing is run of.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { crc32, deflateRawSync } from 'node:zlib'
import type { Lab } from '@pagewalk/grader'
import { onTestFinished } from 'vitest'
import { ZipFile } from 'yazl'
import { type Entry, type Intake, type IntakeOptions, intake } from '../src/index.ts'

const lab = (id: string, files: readonly string[], recognise?: Lab['recognise']): Lab => ({
  id,
  title: id,
  files,
  ...(recognise && { recognise }),
  bundle: {
    lib: fileURLToPath(new URL('lib', import.meta.url)),
    entry: '',
    student: '',
    modules: {},
    exports: [],
  },
  machine: { memoryBytes: 1 << 20, instructionsPerSecond: 1 },
  scenarios: () => [],
  checks: [],
  rubric: { version: '1', steps: [] },
  view: () => {
    throw new Error('nothing is run here')
  },
  live: { programs: [], boot: () => undefined, instructionsPerTick: 1, keys: [] },
  starter: { files: {} },
})
/** A lab of one file. */
export const one: Lab = lab('one', ['kernel.ts'])
/** A lab of several files, one of them no code. */
export const several: Lab = lab('several', ['paging.ts', 'shell.ts', 'STATUS.md'])
/** Another lab whose first file is called as that of `one`. */
export const other: Lab = lab('other', ['kernel.ts'], (source) => source.includes('other'))

export const KERNEL = 'export function kernel() {}\n'
export type Files = Readonly<Record<string, string | Uint8Array>>

/** A folder of its own; gone when the test is. */
export function folder(files: Files = {}): string {
  const path = mkdtempSync(join(tmpdir(), 'pagewalk-intake-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(path, name, '..'), { recursive: true })
    writeFileSync(join(path, name), text)
  }
  return path
}
/** A file of this name in a folder of its own. @returns its path */
export const file = (name: string, bytes: string | Uint8Array): string =>
  join(folder({ [name]: bytes }), name)

/** A zip as a decent tool makes it. */
export async function zipped(files: Files): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content), name)
  zip.end()
  const chunks: Buffer[] = []
  for await (const chunk of zip.outputStream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** An entry of a zip as nobody should make it. */
export interface Crafted {
  readonly name: string | Uint8Array
  readonly content?: string | Uint8Array
  /** What is stored for the content, as it is. */
  readonly packed?: Uint8Array
  readonly method?: number
  readonly flags?: number
  readonly mode?: number
  readonly size?: number
  readonly packedSize?: number
  readonly crc?: number
  readonly extra?: Uint8Array
  /** Where its local header is told to be. */
  readonly offset?: number
}
/** PKWARE APPNOTE §4.3.6, overall .ZIP file format. */
export function crafted(entries: readonly Crafted[], end: { readonly count?: number } = {}): Buffer {
  const locals: Buffer[] = []
  const centrals: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const local = localOf(entry)
    centrals.push(centralOf(entry, entry.offset ?? offset))
    locals.push(local)
    offset += local.length
  }
  const directory = Buffer.concat(centrals)
  const count = end.count ?? entries.length
  const tail = Buffer.alloc(22)
  tail.writeUInt32LE(0x06054b50, 0)
  tail.writeUInt16LE(Math.min(count, 0xffff), 8)
  tail.writeUInt16LE(Math.min(count, 0xffff), 10)
  tail.writeUInt32LE(directory.length, 12)
  tail.writeUInt32LE(offset, 16)
  const zip64 = count > 0xffff ? zip64End(count, offset, directory.length) : Buffer.alloc(0)
  return Buffer.concat([...locals, directory, zip64, tail])
}
/** PKWARE APPNOTE §4.3.14 and §4.3.15, Zip64 end of central directory record and locator. */
function zip64End(count: number, offset: number, length: number): Buffer {
  const end = Buffer.alloc(76)
  end.writeUInt32LE(0x06064b50, 0)
  end.writeBigUInt64LE(BigInt(count), 24)
  end.writeBigUInt64LE(BigInt(count), 32)
  end.writeBigUInt64LE(BigInt(length), 40)
  end.writeBigUInt64LE(BigInt(offset), 48)
  end.writeUInt32LE(0x07064b50, 56)
  end.writeBigUInt64LE(BigInt(offset + length), 64)
  return end
}
const bytesOf = (text: string | Uint8Array): Buffer => Buffer.from(text as string)
const packedOf = ({ content = KERNEL, packed, method = 8 }: Crafted): Buffer =>
  Buffer.from(packed ?? (method === 8 ? deflateRawSync(bytesOf(content)) : bytesOf(content)))
/** What local and central header share, from the version that is needed to the length of the extra fields. */
function commonOf(entry: Crafted): Buffer {
  const { content = KERNEL, method = 8, flags = 0x800, extra = Buffer.alloc(0) } = entry
  const common = Buffer.alloc(26)
  common.writeUInt16LE(20, 0)
  common.writeUInt16LE(flags, 2)
  common.writeUInt16LE(method, 4)
  common.writeUInt32LE(entry.crc ?? crc32(bytesOf(content)), 10)
  common.writeUInt32LE(entry.packedSize ?? packedOf(entry).length, 14)
  common.writeUInt32LE(entry.size ?? bytesOf(content).length, 18)
  common.writeUInt16LE(bytesOf(entry.name).length, 22)
  common.writeUInt16LE(extra.length, 24)
  return common
}
function localOf(entry: Crafted): Buffer {
  const signature = Buffer.from([0x50, 0x4b, 3, 4])
  const { extra = Buffer.alloc(0) } = entry
  return Buffer.concat([signature, commonOf(entry), bytesOf(entry.name), extra, packedOf(entry)])
}
function centralOf(entry: Crafted, offset: number): Buffer {
  const head = Buffer.from([0x50, 0x4b, 1, 2, 20, 3])
  const tail = Buffer.alloc(14)
  tail.writeUInt32LE(((entry.mode ?? 0o100644) << 16) >>> 0, 6)
  tail.writeUInt32LE(offset, 10)
  const { extra = Buffer.alloc(0) } = entry
  return Buffer.concat([head, commonOf(entry), tail, bytesOf(entry.name), extra])
}

/** What an intake of one path says, for the labs `one` and `several` if no others are named. */
export const take = (path: string, options: Partial<IntakeOptions> = {}): Promise<Intake> =>
  intake([path], { labs: [one, several], ...options })
/** Its only entry. */
export async function takeOne(path: string, options: Partial<IntakeOptions> = {}): Promise<Entry> {
  const { entries } = await take(path, options)
  if (entries.length !== 1) throw new Error(`expected one entry, got ${entries.map(({ name }) => name)}`)
  return entries[0]!
}
export const namesOf = ({ entries }: Intake): string[] => entries.map(({ name }) => name)
