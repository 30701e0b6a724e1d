// What the probes share. A probe is a thread of the booted kernel that uses the abstraction as a shell does, and keeps
// what it saw: return values as notes, the machine as images. It runs beside the student's code, but it is not the
// student's to reach: nothing in lib knows it, and what it keeps is judged elsewhere (checks/).

import {
  callMachine,
  NK_ASPACE_EAGER,
  NK_ASPACE_EXEC,
  NK_ASPACE_KERN,
  NK_ASPACE_READ,
  NK_ASPACE_WRITE,
  type NkAspace,
  type NkAspaceRegion,
  nkAspaceAddRegion,
  nkAspaceCreate,
  nkAspaceDestroy,
  nkAspaceMoveRegion,
  nkAspaceMoveThread,
  nkAspaceProtectRegion,
  nkAspaceQuery,
  nkAspaceRemoveRegion,
  readByte,
  readCr0,
  readCr3,
  ring0,
  type Status,
  type Thread,
  writeByte,
  writeCr0,
} from '@pagewalk/nautilus-aspace/lib/kernel.ts'
import type { Mode } from './operations.ts'
import { LOW_BYTES, MARKED, markOf } from './places.ts'

/** What the grader gives this boot and nobody else. */
export interface Host {
  note(tag: string, ...words: bigint[]): void
  image(label: string): void
}
/** What a scenario asks for; plain data. */
export interface ProbeConfig {
  readonly probe: string
  /** Where a probe's choices come from. */
  readonly seed?: number
  /** Which of a probe's variants. */
  readonly variant?: number
  /** How many operations, and of which kinds. */
  readonly steps?: number
  readonly mode?: Mode
}
export type ProbeBody = (p: Probe, config: ProbeConfig) => Thread

/** The probe cannot go on: what it needs was refused. Ends the probe, not the machine. */
export class Abandoned extends Error {}

export const R: number = NK_ASPACE_READ
export const RW: number = NK_ASPACE_READ | NK_ASPACE_WRITE
export const RX: number = NK_ASPACE_READ | NK_ASPACE_EXEC
export const RWX: number = NK_ASPACE_READ | NK_ASPACE_WRITE | NK_ASPACE_EXEC
export const EAGER: number = NK_ASPACE_EAGER
export const KERN: number = NK_ASPACE_KERN
const PAGE = 4096n

/** A fresh region object: it belongs to the caller. */
export function region(vaStart: bigint, paStart: bigint, pages: number, flags: number): NkAspaceRegion {
  return { vaStart, paStart, lenBytes: BigInt(pages) * PAGE, protect: { flags } }
}
/** The low part of memory at its own addresses: what a thread needs to live in a space. */
export const low = (): NkAspaceRegion => region(0n, 0n, LOW_BYTES / 4096, RWX | KERN | EAGER)

export class Probe {
  readonly #host: Host
  /** Tags of calls that returned 0. */
  readonly accepted: Set<string> = new Set()
  constructor(host: Host) {
    this.#host = host
  }
  note(tag: string, ...words: (bigint | number)[]): void {
    this.#host.note(tag, ...words.map((word) => BigInt.asUintN(64, BigInt(word))))
  }
  image(label: string): void {
    this.#host.image(label)
  }
  /** Note what a call of the abstraction returned: 0, 1 for -1, 2 for anything else. @returns true if it was 0 */
  told(tag: string, status: Status | undefined): boolean {
    this.note(tag, status === 0 ? 0n : status === -1 ? 1n : 2n)
    if (status === 0) this.accepted.add(tag)
    return status === 0
  }

  /** A new space of the student's implementation. @throws Abandoned if there is none */
  create(name: string): NkAspace {
    const chars = { granularity: 0n, alignment: 0n }
    nkAspaceQuery('paging', chars)
    const space = nkAspaceCreate('paging', name, chars)
    this.note(`create ${name}`, space ? 0n : 1n)
    if (!space) throw new Abandoned('create')
    return space
  }
  /** A new space with the low part of memory. */
  living(name: string): NkAspace {
    const space = this.create(name)
    if (!this.told(`low ${name}`, nkAspaceAddRegion(space, low()))) throw new Abandoned('low')
    return space
  }
  /** Move this thread there, and note the CR3 that is then in force. */
  move(space: NkAspace | null, tag: string): void {
    nkAspaceMoveThread(space)
    this.note(`cr3 ${tag}`, readCr3())
  }
  /** A new space, with the low part of memory and this thread in it. */
  home(name = 'probe'): NkAspace {
    const space = this.living(name)
    this.move(space, name)
    return space
  }
  add(space: NkAspace, what: NkAspaceRegion, tag: string): boolean {
    return this.told(tag, nkAspaceAddRegion(space, what))
  }
  /** @throws Abandoned if it is refused */
  must(space: NkAspace, what: NkAspaceRegion, tag: string): void {
    if (!this.add(space, what, tag)) throw new Abandoned(tag)
  }
  remove(space: NkAspace, what: NkAspaceRegion, tag: string): boolean {
    return this.told(tag, nkAspaceRemoveRegion(space, what))
  }
  /** To other rights; the region object that is handed over is a copy. */
  protect(space: NkAspace, what: NkAspaceRegion, flags: number, tag: string): boolean {
    return this.told(tag, nkAspaceProtectRegion(space, copyOf(what), { flags }))
  }
  /** To another physical address. */
  moveRegion(space: NkAspace, what: NkAspaceRegion, paStart: bigint, tag: string): boolean {
    return this.told(tag, nkAspaceMoveRegion(space, copyOf(what), { ...copyOf(what), paStart }))
  }
  destroy(space: NkAspace, tag: string): boolean {
    return this.told(tag, nkAspaceDestroy(space))
  }
  /** Supervisor writes obey W from now on. */
  setWp(): void {
    writeCr0(readCr0() | 0x1_0000n)
  }
  /** The body of a further thread: like the probe's own, it may be abandoned. */
  guarded(body: () => Thread): () => Thread {
    const note = (): void => this.note('abandoned')
    return function* guarded() {
      try {
        yield* body()
      } catch (thrown) {
        if (!(thrown instanceof Abandoned)) throw thrown
        note()
      }
    }
  }
  /** Read a byte by machine code, and note where and what. */
  *read(va: bigint, tag = 'read'): Thread {
    this.note(tag, va, yield* readByte(va))
  }
  /** Give physical pages contents that tell them apart; in the default address space only. @param only  of these pages */
  mark(
    pa: bigint,
    pages: number,
    only: readonly number[] = Array.from({ length: pages }, (_, page) => page),
  ): void {
    for (const page of only) {
      const at = Number(pa) + page * 4096
      for (const offset of MARKED) ring0.write8(at + offset, markOf(BigInt(at + offset)))
    }
  }
  *write(va: bigint, value: number): Thread {
    yield* writeByte(va, value)
  }
}
export const copyOf = (what: NkAspaceRegion): NkAspaceRegion => ({ ...what, protect: { ...what.protect } })
export { callMachine, PAGE }
