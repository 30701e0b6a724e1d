// A machine's state as plain data: what an image holds, and its hash.

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { CPUS_MOST, STATE_SLOTS } from './cpu/state.ts'
import type { Saved } from './devices/device.ts'
import type { Stop } from './stop.ts'
import type { SavedTurns } from './turns.ts'

/** Everything a machine is. Survives structured cloning; makes no reference into the machine. */
export interface MachineImage {
  readonly version: 2
  readonly memoryBytes: number
  readonly instructionsPerSecond: number
  /** The CPU blocks' state slots, one CPU behind the other, in the order of cpu/state.ts. */
  readonly cpus: BigUint64Array
  readonly started: readonly boolean[]
  readonly turns: SavedTurns
  /** The numbers of the physical pages that are not all zeros, ascending. */
  readonly pages: Uint32Array
  /** Their bytes, 4096 each. */
  readonly ram: Uint8Array
  /** Each CPU's architectural TLB, four words an entry. */
  readonly tlbs: readonly Int32Array[]
  readonly devices: { readonly [name: string]: Saved }
  readonly time: number
  readonly retired: number
  readonly stop: Stop | null
}

/** @returns `image`. @throws Error if it is not whole: sizes and counts are checked, for it may come from elsewhere */
export function parseImage(image: MachineImage): MachineImage {
  const must = (holds: boolean, what: string): void => {
    if (!holds) throw new Error(`machine image: ${what}`)
  }
  must(image.version === 2, `version must be 2, got ${String(image.version)}`)
  must(
    Number.isSafeInteger(image.memoryBytes) && image.memoryBytes > 0,
    'memoryBytes must be a positive integer',
  )
  const { cpus, pages, ram, started, tlbs, turns } = image
  const last = image.memoryBytes / 4096
  must(
    pages instanceof Uint32Array &&
      pages.every((page, i) => page < last && (i === 0 || page > pages[i - 1]!)),
    'pages must be numbers of pages in memory, ascending',
  )
  must(
    ram instanceof Uint8Array && ram.length === pages.length * 4096,
    'ram must hold 4096 bytes for each page',
  )
  must(
    Array.isArray(tlbs) && tlbs.length >= 1 && tlbs.length <= CPUS_MOST,
    `tlbs must be those of 1 to ${CPUS_MOST} CPUs`,
  )
  must(
    tlbs.every((tlb: unknown) => tlb instanceof Int32Array && tlb.length % 4 === 0),
    'a TLB must hold four words an entry',
  )
  must(
    cpus instanceof BigUint64Array && cpus.length === tlbs.length * STATE_SLOTS,
    `cpus must hold ${STATE_SLOTS} slots for each CPU`,
  )
  must(Array.isArray(started) && started.length === tlbs.length, 'started must tell it of each CPU')
  must(
    [turns?.cpu, turns?.end, turns?.quantum, turns?.state].every(Number.isSafeInteger) &&
      turns.cpu >= 0 &&
      turns.cpu < tlbs.length,
    'turns must tell whose turn it is',
  )
  must(
    Number.isSafeInteger(image.time) && Number.isSafeInteger(image.retired),
    'time and retired must be integers',
  )
  return image
}

/** A SHA-256 that is being computed. */
export interface Hasher {
  update(bytes: Uint8Array): unknown
  /** The hash of all that was given. */
  digest(): Uint8Array
}
/**
 * SHA-256, in hex, over CPUs, RAM, TLBs, devices, time and stop. Little-endian hosts only, as typed arrays are.
 *
 * @param hash  the host's own, which may be quicker
 */
export function hashState(image: MachineImage, hash: Hasher = sha256.create()): string {
  const bytes = (array: BigUint64Array | Int32Array | Uint32Array): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  hash.update(bytes(image.cpus))
  hash.update(bytes(image.pages))
  hash.update(image.ram)
  for (const tlb of image.tlbs) hash.update(bytes(tlb))
  const { memoryBytes, instructionsPerSecond, started, turns, devices, time, retired } = image
  hash.update(
    utf8ToBytes(
      JSON.stringify({
        memoryBytes,
        instructionsPerSecond,
        started,
        turns,
        devices,
        time,
        retired,
        stop: image.stop?.reason ?? null,
      }),
    ),
  )
  return bytesToHex(hash.digest())
}
