// A machine's state as plain data: what an image holds, and its hash.

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { STATE_SLOTS } from './cpu/state.ts'
import type { Saved } from './devices/device.ts'
import type { Stop } from './machine.ts'

/** Everything a machine is. Survives structured cloning; makes no reference into the machine. */
export interface MachineImage {
  readonly version: 1
  readonly memoryBytes: number
  readonly instructionsPerSecond: number
  /** The CPU block's state slots, in the order of cpu/state.ts. */
  readonly cpu: BigUint64Array
  /** Guest RAM; index = physical address. */
  readonly ram: Uint8Array
  /** The architectural TLB, four words an entry. */
  readonly tlb: Int32Array
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
  must(image.version === 1, `version must be 1, got ${String(image.version)}`)
  must(
    Number.isSafeInteger(image.memoryBytes) && image.memoryBytes > 0,
    'memoryBytes must be a positive integer',
  )
  must(
    image.ram instanceof Uint8Array && image.ram.length === image.memoryBytes,
    'ram must hold memoryBytes bytes',
  )
  must(
    image.cpu instanceof BigUint64Array && image.cpu.length === STATE_SLOTS,
    `cpu must hold ${STATE_SLOTS} slots`,
  )
  must(image.tlb instanceof Int32Array && image.tlb.length % 4 === 0, 'tlb must hold four words an entry')
  must(
    Number.isSafeInteger(image.time) && Number.isSafeInteger(image.retired),
    'time and retired must be integers',
  )
  return image
}

/** SHA-256, in hex, over CPU state, RAM, TLB, devices, time and stop. Little-endian hosts only, as typed arrays are. */
export function hashState(image: MachineImage): string {
  const hash = sha256.create()
  const bytes = (array: BigUint64Array | Int32Array): Uint8Array =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
  hash.update(bytes(image.cpu))
  hash.update(image.ram)
  hash.update(bytes(image.tlb))
  const { memoryBytes, instructionsPerSecond, devices, time, retired } = image
  hash.update(
    utf8ToBytes(
      JSON.stringify({
        memoryBytes,
        instructionsPerSecond,
        devices,
        time,
        retired,
        stop: image.stop?.reason ?? null,
      }),
    ),
  )
  return bytesToHex(hash.digest())
}
