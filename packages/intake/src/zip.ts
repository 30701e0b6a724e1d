// Reads zip archives without writing anything: entries are listed, and unpacked in memory one by one when asked for.

import { promisify } from 'node:util'
import { crc32, inflateRaw } from 'node:zlib'
import { type Handed, type Trouble, unusable } from '@pagewalk/grader'
import {
  fromBufferPromise,
  getFileNameLowLevel,
  openPromise,
  type Entry as ZipEntry,
  type ZipFile,
} from 'yauzl'
import { byPath, type Flaw, type Item, isLeftBehind, type Tree } from './item.ts'
import { cleanPath } from './path.ts'

const ENTRY_LIMIT = 100_000
/** Bytes of all names, extra fields and comments together: yauzl keeps them in memory. */
const DIRECTORY_LIMIT = 64 << 20
/** A text shrinks to a fifth or a tenth; what shrinks to less than this part was made to fill the reader's memory. */
const RATIO_LIMIT = 200
/** Bytes; what is smaller does no harm, whatever its ratio. */
const RATIO_FROM = 64 << 10

export interface Archive extends Tree {
  close(): void
}
/**
 * @param name    for what is told
 * @param source  a path, or the archive's bytes
 * @returns the archive, which must be closed; or why it cannot be read
 */
export async function openZip(name: string, source: string | Uint8Array): Promise<Archive | Trouble> {
  let zip: ZipFile | undefined
  try {
    zip = await open(source)
    const opened = zip
    return { ...(await treeOf(opened)), close: () => opened.close() }
  } catch (error) {
    zip?.close()
    return unusable(name, 'is a zip archive that can be read', whyNot(error))
  }
}
/** Names and sizes are judged here, entry by entry: yauzl would give up on the whole archive. */
const OPTIONS = { autoClose: false, decodeStrings: false, validateEntrySizes: false }
const open = (source: string | Uint8Array): Promise<ZipFile> =>
  typeof source === 'string'
    ? openPromise(source, OPTIONS)
    : fromBufferPromise(Buffer.from(source.buffer, source.byteOffset, source.byteLength), OPTIONS)
const whyNot = (error: unknown): string => (error as Error).message.replace(/\.$/, '')

async function treeOf(zip: ZipFile): Promise<Tree> {
  if (zip.entryCount > ENTRY_LIMIT) throw new Error(`more than ${ENTRY_LIMIT} files in it`)
  const items: Item[] = []
  const folders = new Set<string>()
  const repositories = new Set<string>()
  let directory = 0
  for await (const entry of zip.eachEntry()) {
    directory += entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
    if (directory > DIRECTORY_LIMIT) throw new Error(`more than ${DIRECTORY_LIMIT} bytes of names in it`)
    const { name, flaw } = nameOf(entry)
    const clean = cleanPath(name)
    const parts = clean.path.split('/')
    if (parts.includes('.git')) repositories.add(parts.slice(0, parts.indexOf('.git')).join('/'))
    if (parts.some(isLeftBehind)) continue
    if (/[\\/]$/.test(name) || typeOf(entry) === DIRECTORY) folders.add(clean.path)
    else items.push(itemOf(zip, entry, clean.path, clean.flaw ?? flaw ?? kindFlaw(entry)))
  }
  return { items: items.sort(byPath), folders, repositories }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })
/** The name says whether it is UTF-8, but many tools forget to: what can be UTF-8 is taken for it. */
function nameOf(entry: ZipEntry): { readonly name: string; readonly flaw?: Flaw } {
  try {
    return { name: UTF8.decode(entry.fileNameRaw) }
  } catch {
    const name = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true)
    const flaw = { expected: 'has a name in UTF-8, as its archive says', got: 'a name that is not UTF-8' }
    return entry.generalPurposeBitFlag & UTF8_FLAG ? { name, flaw } : { name }
  }
}
// PKWARE APPNOTE §4.4.4, general purpose bit flag; §4.4.5, compression method
const UTF8_FLAG = 0x800
const STORED = 0
const DEFLATED = 8
// Unix file types, in the upper half of the external attributes
const DIRECTORY = 0o040000
const REGULAR = 0o100000
const LINK = 0o120000
const typeOf = ({ externalFileAttributes }: ZipEntry): number => (externalFileAttributes >>> 16) & 0o170000

function kindFlaw(entry: ZipEntry): Flaw | undefined {
  const type = typeOf(entry)
  if (type === LINK) return { expected: 'is a file', got: 'a symbolic link, which is not followed' }
  if (type !== 0 && type !== REGULAR) return { expected: 'is a file', got: 'something else' }
  if (entry.isEncrypted()) return { expected: 'can be read without a password', got: 'encrypted' }
  const method = entry.compressionMethod
  if (method === STORED || method === DEFLATED) return undefined
  return { expected: 'is stored or deflated', got: `packed with method ${method}, which is not read` }
}

function itemOf(zip: ZipFile, entry: ZipEntry, path: string, flaw: Flaw | undefined): Item {
  return {
    path,
    ...(flaw && { flaw }),
    async read(limit) {
      try {
        return judged(path, entry, await bytesOf(zip, entry, limit), limit)
      } catch (error) {
        return unusable(path, 'can be unpacked', whyNot(error))
      }
    },
  }
}
const unpack = promisify(inflateRaw)
/** @returns the bytes, at most `limit`; undefined if there are more. The sizes that the archive tells are not believed. */
async function bytesOf(zip: ZipFile, entry: ZipEntry, limit: number): Promise<Uint8Array | undefined> {
  // deflate may add a little to what cannot be packed
  if (entry.compressedSize > limit + limit / 8 + 64) return undefined
  const packed = await collected(zip, entry)
  if (entry.compressionMethod === STORED) return packed.length > limit ? undefined : packed
  try {
    return await unpack(packed, { maxOutputLength: limit })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined
    throw error
  }
}
async function collected(zip: ZipFile, entry: ZipEntry): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const stream = await zip.openReadStreamPromise(entry, { decodeFileData: false })
  for await (const chunk of stream) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}
function judged(path: string, entry: ZipEntry, bytes: Uint8Array | undefined, limit: number): Handed {
  if (!bytes) return unusable(path, `has at most ${limit} bytes`, 'more than that')
  const ratio = Math.floor(bytes.length / Math.max(1, entry.compressedSize))
  if (bytes.length > RATIO_FROM && ratio > RATIO_LIMIT)
    return unusable(path, `unpacks to at most ${RATIO_LIMIT} times its size`, `${ratio} times: a zip bomb`)
  if (bytes.length !== entry.uncompressedSize)
    return unusable(path, `has ${entry.uncompressedSize} bytes, as its archive says`, `${bytes.length} bytes`)
  if (crc32(bytes) !== entry.crc32)
    return unusable(path, 'is undamaged', 'bytes that its checksum does not fit')
  return bytes
}
