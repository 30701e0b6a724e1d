// A small file system in memory, to be read. Handout: fs.h, in so far as the extra credit needs it.

import type { u64 } from '@pagewalk/machine/x86-64'
import { malloc } from './kmem.ts'
import { FS_OFFSETS, FS_OFFSETS_ADDR, FS_READS_ADDR } from './layout.ts'
import { ring0 } from './ring0.ts'

/** What a file is made of at boot. */
export interface FileImage {
  readonly name: string
  readonly bytes: Uint8Array
}
/** `nk_fs_fd_t`: an open file. */
export interface NkFile {
  readonly name: string
  /** In bytes. */
  readonly size: u64
}

const KMEM_FILE = 8
const text = (words: string): Uint8Array => Uint8Array.from(words, (c) => c.charCodeAt(0))
const DEFAULT_FILES: readonly FileImage[] = [
  { name: 'hello.txt', bytes: text('Hello from a file in memory.\n') },
  { name: 'numbers.txt', bytes: text(Array.from({ length: 1200 }, (_, n) => `line ${n}\n`).join('')) },
]
/** Where the contents lie in memory. */
let contents = new Map<NkFile, number>()

/** Put the files into memory. */
export function fsInit(files: readonly FileImage[] = DEFAULT_FILES): void {
  contents = new Map()
  ring0.fill(FS_READS_ADDR, 0, 8)
  ring0.fill(FS_OFFSETS_ADDR, 0, FS_OFFSETS * 8)
  for (const { name, bytes } of files) {
    const at = Number(malloc(bytes.length, KMEM_FILE))
    if (at === 0) throw new Error(`fsInit: there must be memory for ${name}`)
    ring0.writeBytes(at, bytes)
    contents.set(Object.freeze({ name, size: BigInt(bytes.length) }), at)
  }
}
/** Names of all files. */
export const fsNames = (): string[] => [...contents.keys()].map(({ name }) => name)
/** `nk_fs_open(name)` @returns the file, or null if there is none of this name */
export function nkFsOpen(name: string): NkFile | null {
  return [...contents.keys()].find((file) => file.name === name) ?? null
}
/**
 * `nk_fs_read(fd, offset, paddr, length)`
 *
 * Copy bytes of a file to physical memory.
 *
 * @param offset  in the file
 * @param paddr   the kernel's memory, at its own addresses
 * @returns       how many bytes: fewer than `length` at the end of the file, 0 behind it
 */
export function nkFsRead(file: NkFile, offset: u64, paddr: u64, length: u64): u64 {
  const at = contents.get(file)
  if (at === undefined || offset < 0n || offset >= file.size) return 0n
  const left = file.size - offset
  const count = left < length ? left : length
  const reads = ring0.read32(FS_READS_ADDR)
  ring0.write64(FS_OFFSETS_ADDR + (reads % FS_OFFSETS) * 8, offset)
  ring0.write32(FS_READS_ADDR, reads + 1)
  ring0.copy(paddr, at + Number(offset), Number(count))
  return count
}
