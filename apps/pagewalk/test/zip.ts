// Reads a zip with another library than the one that writes it.

import { createRequire } from 'node:module'
import { buffer } from 'node:stream/consumers'

/** The part of yauzl that is used; intake has it. */
interface Opened {
  on(event: 'entry', listener: (entry: Raw) => void): void
  on(event: 'end', listener: () => void): void
  on(event: 'error', listener: (error: Error) => void): void
  readEntry(): void
  openReadStream(entry: Raw, done: (error: Error | null, stream: NodeJS.ReadableStream) => void): void
}
interface Raw {
  readonly fileName: string
  readonly externalFileAttributes: number
}
interface Yauzl {
  fromBuffer(
    bytes: Buffer,
    options: { lazyEntries: true },
    done: (error: Error | null, zip: Opened) => void,
  ): void
}
const { fromBuffer } = createRequire(import.meta.resolve('@pagewalk/intake'))('yauzl') as Yauzl

export interface Entry {
  readonly contents: Buffer
  /** Type and permissions, as Unix has them. */
  readonly mode: number
}
/** By path, in the zip's order. */
export function entriesOf(zip: Buffer): Promise<Map<string, Entry>> {
  const entries = new Map<string, Entry>()
  return new Promise((resolve, reject) => {
    fromBuffer(zip, { lazyEntries: true }, (failure, opened) => {
      if (failure) return reject(failure)
      opened.on('error', reject)
      opened.on('end', () => resolve(entries))
      opened.on('entry', (entry) => {
        opened.openReadStream(entry, (error, stream) => {
          if (error) return reject(error)
          buffer(stream).then((contents) => {
            entries.set(entry.fileName, { contents, mode: entry.externalFileAttributes >>> 16 })
            opened.readEntry()
          }, reject)
        })
      })
      opened.readEntry()
    })
  })
}
