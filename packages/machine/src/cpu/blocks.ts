// Compiled straight lines of code, found by where their bytes lie in physical memory.

import type { Meaning } from './builder.ts'

export interface Block {
  /** Linear address of the first instruction; constants in the code depend on it. */
  readonly lo: number
  readonly hi: number
  readonly mode: number
  /** Physical page; -1: dropped. */
  page: number
  /** What it was compiled from, a copy; empty if it crosses pages. */
  readonly bytes: Uint8Array
  /** Physical page of the other bytes if the block is one instruction that crosses pages, else -1. */
  readonly second: number
  /** Where its micro-operations begin, and those of each instruction. */
  readonly start: number
  readonly starts: readonly number[]
  readonly line: readonly Meaning[]
  readonly length: number
  /** Instructions that retire: a system instruction at the end does not, the machine counts it. */
  readonly retires: number
}

/** No block: no address leads to it. */
export const NOWHERE: Block = {
  lo: 0,
  hi: 0,
  mode: -1,
  page: -1,
  bytes: new Uint8Array(0),
  second: -1,
  start: 0,
  starts: [],
  line: [],
  length: 0,
  retires: 0,
}

/** Dropped blocks that are kept for one key, the latest. */
const FORMER = 4

/** Blocks by physical address, for one limit of their length. */
export class Blocks {
  /** Key: physical address and mode in one number. A page may be mapped at several linear addresses. */
  private readonly byAddress = new Map<number, Block[]>()
  private readonly byPage = new Map<number, Set<number>>()
  /** Dropped with their page, whose other bytes may be all that changed: to compare is quicker than to compile. */
  private readonly former = new Map<number, Block[]>()

  find(key: number, lo: number, hi: number): Block | undefined {
    return this.byAddress.get(key)?.find((b) => b.lo === lo && b.hi === hi)
  }
  add(key: number, block: Block): void {
    const there = this.byAddress.get(key)
    if (there) there.push(block)
    else this.byAddress.set(key, [block])
    this.own(block.page, key)
    if (block.second >= 0) this.own(block.second, key)
  }
  private own(page: number, key: number): void {
    const keys = this.byPage.get(page)
    if (keys) keys.add(key)
    else this.byPage.set(page, new Set([key]))
  }
  dropPage(page: number): void {
    for (const key of this.byPage.get(page) ?? []) {
      for (const block of this.byAddress.get(key) ?? []) this.setAside(key, block)
      this.byAddress.delete(key)
    }
    this.byPage.delete(page)
  }
  dropAll(): void {
    for (const page of [...this.byPage.keys()]) this.dropPage(page)
  }
  private setAside(key: number, block: Block): void {
    block.page = -1
    if (block.second >= 0) return
    const there = this.former.get(key)
    if (!there) this.former.set(key, [block])
    else if (there.push(block) > FORMER) there.shift()
  }
  /** A dropped block whose bytes are at `host` of `memory` again; it is back then. @param page  that `host` lies in */
  revive(
    key: number,
    lo: number,
    hi: number,
    memory: Uint8Array,
    host: number,
    page: number,
  ): Block | undefined {
    const there = this.former.get(key)
    const at =
      there?.findIndex(
        (b) => b.lo === lo && b.hi === hi && b.bytes.every((byte, i) => memory[host + i] === byte),
      ) ?? -1
    if (at < 0) return undefined
    const [block] = there!.splice(at, 1) as [Block]
    block.page = page
    this.add(key, block)
    return block
  }
  clear(): void {
    this.byAddress.clear()
    this.byPage.clear()
    this.former.clear()
  }
}
