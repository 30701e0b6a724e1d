// A package's tarball as npm takes it: everything below `package/`. The same files, the same bytes.
// Source: POSIX.1-2017, pax, "ustar Interchange Format".

import { gzipSync } from 'node:zlib'
import type { PackageFiles } from './package.ts'

const BLOCK = 512
/** What npm writes, too: no clock is in a tarball. Seconds since 1970. */
const MTIME = Date.UTC(1985, 9, 26, 8, 15) / 1000

export function tarball(files: PackageFiles): Uint8Array {
  const entries = [...files].flatMap(([path, { contents, executable }]) => [
    header(`package/${path}`, contents.length, executable ? 0o755 : 0o644),
    contents,
    Buffer.alloc(-contents.length & (BLOCK - 1)),
  ])
  const zipped = gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * BLOCK)]), { level: 9 })
  zipped[9] = 255 // the host's operating system: unknown
  return zipped
}

function header(path: string, size: number, mode: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const [prefix, name] = split(path)
  const octal = (value: number, at: number, digits: number): number =>
    block.write(value.toString(8).padStart(digits, '0'), at, 'latin1')
  block.write(name, 0)
  octal(mode, 100, 7)
  octal(0, 108, 7) // user
  octal(0, 116, 7) // group
  octal(size, 124, 11)
  octal(MTIME, 136, 11)
  block.fill(' ', 148, 156) // the checksum counts itself as blanks
  block.write('0', 156) // a file
  block.write('ustar\x0000', 257, 'latin1')
  block.write(prefix, 345)
  const sum = block.reduce((total, byte) => total + byte, 0)
  octal(sum, 148, 6)
  block[154] = 0
  return block
}
/** A path of more than 100 characters is told in two parts. @throws Error if it is too long for that, or not ASCII */
function split(path: string): [prefix: string, name: string] {
  const at = path.length <= 100 ? -1 : path.indexOf('/', path.length - 101)
  const [prefix, name] = [path.slice(0, Math.max(at, 0)), path.slice(at + 1)]
  if (!/^[ -~]+$/.test(path) || name.length > 100 || prefix.length > 155)
    throw new Error(`${path}: expected a path of ASCII that a header has room for`)
  return [prefix, name]
}
